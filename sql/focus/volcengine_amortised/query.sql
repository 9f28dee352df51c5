-- One line of a Volcengine cost bill, a share of a charge, becomes one FOCUS row.
-- Source of the rules: Volcengine, Billing Center, API ListAmortizedCostBillDetail and -Daily (2022-01-01).
WITH cells AS (
    SELECT
        COALESCE(
            cell(bill.amortised_month), cell(bill.amortised_day), cell(bill.bill_period), parameters.period
        ) AS share_month,
        cell(bill.amortised_day) AS amortised_day,
        cell(bill.amortised_from) AS amortised_from,
        cell(bill.amortised_until) AS amortised_until,
        COALESCE(cell(bill.payer_id), parameters.account) AS payer_id,
        COALESCE(cell(bill.payer_customer), cell(bill.payer_name)) AS payer_name,
        cell(bill.owner_id) AS owner_id,
        COALESCE(cell(bill.owner_customer), cell(bill.owner_name)) AS owner_name,
        COALESCE(cell(bill.product_name), cell(bill.product_code), 'Unknown') AS product,
        cell(bill.billing_mode) AS billing_mode,
        cell(bill.category) AS category,
        cell(bill.config_name) AS config_name,
        cell(bill.config_code) AS config_code,
        cell(bill.element) AS element,
        cell(bill.element_code) AS element_code,
        amount_text(bill.used) AS used,
        COALESCE(cell(bill.usage_unit), NULLIF(REGEXP_EXTRACT(cell(bill.price_unit), '^[^/]*/(.+)$', 1), ''))
            AS unit_text,
        cell(bill.price_unit) AS price_unit,
        amount_text(bill.whole_original) AS whole_original,
        amount_text(bill.original) AS original,
        amount_text(bill.discounted) AS discounted,
        amount_text(bill.payable) AS payable,
        COALESCE(UPPER(cell(bill.currency)), parameters.currency, 'CNY') AS currency_name,
        COALESCE(cell(bill.split_item_id), cell(bill.instance_id)) AS resource,
        CASE WHEN cell(bill.split_item_id) IS NULL THEN cell(bill.instance_name) ELSE cell(bill.split_item_name) END
            AS resource_name,
        COALESCE(cell(bill.region_code), cell(bill.region_name)) AS region_id,
        cell(bill.region_name) AS region_name,
        COALESCE(cell(bill.zone_code), cell(bill.zone_name)) AS zone,
        bill.tag AS tag_text,
        CASE WHEN NOT STARTS_WITH(TRIM(bill.tag), '{') THEN tag_object(cell(bill.tag), ';', ':') END AS tag_document,
        cell(bill.project) AS project,
        cell(bill.savings_plan_id) AS savings_plan_id,
        cell(bill.issuer) AS issuer,
        bill.row_number
    FROM bill
    CROSS JOIN parameters
),

typed AS (
    SELECT
        *,
        month_start_utc(share_month, 8) AS period_start,
        next_month_utc(share_month, 8) AS period_end,
        beijing_instant(amortised_day) AS day_start,
        exact_decimal(payable) AS billed_cost,
        exact_decimal(original) AS list_cost,
        exact_decimal(discounted) AS discounted_cost,
        exact_decimal(whole_original) AS whole_list_cost,
        nearest_decimal(used) AS whole_quantity,
        COALESCE(list_valued_tags(tag_text), unique_tags(tag_document)) AS own_tags,
        chinese_unit(unit_text) AS whole_unit,
        CASE
            WHEN currency_name IN ('RMB', '人民币', '元', '¥') THEN 'CNY'
            WHEN currency_name IN ('美元', '$') THEN 'USD'
            ELSE currency_name
        END AS currency,
        CASE
            WHEN category IS NULL OR REGEXP_MATCHES(LOWER(category), '^(消费|退款|consume|refund)') THEN 'Usage'
            WHEN REGEXP_MATCHES(LOWER(category), '^(调账|transfer)') THEN 'Adjustment'
        END AS charge_category,
        product_word(product) AS word,
        COALESCE(REGEXP_MATCHES(LOWER(category), '^(退款|refund)'), FALSE) AS is_refund,
        COALESCE(
            config_code || '/' || element_code,
            config_name || '/' || element,
            config_code,
            config_name,
            element,
            product
        ) AS sku
    FROM cells
),

judged AS (
    SELECT
        *,
        whole_list_cost = list_cost AS is_whole,
        COALESCE(discounted_cost, billed_cost) AS contracted_cost,
        CASE
            WHEN payable IS NOT NULL AND billed_cost IS NULL THEN 'amount: DailyAmortizedPayableAmount ' || payable
            WHEN original IS NOT NULL AND list_cost IS NULL THEN 'amount: DailyAmortizedOriginalBillAmount ' || original
            WHEN discounted IS NOT NULL AND discounted_cost IS NULL
                THEN 'amount: DailyAmortizedDiscountBillAmount ' || discounted
            WHEN whole_original IS NOT NULL AND whole_list_cost IS NULL
                THEN 'amount: OriginalBillAmount ' || whole_original
            WHEN used IS NOT NULL AND whole_quantity IS NULL THEN 'amount: Count ' || used
            WHEN amortised_day IS NOT NULL AND day_start IS NULL THEN 'date: AmortizedDay ' || amortised_day
            WHEN charge_category IS NULL THEN 'category: BillCategory ' || category
        END AS refusal
    FROM typed
),

