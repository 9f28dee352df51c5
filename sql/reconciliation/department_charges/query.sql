SELECT
    statement_lines.pool,
    statement_lines.department,
    CAST(SUM(statement_lines.amount_exact) AS DECIMAL(38, 18)) AS amount_exact,
    CAST(SUM(statement_lines.amount) AS DECIMAL(38, 18)) AS amount,
    CAST(COUNT(*) AS BIGINT) AS "lines"
FROM statement_lines
GROUP BY
    statement_lines.pool,
    statement_lines.department
