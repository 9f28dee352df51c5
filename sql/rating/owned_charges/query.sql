WITH tag_places AS (
    SELECT
        COALESCE(BOOL_OR(place = 'SubAccountId'), FALSE) AS sub_accounts,
        COALESCE(BOOL_OR(place = 'BillingAccountId'), FALSE) AS billing_accounts
    FROM tag_steps
),

claims AS (
    SELECT
        charge_tags.tags,
        charge_tags.sub_account_id,
        charge_tags.billing_account_id,
        charge_tags.how,
        departments.department,
        ROW_NUMBER() OVER (
            PARTITION BY
                charge_tags.tags,
                charge_tags.sub_account_id,
                charge_tags.billing_account_id
            ORDER BY charge_tags.step
        ) AS choice
    FROM charge_tags
    INNER JOIN departments
        ON charge_tags.value = departments.department
    WHERE charge_tags.key = 'department'
),

scopes AS (
    SELECT DISTINCT
        passed_charges.pool,
        passed_charges.provider
    FROM passed_charges
    WHERE passed_charges.pool_kind = 'direct'
),

owners_of_last_resort AS (
    SELECT
        scopes.pool,
        scopes.provider,
        last_resorts.department,
        ROW_NUMBER() OVER (
            PARTITION BY
                scopes.pool,
                scopes.provider
            ORDER BY last_resorts.position
        ) AS choice
    FROM scopes
    INNER JOIN last_resorts
        ON
            scopes.pool = last_resorts.pool
            OR scopes.provider = last_resorts.provider
)

SELECT
    passed_charges.*,
    COALESCE(claims.department, owners_of_last_resort.department, 'unassigned') AS department,
    CASE
        WHEN claims.department IS NOT NULL THEN claims.how
        WHEN owners_of_last_resort.department IS NOT NULL THEN 'last_resort'
        ELSE 'unassigned'
    END AS how
FROM passed_charges
CROSS JOIN tag_places
LEFT JOIN claims
    ON
        claims.choice = 1
        AND COALESCE(passed_charges.tags, '') = claims.tags
        AND CASE WHEN tag_places.sub_accounts THEN COALESCE(passed_charges.sub_account, '') ELSE '' END
        = claims.sub_account_id
        AND CASE WHEN tag_places.billing_accounts THEN COALESCE(passed_charges.billing_account, '') ELSE '' END
        = claims.billing_account_id
LEFT JOIN owners_of_last_resort
    ON
        owners_of_last_resort.choice = 1
        AND passed_charges.pool = owners_of_last_resort.pool
        AND passed_charges.provider = owners_of_last_resort.provider
WHERE passed_charges.pool_kind = 'direct'
