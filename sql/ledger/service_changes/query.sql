-- What changed between two cuts of one source and period, by service and currency.
WITH sides AS (
    SELECT
        ServiceName,
        BillingCurrency,
        0 AS is_later,
        BilledCost,
        EffectiveCost
    FROM charges_before
    UNION ALL
    SELECT
        ServiceName,
        BillingCurrency,
        1 AS is_later,
        BilledCost,
        EffectiveCost
    FROM charges_after
)

SELECT
    ServiceName AS service,
    BillingCurrency AS currency,
    SUM(1 - is_later) AS rows_before,
    SUM(is_later) AS rows_after,
    CAST(SUM(CASE WHEN is_later = 0 THEN BilledCost ELSE 0 END) AS DECIMAL(38, 18)) AS billed_before,
    CAST(SUM(CASE WHEN is_later = 1 THEN BilledCost ELSE 0 END) AS DECIMAL(38, 18)) AS billed_after,
    CAST(SUM(CASE WHEN is_later = 1 THEN BilledCost ELSE -BilledCost END) AS DECIMAL(38, 18)) AS billed_change,
    CAST(SUM(CASE WHEN is_later = 1 THEN EffectiveCost ELSE -EffectiveCost END) AS DECIMAL(38, 18)) AS effective_change
FROM sides
GROUP BY
    ServiceName,
    BillingCurrency
ORDER BY
    ABS(SUM(CASE WHEN is_later = 1 THEN BilledCost ELSE -BilledCost END)) DESC,
    ServiceName ASC,
    BillingCurrency ASC
