SELECT
    charge_sums.pool,
    charge_sums.service,
    CAST(SUM(charge_sums.effective_cost) AS DECIMAL(38, 18)) AS amount,
    CAST(SUM(charge_sums.charges) AS BIGINT) AS charges
FROM charge_sums
WHERE
    charge_sums.class = 'unassigned'
    OR (charge_sums.class IN ('capacity', 'unmapped', 'allocated') AND NOT charge_sums.claimed)
GROUP BY
    charge_sums.pool,
    charge_sums.service
