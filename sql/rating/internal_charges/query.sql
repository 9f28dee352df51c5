WITH metered AS (
    SELECT
        usage.period,
        COALESCE(tenants.department, 'unassigned') AS department,
        usage.tenant,
        meters.pool,
        usage.product,
        usage.meter,
        usage.resource,
        usage.started_at,
        CAST(usage.quantity AS DECIMAL(19, 9)) AS quantity,
        meters.unit,
        CAST(prices.amount AS DECIMAL(18, 9)) AS price,
        prices.currency,
        usage.late
    FROM usage
    INNER JOIN parameters
        ON usage.period = parameters.period
    INNER JOIN meters
        ON
            usage.product = meters.product
            AND usage.meter = meters.meter
    INNER JOIN prices
        ON
            usage.product = prices.product
            AND usage.meter = prices.meter
            AND usage.started_at >= prices.effective_from
            AND usage.started_at < COALESCE(prices.effective_to, TIMESTAMP '9999-12-31 00:00:00')
    LEFT JOIN tenants
        ON usage.tenant = tenants.tenant
)

SELECT
    period,
    department,
    tenant,
    pool,
    product,
    meter,
    resource,
    started_at,
    quantity,
    unit,
    price,
    CAST(quantity * price AS DECIMAL(38, 18)) AS amount,
    currency,
    'usage' AS kind,
    late
FROM metered
UNION ALL
SELECT
    period,
    department,
    tenant,
    pool,
    product,
    meter,
    resource,
    started_at,
    quantity,
    unit,
    price,
    amount,
    currency,
    kind,
    late
FROM direct_charges
