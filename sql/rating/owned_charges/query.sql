WITH tag_places AS (
    SELECT
        COALESCE(BOOL_OR(place = 'SubAccountId'), FALSE) AS sub_accounts,
        COALESCE(BOOL_OR(place = 'BillingAccountId'), FALSE) AS billing_accounts
    FROM tag_steps
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
    COALESCE(tag_owners.department, owners_of_last_resort.department, 'unassigned') AS department,
    CASE
        WHEN tag_owners.department IS NOT NULL THEN tag_owners.how
        WHEN owners_of_last_resort.department IS NOT NULL THEN 'last_resort'
        ELSE 'unassigned'
    END AS how
FROM passed_charges
CROSS JOIN tag_places
LEFT JOIN tag_owners
    ON
        COALESCE(passed_charges.tags, '') = tag_owners.tags
        AND CASE WHEN tag_places.sub_accounts THEN COALESCE(passed_charges.sub_account, '') ELSE '' END
        = tag_owners.sub_account_id
        AND CASE WHEN tag_places.billing_accounts THEN COALESCE(passed_charges.billing_account, '') ELSE '' END
        = tag_owners.billing_account_id
LEFT JOIN owners_of_last_resort
    ON
        owners_of_last_resort.choice = 1
        AND passed_charges.pool = owners_of_last_resort.pool
        AND passed_charges.provider = owners_of_last_resort.provider
WHERE passed_charges.pool_kind = 'direct'
