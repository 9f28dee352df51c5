SELECT
    'metered' AS side,
    internal_charges.pool,
    internal_charges.product,
    internal_charges.meter,
    internal_charges.resource,
    internal_charges.department,
    '' AS provider,
    CAST(NULL AS VARCHAR) AS account,
    CAST(NULL AS VARCHAR) AS region,
    CAST(NULL AS VARCHAR) AS grant_id,
    CAST(internal_charges.started_at AS DATE) AS day,
    CAST(SUM(internal_charges.quantity) AS DECIMAL(38, 9)) AS quantity,
    CAST(SUM(internal_charges.amount) AS DECIMAL(38, 18)) AS amount
FROM internal_charges
INNER JOIN controlled_products
    ON internal_charges.product = controlled_products.product
WHERE
    internal_charges.kind = 'usage'
    AND NOT internal_charges.late
    AND internal_charges.resource <> ''
GROUP BY
    internal_charges.pool,
    internal_charges.product,
    internal_charges.meter,
    internal_charges.resource,
    internal_charges.department,
    CAST(internal_charges.started_at AS DATE)
