WITH named_skus AS (
    SELECT DISTINCT
        contract_rules.vendor,
        contract_rules.kind,
        contract_rules.id,
        contract_rules.value AS sku
    FROM contract_rules
    WHERE
        contract_rules.column_name = 'SkuMeter'
        AND contract_rules.operator = 'equals'
),

-- A vendor with a card or commitment that names no SKU: any of its charges may be meant.
open_vendors AS (
    SELECT DISTINCT contract_rules.vendor
    FROM contract_rules
    LEFT JOIN named_skus
        ON
            contract_rules.kind = named_skus.kind
            AND contract_rules.id = named_skus.id
    WHERE named_skus.id IS NULL
),

carded_skus AS (
    SELECT DISTINCT
        named_skus.vendor,
        named_skus.sku
    FROM named_skus
),

-- Joined first: without a card or commitment no charge is read.
carded_vendors AS (
    SELECT DISTINCT contract_rules.vendor
    FROM contract_rules
)

SELECT
    external_charges.BillingAccountId,
    external_charges.BillingCurrency,
    external_charges.BillingPeriodStart,
    external_charges.ChargeCategory,
    external_charges.ChargeClass,
    external_charges.ChargePeriodStart,
    external_charges.ContractedUnitPrice,
    external_charges.EffectiveCost,
    external_charges.ListCost,
    external_charges.PricingQuantity,
    external_charges.ProviderName,
    external_charges.RegionId,
    external_charges.ResourceId,
    external_charges.ServiceCategory,
    external_charges.ServiceName,
    external_charges.SkuId,
    external_charges.SkuMeter,
    external_charges.SubAccountId,
    external_charges.Tags,
    external_charges.x_source,
    external_charges.x_period,
    external_charges.x_slice,
    external_charges.x_delivery,
    external_charges.x_row
FROM external_charges
INNER JOIN carded_vendors
    ON external_charges.ProviderName = carded_vendors.vendor
LEFT JOIN open_vendors
    ON external_charges.ProviderName = open_vendors.vendor
LEFT JOIN carded_skus
    ON
        external_charges.ProviderName = carded_skus.vendor
        AND COALESCE(external_charges.SkuMeter, external_charges.SkuId) = carded_skus.sku
WHERE
    external_charges.ChargeCategory = 'Usage'
    AND external_charges.PricingQuantity > 0
    AND (open_vendors.vendor IS NOT NULL OR carded_skus.sku IS NOT NULL)
