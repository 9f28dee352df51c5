SELECT
    listed_charges.period,
    listed_charges.department,
    listed_charges.pool,
    listed_charges.product,
    listed_charges.meter,
    COALESCE(listed_charges.resource, '') AS resource,
    listed_charges.unit,
    listed_charges.price,
    listed_charges.currency,
    listed_charges.kind,
    listed_charges.class,
    CAST(COUNT(*) AS BIGINT) AS records,
    CAST(
        SUM(CASE WHEN listed_charges.amount <> listed_charges.list_amount THEN 1 ELSE 0 END) AS BIGINT
    ) AS repriced,
    CAST(SUM(listed_charges.quantity) AS DECIMAL(38, 18)) AS quantity,
    CAST(SUM(listed_charges.list_amount) AS DECIMAL(38, 18)) AS list_amount,
    CAST(SUM(listed_charges.amount) AS DECIMAL(38, 18)) AS amount
FROM listed_charges
GROUP BY
    listed_charges.period,
    listed_charges.department,
    listed_charges.pool,
    listed_charges.product,
    listed_charges.meter,
    COALESCE(listed_charges.resource, ''),
    listed_charges.unit,
    listed_charges.price,
    listed_charges.currency,
    listed_charges.kind,
    listed_charges.class
