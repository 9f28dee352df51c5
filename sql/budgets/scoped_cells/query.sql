WITH distinct_cells AS (
    SELECT DISTINCT
        scoped_charges.department,
        scoped_charges.product,
        scoped_charges.account,
        scoped_charges.payer,
        scoped_charges.region,
        scoped_charges.service,
        scoped_charges.labels
    FROM scoped_charges
)

SELECT
    ROW_NUMBER() OVER (
        ORDER BY
            distinct_cells.department,
            distinct_cells.product,
            distinct_cells.account,
            distinct_cells.payer,
            distinct_cells.region,
            distinct_cells.service,
            distinct_cells.labels
    ) AS cell,
    distinct_cells.department,
    distinct_cells.product,
    distinct_cells.account,
    distinct_cells.payer,
    distinct_cells.region,
    distinct_cells.service,
    distinct_cells.labels
FROM distinct_cells
