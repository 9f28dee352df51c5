WITH recent_usage AS (
    SELECT
        usage.feed,
        usage.tenant,
        usage.product,
        usage.meter,
        COALESCE(usage.resource, '') AS resource,
        usage.started_at,
        usage.ended_at,
        usage.quantity
    FROM usage
    INNER JOIN card_tenants
        ON usage.tenant = card_tenants.tenant
    INNER JOIN card_window
        ON usage.started_at >= card_window.starts_at AND usage.started_at < card_window.ends_at
),

held_hours AS (
    SELECT
        recent_usage.feed,
        recent_usage.tenant,
        recent_usage.product,
        recent_usage.meter,
        recent_usage.resource,
        recent_usage.started_at,
        MAX(recent_usage.ended_at) AS ended_at,
        SUM(recent_usage.quantity) AS quantity
    FROM recent_usage
    INNER JOIN held_meters
        ON
            recent_usage.feed = held_meters.feed
            AND recent_usage.product = held_meters.product
            AND recent_usage.meter = held_meters.meter
    GROUP BY
        recent_usage.feed,
        recent_usage.tenant,
        recent_usage.product,
        recent_usage.meter,
        recent_usage.resource,
        recent_usage.started_at
),

-- Two metrics of the same card are two meters: added up, a card would be busy twice.
busy_hours AS (
    SELECT
        recent_usage.feed,
        recent_usage.tenant,
        recent_usage.product,
        recent_usage.resource,
        recent_usage.started_at,
        ARG_MIN(recent_usage.quantity, busy_meters.position) AS quantity
    FROM recent_usage
    INNER JOIN busy_meters
        ON
            recent_usage.feed = busy_meters.feed
            AND recent_usage.product = busy_meters.product
            AND recent_usage.meter = busy_meters.meter
    GROUP BY
        recent_usage.feed,
        recent_usage.tenant,
        recent_usage.product,
        recent_usage.resource,
        recent_usage.started_at
)

SELECT
    held_hours.product,
    held_hours.meter,
    CAST(SUM(held_hours.quantity) AS DECIMAL(38, 9)) AS held_hours,
    CAST(
        SUM(CASE WHEN busy_hours.quantity IS NULL THEN 0 ELSE held_hours.quantity END) AS DECIMAL(38, 9)
    ) AS measured_hours,
    CAST(
        SUM(
            CASE WHEN busy_hours.quantity IS NULL THEN 0 ELSE LEAST(busy_hours.quantity, held_hours.quantity) END
        ) AS DECIMAL(38, 9)
    ) AS busy_hours,
    MAX(held_hours.ended_at) AS known_until
FROM held_hours
LEFT JOIN busy_hours
    ON
        held_hours.feed = busy_hours.feed
        AND held_hours.tenant = busy_hours.tenant
        AND held_hours.product = busy_hours.product
        AND held_hours.resource = busy_hours.resource
        AND held_hours.started_at = busy_hours.started_at
GROUP BY
    held_hours.product,
    held_hours.meter
ORDER BY
    held_hours.product,
    held_hours.meter
