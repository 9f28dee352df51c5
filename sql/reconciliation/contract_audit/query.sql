WITH counted_lines AS (
    SELECT
        audited_charges.id,
        audited_charges.vendor,
        audited_charges.sku,
        audited_charges.region,
        audited_charges.resource,
        audited_charges.currency,
        audited_charges.x_source,
        audited_charges.x_delivery,
        audited_charges.x_row,
        audited_charges.started_at,
        audited_charges.quantity,
        audited_charges.billed_amount,
        CAST(SUM(audited_charges.quantity) OVER (
            PARTITION BY audited_charges.id
            ORDER BY
                audited_charges.started_at ASC,
                audited_charges.x_source ASC,
                audited_charges.x_delivery ASC,
                audited_charges.x_row ASC
            ROWS UNBOUNDED PRECEDING
        ) AS DECIMAL(38, 18)) AS quantity_to
    FROM audited_charges
    WHERE
        audited_charges.kind = 'line'
        AND audited_charges.verdict = 'tiered'
),

tiered_lines AS (
    SELECT
        counted_lines.id,
        counted_lines.vendor,
        counted_lines.sku,
        counted_lines.region,
        counted_lines.resource,
        counted_lines.currency,
        counted_lines.x_source,
        counted_lines.x_delivery,
        counted_lines.x_row,
        counted_lines.started_at,
        counted_lines.quantity,
        counted_lines.billed_amount,
        CAST(SUM(
            CAST(
                CAST(
                    CAST(contract_tiers.unit_price AS DECIMAL(19, 12))
                    * CAST(
                        LEAST(counted_lines.quantity_to, COALESCE(contract_tiers.tier_to, counted_lines.quantity_to))
                        - GREATEST(counted_lines.quantity_to - counted_lines.quantity, contract_tiers.tier_from)
                        AS DECIMAL(19, 9)
                    ) AS DECIMAL(27, 18)
                ) * CAST(contract_cards.rate AS DECIMAL(10, 8)) AS DECIMAL(38, 18)
            )
        ) AS DECIMAL(38, 18)) AS agreed_amount
    FROM counted_lines
    INNER JOIN contract_cards
        ON counted_lines.id = contract_cards.id
    INNER JOIN contract_tiers
        ON
            counted_lines.id = contract_tiers.id
            AND counted_lines.quantity_to > contract_tiers.tier_from
            AND counted_lines.quantity_to - counted_lines.quantity
            < COALESCE(contract_tiers.tier_to, counted_lines.quantity_to)
    GROUP BY
        counted_lines.id,
        counted_lines.vendor,
        counted_lines.sku,
        counted_lines.region,
        counted_lines.resource,
        counted_lines.currency,
        counted_lines.x_source,
        counted_lines.x_delivery,
        counted_lines.x_row,
        counted_lines.started_at,
        counted_lines.quantity,
        counted_lines.billed_amount
),

tiered_cards AS (
    SELECT
        tiered_lines.id,
        CASE WHEN SUM(tiered_lines.billed_amount) > SUM(tiered_lines.agreed_amount) THEN 'over' ELSE 'under' END
            AS direction
    FROM tiered_lines
    GROUP BY tiered_lines.id
    HAVING SUM(tiered_lines.billed_amount) <> SUM(tiered_lines.agreed_amount)
),

deviating_lines AS (
    SELECT
        audited_charges.pool,
        audited_charges.id,
        audited_charges.vendor,
        audited_charges.sku,
        audited_charges.region,
        audited_charges.resource,
        audited_charges.currency,
        audited_charges.x_source,
        audited_charges.x_delivery,
        audited_charges.x_row,
        audited_charges.started_at,
        audited_charges.quantity,
        audited_charges.billed_amount,
        audited_charges.agreed_amount,
        audited_charges.verdict AS direction
    FROM audited_charges
    WHERE
        audited_charges.kind = 'line'
        AND audited_charges.verdict <> 'tiered'
    UNION ALL
    SELECT
        '' AS pool,
        tiered_lines.id,
        tiered_lines.vendor,
        tiered_lines.sku,
        tiered_lines.region,
        tiered_lines.resource,
        tiered_lines.currency,
        tiered_lines.x_source,
        tiered_lines.x_delivery,
        tiered_lines.x_row,
        tiered_lines.started_at,
        tiered_lines.quantity,
        tiered_lines.billed_amount,
        tiered_lines.agreed_amount,
        tiered_cards.direction
    FROM tiered_lines
    INNER JOIN tiered_cards
        ON tiered_lines.id = tiered_cards.id
    WHERE tiered_lines.billed_amount <> tiered_lines.agreed_amount
)

SELECT
    deviating_lines.pool,
    deviating_lines.id AS card,
    deviating_lines.direction,
    deviating_lines.vendor,
    deviating_lines.sku,
    deviating_lines.region,
    deviating_lines.resource,
    deviating_lines.currency,
    deviating_lines.x_source,
    deviating_lines.x_delivery,
    deviating_lines.x_row,
    deviating_lines.started_at,
    deviating_lines.quantity,
    deviating_lines.billed_amount,
    deviating_lines.agreed_amount,
    CAST(deviating_lines.agreed_amount - deviating_lines.billed_amount AS DECIMAL(38, 18)) AS amount
FROM deviating_lines
