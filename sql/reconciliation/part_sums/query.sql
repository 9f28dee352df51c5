SELECT
    charge_parts.pool,
    charge_parts.class,
    CASE WHEN charge_parts.class IN ('capacity', 'direct') THEN charge_parts.resource ELSE '' END AS resource,
    charge_parts.product,
    charge_parts.meter,
    MIN(charge_parts.service) AS service,
    CAST(SUM(charge_parts.charges) AS BIGINT) AS charges,
    CAST(SUM(charge_parts.foreign_charges) AS BIGINT) AS foreign_charges,
    CAST(SUM(charge_parts.list_cost) AS DECIMAL(38, 18)) AS list_cost,
    CAST(SUM(charge_parts.effective_cost) AS DECIMAL(38, 18)) AS effective_cost,
    CAST(SUM(charge_parts.booked_cost) AS DECIMAL(38, 18)) AS booked_cost,
    CAST(SUM(charge_parts.capacity_quantity) AS DECIMAL(38, 9)) AS capacity_quantity,
    CAST(SUM(charge_parts.capacity_amount) AS DECIMAL(38, 18)) AS capacity_amount
FROM charge_parts
GROUP BY
    charge_parts.pool,
    charge_parts.class,
    CASE WHEN charge_parts.class IN ('capacity', 'direct') THEN charge_parts.resource ELSE '' END,
    charge_parts.product,
    charge_parts.meter
