SELECT DISTINCT
    usage.feed,
    usage.day
FROM usage
INNER JOIN parameters
    ON usage.period = parameters.period
ORDER BY
    usage.feed,
    usage.day
