SELECT DISTINCT
    delivery,
    day
FROM typed_usage
WHERE day IS NOT NULL
ORDER BY
    delivery,
    day
