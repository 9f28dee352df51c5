-- On distinct combinations, never on every charge; without a step no charge is read.
WITH used_places AS (
    SELECT
        COALESCE(BOOL_OR(place = 'Tags'), FALSE) AS tags,
        COALESCE(BOOL_OR(place = 'SubAccountId'), FALSE) AS sub_accounts,
        COALESCE(BOOL_OR(place = 'BillingAccountId'), FALSE) AS billing_accounts
    FROM tag_steps
    HAVING COUNT(*) > 0
),

combinations AS (
    SELECT DISTINCT
        CASE WHEN used_places.tags THEN COALESCE(external_charges.Tags, '') ELSE '' END AS tags,
        CASE WHEN used_places.sub_accounts THEN COALESCE(SubAccountId, '') ELSE '' END AS sub_account_id,
        CASE WHEN used_places.billing_accounts THEN COALESCE(BillingAccountId, '') ELSE '' END AS billing_account_id
    FROM external_charges
    CROSS JOIN used_places
),

looked_at AS (
    SELECT
        combinations.tags,
        combinations.sub_account_id,
        combinations.billing_account_id,
        tag_steps.key,
        tag_steps.step,
        tag_steps.how,
        tag_steps.as_written,
        CASE tag_steps.place
            WHEN 'Tags' THEN JSON_TEXT(combinations.tags, tag_steps.name)
            WHEN 'SubAccountId' THEN combinations.sub_account_id
            ELSE combinations.billing_account_id
        END AS written
    FROM combinations
    CROSS JOIN tag_steps
)

SELECT
    looked_at.tags,
    looked_at.sub_account_id,
    looked_at.billing_account_id,
    looked_at.key,
    looked_at.step,
    looked_at.how,
    looked_at.written,
    COALESCE(tag_values.value, CASE WHEN looked_at.as_written THEN looked_at.written END) AS value
FROM looked_at
LEFT JOIN tag_values
    ON
        looked_at.key = tag_values.key
        AND looked_at.step = tag_values.step
        AND looked_at.written = tag_values.written
WHERE looked_at.written <> ''
