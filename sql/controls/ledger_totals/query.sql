SELECT
    external_charges.ProviderName AS provider,
    external_charges.InvoiceIssuerName AS issuer,
    external_charges.BillingAccountId AS account,
    external_charges.BillingCurrency AS currency,
    external_charges.x_source AS source,
    COALESCE(external_charges.InvoiceId, '') AS invoice,
    CAST(COUNT(*) AS BIGINT) AS line_count,
    CAST(SUM(external_charges.BilledCost) AS DECIMAL(38, 18)) AS billed_cost
FROM external_charges
CROSS JOIN parameters
WHERE COALESCE(SUBSTR(external_charges.x_restates, 1, 7), external_charges.x_period) = parameters.period
GROUP BY
    external_charges.ProviderName,
    external_charges.InvoiceIssuerName,
    external_charges.BillingAccountId,
    external_charges.BillingCurrency,
    external_charges.x_source,
    COALESCE(external_charges.InvoiceId, '')
