-- Nearly all usage is of meters with one amount for everybody: prices and meters are joined first, so that
-- each record meets one small relation.
WITH flat_prices AS (
    SELECT
        prices.product,
        prices.meter,
        prices.effective_from,
        LEAST(
            COALESCE(prices.effective_to, TIMESTAMP '9999-12-31 00:00:00'),
            COALESCE(meters.retired_at, TIMESTAMP '9999-12-31 00:00:00')
        ) AS effective_to,
        CAST(prices.amount AS DECIMAL(18, 9)) AS price,
        prices.currency,
        meters.pool,
        meters.unit
    FROM prices
    INNER JOIN meters
        ON
            prices.product = meters.product
            AND prices.meter = meters.meter
    WHERE
        meters.state <> 'draft'
        AND NOT EXISTS (
            SELECT 1 FROM terms
            WHERE
                terms.product = prices.product
                AND terms.meter = prices.meter
        )
),

metered AS (
    SELECT
        usage.period,
        COALESCE(tenants.department, 'unassigned') AS department,
        usage.tenant,
        flat_prices.pool,
        usage.product,
        usage.meter,
        usage.resource,
        usage.started_at,
        CAST(usage.quantity AS DECIMAL(19, 9)) AS quantity,
        flat_prices.unit,
        flat_prices.price,
        flat_prices.currency,
        usage.late
    FROM usage
    INNER JOIN parameters
        ON usage.period = parameters.period
    INNER JOIN flat_prices
        ON
            usage.product = flat_prices.product
            AND usage.meter = flat_prices.meter
            AND usage.started_at >= flat_prices.effective_from
            AND usage.started_at < flat_prices.effective_to
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
    'usage' AS kind,
    late
FROM tiered_charges
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
    'minimum' AS kind,
    FALSE AS late
FROM minimum_charges
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
FROM allocated_charges
