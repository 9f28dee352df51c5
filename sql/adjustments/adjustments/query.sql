-- What a restatement of a closed period changes: a reversal of each charge that is believed and no longer
-- billed, and each charge that is billed and not believed. Equal charges are paired one to one. Compared is
-- who bears a charge, what it is for, and its amounts: not its texts, nor the invoice that came to be known.
WITH live AS (
    SELECT
        *,
        MD5(
            CONCAT_WS(
                CHR(31),
                COALESCE(CAST(BillingAccountId AS VARCHAR), CHR(30)),
                COALESCE(CAST(SubAccountId AS VARCHAR), CHR(30)),
                COALESCE(CAST(BillingCurrency AS VARCHAR), CHR(30)),
                COALESCE(CAST(ChargeCategory AS VARCHAR), CHR(30)),
                COALESCE(CAST(ChargePeriodStart AS VARCHAR), CHR(30)),
                COALESCE(CAST(ChargePeriodEnd AS VARCHAR), CHR(30)),
                COALESCE(CAST(ProviderName AS VARCHAR), CHR(30)),
                COALESCE(CAST(ServiceName AS VARCHAR), CHR(30)),
                COALESCE(CAST(SkuId AS VARCHAR), CHR(30)),
                COALESCE(CAST(SkuPriceId AS VARCHAR), CHR(30)),
                COALESCE(CAST(SkuMeter AS VARCHAR), CHR(30)),
                COALESCE(CAST(RegionId AS VARCHAR), CHR(30)),
                COALESCE(CAST(ResourceId AS VARCHAR), CHR(30)),
                COALESCE(CAST(CommitmentDiscountId AS VARCHAR), CHR(30)),
                COALESCE(CAST(CommitmentDiscountStatus AS VARCHAR), CHR(30)),
                COALESCE(CAST(Tags AS VARCHAR), CHR(30)),
                COALESCE(CAST(BilledCost AS VARCHAR), CHR(30)),
                COALESCE(CAST(EffectiveCost AS VARCHAR), CHR(30)),
                COALESCE(CAST(ListCost AS VARCHAR), CHR(30)),
                COALESCE(CAST(ContractedCost AS VARCHAR), CHR(30)),
                COALESCE(CAST(ConsumedQuantity AS VARCHAR), CHR(30)),
                COALESCE(CAST(PricingQuantity AS VARCHAR), CHR(30))
            )
        ) AS content
    FROM live_charges
),

live_copies AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY content ORDER BY x_delivery, x_row) AS copy_number
    FROM live
),

restated AS (
    SELECT
        *,
        MD5(
            CONCAT_WS(
                CHR(31),
                COALESCE(CAST(BillingAccountId AS VARCHAR), CHR(30)),
                COALESCE(CAST(SubAccountId AS VARCHAR), CHR(30)),
                COALESCE(CAST(BillingCurrency AS VARCHAR), CHR(30)),
                COALESCE(CAST(ChargeCategory AS VARCHAR), CHR(30)),
                COALESCE(CAST(ChargePeriodStart AS VARCHAR), CHR(30)),
                COALESCE(CAST(ChargePeriodEnd AS VARCHAR), CHR(30)),
                COALESCE(CAST(ProviderName AS VARCHAR), CHR(30)),
                COALESCE(CAST(ServiceName AS VARCHAR), CHR(30)),
                COALESCE(CAST(SkuId AS VARCHAR), CHR(30)),
                COALESCE(CAST(SkuPriceId AS VARCHAR), CHR(30)),
                COALESCE(CAST(SkuMeter AS VARCHAR), CHR(30)),
                COALESCE(CAST(RegionId AS VARCHAR), CHR(30)),
                COALESCE(CAST(ResourceId AS VARCHAR), CHR(30)),
                COALESCE(CAST(CommitmentDiscountId AS VARCHAR), CHR(30)),
                COALESCE(CAST(CommitmentDiscountStatus AS VARCHAR), CHR(30)),
                COALESCE(CAST(Tags AS VARCHAR), CHR(30)),
                COALESCE(CAST(BilledCost AS VARCHAR), CHR(30)),
                COALESCE(CAST(EffectiveCost AS VARCHAR), CHR(30)),
                COALESCE(CAST(ListCost AS VARCHAR), CHR(30)),
                COALESCE(CAST(ContractedCost AS VARCHAR), CHR(30)),
                COALESCE(CAST(ConsumedQuantity AS VARCHAR), CHR(30)),
                COALESCE(CAST(PricingQuantity AS VARCHAR), CHR(30))
            )
        ) AS content
    FROM restated_charges
),

restated_copies AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY content ORDER BY x_delivery, x_row) AS copy_number
    FROM restated
)

