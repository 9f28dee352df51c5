WITH said AS (
    SELECT
        scoped_cells.cell,
        'department' AS dimension,
        scoped_cells.department AS value
    FROM scoped_cells
    UNION ALL
    SELECT
        scoped_cells.cell,
        'product' AS dimension,
        scoped_cells.product AS value
    FROM scoped_cells
    UNION ALL
    SELECT
        scoped_cells.cell,
        'account' AS dimension,
        scoped_cells.account AS value
    FROM scoped_cells
    UNION ALL
    SELECT
        scoped_cells.cell,
        'account' AS dimension,
        scoped_cells.payer AS value
    FROM scoped_cells
    WHERE scoped_cells.payer <> scoped_cells.account
    UNION ALL
    SELECT
        scoped_cells.cell,
        'sub_account' AS dimension,
        scoped_cells.account AS value
    FROM scoped_cells
    UNION ALL
    SELECT
        scoped_cells.cell,
        'region' AS dimension,
        scoped_cells.region AS value
    FROM scoped_cells
    UNION ALL
    SELECT
        scoped_cells.cell,
        'service' AS dimension,
        scoped_cells.service AS value
    FROM scoped_cells
    UNION ALL
    SELECT
        scoped_cells.cell,
        label_keys.dimension,
        json_text(scoped_cells.labels, label_keys.key) AS value
    FROM scoped_cells
    CROSS JOIN label_keys
)

SELECT
    said.cell,
    said.dimension,
    said.value
FROM said
WHERE said.value <> ''
