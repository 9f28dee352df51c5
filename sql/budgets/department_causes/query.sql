WITH products_of_departments AS (
    SELECT
        statement_lines.department,
        statement_lines.product,
        CAST(SUM(CAST(statement_lines.amount AS DECIMAL(38, 18))) AS DECIMAL(38, 18)) AS amount
    FROM statement_lines
    GROUP BY
        statement_lines.department,
        statement_lines.product
),

ranked AS (
    SELECT
        products_of_departments.department,
        products_of_departments.product,
        products_of_departments.amount,
        ROW_NUMBER() OVER (
            PARTITION BY products_of_departments.department
            ORDER BY products_of_departments.amount DESC, products_of_departments.product ASC
        ) AS rank
    FROM products_of_departments
)

SELECT
    department,
    product,
    amount
FROM ranked
WHERE rank <= 3
ORDER BY
    department,
    rank