SELECT
    live_copies.AvailabilityZone,
    -live_copies.BilledCost AS BilledCost,
    live_copies.BillingAccountId,
    live_copies.BillingAccountName,
    live_copies.BillingAccountType,
    live_copies.BillingCurrency,
    live_copies.BillingPeriodEnd,
    live_copies.BillingPeriodStart,
    live_copies.CapacityReservationId,
    live_copies.CapacityReservationStatus,
    live_copies.ChargeCategory,
    'Correction' AS ChargeClass,
    live_copies.ChargeDescription,
    live_copies.ChargeFrequency,
    live_copies.ChargePeriodEnd,
    live_copies.ChargePeriodStart,
    live_copies.CommitmentDiscountCategory,
    live_copies.CommitmentDiscountId,
    live_copies.CommitmentDiscountName,
    -live_copies.CommitmentDiscountQuantity AS CommitmentDiscountQuantity,
    live_copies.CommitmentDiscountStatus,
    live_copies.CommitmentDiscountType,
    live_copies.CommitmentDiscountUnit,
    -live_copies.ConsumedQuantity AS ConsumedQuantity,
    live_copies.ConsumedUnit,
    -live_copies.ContractedCost AS ContractedCost,
    live_copies.ContractedUnitPrice,
    -live_copies.EffectiveCost AS EffectiveCost,
    live_copies.InvoiceId,
    live_copies.InvoiceIssuerName,
    -live_copies.ListCost AS ListCost,
    live_copies.ListUnitPrice,
    live_copies.PricingCategory,
    live_copies.PricingCurrency,
    live_copies.PricingCurrencyContractedUnitPrice,
    -live_copies.PricingCurrencyEffectiveCost AS PricingCurrencyEffectiveCost,
    live_copies.PricingCurrencyListUnitPrice,
    -live_copies.PricingQuantity AS PricingQuantity,
    live_copies.PricingUnit,
    live_copies.ProviderName,
    live_copies.PublisherName,
    live_copies.RegionId,
    live_copies.RegionName,
    live_copies.ResourceId,
    live_copies.ResourceName,
    live_copies.ResourceType,
    live_copies.ServiceCategory,
    live_copies.ServiceName,
    live_copies.ServiceSubcategory,
    live_copies.SkuId,
    live_copies.SkuMeter,
    live_copies.SkuPriceDetails,
    live_copies.SkuPriceId,
    live_copies.SubAccountId,
    live_copies.SubAccountName,
    live_copies.SubAccountType,
    live_copies.Tags,
    live_copies.ServiceProviderName,
    live_copies.HostProviderName,
    live_copies.x_source,
    restatement.open_period AS x_period,
    restatement.slice AS x_slice,
    live_copies.x_delivery,
    live_copies.x_row,
    restatement.restates || '/' || live_copies.x_delivery || '#' || CAST(live_copies.x_row AS VARCHAR) AS x_restates
FROM live_copies
CROSS JOIN restatement
LEFT JOIN restated_copies
    ON
        live_copies.content = restated_copies.content
        AND live_copies.copy_number = restated_copies.copy_number
WHERE restated_copies.content IS NULL
UNION ALL
SELECT
    restated_copies.AvailabilityZone,
    restated_copies.BilledCost,
    restated_copies.BillingAccountId,
    restated_copies.BillingAccountName,
    restated_copies.BillingAccountType,
    restated_copies.BillingCurrency,
    restated_copies.BillingPeriodEnd,
    restated_copies.BillingPeriodStart,
    restated_copies.CapacityReservationId,
    restated_copies.CapacityReservationStatus,
    restated_copies.ChargeCategory,
    'Correction' AS ChargeClass,
    restated_copies.ChargeDescription,
    restated_copies.ChargeFrequency,
    restated_copies.ChargePeriodEnd,
    restated_copies.ChargePeriodStart,
    restated_copies.CommitmentDiscountCategory,
    restated_copies.CommitmentDiscountId,
    restated_copies.CommitmentDiscountName,
    restated_copies.CommitmentDiscountQuantity,
    restated_copies.CommitmentDiscountStatus,
    restated_copies.CommitmentDiscountType,
    restated_copies.CommitmentDiscountUnit,
    restated_copies.ConsumedQuantity,
    restated_copies.ConsumedUnit,
    restated_copies.ContractedCost,
    restated_copies.ContractedUnitPrice,
    restated_copies.EffectiveCost,
    restated_copies.InvoiceId,
    restated_copies.InvoiceIssuerName,
    restated_copies.ListCost,
    restated_copies.ListUnitPrice,
    restated_copies.PricingCategory,
    restated_copies.PricingCurrency,
    restated_copies.PricingCurrencyContractedUnitPrice,
    restated_copies.PricingCurrencyEffectiveCost,
    restated_copies.PricingCurrencyListUnitPrice,
    restated_copies.PricingQuantity,
    restated_copies.PricingUnit,
    restated_copies.ProviderName,
    restated_copies.PublisherName,
    restated_copies.RegionId,
    restated_copies.RegionName,
    restated_copies.ResourceId,
    restated_copies.ResourceName,
    restated_copies.ResourceType,
    restated_copies.ServiceCategory,
    restated_copies.ServiceName,
    restated_copies.ServiceSubcategory,
    restated_copies.SkuId,
    restated_copies.SkuMeter,
    restated_copies.SkuPriceDetails,
    restated_copies.SkuPriceId,
    restated_copies.SubAccountId,
    restated_copies.SubAccountName,
    restated_copies.SubAccountType,
    restated_copies.Tags,
    restated_copies.ServiceProviderName,
    restated_copies.HostProviderName,
    restated_copies.x_source,
    restatement.open_period AS x_period,
    restatement.slice AS x_slice,
    restated_copies.x_delivery,
    restated_copies.x_row,
    restatement.restates AS x_restates
FROM restated_copies
CROSS JOIN restatement
LEFT JOIN live_copies
    ON
        restated_copies.content = live_copies.content
        AND restated_copies.copy_number = live_copies.copy_number
WHERE live_copies.content IS NULL
