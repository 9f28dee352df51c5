WITH match_measures AS (
    SELECT named.measure
    FROM (VALUES ('list'), ('effective'), ('deviation')) AS named (measure)
),

component_sums AS (
    SELECT
        pool,
        component,
        period,
        currency,
        SUM(amount) AS amount
    FROM bridge
    GROUP BY GROUPING SETS (
        (pool, component, period, currency),
        (component, period, currency),
        (pool, period, currency)
    )
),

figures_of_all AS (
    SELECT
        kind,
        subject,
        unit,
        measure,
        is_list,
        amount
    FROM charge_figures
    UNION ALL
    SELECT
        'contract card' AS kind,
        id AS subject,
        currency AS unit,
        'unit price' AS measure,
        FALSE AS is_list,
        unit_price AS amount
    FROM contract_cards
    UNION ALL
    SELECT
        'contract card' AS kind,
        contract_tiers.id AS subject,
        contract_cards.currency AS unit,
        'unit price' AS measure,
        FALSE AS is_list,
        contract_tiers.unit_price AS amount
    FROM contract_tiers
    INNER JOIN contract_cards
        ON contract_tiers.id = contract_cards.id
    UNION ALL
    SELECT
        'bridge' AS kind,
        COALESCE(pool, 'all pools') || ' ' || period AS subject,
        currency AS unit,
        COALESCE(component, 'deviation') AS measure,
        FALSE AS is_list,
        amount
    FROM component_sums
    UNION ALL
    SELECT
        'match' AS kind,
        matches.resource || ' ' || matches.period AS subject,
        matches.currency AS unit,
        match_measures.measure,
        match_measures.measure = 'list' AS is_list,
        CASE match_measures.measure
            WHEN 'list' THEN matches.list_cost
            WHEN 'effective' THEN matches.effective_cost
            ELSE matches.amount
        END AS amount
    FROM matches
    CROSS JOIN match_measures
)

SELECT
    kind,
    subject,
    unit,
    measure,
    is_list,
    CAST(ABS(amount) AS DECIMAL(38, 18)) AS amount
FROM figures_of_all
WHERE amount <> 0
