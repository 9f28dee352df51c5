-- One row of Google's FOCUS export becomes one FOCUS 1.2 row.
-- Source of the rules: Google, structure of the FOCUS data export.
--   * Costs are net of credits: x_Credits says what was taken off, and is not taken off again.
--   * Rows whose ChargeCategory is in lower case come from the FOCUS view that Google published in 2024: its costs are
--     before credits, its periods end a day early. They are refused, not converted.
--   * The list cost of what a commitment's fee pays for stands on the covered usage, so the fee's own is 0.
--   * Tags: a resource's label comes before its tag, then the project's label, then Google's own system label.
WITH typed AS (
    SELECT
        *,
        exact_decimal(billed_cost) AS billed,
        exact_decimal(effective_cost) AS effective,
        nearest_decimal(contracted_cost) AS contracted,
        nearest_decimal(list_cost) AS listed,
        nearest_decimal(contracted_unit_price) AS contracted_price,
        nearest_decimal(list_unit_price) AS listed_price,
        nearest_decimal(consumed_quantity) AS consumed,
        nearest_decimal(pricing_quantity) AS priced,
        -- Tax and roundings come without a service.
        COALESCE(service_name, service_id, 'Invoice') AS service,
        LIST_CONCAT(
            LIST_CONCAT(label_pairs(json_document(labels)), label_pairs(json_document(tags))),
            LIST_CONCAT(label_pairs(json_document(project_labels)), label_pairs(json_document(system_labels)))
        ) AS pairs,
        CASE
            WHEN
                charge_category = LOWER(charge_category)
                THEN
                    'view: the FOCUS view of 2024 bills before credits; take Google''s FOCUS table or detailed export'
            WHEN bad_amount(billed_cost) THEN 'amount: BilledCost ' || billed_cost
            WHEN bad_amount(effective_cost) THEN 'amount: EffectiveCost ' || effective_cost
            WHEN
                list_cost IS NOT NULL AND nearest_decimal(list_cost) IS NULL
                THEN 'amount: ListCost ' || list_cost
            WHEN
                contracted_cost IS NOT NULL AND nearest_decimal(contracted_cost) IS NULL
                THEN 'amount: ContractedCost ' || contracted_cost
            WHEN
                consumed_quantity IS NOT NULL AND nearest_decimal(consumed_quantity) IS NULL
                THEN 'amount: ConsumedQuantity ' || consumed_quantity
            WHEN
                pricing_quantity IS NOT NULL AND nearest_decimal(pricing_quantity) IS NULL
                THEN 'amount: PricingQuantity ' || pricing_quantity
        END AS refusal
    FROM bill
)

SELECT
    availability_zone AS AvailabilityZone,
    billed AS BilledCost,
    billing_account_id AS BillingAccountId,
    CAST(NULL AS VARCHAR) AS BillingAccountName,
    billing_account_type AS BillingAccountType,
    billing_currency AS BillingCurrency,
    utc_instant(billing_period_end) AS BillingPeriodEnd,
    utc_instant(billing_period_start) AS BillingPeriodStart,
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    charge_category AS ChargeCategory,
    charge_class AS ChargeClass,
    charge_description AS ChargeDescription,
    CASE
        WHEN charge_category = 'Purchase' OR charge_description LIKE 'Commitment%' THEN 'Recurring'
        WHEN charge_category = 'Usage' THEN 'Usage-Based'
        ELSE 'One-Time'
    END AS ChargeFrequency,
    utc_instant(charge_period_end) AS ChargePeriodEnd,
    utc_instant(charge_period_start) AS ChargePeriodStart,
    -- Google names the subscription of a commitment, but neither its kind nor what of it is used.
    CAST(NULL AS VARCHAR) AS CommitmentDiscountCategory,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountId,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountName,
    CAST(NULL AS DECIMAL(38, 18)) AS CommitmentDiscountQuantity,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountStatus,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountType,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountUnit,
    CASE WHEN charge_category = 'Usage' THEN consumed END AS ConsumedQuantity,
    CASE WHEN charge_category = 'Usage' AND consumed IS NOT NULL THEN google_unit(consumed_unit) END AS ConsumedUnit,
    contracted AS ContractedCost,
    CASE WHEN charge_category <> 'Tax' THEN agreeing_price(contracted_price, priced, contracted) END
        AS ContractedUnitPrice,
    effective AS EffectiveCost,
    CAST(NULL AS VARCHAR) AS InvoiceId,
    CAST(NULL AS VARCHAR) AS InvoiceIssuerName,
    CASE
        WHEN charge_category = 'Usage' AND charge_description LIKE 'Commitment%' THEN CAST(0 AS DECIMAL(38, 18))
        ELSE listed
    END AS ListCost,
    CASE
        WHEN charge_category = 'Usage' AND charge_description LIKE 'Commitment%' THEN CAST(0 AS DECIMAL(38, 18))
        WHEN charge_category <> 'Tax' THEN agreeing_price(listed_price, priced, listed)
    END AS ListUnitPrice,
    CASE WHEN charge_category <> 'Tax' THEN pricing_category END AS PricingCategory,
    pricing_currency AS PricingCurrency,
    CASE WHEN charge_category <> 'Tax' THEN nearest_decimal(pricing_currency_contracted_unit_price) END
        AS PricingCurrencyContractedUnitPrice,
    nearest_decimal(pricing_currency_effective_cost) AS PricingCurrencyEffectiveCost,
    CASE WHEN charge_category <> 'Tax' THEN nearest_decimal(pricing_currency_list_unit_price) END
        AS PricingCurrencyListUnitPrice,
    CASE WHEN charge_category <> 'Tax' THEN priced END AS PricingQuantity,
    CASE WHEN charge_category <> 'Tax' AND priced IS NOT NULL THEN google_unit(pricing_unit) END AS PricingUnit,
    COALESCE(provider_name, 'Google Cloud') AS ProviderName,
    publisher_name AS PublisherName,
    COALESCE(region_id, location) AS RegionId,
    CASE WHEN region_id IS NOT NULL THEN region_name END AS RegionName,
    resource_id AS ResourceId,
    resource_name AS ResourceName,
    CAST(NULL AS VARCHAR) AS ResourceType,
    google_service_category(service) AS ServiceCategory,
    service AS ServiceName,
    CAST(NULL AS VARCHAR) AS ServiceSubcategory,
    CASE WHEN charge_category <> 'Tax' THEN sku_id END AS SkuId,
    CASE WHEN charge_category <> 'Tax' AND sku_id IS NOT NULL THEN charge_description END AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    CASE WHEN charge_category <> 'Tax' THEN COALESCE(sku_price_id, sku_id) END AS SkuPriceId,
    sub_account_id AS SubAccountId,
    sub_account_name AS SubAccountName,
    CASE WHEN sub_account_id IS NOT NULL THEN 'Project' END AS SubAccountType,
    json_object_of(
        LIST_TRANSFORM(pairs, LAMBDA pair: pair.key), LIST_TRANSFORM(pairs, LAMBDA pair: pair.value)
    ) AS Tags,
    'Google Cloud' AS ServiceProviderName,
    'Google Cloud' AS HostProviderName,
    row_number,
    CAST(NULL AS VARCHAR) AS aside,
    refusal
FROM typed
