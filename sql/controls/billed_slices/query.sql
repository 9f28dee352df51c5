SELECT
    external_charges.x_source,
    external_charges.x_period,
    external_charges.x_slice,
    COALESCE(SUBSTR(external_charges.x_restates, 1, 7), external_charges.x_period) AS counted_in,
    external_charges.ProviderName AS provider,
    external_charges.InvoiceIssuerName AS issuer,
    external_charges.BillingAccountId AS account,
    COALESCE(external_charges.SubAccountId, '') AS sub_account,
    external_charges.BillingCurrency AS currency,
    COALESCE(external_charges.InvoiceId, '') AS invoice,
    CAST(COUNT(*) AS BIGINT) AS line_count,
    CAST(SUM(external_charges.BilledCost) AS DECIMAL(38, 18)) AS billed_cost
FROM external_charges
GROUP BY
    external_charges.x_source,
    external_charges.x_period,
    external_charges.x_slice,
    COALESCE(SUBSTR(external_charges.x_restates, 1, 7), external_charges.x_period),
    external_charges.ProviderName,
    external_charges.InvoiceIssuerName,
    external_charges.BillingAccountId,
    COALESCE(external_charges.SubAccountId, ''),
    external_charges.BillingCurrency,
    COALESCE(external_charges.InvoiceId, '')
