SELECT
    delivery,
    COALESCE(code, '') AS code,
    COALESCE(day, '') AS day,
    COALESCE(booked_period, '') AS period,
    COUNT(*) AS records
FROM checked_usage
GROUP BY
    delivery,
    COALESCE(code, ''),
    COALESCE(day, ''),
    COALESCE(booked_period, '')
ORDER BY
    delivery,
    code,
    day,
    period
