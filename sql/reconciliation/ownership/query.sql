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

tag_places AS (
    SELECT
        COALESCE(BOOL_OR(place = 'SubAccountId'), FALSE) AS sub_accounts,
        COALESCE(BOOL_OR(place = 'BillingAccountId'), FALSE) AS billing_accounts
    FROM tag_steps
),

-- Summed before owners are looked for: a month has millions of charges and few different tags.
bought AS (
    SELECT
        charge_pools.x_pool AS pool,
        charge_pools.ServiceName AS service,
        COALESCE(charge_pools.Tags, '') AS tags,
        CASE WHEN tag_places.sub_accounts THEN COALESCE(charge_pools.SubAccountId, '') ELSE '' END AS sub_account_id,
        CASE
            WHEN tag_places.billing_accounts THEN COALESCE(charge_pools.BillingAccountId, '') ELSE ''
        END AS billing_account_id,
        CAST(
            SUM(
                CASE
                    WHEN charge_pools.BillingCurrency = parameters.reporting_currency THEN charge_pools.EffectiveCost
                    ELSE
                        CAST(
                            CAST(charge_pools.EffectiveCost AS DECIMAL(27, 18)) * period_rates.rate AS DECIMAL(38, 18)
                        )
                END
            ) AS DECIMAL(38, 18)
        ) AS effective_cost,
        CAST(COUNT(*) AS BIGINT) AS charges
    FROM charge_pools
    CROSS JOIN parameters
    CROSS JOIN tag_places
    LEFT JOIN period_rates
        ON charge_pools.BillingCurrency = period_rates.currency
    WHERE
        charge_pools.x_pool IS NULL
        OR (
            charge_pools.x_pool_kind <> 'direct'
            AND charge_pools.x_restates IS NULL
            AND charge_pools.ChargeCategory = 'Usage'
            AND COALESCE(charge_pools.ChargeClass, '') <> 'Correction'
            AND charge_pools.ChargePeriodStart >= LEAST(parameters.month_start, charge_pools.BillingPeriodStart)
        )
    GROUP BY
        charge_pools.x_pool,
        charge_pools.ServiceName,
        COALESCE(charge_pools.Tags, ''),
        CASE WHEN tag_places.sub_accounts THEN COALESCE(charge_pools.SubAccountId, '') ELSE '' END,
        CASE
            WHEN tag_places.billing_accounts THEN COALESCE(charge_pools.BillingAccountId, '') ELSE ''
        END
)

SELECT
    COALESCE(bought.pool, 'unassigned') AS pool,
    bought.service,
    CAST(SUM(bought.effective_cost) AS DECIMAL(38, 18)) AS amount,
    CAST(SUM(bought.charges) AS BIGINT) AS charges
FROM bought
-- Owners of last resort claim nothing of a platform.
LEFT JOIN tag_owners
    ON
        bought.tags = tag_owners.tags
        AND bought.sub_account_id = tag_owners.sub_account_id
        AND bought.billing_account_id = tag_owners.billing_account_id
WHERE
    bought.pool IS NULL
    OR tag_owners.tags IS NULL
GROUP BY
    COALESCE(bought.pool, 'unassigned'),
    bought.service
