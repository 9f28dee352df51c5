-- What a restatement of a closed period changes: a reversal of each charge that is believed and no longer
-- billed, and each charge that is billed and not believed. Equal charges are paired one to one. Compared is
-- who bears a charge, what it is for, and its amounts: not its texts, nor the invoice that came to be known.
WITH sides AS (
    SELECT
        TRUE AS is_live,
        *
    FROM live_charges
    UNION ALL
    SELECT
        FALSE AS is_live,
        *
    FROM restated_charges
),

compared AS (
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
    FROM sides
),

copies AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY is_live, content ORDER BY x_delivery, x_row) AS copy_number
    FROM compared
),

paired AS (
    SELECT
        *,
        COUNT(*) OVER (PARTITION BY content, copy_number) AS sides_with_it
    FROM copies
),

unpaired AS (
    SELECT
        *
    FROM paired
    WHERE sides_with_it = 1
)

SELECT
    unpaired.AvailabilityZone,
    CASE WHEN unpaired.is_live THEN -unpaired.BilledCost ELSE unpaired.BilledCost END AS BilledCost,
    unpaired.BillingAccountId,
    unpaired.BillingAccountName,
    unpaired.BillingAccountType,
    unpaired.BillingCurrency,
    unpaired.BillingPeriodEnd,
    unpaired.BillingPeriodStart,
    unpaired.CapacityReservationId,
    unpaired.CapacityReservationStatus,
    unpaired.ChargeCategory,
    'Correction' AS ChargeClass,
    unpaired.ChargeDescription,
    unpaired.ChargeFrequency,
    unpaired.ChargePeriodEnd,
    unpaired.ChargePeriodStart,
    unpaired.CommitmentDiscountCategory,
    unpaired.CommitmentDiscountId,
    unpaired.CommitmentDiscountName,
    CASE WHEN unpaired.is_live THEN -unpaired.CommitmentDiscountQuantity ELSE unpaired.CommitmentDiscountQuantity END
        AS CommitmentDiscountQuantity,
    unpaired.CommitmentDiscountStatus,
    unpaired.CommitmentDiscountType,
    unpaired.CommitmentDiscountUnit,
    CASE WHEN unpaired.is_live THEN -unpaired.ConsumedQuantity ELSE unpaired.ConsumedQuantity END AS ConsumedQuantity,
    unpaired.ConsumedUnit,
    CASE WHEN unpaired.is_live THEN -unpaired.ContractedCost ELSE unpaired.ContractedCost END AS ContractedCost,
    unpaired.ContractedUnitPrice,
    CASE WHEN unpaired.is_live THEN -unpaired.EffectiveCost ELSE unpaired.EffectiveCost END AS EffectiveCost,
    unpaired.InvoiceId,
    unpaired.InvoiceIssuerName,
    CASE WHEN unpaired.is_live THEN -unpaired.ListCost ELSE unpaired.ListCost END AS ListCost,
    unpaired.ListUnitPrice,
    unpaired.PricingCategory,
    unpaired.PricingCurrency,
    unpaired.PricingCurrencyContractedUnitPrice,
    CASE
        WHEN unpaired.is_live THEN -unpaired.PricingCurrencyEffectiveCost ELSE unpaired.PricingCurrencyEffectiveCost
    END AS PricingCurrencyEffectiveCost,
    unpaired.PricingCurrencyListUnitPrice,
    CASE WHEN unpaired.is_live THEN -unpaired.PricingQuantity ELSE unpaired.PricingQuantity END AS PricingQuantity,
    unpaired.PricingUnit,
    unpaired.ProviderName,
    unpaired.PublisherName,
    unpaired.RegionId,
    unpaired.RegionName,
    unpaired.ResourceId,
    unpaired.ResourceName,
    unpaired.ResourceType,
    unpaired.ServiceCategory,
    unpaired.ServiceName,
    unpaired.ServiceSubcategory,
    unpaired.SkuId,
    unpaired.SkuMeter,
    unpaired.SkuPriceDetails,
    unpaired.SkuPriceId,
    unpaired.SubAccountId,
    unpaired.SubAccountName,
    unpaired.SubAccountType,
    unpaired.Tags,
    unpaired.ServiceProviderName,
    unpaired.HostProviderName,
    unpaired.x_source,
    restatement.open_period AS x_period,
    restatement.slice AS x_slice,
    unpaired.x_delivery,
    unpaired.x_row,
    CASE
        WHEN unpaired.is_live
            THEN restatement.restates || '/' || unpaired.x_delivery || '#' || CAST(unpaired.x_row AS VARCHAR)
        ELSE restatement.restates
    END AS x_restates
FROM unpaired
CROSS JOIN restatement
