SELECT
    external_charges.x_source AS source,
    external_charges.ServiceProviderName AS provider,
    external_charges.ServiceName AS service,
    external_charges.BillingCurrency AS currency,
    CAST(DATE_TRUNC('hour', external_charges.ChargePeriodStart) AS TIMESTAMP) AS starts_at,
    MAX(external_charges.ChargePeriodStart) AS last_at,
    CAST(SUM(external_charges.EffectiveCost) AS DECIMAL(38, 18)) AS amount
FROM external_charges
WHERE external_charges.ChargePeriodEnd <= external_charges.ChargePeriodStart + INTERVAL '1 hour'
GROUP BY
    external_charges.x_source,
    external_charges.ServiceProviderName,
    external_charges.ServiceName,
    external_charges.BillingCurrency,
    CAST(DATE_TRUNC('hour', external_charges.ChargePeriodStart) AS TIMESTAMP)
