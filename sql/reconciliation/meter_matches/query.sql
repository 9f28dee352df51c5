WITH billed_meters AS (
    SELECT
        part_sums.pool,
        part_sums.product,
        part_sums.meter,
        CAST(SUM(part_sums.capacity_quantity) AS DECIMAL(38, 9)) AS capacity_quantity,
        CAST(SUM(part_sums.capacity_amount) AS DECIMAL(38, 18)) AS capacity_amount
    FROM part_sums
    WHERE part_sums.class = 'capacity'
    GROUP BY
        part_sums.pool,
        part_sums.product,
        part_sums.meter
),

metered_meters AS (
    SELECT
        internal_parts.pool,
        internal_parts.product,
        internal_parts.meter,
        CAST(SUM(internal_parts.quantity) AS DECIMAL(38, 9)) AS metered_quantity,
        CAST(SUM(internal_parts.list_amount) AS DECIMAL(38, 18)) AS metered_amount
    FROM internal_parts
    WHERE internal_parts.class IN ('metered', 'unresourced')
    GROUP BY
        internal_parts.pool,
        internal_parts.product,
        internal_parts.meter
)

SELECT
    COALESCE(billed_meters.pool, metered_meters.pool) AS pool,
    COALESCE(billed_meters.product, metered_meters.product) AS product,
    COALESCE(billed_meters.meter, metered_meters.meter) AS meter,
    CASE
        WHEN metered_meters.pool IS NULL THEN 'billed_not_metered'
        WHEN billed_meters.pool IS NULL THEN 'metered_not_billed'
        ELSE 'both'
    END AS side,
    COALESCE(billed_meters.capacity_quantity, CAST(0 AS DECIMAL(38, 9))) AS capacity_quantity,
    COALESCE(metered_meters.metered_quantity, CAST(0 AS DECIMAL(38, 9))) AS metered_quantity,
    COALESCE(billed_meters.capacity_amount, CAST(0 AS DECIMAL(38, 18))) AS capacity_amount,
    COALESCE(metered_meters.metered_amount, CAST(0 AS DECIMAL(38, 18))) AS metered_amount
FROM billed_meters
FULL JOIN metered_meters
    ON
        billed_meters.pool = metered_meters.pool
        AND billed_meters.product = metered_meters.product
        AND billed_meters.meter = metered_meters.meter
