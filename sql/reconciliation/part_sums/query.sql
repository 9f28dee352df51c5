SELECT
    charge_sums.pool,
    charge_sums.class,
    charge_sums.resource,
    charge_sums.product,
    charge_sums.meter,
    MIN(charge_sums.service) AS service,
    CAST(SUM(charge_sums.charges) AS BIGINT) AS charges,
    CAST(SUM(charge_sums.foreign_charges) AS BIGINT) AS foreign_charges,
    CAST(SUM(charge_sums.list_cost) AS DECIMAL(38, 18)) AS list_cost,
    CAST(SUM(charge_sums.effective_cost) AS DECIMAL(38, 18)) AS effective_cost,
    CAST(SUM(charge_sums.booked_cost) AS DECIMAL(38, 18)) AS booked_cost,
    CAST(SUM(charge_sums.capacity_quantity) AS DECIMAL(38, 9)) AS capacity_quantity,
    CAST(SUM(charge_sums.capacity_amount) AS DECIMAL(38, 18)) AS capacity_amount
FROM charge_sums
GROUP BY
    charge_sums.pool,
    charge_sums.class,
    charge_sums.resource,
    charge_sums.product,
    charge_sums.meter
