-- Source of the rule: FOCUS 1.2, columns/contractedunitprice.md and columns/effectivecost.md.
WITH purchases AS (
    SELECT
        charge_pools.ProviderName AS provider,
        charge_pools.CommitmentDiscountId AS commitment,
        COALESCE(charge_pools.x_pool, 'unassigned') AS pool,
        MAX(charge_pools.x_period) AS last_period,
        SUM(charge_pools.BilledCost) AS billed_cost
    FROM charge_pools
    CROSS JOIN parameters
    WHERE
        charge_pools.ChargeCategory = 'Purchase'
        AND charge_pools.CommitmentDiscountId IS NOT NULL
        AND charge_pools.x_period <= parameters.period
    GROUP BY
        charge_pools.ProviderName,
        charge_pools.CommitmentDiscountId,
        COALESCE(charge_pools.x_pool, 'unassigned')
),

purchasers AS (
    SELECT
        purchases.provider,
        purchases.commitment,
        purchases.pool,
        ROW_NUMBER() OVER (
            PARTITION BY purchases.provider, purchases.commitment
            ORDER BY purchases.last_period DESC, purchases.billed_cost DESC, purchases.pool ASC
        ) AS choice
    FROM purchases
),

covered AS (
    SELECT
        charge_pools.ProviderName AS provider,
        charge_pools.CommitmentDiscountId AS commitment,
        COALESCE(charge_pools.x_pool, 'unassigned') AS pool,
        -- As the bridge converts: what is in the reporting currency keeps all its digits.
        CASE
            WHEN charge_pools.BillingCurrency = parameters.reporting_currency THEN charge_pools.ContractedCost
            ELSE
                CAST(
                    CAST(charge_pools.ContractedCost AS DECIMAL(27, 18)) * CAST(rates.rate AS DECIMAL(10, 8))
                    AS DECIMAL(38, 18)
                )
        END AS without_commitment,
        CASE
            WHEN charge_pools.BillingCurrency = parameters.reporting_currency THEN charge_pools.EffectiveCost
            ELSE
                CAST(
                    CAST(charge_pools.EffectiveCost AS DECIMAL(27, 18)) * CAST(rates.rate AS DECIMAL(10, 8))
                    AS DECIMAL(38, 18)
                )
        END AS effective_cost
    FROM charge_pools
    CROSS JOIN parameters
    LEFT JOIN rates
        ON
            charge_pools.BillingCurrency = rates.currency
            AND rates.kind = 'period'
    WHERE
        charge_pools.x_period = parameters.period
        AND charge_pools.ChargeCategory = 'Usage'
        AND charge_pools.CommitmentDiscountId IS NOT NULL
        AND charge_pools.CommitmentDiscountStatus = 'Used'
),

sums AS (
    SELECT
        covered.pool,
        covered.provider,
        covered.commitment,
        CAST(COUNT(*) AS BIGINT) AS charges,
        CAST(SUM(covered.without_commitment) AS DECIMAL(38, 18)) AS without_commitment,
        CAST(SUM(covered.effective_cost) AS DECIMAL(38, 18)) AS effective_cost
    FROM covered
    GROUP BY
        covered.pool,
        covered.provider,
        covered.commitment
)

SELECT
    sums.pool,
    sums.provider,
    sums.commitment,
    COALESCE(savings_policies.savings, 'usage') AS savings,
    purchasers.pool AS purchaser,
    CASE WHEN savings_policies.savings = 'purchaser' THEN COALESCE(purchasers.pool, sums.pool) ELSE sums.pool END
        AS receiver,
    sums.charges,
    sums.without_commitment,
    sums.effective_cost,
    CAST(sums.without_commitment - sums.effective_cost AS DECIMAL(38, 18)) AS saving
FROM sums
LEFT JOIN savings_policies
    ON sums.pool = savings_policies.pool
LEFT JOIN purchasers
    ON
        sums.provider = purchasers.provider
        AND sums.commitment = purchasers.commitment
        AND purchasers.choice = 1
ORDER BY
    sums.pool ASC,
    sums.provider ASC,
    sums.commitment ASC
