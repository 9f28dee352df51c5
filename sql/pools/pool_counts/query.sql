SELECT
    COALESCE(x_pool, 'unassigned') AS pool,
    CAST(COUNT(*) AS BIGINT) AS charges
FROM charge_pools
GROUP BY COALESCE(x_pool, 'unassigned')
