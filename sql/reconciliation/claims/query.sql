SELECT
    contract_audit.pool,
    contract_audit.card,
    contract_audit.vendor,
    contract_audit.sku,
    contract_audit.region,
    contract_audit.resource,
    contract_audit.x_source AS source,
    contract_audit.x_delivery AS delivery,
    contract_audit.x_row AS line,
    contract_audit.started_at,
    contract_audit.quantity,
    contract_audit.billed_amount,
    contract_audit.agreed_amount,
    contract_audit.amount
FROM contract_audit
WHERE contract_audit.direction = 'over'
ORDER BY
    contract_audit.amount ASC,
    contract_audit.x_source ASC,
    contract_audit.x_delivery ASC,
    contract_audit.x_row ASC
LIMIT 200
