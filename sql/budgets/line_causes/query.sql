WITH spent AS (
    SELECT
        line_cells.line,
        line_cells.cell,
        budget_lines.parted_by,
        CAST(SUM(cell_days.amount) AS DECIMAL(38, 18)) AS amount
    FROM line_cells
    INNER JOIN budget_lines
        ON line_cells.line = budget_lines.line
    INNER JOIN cell_days
        ON
            line_cells.cell = cell_days.cell
            AND budget_lines.first_day <= cell_days.day
            AND budget_lines.last_day >= cell_days.day
    GROUP BY
        line_cells.line,
        line_cells.cell,
        budget_lines.parted_by
),

parts AS (
    SELECT
        spent.line,
        cell_terms.value AS name,
        CAST(SUM(spent.amount) AS DECIMAL(38, 18)) AS amount
    FROM spent
    INNER JOIN cell_terms
        ON
            spent.cell = cell_terms.cell
            AND spent.parted_by = cell_terms.dimension
    GROUP BY
        spent.line,
        cell_terms.value
),

ranked AS (
    SELECT
        parts.line,
        parts.name,
        parts.amount,
        ROW_NUMBER() OVER (
            PARTITION BY parts.line
            ORDER BY parts.amount DESC, parts.name ASC
        ) AS rank
    FROM parts
    WHERE parts.amount > 0
)

SELECT
    ranked.line,
    ranked.name,
    ranked.amount
FROM ranked
WHERE ranked.rank <= 3
