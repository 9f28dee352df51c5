SELECT
    pool,
    CAST(SUM(list_cost) AS DECIMAL(38, 18)) AS list_cost
FROM passed_charges
WHERE pool_kind = 'allocated'
GROUP BY pool
