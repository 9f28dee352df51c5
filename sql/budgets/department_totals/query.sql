SELECT
    statement_lines.department,
    CAST(SUM(CAST(statement_lines.amount AS DECIMAL(38, 18))) AS DECIMAL(38, 18)) AS amount
FROM statement_lines
GROUP BY statement_lines.department
ORDER BY statement_lines.department
