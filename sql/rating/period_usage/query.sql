SELECT
    usage.feed,
    usage.day,
    usage.product,
    usage.meter,
    usage.tenant,
    COUNT(*) AS records,
    MIN(usage.started_at) AS first_at,
    MAX(usage.started_at) AS last_at
FROM usage
INNER JOIN parameters
    ON usage.period = parameters.period
GROUP BY
    GROUPING SETS (
        (usage.feed, usage.day),
        (usage.product, usage.meter, usage.tenant)
    )
