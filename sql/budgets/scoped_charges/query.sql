SELECT
    internal_charges.period,
    CAST(internal_charges.started_at AS DATE) AS day,
    internal_charges.currency,
    internal_charges.department,
    internal_charges.product,
    '' AS account,
    '' AS payer,
    '' AS region,
    '' AS service,
    '' AS labels,
    internal_charges.amount
FROM internal_charges
