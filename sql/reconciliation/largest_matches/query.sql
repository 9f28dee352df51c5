SELECT
    resource_matches.pool,
    resource_matches.component,
    resource_matches.resource,
    resource_matches.service,
    resource_matches.capacity_amount,
    resource_matches.metered_amount,
    resource_matches.amount,
    resource_matches.charges,
    resource_matches.records
FROM resource_matches
WHERE resource_matches.amount <> 0
ORDER BY
    ABS(resource_matches.amount) DESC,
    resource_matches.pool ASC,
    resource_matches.component ASC,
    resource_matches.resource ASC
LIMIT 200
