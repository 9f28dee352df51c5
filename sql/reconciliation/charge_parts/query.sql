-- One row a charge, and one more for each further meter that its SKU is capacity of: amounts of the
-- charge itself stand on its first meter only, so that every sum counts them once.
WITH period_rates AS (
    SELECT
        rates.currency,
        CAST(rates.rate AS DECIMAL(10, 8)) AS rate
    FROM rates
    CROSS JOIN parameters
    WHERE
        rates.kind = 'period'
        AND rates.currency <> parameters.reporting_currency
),

booked_rates AS (
    SELECT
        rates.currency,
        rates.day,
        CAST(rates.rate AS DECIMAL(10, 8)) AS rate
    FROM rates
    CROSS JOIN parameters
    WHERE
        rates.kind = 'day'
        AND rates.currency <> parameters.reporting_currency
),

numbered_capacity AS (
    SELECT
        pool_capacity.pool,
        pool_capacity.sku,
        pool_capacity.product,
        pool_capacity.meter,
        CAST(pool_capacity.factor AS DECIMAL(16, 9)) AS factor,
        ROW_NUMBER() OVER (
            PARTITION BY pool_capacity.pool, pool_capacity.sku
            ORDER BY pool_capacity.product, pool_capacity.meter
        ) AS meter_no
    FROM pool_capacity
),

first_prices AS (
    SELECT
        prices.product,
        prices.meter,
        MIN(prices.effective_from) AS effective_from
    FROM prices
    GROUP BY
        prices.product,
        prices.meter
),

-- Prices follow each other without gaps, so only the time before the first one has none: capacity
-- is worth nothing then, and the charge's list cost shows as pricing.
priced_capacity AS (
    SELECT
        numbered_capacity.pool,
        numbered_capacity.sku,
        numbered_capacity.product,
        numbered_capacity.meter,
        numbered_capacity.factor,
        numbered_capacity.meter_no,
        prices.effective_from,
        COALESCE(prices.effective_to, TIMESTAMP '9999-12-31 00:00:00') AS effective_to,
        prices.amount AS price
    FROM numbered_capacity
    INNER JOIN prices
        ON
            numbered_capacity.product = prices.product
            AND numbered_capacity.meter = prices.meter
    UNION ALL
    SELECT
        numbered_capacity.pool,
        numbered_capacity.sku,
        numbered_capacity.product,
        numbered_capacity.meter,
        numbered_capacity.factor,
        numbered_capacity.meter_no,
        TIMESTAMP '1900-01-01 00:00:00' AS effective_from,
        COALESCE(first_prices.effective_from, TIMESTAMP '9999-12-31 00:00:00') AS effective_to,
        CAST(0 AS DECIMAL(18, 9)) AS price
    FROM numbered_capacity
    LEFT JOIN first_prices
        ON
            numbered_capacity.product = first_prices.product
            AND numbered_capacity.meter = first_prices.meter
),

classed_charges AS (
    SELECT
        charge_pools.x_source,
        charge_pools.x_period,
        charge_pools.x_slice,
        charge_pools.x_delivery,
        charge_pools.x_row,
        charge_pools.ChargePeriodStart,
        charge_pools.ServiceName,
        charge_pools.BillingCurrency,
        charge_pools.ConsumedQuantity,
        charge_pools.EffectiveCost,
        charge_pools.ListCost,
        LEAST(
            CAST(charge_pools.ChargePeriodStart AS DATE),
            CAST(parameters.month_end - INTERVAL '1' DAY AS DATE)
        ) AS booked_day,
        COALESCE(charge_pools.x_pool, 'unassigned') AS pool,
        COALESCE(charge_pools.ResourceId, '') AS resource,
        COALESCE(charge_pools.SkuMeter, charge_pools.SkuId) AS sku,
        COALESCE(charge_pools.Tags, '') AS tags,
        COALESCE(charge_pools.SubAccountId, '') AS sub_account_id,
        COALESCE(charge_pools.BillingAccountId, '') AS billing_account_id,
        CASE
            WHEN charge_pools.x_pool IS NULL THEN 'unassigned'
            WHEN charge_pools.x_restates IS NOT NULL THEN 'restatement'
            WHEN charge_pools.ChargeCategory <> 'Usage' THEN 'non_usage'
            WHEN charge_pools.ChargeClass = 'Correction' THEN 'non_usage'
            -- A vendor's month may begin before the one of UTC, as in UTC+8: its first hours are not late.
            WHEN
                charge_pools.ChargePeriodStart < LEAST(parameters.month_start, charge_pools.BillingPeriodStart)
                THEN 'timing'
            WHEN charge_pools.x_pool_kind IN ('direct', 'allocated') THEN charge_pools.x_pool_kind
            ELSE 'shared'
        END AS class
    FROM charge_pools
    CROSS JOIN parameters
),

