SELECT
    internal_charges.pool,
    CASE
        WHEN internal_charges.kind = 'direct' THEN 'direct'
        WHEN internal_charges.late THEN 'timing'
        WHEN COALESCE(internal_charges.resource, '') = '' THEN 'unresourced'
        ELSE 'metered'
    END AS class,
    COALESCE(internal_charges.resource, '') AS resource,
    internal_charges.product,
    internal_charges.meter,
    CAST(COUNT(*) AS BIGINT) AS records,
    CAST(SUM(internal_charges.quantity) AS DECIMAL(38, 9)) AS quantity,
    CAST(SUM(internal_charges.amount) AS DECIMAL(38, 18)) AS amount
FROM internal_charges
GROUP BY
    internal_charges.pool,
    CASE
        WHEN internal_charges.kind = 'direct' THEN 'direct'
        WHEN internal_charges.late THEN 'timing'
        WHEN COALESCE(internal_charges.resource, '') = '' THEN 'unresourced'
        ELSE 'metered'
    END,
    COALESCE(internal_charges.resource, ''),
    internal_charges.product,
    internal_charges.meter
