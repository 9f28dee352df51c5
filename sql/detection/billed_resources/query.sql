WITH tag_places AS (
    SELECT
        COALESCE(BOOL_OR(place = 'SubAccountId'), FALSE) AS sub_accounts,
        COALESCE(BOOL_OR(place = 'BillingAccountId'), FALSE) AS billing_accounts
    FROM tag_steps
),

measured_charges AS (
    SELECT
        charge_pools.x_pool AS pool,
        pool_capacity.product,
        pool_capacity.meter,
        charge_pools.ResourceId AS resource,
        charge_pools.ProviderName AS provider,
        charge_pools.SubAccountId AS account,
        charge_pools.RegionId AS region,
        COALESCE(charge_pools.Tags, '') AS tags,
        CASE WHEN tag_places.sub_accounts THEN COALESCE(charge_pools.SubAccountId, '') ELSE '' END AS sub_account_id,
        CASE
            WHEN tag_places.billing_accounts THEN COALESCE(charge_pools.BillingAccountId, '') ELSE ''
        END AS billing_account_id,
        charge_pools.ChargePeriodStart AS started_at,
        charge_pools.ChargePeriodEnd <= charge_pools.ChargePeriodStart + INTERVAL '1' DAY AS is_of_a_day,
        CAST(
            CAST(COALESCE(charge_pools.ConsumedQuantity, 0) AS DECIMAL(22, 12))
            * CAST(pool_capacity.factor AS DECIMAL(16, 9)) AS DECIMAL(19, 9)
        ) AS quantity
    FROM charge_pools
    CROSS JOIN tag_places
    INNER JOIN pool_capacity
        ON
            charge_pools.x_pool = pool_capacity.pool
            AND COALESCE(charge_pools.SkuMeter, charge_pools.SkuId) = pool_capacity.sku
    INNER JOIN controlled_products
        ON pool_capacity.product = controlled_products.product
)

SELECT
    'billed' AS side,
    measured_charges.pool,
    measured_charges.product,
    measured_charges.meter,
    measured_charges.resource,
    tag_owners.department,
    measured_charges.provider,
    measured_charges.account,
    measured_charges.region,
    JSON_TEXT(measured_charges.tags, 'twinledger:grant') AS grant_id,
    CAST(measured_charges.started_at AS DATE) AS day,
    CAST(
        SUM(CASE WHEN measured_charges.is_of_a_day THEN measured_charges.quantity ELSE 0 END) AS DECIMAL(38, 9)
    ) AS quantity,
    CAST(
        SUM(measured_charges.quantity * COALESCE(prices.amount, CAST(0 AS DECIMAL(18, 9)))) AS DECIMAL(38, 18)
    ) AS amount
FROM measured_charges
LEFT JOIN tag_owners
    ON
        measured_charges.tags = tag_owners.tags
        AND measured_charges.sub_account_id = tag_owners.sub_account_id
        AND measured_charges.billing_account_id = tag_owners.billing_account_id
LEFT JOIN prices
    ON
        measured_charges.product = prices.product
        AND measured_charges.meter = prices.meter
        AND measured_charges.started_at >= prices.effective_from
        AND measured_charges.started_at < COALESCE(prices.effective_to, TIMESTAMP '9999-12-31 00:00:00')
GROUP BY
    measured_charges.pool,
    measured_charges.product,
    measured_charges.meter,
    measured_charges.resource,
    tag_owners.department,
    measured_charges.provider,
    measured_charges.account,
    measured_charges.region,
    JSON_TEXT(measured_charges.tags, 'twinledger:grant'),
    CAST(measured_charges.started_at AS DATE)
