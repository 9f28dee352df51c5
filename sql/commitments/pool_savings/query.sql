WITH amounts AS (
    SELECT
        COALESCE(charge_pools.x_pool, 'unassigned') AS pool,
        CASE
            WHEN charge_pools.BillingCurrency = parameters.reporting_currency THEN charge_pools.EffectiveCost
            ELSE
                CAST(
                    CAST(charge_pools.EffectiveCost AS DECIMAL(27, 18)) * CAST(rates.rate AS DECIMAL(10, 8))
                    AS DECIMAL(38, 18)
                )
        END AS effective_cost,
        CAST(0 AS DECIMAL(38, 18)) AS handed_over,
        CAST(0 AS DECIMAL(38, 18)) AS credited
    FROM charge_pools
    CROSS JOIN parameters
    LEFT JOIN rates
        ON
            charge_pools.BillingCurrency = rates.currency
            AND rates.kind = 'period'
    WHERE charge_pools.x_period = parameters.period
    UNION ALL
    SELECT
        savings.pool,
        CAST(0 AS DECIMAL(38, 18)) AS effective_cost,
        CAST(savings.saving AS DECIMAL(38, 18)) AS handed_over,
        CAST(0 AS DECIMAL(38, 18)) AS credited
    FROM savings
    WHERE savings.receiver <> savings.pool
    UNION ALL
    SELECT
        savings.receiver AS pool,
        CAST(0 AS DECIMAL(38, 18)) AS effective_cost,
        CAST(0 AS DECIMAL(38, 18)) AS handed_over,
        CAST(savings.saving AS DECIMAL(38, 18)) AS credited
    FROM savings
    WHERE savings.receiver <> savings.pool
)

SELECT
    pool,
    CAST(SUM(effective_cost) AS DECIMAL(38, 18)) AS effective_cost,
    CAST(SUM(handed_over) AS DECIMAL(38, 18)) AS handed_over,
    CAST(SUM(credited) AS DECIMAL(38, 18)) AS credited,
    CAST(SUM(effective_cost) + SUM(handed_over) - SUM(credited) AS DECIMAL(38, 18)) AS cost
FROM amounts
GROUP BY pool
ORDER BY pool ASC
