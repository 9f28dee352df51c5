-- Rules are tried on distinct combinations of the columns that some rule looks at, never on every
-- charge: there are thousands of combinations where there are hundreds of millions of charges.
WITH tag_places AS (
    SELECT
        COALESCE(BOOL_OR(place = 'SubAccountId'), FALSE) AS sub_accounts,
        COALESCE(BOOL_OR(place = 'BillingAccountId'), FALSE) AS billing_accounts
    FROM tag_steps
),

used_columns AS (
    SELECT
        COALESCE(
            BOOL_OR(
                column_name = 'BillingAccountId' OR (column_name LIKE 'Tags.%' AND tag_places.billing_accounts)
            ), FALSE
        ) AS billing_account_id,
        COALESCE(BOOL_OR(column_name = 'ProviderName'), FALSE) AS provider_name,
        COALESCE(BOOL_OR(column_name = 'RegionId'), FALSE) AS region_id,
        COALESCE(BOOL_OR(column_name = 'ResourceId'), FALSE) AS resource_id,
        COALESCE(BOOL_OR(column_name = 'ServiceCategory'), FALSE) AS service_category,
        COALESCE(BOOL_OR(column_name = 'ServiceName'), FALSE) AS service_name,
        COALESCE(
            BOOL_OR(column_name = 'SubAccountId' OR (column_name LIKE 'Tags.%' AND tag_places.sub_accounts)), FALSE
        ) AS sub_account_id,
        COALESCE(BOOL_OR(column_name LIKE 'Tags.%'), FALSE) AS tags
    FROM pool_rules
    CROSS JOIN tag_places
),

first_tags AS (
    SELECT
        charge_tags.tags,
        charge_tags.sub_account_id,
        charge_tags.billing_account_id,
        'Tags.' || charge_tags.key AS column_name,
        charge_tags.value AS found,
        ROW_NUMBER() OVER (
            PARTITION BY
                charge_tags.tags,
                charge_tags.sub_account_id,
                charge_tags.billing_account_id,
                charge_tags.key
            ORDER BY charge_tags.step
        ) AS choice
    FROM charge_tags
    WHERE charge_tags.value IS NOT NULL
),

combinations AS (
    SELECT DISTINCT
        CASE WHEN used_columns.billing_account_id THEN COALESCE(BillingAccountId, '') ELSE '' END AS billing_account_id,
        CASE WHEN used_columns.provider_name THEN COALESCE(ProviderName, '') ELSE '' END AS provider_name,
        CASE WHEN used_columns.region_id THEN COALESCE(RegionId, '') ELSE '' END AS region_id,
        CASE WHEN used_columns.resource_id THEN COALESCE(ResourceId, '') ELSE '' END AS resource_id,
        CASE WHEN used_columns.service_category THEN COALESCE(ServiceCategory, '') ELSE '' END AS service_category,
        CASE WHEN used_columns.service_name THEN COALESCE(ServiceName, '') ELSE '' END AS service_name,
        CASE WHEN used_columns.sub_account_id THEN COALESCE(SubAccountId, '') ELSE '' END AS sub_account_id,
        CASE WHEN used_columns.tags THEN COALESCE(external_charges.Tags, '') ELSE '' END AS tags
    FROM external_charges
    CROSS JOIN used_columns
),

looked_at AS (
    SELECT
        combinations.*,
        columns_of_rules.column_name,
        CASE columns_of_rules.column_name
            WHEN 'BillingAccountId' THEN combinations.billing_account_id
            WHEN 'ProviderName' THEN combinations.provider_name
            WHEN 'RegionId' THEN combinations.region_id
            WHEN 'ResourceId' THEN combinations.resource_id
            WHEN 'ServiceCategory' THEN combinations.service_category
            WHEN 'ServiceName' THEN combinations.service_name
            WHEN 'SubAccountId' THEN combinations.sub_account_id
            ELSE COALESCE(first_tags.found, '')
        END AS found
    FROM combinations
    CROSS JOIN tag_places
    CROSS JOIN (SELECT DISTINCT column_name FROM pool_rules) AS columns_of_rules
    LEFT JOIN first_tags
        ON
            first_tags.choice = 1
            AND columns_of_rules.column_name = first_tags.column_name
            AND combinations.tags = first_tags.tags
            AND CASE WHEN tag_places.sub_accounts THEN combinations.sub_account_id ELSE '' END
            = first_tags.sub_account_id
            AND CASE WHEN tag_places.billing_accounts THEN combinations.billing_account_id ELSE '' END
            = first_tags.billing_account_id
),

