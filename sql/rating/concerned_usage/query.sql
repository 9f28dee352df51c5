SELECT
    asked_changes.number,
    usage.period,
    COUNT(*) AS records
FROM usage
INNER JOIN asked_changes
    ON
        usage.product = asked_changes.product
        AND usage.meter = COALESCE(asked_changes.meter, usage.meter)
        AND usage.tenant = COALESCE(asked_changes.tenant, usage.tenant)
        AND usage.started_at >= COALESCE(CAST(asked_changes.starts_at AS TIMESTAMP), TIMESTAMP '1900-01-01 00:00:00')
        AND usage.started_at < COALESCE(CAST(asked_changes.ends_at AS TIMESTAMP), TIMESTAMP '9999-12-31 00:00:00')
GROUP BY
    asked_changes.number,
    usage.period
ORDER BY
    asked_changes.number,
    usage.period
