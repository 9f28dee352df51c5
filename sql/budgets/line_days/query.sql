SELECT
    line_cells.line,
    cell_days.day,
    CAST(SUM(cell_days.amount) AS DECIMAL(38, 18)) AS amount
FROM line_cells
INNER JOIN cell_days
    ON line_cells.cell = cell_days.cell
GROUP BY
    line_cells.line,
    cell_days.day
