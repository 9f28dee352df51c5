-- A record without a length is of the hour that it is in.
WITH spans AS (
    SELECT DISTINCT
        usage.feed,
        usage.tenant,
        usage.product,
        usage.meter,
        usage.started_at,
        GREATEST(usage.ended_at, usage.started_at + INTERVAL '1' SECOND) AS ended_at
    FROM usage
    INNER JOIN coverage_feeds
        ON usage.feed = coverage_feeds.feed
)

SELECT DISTINCT
    spans.feed,
    spans.tenant,
    spans.product,
    spans.meter,
    coverage_hours.starts_at
FROM spans
INNER JOIN coverage_hours
    ON
        spans.started_at < coverage_hours.ends_at
        AND spans.ended_at > coverage_hours.starts_at
