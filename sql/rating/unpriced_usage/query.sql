SELECT
    usage.product,
    usage.meter,
    COUNT(*) AS records,
    MIN(usage.started_at) AS first_at
FROM usage
INNER JOIN parameters
    ON usage.period = parameters.period
LEFT JOIN meters
    ON
        usage.product = meters.product
        AND usage.meter = meters.meter
LEFT JOIN prices
    ON
        usage.product = prices.product
        AND usage.meter = prices.meter
        AND usage.started_at >= prices.effective_from
        AND usage.started_at < COALESCE(prices.effective_to, TIMESTAMP '9999-12-31 00:00:00')
WHERE
    prices.product IS NULL
    OR meters.product IS NULL
GROUP BY
    usage.product,
    usage.meter
ORDER BY
    usage.product,
    usage.meter
