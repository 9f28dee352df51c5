WITH tag_places AS (
    SELECT
        COALESCE(BOOL_OR(place = 'SubAccountId'), FALSE) AS sub_accounts,
        COALESCE(BOOL_OR(place = 'BillingAccountId'), FALSE) AS billing_accounts
    FROM tag_steps
)

SELECT
    tag_steps.name AS tag,
    charge_tags.written,
    CAST(COUNT(*) AS BIGINT) AS charges,
    CAST(SUM(owned_charges.list_cost) AS DECIMAL(38, 18)) AS list_cost
FROM owned_charges
CROSS JOIN tag_places
INNER JOIN charge_tags
    ON
        charge_tags.key = 'department'
        AND COALESCE(owned_charges.tags, '') = charge_tags.tags
        AND CASE WHEN tag_places.sub_accounts THEN COALESCE(owned_charges.sub_account, '') ELSE '' END
        = charge_tags.sub_account_id
        AND CASE WHEN tag_places.billing_accounts THEN COALESCE(owned_charges.billing_account, '') ELSE '' END
        = charge_tags.billing_account_id
INNER JOIN tag_steps
    ON
        charge_tags.key = tag_steps.key
        AND charge_tags.step = tag_steps.step
        AND tag_steps.place = 'Tags'
LEFT JOIN departments
    ON charge_tags.value = departments.department
WHERE departments.department IS NULL
GROUP BY
    tag_steps.name,
    charge_tags.written
