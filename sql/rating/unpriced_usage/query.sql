-- Who used what is known (period_usage): the usage itself is read for the meters that lack a price alone.
WITH first_prices AS (
    SELECT
        product,
        meter,
        MIN(effective_from) AS priced_from
    FROM prices
    GROUP BY
        product,
        meter
),

unpriced_meters AS (
    SELECT
        period_usage.product,
        period_usage.meter,
        MAX(
            CASE
                WHEN meters.product IS NULL THEN TIMESTAMP '9999-12-31 00:00:00'
                ELSE COALESCE(first_prices.priced_from, TIMESTAMP '9999-12-31 00:00:00')
            END
        ) AS priced_from
    FROM period_usage
    LEFT JOIN meters
        ON
            period_usage.product = meters.product
            AND period_usage.meter = meters.meter
    LEFT JOIN first_prices
        ON
            period_usage.product = first_prices.product
            AND period_usage.meter = first_prices.meter
    WHERE
        period_usage.product IS NOT NULL
        AND COALESCE(meters.state, 'listed') <> 'draft'
        AND (
            meters.product IS NULL
            OR first_prices.product IS NULL
            OR period_usage.first_at < first_prices.priced_from
        )
    GROUP BY
        period_usage.product,
        period_usage.meter
)

SELECT
    usage.product,
    usage.meter,
    COUNT(*) AS records,
    MIN(usage.started_at) AS first_at
FROM usage
INNER JOIN parameters
    ON usage.period = parameters.period
INNER JOIN unpriced_meters
    ON
        usage.product = unpriced_meters.product
        AND usage.meter = unpriced_meters.meter
        AND usage.started_at < unpriced_meters.priced_from
GROUP BY
    usage.product,
    usage.meter
ORDER BY
    usage.product,
    usage.meter
