SELECT
    external_charges.x_source AS source,
    external_charges.ServiceProviderName AS provider,
    external_charges.ServiceName AS service,
    external_charges.BillingCurrency AS currency,
    CAST(DATE_TRUNC('day', external_charges.ChargePeriodStart) AS TIMESTAMP) AS starts_at,
    MAX(external_charges.ChargePeriodStart) AS last_at,
    CAST(SUM(external_charges.EffectiveCost) AS DECIMAL(38, 18)) AS amount
FROM external_charges
GROUP BY
    external_charges.x_source,
    external_charges.ServiceProviderName,
    external_charges.ServiceName,
    external_charges.BillingCurrency,
    CAST(DATE_TRUNC('day', external_charges.ChargePeriodStart) AS TIMESTAMP)
