-- The same lines as a platform meters them: capacity in the meter's unit, for one tenant or two.
--
-- Every eighth resource is shared: a quarter for the tenant of the day, the rest for the next one.

CREATE VIEW metered AS
SELECT
    lines.*,
    UNNEST(meters) AS meter,
    UNNEST(factors) AS factor
FROM lines;

CREATE VIEW shared AS
SELECT
    metered.*,
    UNNEST(CASE WHEN resource_no % 8 = 7 THEN [0, 1] ELSE [0] END) AS neighbour,
    UNNEST(
        CASE
            WHEN resource_no % 8 = 7 THEN [CAST(0.25 AS DECIMAL(3, 2)), CAST(0.75 AS DECIMAL(3, 2))]
            ELSE [CAST(1 AS DECIMAL(3, 2))]
        END
    ) AS share
FROM metered;

CREATE VIEW usage AS
SELECT
    line,
    number,
    GETVARIABLE('tenants')[(tenant_no + neighbour) % 10 + 1] AS tenant,
    GETVARIABLE('departments')[(tenant_no + neighbour) % 10 + 1] AS department,
    pool AS product,
    meter,
    resource,
    started_at,
    ended_at,
    CAST(quantity * factor * share AS DECIMAL(19, 9)) AS quantity
FROM shared;

CREATE VIEW usage_files AS
SELECT
    tenant,
    product,
    meter,
    resource,
    started_at,
    ended_at,
    quantity
FROM usage;

CREATE VIEW usage_texts AS
SELECT
    tenant,
    product,
    meter,
    resource,
    STRFTIME(started_at, '%Y-%m-%dT%H:%M:%SZ') AS started_at,
    STRFTIME(ended_at, '%Y-%m-%dT%H:%M:%SZ') AS ended_at,
    CAST(quantity AS VARCHAR) AS quantity
FROM usage;

CREATE VIEW usage_events AS
SELECT
    '1.0' AS specversion,
    product || '/' || meter AS type,
    MD5(line || ':' || CAST(number AS VARCHAR) || ':' || tenant || ':' || CAST(started_at AS VARCHAR)) AS id,
    'nimbus-metering' AS source,
    tenant AS subject,
    STRFTIME(started_at, '%Y-%m-%dT%H:%M:%SZ') AS time,
    'application/json' AS datacontenttype,
    STRUCT_PACK(
        resource := resource,
        started_at := STRFTIME(started_at, '%Y-%m-%dT%H:%M:%SZ'),
        ended_at := STRFTIME(ended_at, '%Y-%m-%dT%H:%M:%SZ'),
        quantity := CAST(quantity AS VARCHAR)
    ) AS data
FROM usage;