shares AS (
    SELECT
        *,
        COALESCE(day_start, period_start) AS charged_from,
        COALESCE(day_start + INTERVAL 1 DAY, period_end) AS charged_until,
        charge_category = 'Usage' AND NOT is_refund AND savings_plan_id IS NOT NULL AS is_covered,
        -- A share of an order is of one day, whatever the order is of; what is used up on its day counts as billed.
        CASE WHEN is_whole AND whole_quantity IS NOT NULL THEN whole_quantity ELSE CAST(1 AS DECIMAL(38, 18)) END
            AS quantity,
        CASE
            WHEN is_whole AND whole_quantity IS NOT NULL THEN whole_unit
            WHEN day_start IS NULL THEN 'Months'
            ELSE 'Days'
        END AS quantity_unit
    FROM judged
)

SELECT
    zone AS AvailabilityZone,
    billed_cost AS BilledCost,
    payer_id AS BillingAccountId,
    payer_name AS BillingAccountName,
    CAST(NULL AS VARCHAR) AS BillingAccountType,
    currency AS BillingCurrency,
    period_end AS BillingPeriodEnd,
    period_start AS BillingPeriodStart,
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    charge_category AS ChargeCategory,
    CASE WHEN is_refund THEN 'Correction' END AS ChargeClass,
    NULLIF(CONCAT_WS(' ', category, config_name, element, amortised_from, amortised_until), '') AS ChargeDescription,
    CASE
        WHEN charge_category = 'Adjustment' THEN 'One-Time'
        WHEN is_whole THEN 'Usage-Based'
        ELSE 'Recurring'
    END AS ChargeFrequency,
    charged_until AS ChargePeriodEnd,
    charged_from AS ChargePeriodStart,
    CASE WHEN is_covered THEN 'Spend' END AS CommitmentDiscountCategory,
    CASE WHEN is_covered THEN savings_plan_id END AS CommitmentDiscountId,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountName,
    CASE WHEN is_covered THEN list_cost END AS CommitmentDiscountQuantity,
    CASE WHEN is_covered THEN 'Used' END AS CommitmentDiscountStatus,
    CASE WHEN is_covered THEN 'Savings Plan' END AS CommitmentDiscountType,
    CASE WHEN is_covered THEN currency END AS CommitmentDiscountUnit,
    CASE WHEN charge_category = 'Usage' THEN quantity END AS ConsumedQuantity,
    CASE WHEN charge_category = 'Usage' THEN quantity_unit END AS ConsumedUnit,
    contracted_cost AS ContractedCost,
    CAST(NULL AS DECIMAL(38, 18)) AS ContractedUnitPrice,
    billed_cost AS EffectiveCost,
    CAST(NULL AS VARCHAR) AS InvoiceId,
    COALESCE(issuer, 'Volcengine') AS InvoiceIssuerName,
    list_cost AS ListCost,
    CAST(NULL AS DECIMAL(38, 18)) AS ListUnitPrice,
    CASE
        WHEN charge_category = 'Adjustment' THEN NULL
        WHEN REGEXP_MATCHES(LOWER(billing_mode), '抢占|竞价|spot') THEN 'Dynamic'
        WHEN is_covered THEN 'Committed'
        ELSE 'Standard'
    END AS PricingCategory,
    currency AS PricingCurrency,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyContractedUnitPrice,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyEffectiveCost,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyListUnitPrice,
    CASE WHEN charge_category = 'Usage' THEN quantity END AS PricingQuantity,
    CASE WHEN charge_category = 'Usage' THEN quantity_unit END AS PricingUnit,
    'Volcengine' AS ProviderName,
    'Volcengine' AS PublisherName,
    region_id AS RegionId,
    region_name AS RegionName,
    resource AS ResourceId,
    resource_name AS ResourceName,
    CASE WHEN resource IS NOT NULL THEN COALESCE(config_name, product) END AS ResourceType,
    CASE
        WHEN CONTAINS(product, '方舟') OR CONTAINS(product, '豆包') THEN 'AI and Machine Learning'
        ELSE word_category(word)
    END AS ServiceCategory,
    product AS ServiceName,
    CAST(NULL AS VARCHAR) AS ServiceSubcategory,
    sku AS SkuId,
    COALESCE(element, element_code, config_name) AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    sku AS SkuPriceId,
    owner_id AS SubAccountId,
    owner_name AS SubAccountName,
    CAST(NULL AS VARCHAR) AS SubAccountType,
    with_vendor_tag(own_tags, 'volcengine:project', project) AS Tags,
    'Volcengine' AS ServiceProviderName,
    'Volcengine' AS HostProviderName,
    row_number,
    CAST(NULL AS VARCHAR) AS aside,
    refusal
FROM shares
