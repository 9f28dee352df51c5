SELECT
    external_charges.ProviderName AS provider,
    external_charges.BillingAccountId AS account,
    external_charges.BillingCurrency AS currency,
    COALESCE(external_charges.SubAccountId, '') AS sub_account,
    CAST(SUM(external_charges.BilledCost) AS DECIMAL(38, 18)) AS billed_cost
FROM external_charges
CROSS JOIN parameters
WHERE COALESCE(SUBSTR(external_charges.x_restates, 1, 7), external_charges.x_period) = parameters.period
GROUP BY
    external_charges.ProviderName,
    external_charges.BillingAccountId,
    external_charges.BillingCurrency,
    COALESCE(external_charges.SubAccountId, '')
