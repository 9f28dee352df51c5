SELECT
    contract_audit.pool,
    contract_audit.card,
    contract_audit.vendor,
    contract_audit.sku,
    contract_audit.region,
    contract_audit.resource,
    contract_audit.currency AS billing_currency,
    contract_audit.x_source AS source,
    contract_audit.x_delivery AS delivery,
    contract_audit.x_row AS line,
    contract_audit.started_at,
    contract_audit.quantity,
    contract_audit.billed_amount,
    contract_audit.agreed_amount,
    contract_audit.amount,
    contract_cards.clause
FROM contract_audit
INNER JOIN contract_cards
    ON contract_audit.card = contract_cards.id
INNER JOIN asked_vendor
    ON asked_vendor.vendor IN ('', contract_audit.vendor)
WHERE contract_audit.direction = 'over'
ORDER BY
    contract_audit.amount ASC,
    contract_audit.x_source ASC,
    contract_audit.x_delivery ASC,
    contract_audit.x_row ASC
LIMIT 100000
