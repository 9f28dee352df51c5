SELECT
    resource_meters.pool,
    resource_meters.resource,
    resource_meters.product,
    resource_meters.meter,
    resource_meters.service,
    resource_meters.side,
    resource_meters.capacity_quantity,
    resource_meters.metered_quantity,
    resource_meters.quantity,
    resource_meters.amount
FROM resource_meters
ORDER BY
    ABS(resource_meters.amount) DESC,
    resource_meters.pool ASC,
    resource_meters.resource ASC,
    resource_meters.product ASC,
    resource_meters.meter ASC
LIMIT 200
