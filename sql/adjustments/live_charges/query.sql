-- The charges of a closed period that are still believed: those that were booked in it and those that were
-- added since, less those that were reversed since. A charge can be reversed and added again.
WITH believed AS (
    SELECT
        *
    FROM booked_charges
    WHERE x_slice NOT LIKE 'restates-%'
    UNION ALL
    SELECT
        *
    FROM posted_charges
    WHERE x_restates NOT LIKE '%#%'
),

numbered AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY x_delivery, x_row ORDER BY x_period) AS occurrence
    FROM believed
),

reversals AS (
    SELECT
        x_restates AS reversed,
        COUNT(*) AS times
    FROM posted_charges
    WHERE x_restates LIKE '%#%'
    GROUP BY x_restates
)

SELECT
    numbered.AvailabilityZone,
    numbered.BilledCost,
    numbered.BillingAccountId,
    numbered.BillingAccountName,
    numbered.BillingAccountType,
    numbered.BillingCurrency,
    numbered.BillingPeriodEnd,
    numbered.BillingPeriodStart,
    numbered.CapacityReservationId,
    numbered.CapacityReservationStatus,
    numbered.ChargeCategory,
    numbered.ChargeClass,
    numbered.ChargeDescription,
    numbered.ChargeFrequency,
    numbered.ChargePeriodEnd,
    numbered.ChargePeriodStart,
    numbered.CommitmentDiscountCategory,
    numbered.CommitmentDiscountId,
    numbered.CommitmentDiscountName,
    numbered.CommitmentDiscountQuantity,
    numbered.CommitmentDiscountStatus,
    numbered.CommitmentDiscountType,
    numbered.CommitmentDiscountUnit,
    numbered.ConsumedQuantity,
    numbered.ConsumedUnit,
    numbered.ContractedCost,
    numbered.ContractedUnitPrice,
    numbered.EffectiveCost,
    numbered.InvoiceId,
    numbered.InvoiceIssuerName,
    numbered.ListCost,
    numbered.ListUnitPrice,
    numbered.PricingCategory,
    numbered.PricingCurrency,
    numbered.PricingCurrencyContractedUnitPrice,
    numbered.PricingCurrencyEffectiveCost,
    numbered.PricingCurrencyListUnitPrice,
    numbered.PricingQuantity,
    numbered.PricingUnit,
    numbered.ProviderName,
    numbered.PublisherName,
    numbered.RegionId,
    numbered.RegionName,
    numbered.ResourceId,
    numbered.ResourceName,
    numbered.ResourceType,
    numbered.ServiceCategory,
    numbered.ServiceName,
    numbered.ServiceSubcategory,
    numbered.SkuId,
    numbered.SkuMeter,
    numbered.SkuPriceDetails,
    numbered.SkuPriceId,
    numbered.SubAccountId,
    numbered.SubAccountName,
    numbered.SubAccountType,
    numbered.Tags,
    numbered.ServiceProviderName,
    numbered.HostProviderName,
    numbered.x_source,
    numbered.x_period,
    numbered.x_slice,
    numbered.x_delivery,
    numbered.x_row,
    numbered.x_restates
FROM numbered
CROSS JOIN restatement
LEFT JOIN reversals
    ON reversals.reversed = restatement.restates || '/' || numbered.x_delivery || '#' || CAST(numbered.x_row AS VARCHAR)
WHERE numbered.occurrence > COALESCE(reversals.times, 0)
