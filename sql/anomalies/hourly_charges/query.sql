SELECT
    internal_charges.department,
    internal_charges.product,
    internal_charges.currency,
    CAST(DATE_TRUNC('hour', internal_charges.started_at) AS TIMESTAMP) AS starts_at,
    MAX(internal_charges.started_at) AS last_at,
    CAST(SUM(internal_charges.amount) AS DECIMAL(38, 18)) AS amount
FROM internal_charges
GROUP BY
    internal_charges.department,
    internal_charges.product,
    internal_charges.currency,
    CAST(DATE_TRUNC('hour', internal_charges.started_at) AS TIMESTAMP)
