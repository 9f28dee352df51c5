-- The company sees list prices: nothing here reads what was billed, contracted or effective.
WITH period_rates AS (
    SELECT
        currency,
        CAST(rate AS DECIMAL(10, 8)) AS rate
    FROM rates
    CROSS JOIN parameters
    WHERE
        rates.kind = 'period'
        AND rates.day = CAST(parameters.month_start AS DATE)
),

passed_through AS (
    SELECT
        charge_pools.x_pool AS pool,
        charge_pools.ServiceName AS service,
        charge_pools.ResourceId AS resource,
        charge_pools.ChargePeriodStart AS started_at,
        charge_pools.ListCost AS list_cost,
        charge_pools.ListUnitPrice AS list_unit_price,
        charge_pools.BillingCurrency AS billing_currency,
        COALESCE(charge_pools.SubAccountId, 'unassigned') AS tenant,
        COALESCE(JSON_TEXT(charge_pools.Tags, 'department'), JSON_TEXT(charge_pools.Tags, 'user:department')) AS tag,
        TRY_CAST(charge_pools.ConsumedQuantity AS DECIMAL(19, 9)) AS consumed,
        COALESCE(charge_pools.ConsumedUnit, '') AS consumed_unit,
        TRY_CAST(charge_pools.PricingQuantity AS DECIMAL(19, 9)) AS priced,
        COALESCE(charge_pools.PricingUnit, '') AS pricing_unit
    FROM charge_pools
    CROSS JOIN parameters
    WHERE
        charge_pools.x_period = parameters.period
        AND charge_pools.x_pool_kind = 'direct'
        AND charge_pools.x_restates IS NULL
        AND charge_pools.ChargeCategory = 'Usage'
        AND COALESCE(charge_pools.ChargeClass, '') <> 'Correction'
        -- A vendor's month may begin before the one of UTC, as in UTC+8.
        AND charge_pools.ChargePeriodStart >= LEAST(parameters.month_start, charge_pools.BillingPeriodStart)
)

SELECT
    parameters.period,
    COALESCE(departments.department, tenants.department, 'unassigned') AS department,
    passed_through.tenant,
    passed_through.pool,
    passed_through.pool AS product,
    passed_through.service AS meter,
    passed_through.resource,
    passed_through.started_at,
    COALESCE(passed_through.consumed, passed_through.priced, CAST(0 AS DECIMAL(19, 9))) AS quantity,
    CASE
        WHEN passed_through.consumed IS NOT NULL THEN passed_through.consumed_unit
        WHEN passed_through.priced IS NOT NULL THEN passed_through.pricing_unit
        ELSE ''
    END AS unit,
    COALESCE(
        TRY_CAST(
            CAST(passed_through.list_unit_price AS DECIMAL(27, 18)) * period_rates.rate AS DECIMAL(18, 9)
        ),
        CAST(0 AS DECIMAL(18, 9))
    ) AS price,
    CAST(CAST(passed_through.list_cost AS DECIMAL(27, 18)) * period_rates.rate AS DECIMAL(38, 18)) AS amount,
    parameters.reporting_currency AS currency,
    'direct' AS kind,
    FALSE AS late
FROM passed_through
CROSS JOIN parameters
INNER JOIN period_rates
    ON passed_through.billing_currency = period_rates.currency
LEFT JOIN departments
    ON passed_through.tag = departments.department
LEFT JOIN tenants
    ON passed_through.tenant = tenants.tenant
