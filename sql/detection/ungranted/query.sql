WITH seen_days AS (
    SELECT
        billed_resources.*
    FROM billed_resources
    UNION ALL
    SELECT
        metered_resources.*
    FROM metered_resources
    WHERE metered_resources.resource NOT IN (SELECT billed_resources.resource FROM billed_resources)
),

first_days AS (
    SELECT
        seen_days.resource,
        MIN(seen_days.day) AS first_day
    FROM seen_days
    GROUP BY seen_days.resource
),

concerned_days AS (
    SELECT
        seen_days.*,
        first_days.first_day,
        known_resources.resource IS NOT NULL AS is_known
    FROM seen_days
    INNER JOIN first_days
        ON seen_days.resource = first_days.resource
    LEFT JOIN known_resources
        ON seen_days.resource = known_resources.resource
    WHERE
        known_resources.resource IS NULL
        OR seen_days.grant_id IN (SELECT grants.id FROM grants)
),

granted_days AS (
    SELECT
        concerned_days.side,
        concerned_days.pool,
        concerned_days.product,
        concerned_days.meter,
        concerned_days.resource,
        concerned_days.department,
        concerned_days.provider,
        concerned_days.account,
        concerned_days.region,
        concerned_days.grant_id,
        concerned_days.day,
        concerned_days.first_day,
        concerned_days.is_known,
        concerned_days.quantity,
        concerned_days.amount,
        COUNT(grants.id) FILTER (WHERE concerned_days.day >= grants.start_day) AS begun,
        COUNT(grants.id) FILTER (WHERE concerned_days.day BETWEEN grants.start_day AND grants.end_day) AS live,
        SUM(grants.quantity) FILTER (WHERE concerned_days.day BETWEEN grants.start_day AND grants.end_day) AS granted
    FROM concerned_days
    LEFT JOIN grants
        ON
            concerned_days.product = grants.product
            AND concerned_days.meter = grants.meter
            AND COALESCE(concerned_days.grant_id, grants.id) = grants.id
            AND (concerned_days.grant_id IS NOT NULL OR concerned_days.department = grants.department)
            AND COALESCE(concerned_days.region, grants.region) = grants.region
            AND COALESCE(grants.account, concerned_days.account, '')
            = COALESCE(concerned_days.account, grants.account, '')
    GROUP BY
        concerned_days.side,
        concerned_days.pool,
        concerned_days.product,
        concerned_days.meter,
        concerned_days.resource,
        concerned_days.department,
        concerned_days.provider,
        concerned_days.account,
        concerned_days.region,
        concerned_days.grant_id,
        concerned_days.day,
        concerned_days.first_day,
        concerned_days.is_known,
        concerned_days.quantity,
        concerned_days.amount
),

-- Whoever was there first draws first: what comes beyond the grant is what came last.
drawn_days AS (
    SELECT
        granted_days.*,
        SUM(granted_days.quantity) OVER (
            PARTITION BY
                granted_days.product,
                granted_days.meter,
                granted_days.grant_id,
                CASE WHEN granted_days.grant_id IS NULL THEN granted_days.department END,
                granted_days.account,
                granted_days.region,
                granted_days.day
            ORDER BY
                granted_days.is_known DESC,
                granted_days.first_day ASC,
                granted_days.resource ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS drawn
    FROM granted_days
),

judged_days AS (
    SELECT
        drawn_days.*,
        CASE
            WHEN drawn_days.live > 0 AND drawn_days.drawn <= drawn_days.granted THEN 'granted'
            WHEN drawn_days.live > 0 THEN 'larger'
            WHEN drawn_days.begun > 0 THEN 'after'
            ELSE 'no grant'
        END AS reason
    FROM drawn_days
)

SELECT
    judged_days.product,
    judged_days.meter,
    judged_days.resource,
    MIN(judged_days.side) AS side,
    MIN(judged_days.pool) AS pool,
    MIN(judged_days.department) AS department,
    MIN(judged_days.provider) AS provider,
    MIN(judged_days.account) AS account,
    MIN(judged_days.region) AS region,
    MIN(judged_days.grant_id) AS grant_id,
    MIN(judged_days.day) AS first_day,
    COUNT(DISTINCT judged_days.day) AS days,
    ARG_MIN(judged_days.reason, judged_days.day) AS reason,
    CAST(SUM(judged_days.amount) AS DECIMAL(38, 18)) AS amount
FROM judged_days
WHERE judged_days.reason <> 'granted'
GROUP BY
    judged_days.product,
    judged_days.meter,
    judged_days.resource
