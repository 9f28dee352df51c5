WITH billed_resources AS (
    SELECT
        part_sums.pool,
        part_sums.resource,
        CAST(SUM(part_sums.capacity_amount) AS DECIMAL(38, 18)) AS amount
    FROM part_sums
    WHERE
        part_sums.class = 'capacity'
        AND part_sums.resource <> ''
    GROUP BY
        part_sums.pool,
        part_sums.resource
),

metered_resources AS (
    SELECT
        internal_parts.pool,
        internal_parts.resource,
        CAST(SUM(internal_parts.list_amount) AS DECIMAL(38, 18)) AS amount
    FROM internal_parts
    WHERE internal_parts.class = 'metered'
    GROUP BY
        internal_parts.pool,
        internal_parts.resource
),

placed AS (
    SELECT
        alias_claims.pool,
        alias_claims.resource
    FROM alias_claims
    UNION
    SELECT
        identifier_pairs.pool,
        identifier_pairs.billed AS resource
    FROM identifier_pairs
    UNION
    SELECT
        identifier_pairs.pool,
        identifier_pairs.metered AS resource
    FROM identifier_pairs
    UNION
    SELECT
        billed_resources.pool,
        billed_resources.resource
    FROM billed_resources
    INNER JOIN metered_resources
        ON
            billed_resources.pool = metered_resources.pool
            AND billed_resources.resource = metered_resources.resource
),

billed_days AS (
    SELECT
        charge_parts.pool,
        charge_parts.resource,
        charge_parts.product,
        charge_parts.meter,
        CAST(charge_parts.started_at AS DATE) AS day,
        CAST(SUM(charge_parts.capacity_quantity) AS DECIMAL(38, 9)) AS quantity
    FROM charge_parts
    WHERE
        charge_parts.class = 'capacity'
        AND charge_parts.resource <> ''
        AND NOT EXISTS (
            SELECT 1
            FROM placed
            WHERE
                placed.pool = charge_parts.pool
                AND placed.resource = charge_parts.resource
        )
    GROUP BY
        charge_parts.pool,
        charge_parts.resource,
        charge_parts.product,
        charge_parts.meter,
        CAST(charge_parts.started_at AS DATE)
),

metered_days AS (
    SELECT
        listed_charges.pool,
        listed_charges.resource,
        listed_charges.product,
        listed_charges.meter,
        CAST(listed_charges.started_at AS DATE) AS day,
        CAST(SUM(listed_charges.quantity) AS DECIMAL(38, 9)) AS quantity
    FROM listed_charges
    WHERE
        listed_charges.class = 'metered'
        AND NOT EXISTS (
            SELECT 1
            FROM placed
            WHERE
                placed.pool = listed_charges.pool
                AND placed.resource = listed_charges.resource
        )
    GROUP BY
        listed_charges.pool,
        listed_charges.resource,
        listed_charges.product,
        listed_charges.meter,
        CAST(listed_charges.started_at AS DATE)
),

billed_series AS (
    SELECT
        billed_days.pool,
        billed_days.resource,
        STRING_AGG(
            CONCAT(billed_days.product, '/', billed_days.meter, ' ', billed_days.day, ' ', billed_days.quantity), ' '
            ORDER BY billed_days.product ASC, billed_days.meter ASC, billed_days.day ASC
        ) AS series
    FROM billed_days
    GROUP BY
        billed_days.pool,
        billed_days.resource
    HAVING COUNT(DISTINCT billed_days.day) > 1
),

metered_series AS (
    SELECT
        metered_days.pool,
        metered_days.resource,
        STRING_AGG(
            CONCAT(metered_days.product, '/', metered_days.meter, ' ', metered_days.day, ' ', metered_days.quantity),
            ' '
            ORDER BY metered_days.product ASC, metered_days.meter ASC, metered_days.day ASC
        ) AS series
    FROM metered_days
    GROUP BY
        metered_days.pool,
        metered_days.resource
    HAVING COUNT(DISTINCT metered_days.day) > 1
),

pairs AS (
    SELECT
        billed_series.pool,
        billed_series.resource AS billed,
        metered_series.resource AS metered,
        COUNT(*) OVER (PARTITION BY billed_series.pool, billed_series.resource) AS billed_fits,
        COUNT(*) OVER (PARTITION BY metered_series.pool, metered_series.resource) AS metered_fits
    FROM billed_series
    INNER JOIN metered_series
        ON
            billed_series.pool = metered_series.pool
            AND billed_series.series = metered_series.series
)

SELECT
    pairs.pool,
    pairs.billed,
    pairs.metered,
    'days' AS likeness,
    billed_resources.amount AS capacity_amount,
    metered_resources.amount AS metered_amount,
    CAST(metered_resources.amount - billed_resources.amount AS DECIMAL(38, 18)) AS amount
FROM pairs
INNER JOIN billed_resources
    ON
        pairs.pool = billed_resources.pool
        AND pairs.billed = billed_resources.resource
INNER JOIN metered_resources
    ON
        pairs.pool = metered_resources.pool
        AND pairs.metered = metered_resources.resource
WHERE
    pairs.billed_fits = 1
    AND pairs.metered_fits = 1
ORDER BY
    billed_resources.amount DESC,
    pairs.pool ASC,
    pairs.billed ASC
LIMIT 200
