WITH billed_amounts AS (
    SELECT
        part_sums.pool,
        part_sums.resource,
        CAST(SUM(part_sums.capacity_amount) AS DECIMAL(38, 18)) AS amount
    FROM part_sums
    WHERE part_sums.class = 'capacity'
    GROUP BY
        part_sums.pool,
        part_sums.resource
),

metered_amounts AS (
    SELECT
        internal_parts.pool,
        internal_parts.resource,
        CAST(SUM(internal_parts.list_amount) AS DECIMAL(38, 18)) AS amount
    FROM internal_parts
    WHERE internal_parts.class = 'metered'
    GROUP BY
        internal_parts.pool,
        internal_parts.resource
)

SELECT
    identifier_pairs.pool,
    identifier_pairs.billed,
    identifier_pairs.metered,
    identifier_pairs.likeness,
    billed_amounts.amount AS capacity_amount,
    metered_amounts.amount AS metered_amount,
    CAST(metered_amounts.amount - billed_amounts.amount AS DECIMAL(38, 18)) AS amount
FROM identifier_pairs
INNER JOIN billed_amounts
    ON
        identifier_pairs.pool = billed_amounts.pool
        AND identifier_pairs.billed = billed_amounts.resource
INNER JOIN metered_amounts
    ON
        identifier_pairs.pool = metered_amounts.pool
        AND identifier_pairs.metered = metered_amounts.resource
WHERE
    identifier_pairs.billed_fits = 1
    AND identifier_pairs.metered_fits = 1
ORDER BY
    billed_amounts.amount DESC,
    identifier_pairs.pool ASC,
    identifier_pairs.billed ASC
LIMIT 200
