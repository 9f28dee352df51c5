-- A stretch stands in the spans as often as there are spans before it, so that both sides weigh the same.
WITH changes AS (
    SELECT
        anomaly_spans.anomaly,
        anomaly_spans.rising,
        external_charges.BillingCurrency AS currency,
        COALESCE(external_charges.SubAccountId, external_charges.BillingAccountId) AS account,
        COALESCE(external_charges.RegionId, '') AS region,
        COALESCE(external_charges.ResourceId, '') AS resource,
        COALESCE(external_charges.SkuPriceId, external_charges.SkuId, '') AS sku,
        CASE
            WHEN anomaly_spans.is_after THEN external_charges.EffectiveCost
            ELSE -external_charges.EffectiveCost
        END AS amount
    FROM external_charges
    INNER JOIN anomaly_spans
        ON
            external_charges.ServiceProviderName = anomaly_spans.scope
            AND external_charges.ServiceName = anomaly_spans.product
            AND external_charges.ChargePeriodStart >= anomaly_spans.starts_at
            AND external_charges.ChargePeriodStart < anomaly_spans.ends_at
),

by_name AS (
    SELECT
        changes.anomaly,
        changes.rising,
        changes.currency,
        'account' AS dimension,
        changes.account AS name,
        CAST(SUM(changes.amount) AS DECIMAL(38, 18)) AS change
    FROM changes
    GROUP BY
        changes.anomaly,
        changes.rising,
        changes.currency,
        changes.account
    UNION ALL
    SELECT
        changes.anomaly,
        changes.rising,
        changes.currency,
        'region' AS dimension,
        changes.region AS name,
        CAST(SUM(changes.amount) AS DECIMAL(38, 18)) AS change
    FROM changes
    GROUP BY
        changes.anomaly,
        changes.rising,
        changes.currency,
        changes.region
    UNION ALL
    SELECT
        changes.anomaly,
        changes.rising,
        changes.currency,
        'resource' AS dimension,
        changes.resource AS name,
        CAST(SUM(changes.amount) AS DECIMAL(38, 18)) AS change
    FROM changes
    GROUP BY
        changes.anomaly,
        changes.rising,
        changes.currency,
        changes.resource
    UNION ALL
    SELECT
        changes.anomaly,
        changes.rising,
        changes.currency,
        'sku' AS dimension,
        changes.sku AS name,
        CAST(SUM(changes.amount) AS DECIMAL(38, 18)) AS change
    FROM changes
    GROUP BY
        changes.anomaly,
        changes.rising,
        changes.currency,
        changes.sku
),

ranked AS (
    SELECT
        by_name.anomaly,
        by_name.dimension,
        by_name.name,
        by_name.currency,
        by_name.change,
        COUNT(*) OVER (PARTITION BY by_name.anomaly, by_name.dimension) AS names,
        ROW_NUMBER() OVER (
            PARTITION BY by_name.anomaly, by_name.dimension, by_name.currency
            ORDER BY CASE WHEN by_name.rising THEN by_name.change ELSE -by_name.change END DESC, by_name.name ASC
        ) AS place
    FROM by_name
)

SELECT
    ranked.anomaly,
    ranked.dimension,
    ranked.name,
    ranked.currency,
    ranked.change,
    ranked.names
FROM ranked
WHERE ranked.place <= 3
