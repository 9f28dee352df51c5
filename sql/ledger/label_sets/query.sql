WITH tried AS (
    SELECT
        charge_tags.tags,
        charge_tags.sub_account_id,
        charge_tags.billing_account_id,
        charge_tags.key,
        charge_tags.value,
        ROW_NUMBER() OVER (
            PARTITION BY
                charge_tags.tags,
                charge_tags.sub_account_id,
                charge_tags.billing_account_id,
                charge_tags.key
            ORDER BY charge_tags.step
        ) AS choice
    FROM charge_tags
    LEFT JOIN departments
        ON charge_tags.value = departments.department
    WHERE
        charge_tags.value IS NOT NULL
        AND (charge_tags.key <> 'department' OR departments.department IS NOT NULL)
)

SELECT
    tried.tags,
    tried.sub_account_id,
    tried.billing_account_id,
    json_object_of(LIST(tried.key ORDER BY tried.key), LIST(tried.value ORDER BY tried.key)) AS labels
FROM tried
WHERE tried.choice = 1
GROUP BY
    tried.tags,
    tried.sub_account_id,
    tried.billing_account_id