-- Taking digits away divides numbers of 128 bits, ten times as slow as all else that a charge needs. One hour of a
-- machine, which most charges are, takes none away; a whole factor leaves the quantity's digits where they are, so
-- that the engine divides once instead of twice.
measured_charges AS (
    SELECT
        classed_charges.x_source,
        classed_charges.x_period,
        classed_charges.x_slice,
        classed_charges.x_delivery,
        classed_charges.x_row,
        classed_charges.ChargePeriodStart AS started_at,
        classed_charges.pool,
        CASE
            WHEN classed_charges.class <> 'shared' THEN classed_charges.class
            WHEN priced_capacity.sku IS NULL THEN 'unmapped'
            ELSE 'capacity'
        END AS class,
        classed_charges.resource,
        classed_charges.sku,
        classed_charges.tags,
        classed_charges.sub_account_id,
        classed_charges.billing_account_id,
        classed_charges.ServiceName AS service,
        classed_charges.BillingCurrency AS currency,
        classed_charges.booked_day,
        priced_capacity.product,
        priced_capacity.meter,
        CASE WHEN COALESCE(priced_capacity.meter_no, 1) = 1 THEN 1 ELSE 0 END AS charges,
        CASE
            WHEN COALESCE(priced_capacity.meter_no, 1) > 1 THEN 0
            WHEN classed_charges.BillingCurrency = parameters.reporting_currency THEN 0
            ELSE 1
        END AS foreign_charges,
        CASE
            WHEN COALESCE(priced_capacity.meter_no, 1) > 1 THEN CAST(0 AS DECIMAL(38, 18))
            WHEN classed_charges.BillingCurrency = parameters.reporting_currency THEN classed_charges.ListCost
            ELSE
                CAST(
                    CAST(classed_charges.ListCost AS DECIMAL(27, 18)) * period_rates.rate AS DECIMAL(38, 18)
                )
        END AS list_cost,
        CASE
            WHEN COALESCE(priced_capacity.meter_no, 1) > 1 THEN CAST(0 AS DECIMAL(38, 18))
            WHEN classed_charges.BillingCurrency = parameters.reporting_currency THEN classed_charges.EffectiveCost
            ELSE
                CAST(
                    CAST(classed_charges.EffectiveCost AS DECIMAL(27, 18)) * period_rates.rate AS DECIMAL(38, 18)
                )
        END AS effective_cost,
        CASE
            WHEN COALESCE(priced_capacity.meter_no, 1) > 1 THEN CAST(0 AS DECIMAL(38, 18))
            WHEN classed_charges.BillingCurrency = parameters.reporting_currency THEN classed_charges.EffectiveCost
            ELSE
                CAST(
                    CAST(classed_charges.EffectiveCost AS DECIMAL(27, 18)) * booked_rates.rate AS DECIMAL(38, 18)
                )
        END AS booked_cost,
        CASE
            WHEN priced_capacity.sku IS NULL THEN CAST(0 AS DECIMAL(19, 9))
            WHEN classed_charges.ConsumedQuantity = 1 THEN CAST(priced_capacity.factor AS DECIMAL(19, 9))
            WHEN priced_capacity.factor = CAST(priced_capacity.factor AS DECIMAL(11, 0))
                THEN
                    CAST(
                        CAST(classed_charges.ConsumedQuantity AS DECIMAL(27, 18))
                        * CAST(priced_capacity.factor AS DECIMAL(11, 0)) AS DECIMAL(19, 9)
                    )
            ELSE
                CAST(
                    CAST(classed_charges.ConsumedQuantity AS DECIMAL(22, 12)) * priced_capacity.factor AS DECIMAL(19, 9)
                )
        END AS capacity_quantity,
        priced_capacity.price
    FROM classed_charges
    CROSS JOIN parameters
    LEFT JOIN period_rates
        ON classed_charges.BillingCurrency = period_rates.currency
    LEFT JOIN booked_rates
        ON
            classed_charges.BillingCurrency = booked_rates.currency
            AND classed_charges.booked_day = booked_rates.day
    LEFT JOIN priced_capacity
        ON
            classed_charges.class = 'shared'
            AND classed_charges.pool = priced_capacity.pool
            AND classed_charges.sku = priced_capacity.sku
            AND classed_charges.ChargePeriodStart >= priced_capacity.effective_from
            AND classed_charges.ChargePeriodStart < priced_capacity.effective_to
)

SELECT
    measured_charges.x_source,
    measured_charges.x_period,
    measured_charges.x_slice,
    measured_charges.x_delivery,
    measured_charges.x_row,
    measured_charges.started_at,
    measured_charges.pool,
    measured_charges.class,
    measured_charges.resource,
    measured_charges.sku,
    measured_charges.tags,
    measured_charges.sub_account_id,
    measured_charges.billing_account_id,
    measured_charges.service,
    measured_charges.currency,
    measured_charges.booked_day,
    measured_charges.product,
    measured_charges.meter,
    measured_charges.charges,
    measured_charges.foreign_charges,
    measured_charges.list_cost,
    measured_charges.effective_cost,
    measured_charges.booked_cost,
    COALESCE(measured_charges.capacity_quantity, CAST(0 AS DECIMAL(19, 9))) AS capacity_quantity,
    COALESCE(
        CAST(measured_charges.capacity_quantity * measured_charges.price AS DECIMAL(38, 18)),
        CAST(0 AS DECIMAL(38, 18))
    ) AS capacity_amount
FROM measured_charges
