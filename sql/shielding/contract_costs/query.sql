WITH bought AS (
    SELECT
        charge_pools.x_pool AS pool,
        charge_pools.x_period AS period,
        charge_pools.InvoiceIssuerName AS contract,
        pool_capacity.sku,
        pool_capacity.product,
        pool_capacity.meter,
        CAST(charge_pools.ListCost AS DECIMAL(27, 18)) AS list_cost,
        CAST(charge_pools.EffectiveCost AS DECIMAL(27, 18)) AS effective_cost,
        CAST(period_rates.rate AS DECIMAL(10, 8)) AS rate,
        CAST(charge_pools.ConsumedQuantity AS DECIMAL(19, 9)) AS consumed,
        CAST(pool_capacity.factor AS DECIMAL(18, 9)) AS factor,
        CAST(prices.amount AS DECIMAL(18, 9)) AS price
    FROM charge_pools
    INNER JOIN pool_capacity
        ON
            charge_pools.x_pool = pool_capacity.pool
            AND COALESCE(charge_pools.SkuMeter, charge_pools.SkuId) = pool_capacity.sku
    INNER JOIN prices
        ON
            pool_capacity.product = prices.product
            AND pool_capacity.meter = prices.meter
            AND charge_pools.ChargePeriodStart >= prices.effective_from
            AND charge_pools.ChargePeriodStart < COALESCE(prices.effective_to, TIMESTAMP '9999-12-31 00:00:00')
    INNER JOIN period_rates
        ON
            charge_pools.x_period = period_rates.period
            AND charge_pools.BillingCurrency = period_rates.currency
    WHERE
        charge_pools.ChargeCategory = 'Usage'
        AND COALESCE(charge_pools.ChargeClass, '') <> 'Correction'
        AND charge_pools.x_restates IS NULL
)

SELECT
    pool,
    period,
    contract,
    sku,
    product,
    meter,
    CAST(SUM(CAST(list_cost * rate AS DECIMAL(38, 18))) AS DECIMAL(38, 18)) AS list_cost,
    CAST(SUM(CAST(effective_cost * rate AS DECIMAL(38, 18))) AS DECIMAL(38, 18)) AS effective_cost,
    CAST(SUM(CAST(CAST(consumed * factor AS DECIMAL(20, 9)) * price AS DECIMAL(38, 18))) AS DECIMAL(38, 18)) AS worth
FROM bought
GROUP BY
    pool,
    period,
    contract,
    sku,
    product,
    meter
