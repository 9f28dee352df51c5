WITH both_sides AS (
    SELECT
        part_sums.pool,
        part_sums.resource,
        part_sums.product,
        part_sums.meter,
        part_sums.service,
        1 AS billed,
        0 AS metered,
        part_sums.capacity_quantity,
        CAST(0 AS DECIMAL(38, 9)) AS metered_quantity,
        part_sums.capacity_amount,
        CAST(0 AS DECIMAL(38, 18)) AS metered_amount
    FROM part_sums
    WHERE
        part_sums.class = 'capacity'
        AND part_sums.resource <> ''
    UNION ALL
    SELECT
        internal_parts.pool,
        internal_parts.resource,
        internal_parts.product,
        internal_parts.meter,
        CAST(NULL AS VARCHAR) AS service,
        0 AS billed,
        1 AS metered,
        CAST(0 AS DECIMAL(38, 9)) AS capacity_quantity,
        internal_parts.quantity AS metered_quantity,
        CAST(0 AS DECIMAL(38, 18)) AS capacity_amount,
        internal_parts.list_amount AS metered_amount
    FROM internal_parts
    WHERE internal_parts.class = 'metered'
),

summed_sides AS (
    SELECT
        both_sides.pool,
        COALESCE(resource_groups.subject, both_sides.resource) AS resource,
        both_sides.product,
        both_sides.meter,
        MIN(both_sides.service) AS service,
        CASE
            WHEN MAX(both_sides.metered) = 0 THEN 'billed_not_metered'
            WHEN MAX(both_sides.billed) = 0 THEN 'metered_not_billed'
            ELSE 'quantity_differs'
        END AS side,
        CAST(SUM(both_sides.capacity_quantity) AS DECIMAL(38, 9)) AS capacity_quantity,
        CAST(SUM(both_sides.metered_quantity) AS DECIMAL(38, 9)) AS metered_quantity,
        CAST(SUM(both_sides.capacity_amount) AS DECIMAL(38, 18)) AS capacity_amount,
        CAST(SUM(both_sides.metered_amount) AS DECIMAL(38, 18)) AS metered_amount
    FROM both_sides
    LEFT JOIN resource_groups
        ON
            both_sides.pool = resource_groups.pool
            AND both_sides.resource = resource_groups.resource
    GROUP BY
        both_sides.pool,
        COALESCE(resource_groups.subject, both_sides.resource),
        both_sides.product,
        both_sides.meter
)

SELECT
    summed_sides.pool,
    summed_sides.resource,
    summed_sides.product,
    summed_sides.meter,
    summed_sides.service,
    summed_sides.side,
    summed_sides.capacity_quantity,
    summed_sides.metered_quantity,
    CAST(summed_sides.metered_quantity - summed_sides.capacity_quantity AS DECIMAL(38, 9)) AS quantity,
    summed_sides.capacity_amount,
    summed_sides.metered_amount,
    CAST(summed_sides.metered_amount - summed_sides.capacity_amount AS DECIMAL(38, 18)) AS amount
FROM summed_sides
WHERE
    summed_sides.metered_quantity <> summed_sides.capacity_quantity
    OR summed_sides.metered_amount <> summed_sides.capacity_amount
    OR summed_sides.side <> 'quantity_differs'
