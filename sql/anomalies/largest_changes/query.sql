-- A stretch stands in the spans as often as there are spans before it, so that both sides weigh the same.
WITH changes AS (
    SELECT
        anomaly_spans.anomaly,
        anomaly_spans.rising,
        internal_charges.currency,
        internal_charges.meter,
        COALESCE(internal_charges.resource, internal_charges.tenant) AS resource,
        CASE WHEN anomaly_spans.is_after THEN internal_charges.amount ELSE -internal_charges.amount END AS amount
    FROM internal_charges
    INNER JOIN anomaly_spans
        ON
            internal_charges.department = anomaly_spans.scope
            AND internal_charges.product = anomaly_spans.product
            AND internal_charges.started_at >= anomaly_spans.starts_at
            AND internal_charges.started_at < anomaly_spans.ends_at
),

by_name AS (
    SELECT
        changes.anomaly,
        changes.rising,
        changes.currency,
        'meter' AS dimension,
        changes.meter AS name,
        CAST(SUM(changes.amount) AS DECIMAL(38, 18)) AS change
    FROM changes
    GROUP BY
        changes.anomaly,
        changes.rising,
        changes.currency,
        changes.meter
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
