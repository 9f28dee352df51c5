SELECT
    pool,
    department,
    CAST(SUM(amount) AS DECIMAL(38, 18)) AS amount
FROM internal_charges
GROUP BY
    pool,
    department
