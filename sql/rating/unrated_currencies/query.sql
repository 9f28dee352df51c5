SELECT DISTINCT charge_pools.BillingCurrency AS currency
FROM charge_pools
CROSS JOIN parameters
LEFT JOIN rates
    ON
        charge_pools.BillingCurrency = rates.currency
        AND rates.kind = 'period'
        AND rates.day = CAST(parameters.month_start AS DATE)
WHERE
    charge_pools.x_period = parameters.period
    AND charge_pools.x_pool_kind IN ('direct', 'allocated')
    AND rates.currency IS NULL
