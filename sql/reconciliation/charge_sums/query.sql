WITH tag_places AS (
    SELECT
        COALESCE(BOOL_OR(place = 'SubAccountId'), FALSE) AS sub_accounts,
        COALESCE(BOOL_OR(place = 'BillingAccountId'), FALSE) AS billing_accounts
    FROM tag_steps
),

-- Summed before owners are looked for: a month has millions of charges and few different tags.
tagged_sums AS (
    SELECT
        charge_parts.x_source,
        charge_parts.x_period,
        charge_parts.x_slice,
        charge_parts.pool,
        charge_parts.class,
        CASE WHEN charge_parts.class IN ('capacity', 'direct') THEN charge_parts.resource ELSE '' END AS resource,
        charge_parts.service,
        charge_parts.tags,
        CASE WHEN tag_places.sub_accounts THEN charge_parts.sub_account_id ELSE '' END AS sub_account_id,
        CASE WHEN tag_places.billing_accounts THEN charge_parts.billing_account_id ELSE '' END AS billing_account_id,
        charge_parts.product,
        charge_parts.meter,
        CAST(SUM(charge_parts.charges) AS BIGINT) AS charges,
        CAST(SUM(charge_parts.foreign_charges) AS BIGINT) AS foreign_charges,
        CAST(SUM(charge_parts.list_cost) AS DECIMAL(38, 18)) AS list_cost,
        CAST(SUM(charge_parts.effective_cost) AS DECIMAL(38, 18)) AS effective_cost,
        CAST(SUM(charge_parts.booked_cost) AS DECIMAL(38, 18)) AS booked_cost,
        CAST(SUM(charge_parts.capacity_quantity) AS DECIMAL(38, 9)) AS capacity_quantity,
        CAST(SUM(charge_parts.capacity_amount) AS DECIMAL(38, 18)) AS capacity_amount
    FROM charge_parts
    CROSS JOIN tag_places
    GROUP BY
        charge_parts.x_source,
        charge_parts.x_period,
        charge_parts.x_slice,
        charge_parts.pool,
        charge_parts.class,
        CASE WHEN charge_parts.class IN ('capacity', 'direct') THEN charge_parts.resource ELSE '' END,
        charge_parts.service,
        charge_parts.tags,
        CASE WHEN tag_places.sub_accounts THEN charge_parts.sub_account_id ELSE '' END,
        CASE WHEN tag_places.billing_accounts THEN charge_parts.billing_account_id ELSE '' END,
        charge_parts.product,
        charge_parts.meter
)

SELECT
    tagged_sums.x_source,
    tagged_sums.x_period,
    tagged_sums.x_slice,
    tagged_sums.pool,
    tagged_sums.class,
    tagged_sums.resource,
    tagged_sums.service,
    tag_owners.tags IS NOT NULL AS claimed,
    tagged_sums.product,
    tagged_sums.meter,
    CAST(SUM(tagged_sums.charges) AS BIGINT) AS charges,
    CAST(SUM(tagged_sums.foreign_charges) AS BIGINT) AS foreign_charges,
    CAST(SUM(tagged_sums.list_cost) AS DECIMAL(38, 18)) AS list_cost,
    CAST(SUM(tagged_sums.effective_cost) AS DECIMAL(38, 18)) AS effective_cost,
    CAST(SUM(tagged_sums.booked_cost) AS DECIMAL(38, 18)) AS booked_cost,
    CAST(SUM(tagged_sums.capacity_quantity) AS DECIMAL(38, 18)) AS capacity_quantity,
    CAST(SUM(tagged_sums.capacity_amount) AS DECIMAL(38, 18)) AS capacity_amount
FROM tagged_sums
-- Owners of last resort claim nothing of a platform.
LEFT JOIN tag_owners
    ON
        tagged_sums.tags = tag_owners.tags
        AND tagged_sums.sub_account_id = tag_owners.sub_account_id
        AND tagged_sums.billing_account_id = tag_owners.billing_account_id
GROUP BY
    tagged_sums.x_source,
    tagged_sums.x_period,
    tagged_sums.x_slice,
    tagged_sums.pool,
    tagged_sums.class,
    tagged_sums.resource,
    tagged_sums.service,
    tag_owners.tags IS NOT NULL,
    tagged_sums.product,
    tagged_sums.meter
