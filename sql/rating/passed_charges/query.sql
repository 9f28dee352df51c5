-- The company sees list prices: nothing here reads what was billed, contracted or effective.
WITH period_rates AS (
    SELECT
        rates.currency,
        CAST(rates.rate AS DECIMAL(10, 8)) AS rate
    FROM rates
    CROSS JOIN parameters
    WHERE
        rates.kind = 'period'
        AND rates.day = CAST(parameters.month_start AS DATE)
)

SELECT
    charge_pools.x_pool AS pool,
    charge_pools.x_pool_kind AS pool_kind,
    charge_pools.ProviderName AS provider,
    charge_pools.ServiceName AS service,
    charge_pools.ResourceId AS resource,
    charge_pools.BillingAccountId AS billing_account,
    charge_pools.SubAccountId AS sub_account,
    charge_pools.Tags AS tags,
    charge_pools.ChargePeriodStart AS started_at,
    TRY_CAST(charge_pools.ConsumedQuantity AS DECIMAL(19, 9)) AS consumed,
    charge_pools.ConsumedUnit AS consumed_unit,
    TRY_CAST(charge_pools.PricingQuantity AS DECIMAL(19, 9)) AS priced,
    charge_pools.PricingUnit AS pricing_unit,
    TRY_CAST(
        CAST(charge_pools.ListUnitPrice AS DECIMAL(27, 18)) * period_rates.rate AS DECIMAL(18, 9)
    ) AS list_unit_price,
    -- As the bridge converts it: what is in the reporting currency keeps all its digits.
    CASE
        WHEN charge_pools.BillingCurrency = parameters.reporting_currency THEN charge_pools.ListCost
        ELSE CAST(CAST(charge_pools.ListCost AS DECIMAL(27, 18)) * period_rates.rate AS DECIMAL(38, 18))
    END AS list_cost
FROM charge_pools
CROSS JOIN parameters
INNER JOIN period_rates
    ON charge_pools.BillingCurrency = period_rates.currency
WHERE
    charge_pools.x_period = parameters.period
    AND charge_pools.x_pool_kind IN ('direct', 'allocated')
    AND charge_pools.x_restates IS NULL
    AND charge_pools.ChargeCategory = 'Usage'
    AND COALESCE(charge_pools.ChargeClass, '') <> 'Correction'
    -- A vendor's month may begin before the one of UTC, as in UTC+8.
    AND charge_pools.ChargePeriodStart >= LEAST(parameters.month_start, charge_pools.BillingPeriodStart)
