SELECT
    external_charges.x_source,
    external_charges.x_period,
    external_charges.x_slice,
    external_charges.BillingCurrency AS currency,
    CAST(external_charges.ChargePeriodStart AS DATE) AS day,
    CAST(COUNT(*) AS BIGINT) AS charges
FROM external_charges
GROUP BY
    external_charges.x_source,
    external_charges.x_period,
    external_charges.x_slice,
    external_charges.BillingCurrency,
    CAST(external_charges.ChargePeriodStart AS DATE)
