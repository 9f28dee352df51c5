WITH service_parts AS (
    SELECT
        charge_sums.pool,
        'discount_kept' AS component,
        charge_sums.service,
        CAST(charge_sums.list_cost - charge_sums.effective_cost AS DECIMAL(38, 18)) AS amount
    FROM charge_sums
    WHERE charge_sums.class IN ('capacity', 'direct', 'allocated')
    UNION ALL
    SELECT
        charge_sums.pool,
        'pricing' AS component,
        charge_sums.service,
        CAST(charge_sums.capacity_amount - charge_sums.list_cost AS DECIMAL(38, 18)) AS amount
    FROM charge_sums
    WHERE charge_sums.class = 'capacity'
    UNION ALL
    SELECT
        charge_sums.pool,
        CASE WHEN charge_sums.class = 'unmapped' THEN 'unexplained' ELSE charge_sums.class END AS component,
        charge_sums.service,
        CAST(-charge_sums.effective_cost AS DECIMAL(38, 18)) AS amount
    FROM charge_sums
    WHERE charge_sums.class IN ('unassigned', 'restatement', 'non_usage', 'timing', 'unmapped')
    UNION ALL
    SELECT
        charge_sums.pool,
        'currency' AS component,
        charge_sums.service,
        CAST(charge_sums.effective_cost - charge_sums.booked_cost AS DECIMAL(38, 18)) AS amount
    FROM charge_sums
),

services AS (
    SELECT
        service_parts.pool,
        service_parts.component,
        COALESCE(service_parts.service, '') AS service,
        CAST(SUM(service_parts.amount) AS DECIMAL(38, 18)) AS amount
    FROM service_parts
    GROUP BY
        service_parts.pool,
        service_parts.component,
        COALESCE(service_parts.service, '')
),

ranked_services AS (
    SELECT
        services.pool,
        services.component,
        services.service,
        services.amount,
        ROW_NUMBER() OVER (
            PARTITION BY services.pool, services.component
            ORDER BY ABS(services.amount) DESC, services.service ASC
        ) AS place
    FROM services
    WHERE services.amount <> 0
)

SELECT
    ranked_services.pool,
    ranked_services.component,
    ranked_services.service,
    ranked_services.amount
FROM ranked_services
WHERE ranked_services.place <= 3
