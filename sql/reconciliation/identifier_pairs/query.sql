WITH billed_resources AS (
    SELECT
        part_sums.pool,
        part_sums.resource,
        part_sums.product,
        part_sums.meter,
        part_sums.capacity_amount AS amount
    FROM part_sums
    WHERE
        part_sums.class = 'capacity'
        AND part_sums.resource <> ''
),

metered_resources AS (
    SELECT
        internal_parts.pool,
        internal_parts.resource,
        internal_parts.product,
        internal_parts.meter,
        internal_parts.list_amount AS amount
    FROM internal_parts
    WHERE internal_parts.class = 'metered'
),

billed_alone AS (
    SELECT
        billed_resources.pool,
        billed_resources.resource,
        billed_resources.product,
        billed_resources.meter,
        LOWER(billed_resources.resource) AS cased,
        LOWER(REGEXP_REPLACE(billed_resources.resource, '^.*[/:]', '')) AS tail
    FROM billed_resources
    WHERE
        NOT EXISTS (
            SELECT 1
            FROM metered_resources
            WHERE
                metered_resources.pool = billed_resources.pool
                AND metered_resources.resource = billed_resources.resource
        )
        AND NOT EXISTS (
            SELECT 1
            FROM alias_claims
            WHERE
                alias_claims.pool = billed_resources.pool
                AND alias_claims.resource = billed_resources.resource
        )
),

metered_alone AS (
    SELECT
        metered_resources.pool,
        metered_resources.resource,
        metered_resources.product,
        metered_resources.meter,
        LOWER(metered_resources.resource) AS cased,
        LOWER(REGEXP_REPLACE(metered_resources.resource, '^.*[/:]', '')) AS tail
    FROM metered_resources
    WHERE
        NOT EXISTS (
            SELECT 1
            FROM billed_resources
            WHERE
                billed_resources.pool = metered_resources.pool
                AND billed_resources.resource = metered_resources.resource
        )
        AND NOT EXISTS (
            SELECT 1
            FROM alias_claims
            WHERE
                alias_claims.pool = metered_resources.pool
                AND alias_claims.resource = metered_resources.resource
        )
),

likenesses AS (
    SELECT
        billed_alone.pool,
        billed_alone.resource AS billed,
        metered_alone.resource AS metered,
        MIN(CASE WHEN billed_alone.cased = metered_alone.cased THEN 1 ELSE 2 END) AS distance
    FROM billed_alone
    INNER JOIN metered_alone
        ON
            billed_alone.pool = metered_alone.pool
            AND billed_alone.product = metered_alone.product
            AND billed_alone.meter = metered_alone.meter
            AND billed_alone.tail = metered_alone.tail
            AND billed_alone.tail <> ''
    GROUP BY
        billed_alone.pool,
        billed_alone.resource,
        metered_alone.resource
),

nearest AS (
    SELECT
        likenesses.pool,
        likenesses.billed,
        likenesses.metered,
        likenesses.distance,
        MIN(likenesses.distance) OVER (PARTITION BY likenesses.pool, likenesses.billed) AS of_billed,
        MIN(likenesses.distance) OVER (PARTITION BY likenesses.pool, likenesses.metered) AS of_metered
    FROM likenesses
)

SELECT
    nearest.pool,
    nearest.billed,
    nearest.metered,
    CASE WHEN nearest.distance = 1 THEN 'case' ELSE 'tail' END AS likeness,
    COUNT(*) OVER (PARTITION BY nearest.pool, nearest.billed) AS billed_fits,
    COUNT(*) OVER (PARTITION BY nearest.pool, nearest.metered) AS metered_fits
FROM nearest
WHERE
    nearest.distance = nearest.of_billed
    AND nearest.distance = nearest.of_metered
