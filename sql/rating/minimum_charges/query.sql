WITH used AS (
    SELECT
        tiered_charges.department,
        tiered_charges.pool,
        tiered_charges.product,
        tiered_charges.meter,
        tiered_charges.unit,
        tiered_charges.currency,
        CAST(SUM(tiered_charges.amount) AS DECIMAL(38, 18)) AS amount,
        MAX_BY(tiered_charges.minimum, tiered_charges.started_at) AS minimum
    FROM tiered_charges
    WHERE NOT tiered_charges.late
    GROUP BY
        tiered_charges.department,
        tiered_charges.pool,
        tiered_charges.product,
        tiered_charges.meter,
        tiered_charges.unit,
        tiered_charges.currency
)

SELECT
    parameters.period,
    used.department,
    used.department AS tenant,
    used.pool,
    used.product,
    used.meter,
    CAST(NULL AS VARCHAR) AS resource,
    parameters.period_start AS started_at,
    CAST(0 AS DECIMAL(19, 9)) AS quantity,
    used.unit,
    CAST(0 AS DECIMAL(18, 9)) AS price,
    CAST(used.minimum - used.amount AS DECIMAL(38, 18)) AS amount,
    used.currency
FROM used
CROSS JOIN parameters
WHERE used.minimum > used.amount
