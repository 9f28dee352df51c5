SELECT
    usage.product,
    usage.meter,
    usage.tenant,
    CAST(SUM(usage.quantity) AS DECIMAL(38, 9)) AS quantity
FROM usage
INNER JOIN parameters
    ON usage.period = parameters.period
INNER JOIN driver_meters
    ON
        usage.product = driver_meters.product
        AND usage.meter = driver_meters.meter
GROUP BY
    usage.product,
    usage.meter,
    usage.tenant
