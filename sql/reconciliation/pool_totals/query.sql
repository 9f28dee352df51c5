WITH pool_sides AS (
    SELECT
        part_sums.pool,
        CAST(0 AS DECIMAL(38, 18)) AS internal_amount,
        part_sums.booked_cost AS external_amount
    FROM part_sums
    UNION ALL
    SELECT
        statement_lines.pool,
        CAST(statement_lines.amount AS DECIMAL(38, 18)) AS internal_amount,
        CAST(0 AS DECIMAL(38, 18)) AS external_amount
    FROM statement_lines
)

SELECT
    pool_sides.pool,
    CAST(SUM(pool_sides.internal_amount) AS DECIMAL(38, 18)) AS internal_amount,
    CAST(SUM(pool_sides.external_amount) AS DECIMAL(38, 18)) AS external_amount,
    CAST(SUM(pool_sides.internal_amount) - SUM(pool_sides.external_amount) AS DECIMAL(38, 18)) AS deviation
FROM pool_sides
GROUP BY pool_sides.pool
