SELECT
    contract_audit.pool,
    contract_audit.card,
    contract_audit.direction,
    contract_audit.vendor,
    CASE
        WHEN MIN(contract_audit.sku) = MAX(contract_audit.sku) THEN MIN(contract_audit.sku) ELSE 'several'
    END AS sku,
    CAST(COUNT(*) AS BIGINT) AS line_count,
    CAST(SUM(contract_audit.quantity) AS DECIMAL(38, 18)) AS quantity,
    CAST(SUM(contract_audit.billed_amount) AS DECIMAL(38, 18)) AS billed_amount,
    CAST(SUM(contract_audit.agreed_amount) AS DECIMAL(38, 18)) AS agreed_amount,
    CAST(SUM(contract_audit.amount) AS DECIMAL(38, 18)) AS amount
FROM contract_audit
GROUP BY
    contract_audit.pool,
    contract_audit.card,
    contract_audit.direction,
    contract_audit.vendor
