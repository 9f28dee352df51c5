WITH claims AS (
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
)

SELECT
    tags,
    sub_account_id,
    billing_account_id,
    how,
    department
FROM claims
WHERE choice = 1