holding_rules AS (
    SELECT DISTINCT
        looked_at.billing_account_id,
        looked_at.provider_name,
        looked_at.region_id,
        looked_at.resource_id,
        looked_at.service_category,
        looked_at.service_name,
        looked_at.sub_account_id,
        looked_at.tags,
        pool_rules.pool,
        pool_rules.rule_no
    FROM looked_at
    INNER JOIN pool_rules
        ON
            looked_at.column_name = pool_rules.column_name
            AND pool_rules.operator = 'equals'
            AND looked_at.found = pool_rules.value
    UNION
    SELECT DISTINCT
        looked_at.billing_account_id,
        looked_at.provider_name,
        looked_at.region_id,
        looked_at.resource_id,
        looked_at.service_category,
        looked_at.service_name,
        looked_at.sub_account_id,
        looked_at.tags,
        pool_rules.pool,
        pool_rules.rule_no
    FROM looked_at
    INNER JOIN pool_rules
        ON
            looked_at.column_name = pool_rules.column_name
            AND pool_rules.operator = 'prefix'
            AND SUBSTR(looked_at.found, 1, LENGTH(pool_rules.value)) = pool_rules.value
),

rules_of_pools AS (
    SELECT
        pool,
        COUNT(DISTINCT rule_no) AS rules
    FROM pool_rules
    GROUP BY pool
),

holding_pools AS (
    SELECT
        holding_rules.billing_account_id,
        holding_rules.provider_name,
        holding_rules.region_id,
        holding_rules.resource_id,
        holding_rules.service_category,
        holding_rules.service_name,
        holding_rules.sub_account_id,
        holding_rules.tags,
        holding_rules.pool
    FROM holding_rules
    INNER JOIN rules_of_pools
        ON holding_rules.pool = rules_of_pools.pool
    GROUP BY
        holding_rules.billing_account_id,
        holding_rules.provider_name,
        holding_rules.region_id,
        holding_rules.resource_id,
        holding_rules.service_category,
        holding_rules.service_name,
        holding_rules.sub_account_id,
        holding_rules.tags,
        holding_rules.pool,
        rules_of_pools.rules
    HAVING COUNT(*) = rules_of_pools.rules
),

assigned AS (
    SELECT
        holding_pools.billing_account_id,
        holding_pools.provider_name,
        holding_pools.region_id,
        holding_pools.resource_id,
        holding_pools.service_category,
        holding_pools.service_name,
        holding_pools.sub_account_id,
        holding_pools.tags,
        pools.pool,
        pools.kind,
        ROW_NUMBER() OVER (
            PARTITION BY
                holding_pools.billing_account_id,
                holding_pools.provider_name,
                holding_pools.region_id,
                holding_pools.resource_id,
                holding_pools.service_category,
                holding_pools.service_name,
                holding_pools.sub_account_id,
                holding_pools.tags
            ORDER BY pools.position
        ) AS choice
    FROM holding_pools
    INNER JOIN pools
        ON holding_pools.pool = pools.pool
)

SELECT
    external_charges.*,
    assigned.pool AS x_pool,
    assigned.kind AS x_pool_kind
FROM external_charges
CROSS JOIN used_columns
LEFT JOIN assigned
    ON
        assigned.choice = 1
        AND CASE WHEN used_columns.billing_account_id THEN COALESCE(external_charges.BillingAccountId, '') ELSE '' END
        = assigned.billing_account_id
        AND CASE WHEN used_columns.provider_name THEN COALESCE(external_charges.ProviderName, '') ELSE '' END
        = assigned.provider_name
        AND CASE WHEN used_columns.region_id THEN COALESCE(external_charges.RegionId, '') ELSE '' END
        = assigned.region_id
        AND CASE WHEN used_columns.resource_id THEN COALESCE(external_charges.ResourceId, '') ELSE '' END
        = assigned.resource_id
        AND CASE WHEN used_columns.service_category THEN COALESCE(external_charges.ServiceCategory, '') ELSE '' END
        = assigned.service_category
        AND CASE WHEN used_columns.service_name THEN COALESCE(external_charges.ServiceName, '') ELSE '' END
        = assigned.service_name
        AND CASE WHEN used_columns.sub_account_id THEN COALESCE(external_charges.SubAccountId, '') ELSE '' END
        = assigned.sub_account_id
        AND CASE WHEN used_columns.tags THEN COALESCE(external_charges.Tags, '') ELSE '' END
        = assigned.tags
