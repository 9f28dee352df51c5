-- A row of Tencent Cloud's FOCUS 1.0 export becomes a FOCUS 1.2 row.
-- Source of the rules: Tencent Cloud, FOCUS 1.0 Conformance Gaps (product documents 555/67496).
WITH typed AS (
    SELECT
        cell(availability_zone) AS availability_zone,
        amount_text(billed_cost) AS billed_cost,
        cell(billing_account_id) AS billing_account_id,
        cell(billing_account_name) AS billing_account_name,
        UPPER(cell(billing_currency)) AS billing_currency,
        -- The last second of a period: its exclusive end is the next one.
        utc_instant(cell(billing_period_end))
        + CASE WHEN billing_period_end LIKE '%:59:59%' THEN INTERVAL 1 SECOND ELSE INTERVAL 0 SECOND END
            AS billing_period_end,
        utc_instant(cell(billing_period_start)) AS billing_period_start,
        COALESCE(cell(charge_category), 'Usage') AS charge_category,
        cell(charge_class) AS charge_class,
        cell(charge_description) AS charge_description,
        LOWER(cell(charge_frequency)) AS charge_frequency,
        utc_instant(cell(charge_period_end))
        + CASE WHEN charge_period_end LIKE '%:59:59%' THEN INTERVAL 1 SECOND ELSE INTERVAL 0 SECOND END
            AS charge_period_end,
        utc_instant(cell(charge_period_start)) AS charge_period_start,
        cell(commitment_discount_category) AS commitment_discount_category,
        cell(commitment_discount_id) AS commitment_discount_id,
        cell(commitment_discount_name) AS commitment_discount_name,
        cell(commitment_discount_status) AS commitment_discount_status,
        cell(commitment_discount_type) AS commitment_discount_type,
        amount_text(consumed_quantity) AS consumed_quantity,
        cell(consumed_unit) AS consumed_unit_text,
        amount_text(contracted_cost) AS contracted_cost,
        amount_text(contracted_unit_price) AS contracted_unit_price,
        amount_text(effective_cost) AS effective_cost,
        cell(invoice_issuer_name) AS invoice_issuer_name,
        amount_text(list_cost) AS list_cost,
        amount_text(list_unit_price) AS list_unit_price,
        LOWER(cell(pricing_category)) AS pricing_category,
        amount_text(pricing_quantity) AS pricing_quantity,
        REGEXP_REPLACE(cell(pricing_unit), '^(元|美元|CNY|RMB|USD)/', '') AS pricing_unit_text,
        cell(publisher_name) AS publisher_name,
        cell(region_id) AS region_id,
        cell(region_name) AS region_name,
        cell(resource_id) AS resource_id,
        cell(resource_name) AS resource_name,
        cell(resource_type) AS resource_type,
        COALESCE(cell(service_name), 'Unknown') AS service_name,
        cell(service_category) AS service_category,
        cell(service_subcategory) AS service_subcategory,
        COALESCE(cell(sku_id), cell(component_name)) AS sku_id,
        COALESCE(cell(sku_price_id), cell(sku_id), cell(component_name)) AS sku_price_id,
        cell(component_type) AS component_type,
        COALESCE(cell(sub_account_id), cell(owner_account)) AS sub_account_id,
        cell(sub_account_name) AS sub_account_name,
        CASE WHEN JSON_VALID(tags) THEN NULLIF(TRIM(tags), '{}') END AS json_tags,
        CASE WHEN NOT JSON_VALID(tags) THEN tag_object(cell(tags), ';', ':') END AS tag_document,
        product_word(cell(service_name)) AS product_word,
        row_number
    FROM bill
),

priced AS (
    SELECT
        *,
        COALESCE(json_tags, unique_tags(tag_document)) AS tags,
        chinese_unit(consumed_unit_text) AS consumed_unit,
        chinese_unit(pricing_unit_text) AS pricing_unit,
        exact_decimal(billed_cost) AS billed,
        exact_decimal(effective_cost) AS effective,
        exact_decimal(list_cost) AS listed,
        exact_decimal(contracted_cost) AS contracted,
        exact_decimal(consumed_quantity) AS consumed,
        exact_decimal(pricing_quantity) AS quantity,
        exact_decimal(list_unit_price) AS list_price,
        exact_decimal(contracted_unit_price) AS contracted_price,
        charge_category = 'Usage' AND COALESCE(commitment_discount_status, '') != 'Unused' AS is_consumed
    FROM typed
)

