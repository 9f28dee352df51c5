WITH tag_places AS (
    SELECT
        COALESCE(BOOL_OR(place = 'SubAccountId'), FALSE) AS sub_accounts,
        COALESCE(BOOL_OR(place = 'BillingAccountId'), FALSE) AS billing_accounts
    FROM tag_steps
),

charges AS (
    SELECT
        charge_pools.x_source,
        charge_pools.x_period,
        charge_pools.x_delivery || '#' || CAST(charge_pools.x_row AS VARCHAR) AS charge,
        charge_pools.BillingCurrency AS unit,
        CAST(period_rates.rate AS DECIMAL(10, 8)) AS rate,
        COALESCE(charge_pools.x_pool, 'unassigned') AS pool,
        COALESCE(charge_pools.ResourceId, '') AS resource,
        COALESCE(charge_pools.SkuMeter, charge_pools.SkuId, '') AS sku,
        charge_pools.ServiceName AS service,
        COALESCE(charge_pools.SubAccountId, '') AS account,
        COALESCE(tag_owners.department, 'unassigned') AS department,
        charge_pools.BilledCost AS billed,
        charge_pools.EffectiveCost AS effective,
        charge_pools.ContractedCost AS contracted,
        charge_pools.ListCost AS list_cost,
        charge_pools.ContractedUnitPrice AS contracted_price,
        charge_pools.ListUnitPrice AS list_price
    FROM charge_pools
    CROSS JOIN tag_places
    LEFT JOIN period_rates
        ON
            charge_pools.x_period = period_rates.period
            AND charge_pools.BillingCurrency = period_rates.currency
    LEFT JOIN tag_owners
        ON
            COALESCE(charge_pools.Tags, '') = tag_owners.tags
            AND CASE WHEN tag_places.sub_accounts THEN COALESCE(charge_pools.SubAccountId, '') ELSE '' END
            = tag_owners.sub_account_id
            AND CASE WHEN tag_places.billing_accounts THEN COALESCE(charge_pools.BillingAccountId, '') ELSE '' END
            = tag_owners.billing_account_id
),

-- Statements, bridges and pages are in the reporting currency, at the period's rate.
valued AS (
    SELECT
        charges.x_source,
        charges.x_period,
        charges.charge,
        charges.pool,
        charges.resource,
        charges.sku,
        charges.service,
        charges.account,
        charges.department,
        charges.unit,
        charges.billed,
        charges.effective,
        charges.contracted,
        charges.list_cost,
        charges.contracted_price,
        charges.list_price
    FROM charges
    UNION ALL
    SELECT
        charges.x_source,
        charges.x_period,
        charges.charge,
        charges.pool,
        charges.resource,
        charges.sku,
        charges.service,
        charges.account,
        charges.department,
        'reporting' AS unit,
        CAST(CAST(charges.billed AS DECIMAL(27, 18)) * charges.rate AS DECIMAL(38, 18)) AS billed,
        CAST(CAST(charges.effective AS DECIMAL(27, 18)) * charges.rate AS DECIMAL(38, 18)) AS effective,
        CAST(CAST(charges.contracted AS DECIMAL(27, 18)) * charges.rate AS DECIMAL(38, 18)) AS contracted,
        CAST(CAST(charges.list_cost AS DECIMAL(27, 18)) * charges.rate AS DECIMAL(38, 18)) AS list_cost,
        CAST(CAST(charges.contracted_price AS DECIMAL(27, 18)) * charges.rate AS DECIMAL(38, 18)) AS contracted_price,
        CAST(CAST(charges.list_price AS DECIMAL(27, 18)) * charges.rate AS DECIMAL(38, 18)) AS list_price
    FROM charges
    WHERE charges.rate IS NOT NULL
),

sums AS (
    SELECT
        unit,
        x_period AS period,
        CASE
            WHEN GROUPING(resource) = 0 THEN 'resource'
            WHEN GROUPING(sku) = 0 THEN 'sku'
            WHEN GROUPING(service) = 0 THEN 'service'
            WHEN GROUPING(account) = 0 THEN 'account'
            WHEN GROUPING(x_source) = 0 THEN 'source'
            WHEN GROUPING(pool) = 0 THEN 'pool'
            WHEN GROUPING(department) = 0 THEN 'department'
            ELSE 'period'
        END AS kind,
        COALESCE(resource, sku, service, account, x_source, pool, department, '') AS name,
        SUM(billed) AS billed,
        SUM(effective) AS effective,
        SUM(contracted) AS contracted,
        SUM(list_cost) AS list_cost
    FROM valued
    GROUP BY GROUPING SETS (
        (unit, resource, x_period),
        (unit, resource),
        (unit, sku, x_period),
        (unit, sku),
        (unit, service, x_period),
        (unit, service),
        (unit, account, x_period),
        (unit, account),
        (unit, x_source, x_period),
        (unit, x_source),
        (unit, pool, x_period),
        (unit, pool),
        (unit, department, x_period),
        (unit, department),
        (unit, x_period),
        (unit)
    )
),

amounts AS (
    SELECT
        kind,
        name || ' ' || COALESCE(period, 'all periods') AS subject,
        unit,
        billed,
        effective,
        contracted,
        list_cost
    FROM sums
    UNION ALL
    SELECT
        'charge' AS kind,
        charge AS subject,
        unit,
        billed,
        effective,
        contracted,
        list_cost
    FROM valued
),

measures AS (
    SELECT named.measure
    FROM (
        VALUES
        ('billed'), ('effective'), ('contracted'), ('list'),
        ('list - billed'), ('list - effective'), ('list - contracted')
    ) AS named (measure)
),

measured AS (
    SELECT
        amounts.kind,
        amounts.subject,
        amounts.unit,
        measures.measure,
        CASE measures.measure
            WHEN 'billed' THEN amounts.billed
            WHEN 'effective' THEN amounts.effective
            WHEN 'contracted' THEN amounts.contracted
            WHEN 'list' THEN amounts.list_cost
            WHEN 'list - billed' THEN amounts.list_cost - amounts.billed
            WHEN 'list - effective' THEN amounts.list_cost - amounts.effective
            WHEN 'list - contracted' THEN amounts.list_cost - amounts.contracted
        END AS amount
    FROM amounts
    CROSS JOIN measures
    UNION ALL
    SELECT DISTINCT
        'unit price' AS kind,
        sku || ' at list price ' || CAST(list_price AS VARCHAR) AS subject,
        unit,
        'contracted' AS measure,
        contracted_price AS amount
    FROM valued
    UNION ALL
    SELECT DISTINCT
        'unit price' AS kind,
        sku || ' at list price ' || CAST(list_price AS VARCHAR) AS subject,
        unit,
        'list' AS measure,
        list_price AS amount
    FROM valued
)

SELECT
    kind,
    subject,
    unit,
    measure,
    measure = 'list' AS is_list,
    CAST(ABS(amount) AS DECIMAL(38, 18)) AS amount
FROM measured
WHERE amount <> 0
