SELECT
    parameters.period,
    owned_charges.department,
    COALESCE(owned_charges.sub_account, 'unassigned') AS tenant,
    owned_charges.pool,
    owned_charges.pool AS product,
    owned_charges.service AS meter,
    owned_charges.resource,
    owned_charges.started_at,
    COALESCE(owned_charges.consumed, owned_charges.priced, CAST(0 AS DECIMAL(19, 9))) AS quantity,
    CASE
        WHEN owned_charges.consumed IS NOT NULL THEN COALESCE(owned_charges.consumed_unit, '')
        WHEN owned_charges.priced IS NOT NULL THEN COALESCE(owned_charges.pricing_unit, '')
        ELSE ''
    END AS unit,
    COALESCE(owned_charges.list_unit_price, CAST(0 AS DECIMAL(18, 9))) AS price,
    owned_charges.list_cost AS amount,
    parameters.reporting_currency AS currency,
    'direct' AS kind,
    FALSE AS late
FROM owned_charges
CROSS JOIN parameters