SELECT
    availability_zone AS AvailabilityZone,
    billed AS BilledCost,
    billing_account_id AS BillingAccountId,
    billing_account_name AS BillingAccountName,
    CAST(NULL AS VARCHAR) AS BillingAccountType,
    billing_currency AS BillingCurrency,
    billing_period_end AS BillingPeriodEnd,
    billing_period_start AS BillingPeriodStart,
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    charge_category AS ChargeCategory,
    charge_class AS ChargeClass,
    charge_description AS ChargeDescription,
    CASE charge_frequency
        WHEN 'usage-based' THEN 'Usage-Based'
        WHEN 'one-time' THEN 'One-Time'
        WHEN 'recurring' THEN 'Recurring'
    END AS ChargeFrequency,
    charge_period_end AS ChargePeriodEnd,
    charge_period_start AS ChargePeriodStart,
    commitment_discount_category AS CommitmentDiscountCategory,
    commitment_discount_id AS CommitmentDiscountId,
    commitment_discount_name AS CommitmentDiscountName,
    CASE
        WHEN
            commitment_discount_id IS NOT NULL
            AND commitment_discount_category = 'Usage'
            AND charge_category IN ('Usage', 'Purchase')
            THEN quantity
    END AS CommitmentDiscountQuantity,
    commitment_discount_status AS CommitmentDiscountStatus,
    CASE
        WHEN commitment_discount_id IS NULL THEN NULL
        WHEN commitment_discount_type IS NOT NULL THEN commitment_discount_type
        WHEN commitment_discount_category = 'Spend' THEN 'Savings Plan'
        WHEN commitment_discount_category = 'Usage' THEN 'Reserved Instance'
    END AS CommitmentDiscountType,
    CASE
        WHEN
            commitment_discount_id IS NOT NULL
            AND commitment_discount_category = 'Usage'
            AND charge_category IN ('Usage', 'Purchase')
            AND quantity IS NOT NULL
            THEN COALESCE(pricing_unit, consumed_unit)
    END AS CommitmentDiscountUnit,
    CASE WHEN is_consumed THEN COALESCE(consumed, quantity) END AS ConsumedQuantity,
    CASE
        WHEN
            is_consumed AND COALESCE(consumed, quantity) IS NOT NULL
            THEN COALESCE(consumed_unit, pricing_unit)
    END
        AS ConsumedUnit,
    COALESCE(contracted, billed) AS ContractedCost,
    CASE
        WHEN
            exact_product(contracted_price, quantity) = COALESCE(contracted, billed)
            THEN contracted_price
        ELSE exact_unit_price(COALESCE(contracted, billed), quantity)
    END AS ContractedUnitPrice,
    effective AS EffectiveCost,
    CAST(NULL AS VARCHAR) AS InvoiceId,
    COALESCE(invoice_issuer_name, 'Tencent Cloud') AS InvoiceIssuerName,
    COALESCE(listed, contracted, billed) AS ListCost,
    CASE
        WHEN exact_product(list_price, quantity) = COALESCE(listed, contracted, billed) THEN list_price
        ELSE exact_unit_price(COALESCE(listed, contracted, billed), quantity)
    END AS ListUnitPrice,
    CASE
        WHEN pricing_category = 'committed' THEN 'Committed'
        WHEN pricing_category = 'dynamic' THEN 'Dynamic'
        WHEN pricing_category = 'other' THEN 'Other'
        WHEN charge_category IN ('Usage', 'Purchase') THEN 'Standard'
    END AS PricingCategory,
    billing_currency AS PricingCurrency,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyContractedUnitPrice,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyEffectiveCost,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyListUnitPrice,
    CASE WHEN charge_category != 'Tax' THEN quantity END AS PricingQuantity,
    CASE WHEN charge_category != 'Tax' AND quantity IS NOT NULL THEN COALESCE(pricing_unit, consumed_unit) END
        AS PricingUnit,
    -- As in the bill details, so that two sources of one account are seen to be of the same charges.
    'Tencent Cloud' AS ProviderName,
    COALESCE(publisher_name, 'Tencent Cloud') AS PublisherName,
    region_id AS RegionId,
    region_name AS RegionName,
    resource_id AS ResourceId,
    resource_name AS ResourceName,
    CASE WHEN resource_id IS NOT NULL THEN COALESCE(resource_type, component_type) END AS ResourceType,
    COALESCE(service_category, word_category(product_word)) AS ServiceCategory,
    service_name AS ServiceName,
    CASE WHEN service_category IS NOT NULL THEN service_subcategory END AS ServiceSubcategory,
    CASE WHEN charge_category != 'Tax' THEN sku_id END AS SkuId,
    CASE WHEN charge_category != 'Tax' AND sku_id IS NOT NULL THEN COALESCE(component_type, sku_id) END AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    CASE WHEN charge_category != 'Tax' THEN sku_price_id END AS SkuPriceId,
    sub_account_id AS SubAccountId,
    sub_account_name AS SubAccountName,
    CAST(NULL AS VARCHAR) AS SubAccountType,
    tags AS Tags,
    'Tencent Cloud' AS ServiceProviderName,
    'Tencent Cloud' AS HostProviderName,
    row_number,
    CAST(NULL AS VARCHAR) AS aside,
    CASE
        WHEN billed_cost IS NOT NULL AND billed IS NULL THEN 'amount: BilledCost ' || billed_cost
        WHEN effective_cost IS NOT NULL AND effective IS NULL THEN 'amount: EffectiveCost ' || effective_cost
        WHEN list_cost IS NOT NULL AND listed IS NULL THEN 'amount: ListCost ' || list_cost
        WHEN contracted_cost IS NOT NULL AND contracted IS NULL THEN 'amount: ContractedCost ' || contracted_cost
        WHEN consumed_quantity IS NOT NULL AND consumed IS NULL THEN 'amount: ConsumedQuantity ' || consumed_quantity
        WHEN pricing_quantity IS NOT NULL AND quantity IS NULL THEN 'amount: PricingQuantity ' || pricing_quantity
        WHEN list_unit_price IS NOT NULL AND list_price IS NULL THEN 'amount: ListUnitPrice ' || list_unit_price
        WHEN
            contracted_unit_price IS NOT NULL AND contracted_price IS NULL
            THEN 'amount: ContractedUnitPrice ' || contracted_unit_price
    END AS refusal
FROM priced
