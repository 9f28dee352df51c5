SELECT
    how,
    CAST(COUNT(*) AS BIGINT) AS charges,
    CAST(SUM(list_cost) AS DECIMAL(38, 18)) AS list_cost
FROM owned_charges
GROUP BY how
