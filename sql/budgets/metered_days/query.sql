SELECT
    internal_charges.department,
    internal_charges.product,
    internal_charges.meter,
    internal_charges.currency,
    CAST(internal_charges.started_at AS DATE) AS day,
    CAST(SUM(internal_charges.amount) AS DECIMAL(38, 18)) AS amount
FROM internal_charges
GROUP BY
    internal_charges.department,
    internal_charges.product,
    internal_charges.meter,
    internal_charges.currency,
    CAST(internal_charges.started_at AS DATE)
ORDER BY
    internal_charges.department,
    internal_charges.product,
    internal_charges.meter,
    CAST(internal_charges.started_at AS DATE),
    internal_charges.currency
