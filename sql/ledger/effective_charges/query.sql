WITH tag_places AS (
    SELECT
        COALESCE(BOOL_OR(place = 'Tags'), FALSE) AS tags,
        COALESCE(BOOL_OR(place = 'SubAccountId'), FALSE) AS sub_accounts,
        COALESCE(BOOL_OR(place = 'BillingAccountId'), FALSE) AS billing_accounts
    FROM tag_steps
)

SELECT
    external_charges.x_period AS period,
    CAST(external_charges.ChargePeriodStart AS DATE) AS day,
    external_charges.BillingCurrency AS currency,
    '' AS department,
    '' AS product,
    COALESCE(NULLIF(external_charges.SubAccountId, ''), external_charges.BillingAccountId) AS account,
    external_charges.BillingAccountId AS payer,
    COALESCE(external_charges.RegionId, '') AS region,
    external_charges.ServiceName AS service,
    COALESCE(label_sets.labels, '') AS labels,
    external_charges.EffectiveCost AS amount
FROM external_charges
CROSS JOIN tag_places
LEFT JOIN label_sets
    ON
        CASE WHEN tag_places.tags THEN COALESCE(external_charges.Tags, '') ELSE '' END = label_sets.tags
        AND CASE WHEN tag_places.sub_accounts THEN COALESCE(external_charges.SubAccountId, '') ELSE '' END
        = label_sets.sub_account_id
        AND CASE WHEN tag_places.billing_accounts THEN COALESCE(external_charges.BillingAccountId, '') ELSE '' END
        = label_sets.billing_account_id
