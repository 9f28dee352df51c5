-- An hour is expected where the tenant and meter was metered within the `expected_hours` of its feed before it.
WITH meters_used AS (
    SELECT DISTINCT
        feed,
        tenant,
        product,
        meter
    FROM hours_used
),

seen AS (
    SELECT
        meters_used.feed,
        meters_used.tenant,
        meters_used.product,
        meters_used.meter,
        coverage_hours.starts_at,
        coverage_hours.ends_at,
        coverage_hours.number,
        coverage_feeds.expected_hours,
        coverage_hours.is_of_period AND coverage_hours.ends_at <= coverage_feeds.due_until AS is_due,
        hours_used.feed IS NOT NULL AS is_used,
        MAX(CASE WHEN hours_used.feed IS NOT NULL THEN coverage_hours.number END) OVER (
            PARTITION BY meters_used.feed, meters_used.tenant, meters_used.product, meters_used.meter
            ORDER BY coverage_hours.number
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS last_used
    FROM meters_used
    CROSS JOIN coverage_hours
    INNER JOIN coverage_feeds
        ON meters_used.feed = coverage_feeds.feed
    LEFT JOIN hours_used
        ON
            meters_used.feed = hours_used.feed
            AND meters_used.tenant = hours_used.tenant
            AND meters_used.product = hours_used.product
            AND meters_used.meter = hours_used.meter
            AND coverage_hours.starts_at = hours_used.starts_at
),

missing AS (
    SELECT
        feed,
        tenant,
        product,
        meter,
        starts_at,
        ends_at,
        number - ROW_NUMBER() OVER (
            PARTITION BY feed, tenant, product, meter
            ORDER BY number
        ) AS run
    FROM seen
    WHERE
        is_due
        AND NOT is_used
        AND number - last_used <= expected_hours
)

SELECT
    feed,
    tenant,
    product,
    meter,
    MIN(starts_at) AS starts_at,
    MAX(ends_at) AS ends_at,
    COUNT(*) AS hours
FROM missing
GROUP BY
    feed,
    tenant,
    product,
    meter,
    run
ORDER BY
    feed,
    tenant,
    product,
    meter,
    starts_at
