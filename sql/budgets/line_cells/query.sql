WITH term_cells AS (
    SELECT
        cell_terms.dimension,
        cell_terms.value,
        COUNT(*) AS cells
    FROM cell_terms
    GROUP BY
        cell_terms.dimension,
        cell_terms.value
),

-- A value that no cell has counts as none: a line whose values all are such finds nothing at once.
dimension_cells AS (
    SELECT
        line_values.line,
        line_values.dimension,
        SUM(COALESCE(term_cells.cells, 0)) AS cells
    FROM line_values
    LEFT JOIN term_cells
        ON
            line_values.dimension = term_cells.dimension
            AND line_values.value = term_cells.value
    GROUP BY
        line_values.line,
        line_values.dimension
),

rarest AS (
    SELECT
        dimension_cells.line,
        dimension_cells.dimension,
        ROW_NUMBER() OVER (
            PARTITION BY dimension_cells.line
            ORDER BY dimension_cells.cells, dimension_cells.dimension
        ) AS choice
    FROM dimension_cells
),

candidates AS (
    SELECT DISTINCT
        line_values.line,
        cell_terms.cell
    FROM rarest
    INNER JOIN line_values
        ON
            rarest.line = line_values.line
            AND rarest.dimension = line_values.dimension
    INNER JOIN cell_terms
        ON
            line_values.dimension = cell_terms.dimension
            AND line_values.value = cell_terms.value
    WHERE rarest.choice = 1
),

agreeing AS (
    SELECT
        candidates.line,
        candidates.cell,
        COUNT(DISTINCT cell_terms.dimension) AS dimensions
    FROM candidates
    INNER JOIN cell_terms
        ON candidates.cell = cell_terms.cell
    INNER JOIN line_values
        ON
            candidates.line = line_values.line
            AND cell_terms.dimension = line_values.dimension
            AND cell_terms.value = line_values.value
    GROUP BY
        candidates.line,
        candidates.cell
)

SELECT
    agreeing.line,
    agreeing.cell
FROM agreeing
INNER JOIN budget_lines
    ON
        agreeing.line = budget_lines.line
        AND agreeing.dimensions = budget_lines.dimensions
UNION ALL
SELECT
    budget_lines.line,
    scoped_cells.cell
FROM budget_lines
CROSS JOIN scoped_cells
WHERE budget_lines.dimensions = 0
