-- One row of Oracle Cloud's FOCUS report becomes one FOCUS 1.2 row.
-- Source of the rules: FOCUS 0.5 and 1.0-preview, ChargeSubcategory and PricingCategory; Oracle, FOCUS report schema.
--   * ChargeSubcategory ended with FOCUS 1.0. Credit is a ChargeCategory now; Refund is a correction; Used and Unused
--     Commitment are CommitmentDiscountStatus; On-Demand, General Adjustment and Rounding Error say no more than the
--     category does.
--   * Oracle writes an EffectiveCost of 0 on usage that is billed and that no commitment covers: there it is what is
--     billed.
--   * tags/* columns come before the keys of Tags.
WITH typed AS (
    SELECT
        *,
        exact_decimal(billed_cost) AS billed,
        exact_decimal(effective_cost) AS effective,
        nearest_decimal(list_cost) AS listed,
        nearest_decimal(contracted_cost) AS contracted,
        nearest_decimal(pricing_quantity) AS priced,
        nearest_decimal(usage_quantity) AS consumed,
        CASE
            WHEN charge_subcategory = 'Credit' THEN 'Credit'
            WHEN charge_subcategory IN ('Used Commitment', 'Unused Commitment', 'On-Demand') THEN 'Usage'
            WHEN charge_subcategory IN ('General Adjustment', 'Rounding Error') THEN 'Adjustment'
            ELSE charge_category
        END AS category,
        CASE
            WHEN commitment_discount_id IS NULL THEN NULL
            WHEN charge_subcategory = 'Used Commitment' THEN 'Used'
            WHEN charge_subcategory = 'Unused Commitment' THEN 'Unused'
            ELSE commitment_discount_status
        END AS commitment_status,
        CASE
            WHEN bad_amount(billed_cost) THEN 'amount: BilledCost ' || billed_cost
            WHEN bad_amount(effective_cost) THEN 'amount: EffectiveCost ' || effective_cost
            WHEN
                list_cost IS NOT NULL AND nearest_decimal(list_cost) IS NULL
                THEN 'amount: ListCost ' || list_cost
            WHEN
                pricing_quantity IS NOT NULL AND nearest_decimal(pricing_quantity) IS NULL
                THEN 'amount: PricingQuantity ' || pricing_quantity
            WHEN
                usage_quantity IS NOT NULL AND nearest_decimal(usage_quantity) IS NULL
                THEN 'amount: UsageQuantity ' || usage_quantity
            WHEN
                charge_subcategory NOT IN (
                    'Credit', 'Refund', 'On-Demand', 'Used Commitment', 'Unused Commitment', 'General Adjustment',
                    'Rounding Error'
                )
                THEN 'kind: ChargeSubcategory ' || charge_subcategory
            WHEN service_name IS NULL THEN 'service: no ServiceName'
        END AS refusal
    FROM bill
)

SELECT
    availability_zone AS AvailabilityZone,
    billed AS BilledCost,
    billing_account_id AS BillingAccountId,
    billing_account_name AS BillingAccountName,
    CAST(NULL AS VARCHAR) AS BillingAccountType,
    billing_currency AS BillingCurrency,
    utc_instant(billing_period_end) AS BillingPeriodEnd,
    utc_instant(billing_period_start) AS BillingPeriodStart,
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    category AS ChargeCategory,
    CASE WHEN charge_subcategory = 'Refund' OR charge_class = 'Correction' THEN 'Correction' END AS ChargeClass,
    charge_description AS ChargeDescription,
    CASE LOWER(charge_frequency)
        WHEN 'usage-based' THEN 'Usage-Based'
        WHEN 'one-time' THEN 'One-Time'
        WHEN 'recurring' THEN 'Recurring'
    END AS ChargeFrequency,
    utc_instant(charge_period_end) AS ChargePeriodEnd,
    utc_instant(charge_period_start) AS ChargePeriodStart,
    CASE WHEN commitment_discount_id IS NOT NULL THEN commitment_discount_category END AS CommitmentDiscountCategory,
    commitment_discount_id AS CommitmentDiscountId,
    CASE WHEN commitment_discount_id IS NOT NULL THEN commitment_discount_name END AS CommitmentDiscountName,
    CASE WHEN commitment_discount_id IS NOT NULL AND category IN ('Usage', 'Purchase') THEN priced END
        AS CommitmentDiscountQuantity,
    CASE WHEN category = 'Usage' THEN commitment_status END AS CommitmentDiscountStatus,
    CASE WHEN commitment_discount_id IS NOT NULL THEN commitment_discount_type END AS CommitmentDiscountType,
    CASE
        WHEN commitment_discount_id IS NOT NULL AND category IN ('Usage', 'Purchase') AND priced IS NOT NULL
            THEN COALESCE(pricing_unit, usage_unit)
    END AS CommitmentDiscountUnit,
    CASE WHEN category = 'Usage' AND COALESCE(commitment_status, 'Used') <> 'Unused' THEN COALESCE(consumed, priced) END
        AS ConsumedQuantity,
    CASE
        WHEN category <> 'Usage' OR commitment_status = 'Unused' THEN NULL
        WHEN consumed IS NOT NULL THEN usage_unit
        WHEN priced IS NOT NULL THEN pricing_unit
    END AS ConsumedUnit,
    contracted AS ContractedCost,
    CASE
        WHEN category <> 'Tax'
            THEN agreeing_price(nearest_decimal(contracted_unit_price), priced, COALESCE(contracted, billed))
    END AS ContractedUnitPrice,
    CASE
        WHEN effective = 0 AND category = 'Usage' AND commitment_discount_id IS NULL THEN billed
        WHEN category = 'Purchase' AND commitment_discount_id IS NOT NULL THEN CAST(0 AS DECIMAL(38, 18))
        ELSE effective
    END AS EffectiveCost,
    invoice_id AS InvoiceId,
    invoice_issuer AS InvoiceIssuerName,
    listed AS ListCost,
    CASE
        WHEN category <> 'Tax'
            THEN agreeing_price(nearest_decimal(list_unit_price), priced, COALESCE(listed, contracted, billed))
    END AS ListUnitPrice,
    CASE
        WHEN category = 'Tax' THEN NULL
        WHEN pricing_category IN ('Commitment-Based', 'Committed') THEN 'Committed'
        WHEN pricing_category IN ('Dynamic', 'Other') THEN pricing_category
        WHEN category = 'Usage' AND commitment_discount_id IS NOT NULL THEN 'Committed'
        -- On-Demand of FOCUS before 1.0, or nothing: the rate of Oracle's contract.
        WHEN category IN ('Usage', 'Purchase') THEN 'Standard'
    END AS PricingCategory,
    CAST(NULL AS VARCHAR) AS PricingCurrency,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyContractedUnitPrice,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyEffectiveCost,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyListUnitPrice,
    CASE WHEN category <> 'Tax' THEN COALESCE(priced, consumed) END AS PricingQuantity,
    CASE
        WHEN category = 'Tax' THEN NULL
        WHEN priced IS NOT NULL THEN pricing_unit
        WHEN consumed IS NOT NULL THEN usage_unit
    END AS PricingUnit,
    COALESCE(provider, 'Oracle') AS ProviderName,
    publisher AS PublisherName,
    region AS RegionId,
    region_name AS RegionName,
    resource_id AS ResourceId,
    CASE WHEN resource_id IS NOT NULL THEN resource_name END AS ResourceName,
    CASE WHEN resource_id IS NOT NULL THEN resource_type END AS ResourceType,
    CASE
        WHEN service_category IN (
            'AI and Machine Learning', 'Analytics', 'Business Applications', 'Compute', 'Databases', 'Developer Tools',
            'Identity', 'Integration', 'Internet of Things', 'Management and Governance', 'Media', 'Migration',
            'Mobile', 'Multicloud', 'Networking', 'Security', 'Storage', 'Web', 'Other'
        ) THEN service_category
        ELSE oci_service_category(UPPER(service_name))
    END AS ServiceCategory,
    service_name AS ServiceName,
    CAST(NULL AS VARCHAR) AS ServiceSubcategory,
    CASE WHEN category <> 'Tax' THEN sku_id END AS SkuId,
    CASE WHEN category <> 'Tax' AND sku_id IS NOT NULL THEN charge_description END AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    CASE WHEN category <> 'Tax' THEN COALESCE(sku_price_id, sku_id) END AS SkuPriceId,
    sub_account_id AS SubAccountId,
    sub_account_name AS SubAccountName,
    CASE WHEN sub_account_id IS NOT NULL THEN 'Tenancy' END AS SubAccountType,
    CASE
        WHEN JSON_VALID(tags) AND tags LIKE '{%' AND tag_columns LIKE '{"%'
            THEN TRY(CAST(JSON_MERGE_PATCH(json_or_null(tags), json_or_null(tag_columns)) AS VARCHAR))
        WHEN tag_columns LIKE '{"%' THEN tag_columns
        WHEN JSON_VALID(tags) AND tags LIKE '{"%' THEN tags
    END AS Tags,
    COALESCE(provider, 'Oracle') AS ServiceProviderName,
    COALESCE(provider, 'Oracle') AS HostProviderName,
    row_number,
    CAST(NULL AS VARCHAR) AS aside,
    refusal
FROM typed
