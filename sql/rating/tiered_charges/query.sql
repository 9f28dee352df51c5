WITH tiered_meters AS (
    SELECT DISTINCT
        terms.product,
        terms.meter
    FROM terms
),

charged_meters AS (
    SELECT
        meters.product,
        meters.meter,
        meters.pool,
        meters.unit,
        COALESCE(meters.retired_at, TIMESTAMP '9999-12-31 00:00:00') AS retired_at
    FROM meters
    INNER JOIN tiered_meters
        ON
            meters.product = tiered_meters.product
            AND meters.meter = tiered_meters.meter
    WHERE meters.state <> 'draft'
),

metered AS (
    SELECT
        usage.period,
        COALESCE(tenants.department, 'unassigned') AS department,
        usage.tenant,
        charged_meters.pool,
        usage.product,
        usage.meter,
        usage.resource,
        usage.started_at,
        CAST(usage.quantity AS DECIMAL(38, 9)) AS quantity,
        charged_meters.unit,
        usage.late
    FROM usage
    INNER JOIN parameters
        ON usage.period = parameters.period
    INNER JOIN charged_meters
        ON
            usage.product = charged_meters.product
            AND usage.meter = charged_meters.meter
            AND usage.started_at < charged_meters.retired_at
    LEFT JOIN tenants
        ON usage.tenant = tenants.tenant
),

-- Records that are the same in all of the order make the same rows, whichever comes first.
counted AS (
    SELECT
        metered.*,
        SUM(metered.quantity) OVER (
            PARTITION BY metered.department, metered.product, metered.meter
            ORDER BY
                metered.started_at ASC,
                metered.tenant ASC,
                metered.resource ASC NULLS FIRST,
                metered.late ASC,
                metered.quantity ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS counted_to
    FROM metered
),

-- A correction of a closed period takes units away: it runs from where the count stood down to where it then stands.
spans AS (
    SELECT
        counted.*,
        LEAST(counted.counted_to, counted.counted_to - counted.quantity) AS lowest,
        GREATEST(counted.counted_to, counted.counted_to - counted.quantity) AS highest
    FROM counted
),

tiers AS (
    SELECT
        terms.department,
        terms.product,
        terms.meter,
        terms.effective_from,
        COALESCE(terms.effective_to, TIMESTAMP '9999-12-31 00:00:00') AS effective_to,
        -- The first tier has no beginning either: corrections may take away more than was used.
        CASE
            WHEN terms.tier_from = 0 THEN CAST('-1e28' AS DECIMAL(38, 9))
            ELSE CAST(terms.tier_from AS DECIMAL(38, 9))
        END AS tier_from,
        COALESCE(CAST(terms.tier_to AS DECIMAL(38, 9)), CAST('1e28' AS DECIMAL(38, 9))) AS tier_to,
        terms.price,
        terms.minimum,
        terms.currency
    FROM terms
),

split_by_tier AS (
    SELECT
        spans.*,
        tiers.price,
        tiers.minimum,
        tiers.currency,
        CASE
            WHEN spans.quantity < 0
                THEN GREATEST(spans.lowest, tiers.tier_from) - LEAST(spans.highest, tiers.tier_to)
            ELSE LEAST(spans.highest, tiers.tier_to) - GREATEST(spans.lowest, tiers.tier_from)
        END AS part
    FROM spans
    INNER JOIN tiers
        ON
            spans.department = tiers.department
            AND spans.product = tiers.product
            AND spans.meter = tiers.meter
            AND spans.started_at >= tiers.effective_from
            AND spans.started_at < tiers.effective_to
            -- A record of nothing stands in the tier that the next unit would fall into.
            AND spans.lowest < tiers.tier_to
            AND (
                spans.highest > tiers.tier_from
                OR (
                    spans.quantity = 0
                    AND spans.highest = tiers.tier_from
                )
            )
)

SELECT
    period,
    department,
    tenant,
    pool,
    product,
    meter,
    resource,
    started_at,
    CAST(part AS DECIMAL(19, 9)) AS quantity,
    unit,
    CAST(price AS DECIMAL(18, 9)) AS price,
    CAST(CAST(part AS DECIMAL(19, 9)) * CAST(price AS DECIMAL(18, 9)) AS DECIMAL(38, 18)) AS amount,
    currency,
    late,
    minimum
FROM split_by_tier
