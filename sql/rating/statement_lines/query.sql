WITH exact_lines AS (
    SELECT
        period,
        pool,
        department,
        product,
        meter,
        kind,
        currency,
        CASE WHEN MIN(unit) = MAX(unit) THEN MIN(unit) ELSE 'various' END AS unit,
        CAST(SUM(CAST(quantity AS DECIMAL(38, 9))) AS DECIMAL(38, 9)) AS quantity,
        CASE WHEN kind = 'allocated' THEN NULL WHEN MIN(price) = MAX(price) THEN MIN(price) END AS price,
        CAST(SUM(CAST(amount AS DECIMAL(38, 18))) AS DECIMAL(38, 18)) AS amount_exact,
        COUNT(*) AS charges
    FROM internal_charges
    GROUP BY
        period,
        pool,
        department,
        product,
        meter,
        kind,
        currency
)

SELECT
    exact_lines.period,
    exact_lines.pool,
    exact_lines.department,
    exact_lines.product,
    exact_lines.meter,
    exact_lines.kind,
    exact_lines.currency,
    exact_lines.unit,
    exact_lines.quantity,
    exact_lines.price,
    exact_lines.amount_exact,
    -- Each branch is cast by itself: their common type would be that of the fewest decimals.
    CASE parameters.unit_decimals
        WHEN 0 THEN CAST(ROUND(exact_lines.amount_exact, 0) AS DECIMAL(38, 18))
        WHEN 3 THEN CAST(ROUND(exact_lines.amount_exact, 3) AS DECIMAL(38, 18))
        ELSE CAST(ROUND(exact_lines.amount_exact, 2) AS DECIMAL(38, 18))
    END AS amount,
    exact_lines.charges
FROM exact_lines
CROSS JOIN parameters
