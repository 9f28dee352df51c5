-- One line of a Tencent Cloud bill (L3) becomes one FOCUS row.
-- Source of the rules: Tencent Cloud, Fields in Bills (product documents 555/37506) and API DescribeBillDetail:
-- total after discount = (original cost - what reserved instances and savings plans paid) x discount
-- = voucher + cash + free credit + commission.
WITH cells AS (
    SELECT
        COALESCE(cell(bill.payer), parameters.account) AS payer,
        cell(bill.owner) AS owner,
        COALESCE(cell(bill.product), 'Unknown') AS product,
        cell(bill.subproduct) AS subproduct,
        cell(bill.transaction_type) AS transaction_type,
        UPPER(cell(bill.instance_type)) AS instance_type,
        LOWER(CONCAT_WS(' ', cell(bill.transaction_type), cell(bill.instance_type))) AS deal,
        cell(bill.region) AS region,
        cell(bill.region_code) AS region_code,
        cell(bill.zone) AS zone,
        cell(bill.resource) AS resource,
        cell(bill.resource_alias) AS resource_alias,
        cell(bill.deducted_on) AS deducted_on,
        cell(bill.used_from) AS used_from,
        cell(bill.used_until) AS used_until,
        COALESCE(cell(bill.bill_month), parameters.period) AS bill_month,
        cell(bill.component_type) AS component_type,
        cell(bill.component) AS component,
        cell(bill.component_code) AS component_code,
        amount_text(bill.list_price) AS list_price,
        amount_text(bill.unit_price) AS unit_price,
        -- 元/核/小时: the price of a core-hour in the bill's currency.
        REGEXP_REPLACE(cell(bill.price_unit), '^(元|美元|CNY|RMB|USD)/', '') AS price_unit_text,
        amount_text(bill.component_usage) AS component_usage,
        cell(bill.usage_unit) AS usage_unit_text,
        amount_text(bill.raw_usage) AS raw_usage,
        amount_text(bill.duration) AS duration,
        cell(bill.duration_unit) AS duration_unit_text,
        amount_text(bill.original_cost) AS original_cost,
        cell(bill.reserved_instance) AS reserved_instance,
        amount_text(bill.reserved_cost) AS reserved_cost,
        amount_text(bill.plan_cost) AS plan_cost,
        amount_text(bill.plan_paid) AS plan_paid,
        amount_text(bill.plan_rate) AS plan_rate,
        amount_text(bill.total) AS total,
        amount_text(bill.tax) AS tax,
        COALESCE(UPPER(cell(bill.currency_name)), parameters.currency) AS currency_name,
        column_tags(COALESCE(bill.tags, bill.tags_wide, bill.tags_english)) AS own_tags,
        cell(bill.project) AS project,
        bill.row_number
    FROM bill
    CROSS JOIN parameters
),

typed AS (
    SELECT
        *,
        beijing_instant(deducted_on) AS deducted_at,
        beijing_instant(used_from) AS starts_at,
        -- Hours and days end with their last second: the exclusive end is the next one.
        beijing_instant(used_until)
        + CASE WHEN used_until LIKE '%:59:59' THEN INTERVAL 1 SECOND ELSE INTERVAL 0 SECOND END AS ends_at,
        exact_decimal(list_price) AS list_unit_price,
        exact_decimal(unit_price) AS contracted_unit_price,
        exact_decimal(component_usage) AS used,
        exact_decimal(raw_usage) AS used_before_packages,
        exact_decimal(duration) AS lasted,
        exact_decimal(original_cost) AS list_cost,
        exact_decimal(reserved_cost) AS reserved_list_cost,
        exact_decimal(plan_cost) AS plan_list_cost,
        -- What a savings plan paid for is its list cost times the plan's rate.
        COALESCE(exact_decimal(plan_paid), exact_product(exact_decimal(plan_cost), exact_decimal(plan_rate)), 0)
            AS plan_share,
        exact_decimal(total) AS net_cost,
        exact_decimal(tax) AS tax_cost,
        chinese_unit(price_unit_text) AS price_unit,
        chinese_unit(usage_unit_text) AS usage_unit,
        chinese_unit(duration_unit_text) AS duration_unit,
        product_word(product) AS product_word,
        CASE
            WHEN currency_name IN ('RMB', '人民币', '元') THEN 'CNY' WHEN currency_name = '美元' THEN 'USD' ELSE currency_name
        END
            AS currency,
        deal LIKE '%退款%' OR deal LIKE '%退费%' OR deal LIKE '%冲正%' OR deal LIKE '%refund%' AS is_correction,
        CASE
            WHEN deal LIKE '%调账%' OR deal LIKE 'adjust%' THEN 'Adjustment'
            WHEN
                deal LIKE '包年包月%' OR deal LIKE '%monthly subscription%' OR deal LIKE 'purchase%' OR deal LIKE 'renewal%'
                OR deal LIKE 'modify%' OR deal LIKE 'refund%'
                THEN 'Purchase'
            WHEN
                deal LIKE '%预留实例%' OR deal LIKE '%节省计划%' OR deal LIKE '%ri fee%' OR deal LIKE '%savings plan%'
                THEN 'Purchase'
            ELSE 'Usage'
        END AS charge_category,
        CASE
            WHEN deal LIKE '%节省计划%' OR deal LIKE '%savings plan%' OR instance_type = 'SP' THEN 'Savings Plan'
            WHEN
                deal LIKE '%预留实例%' OR deal LIKE '%ri fee%' OR instance_type = 'RI' OR reserved_instance IS NOT NULL
                THEN 'Reserved Instance'
        END AS commitment_type
    FROM cells
),

dated AS (
    SELECT
        *,
        TRY(net_cost + COALESCE(tax_cost, 0)) AS billed_cost,
        COALESCE(reserved_list_cost, 0) <> 0 OR COALESCE(plan_list_cost, 0) <> 0 OR plan_share <> 0 AS is_covered,
        -- A bill that names no month, in it or in its file's name, is of the month of use, or of payment where that is
        -- earlier.
        COALESCE(
            bill_month,
            SUBSTR(CAST(LEAST(deducted_at, ends_at - INTERVAL 1 SECOND) + INTERVAL 8 HOUR AS VARCHAR), 1, 7)
        ) AS month,
        COALESCE(exact_product(used, lasted), CASE WHEN used IS NULL THEN lasted WHEN lasted IS NULL THEN used END)
            AS quantity,
        CASE
            WHEN commitment_type IS NULL THEN NULL
            WHEN charge_category = 'Usage' THEN reserved_instance
            ELSE COALESCE(reserved_instance, resource)
        END AS commitment,
        CASE
            WHEN total IS NOT NULL AND net_cost IS NULL THEN 'amount: 优惠后总价 ' || total
            WHEN tax IS NOT NULL AND tax_cost IS NULL THEN 'amount: 税额 ' || tax
            WHEN original_cost IS NOT NULL AND list_cost IS NULL THEN 'amount: 组件原价 ' || original_cost
            WHEN list_price IS NOT NULL AND list_unit_price IS NULL THEN 'amount: 组件刊例价 ' || list_price
            WHEN unit_price IS NOT NULL AND contracted_unit_price IS NULL THEN 'amount: 组件单价 ' || unit_price
            WHEN component_usage IS NOT NULL AND used IS NULL THEN 'amount: 组件用量 ' || component_usage
            WHEN raw_usage IS NOT NULL AND used_before_packages IS NULL THEN 'amount: 原始用量 ' || raw_usage
            WHEN duration IS NOT NULL AND lasted IS NULL THEN 'amount: 使用时长 ' || duration
            WHEN reserved_cost IS NOT NULL AND reserved_list_cost IS NULL THEN 'amount: 预留实例抵扣原价 ' || reserved_cost
            WHEN plan_cost IS NOT NULL AND plan_list_cost IS NULL THEN 'amount: 节省计划抵扣原价 ' || plan_cost
            WHEN bad_amount(plan_paid) THEN 'amount: 节省计划抵扣金额 ' || plan_paid
            WHEN bad_amount(plan_rate) THEN 'amount: 节省计划抵扣率 ' || plan_rate
            WHEN deducted_on IS NOT NULL AND deducted_at IS NULL THEN 'date: 扣费时间 ' || deducted_on
            WHEN used_from IS NOT NULL AND starts_at IS NULL THEN 'date: 开始使用时间 ' || used_from
            WHEN used_until IS NOT NULL AND ends_at IS NULL THEN 'date: 结束使用时间 ' || used_until
        END AS refusal
    FROM typed
),

placed AS (
    SELECT
        *,
        month_start_utc(month, 8) AS period_start,
        next_month_utc(month, 8) AS period_end,
        -- What is renewed before it ends starts in a later month: it is charged when it is paid, and what is paid after
        -- the month is charged at its end.
        CASE
            WHEN starts_at IS NULL OR starts_at >= next_month_utc(month, 8)
                THEN COALESCE(LEAST(deducted_at, next_month_utc(month, 8) - INTERVAL 1 SECOND), starts_at)
            ELSE starts_at
        END AS charged_from
    FROM dated
)

SELECT
    zone AS AvailabilityZone,
    billed_cost AS BilledCost,
    payer AS BillingAccountId,
    CAST(NULL AS VARCHAR) AS BillingAccountName,
    CAST(NULL AS VARCHAR) AS BillingAccountType,
    currency AS BillingCurrency,
    period_end AS BillingPeriodEnd,
    period_start AS BillingPeriodStart,
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    charge_category AS ChargeCategory,
    CASE WHEN is_correction THEN 'Correction' END AS ChargeClass,
    NULLIF(CONCAT_WS(' ', transaction_type, subproduct, component), '') AS ChargeDescription,
    CASE
        WHEN charge_category = 'Usage' THEN 'Usage-Based'
        WHEN deal LIKE '%小时%' OR deal LIKE '%hourly%' THEN 'Recurring'
        ELSE 'One-Time'
    END AS ChargeFrequency,
    -- What happens at an instant, as an adjustment does, lasts for its second.
    GREATEST(COALESCE(ends_at, charged_from), charged_from + INTERVAL 1 SECOND) AS ChargePeriodEnd,
    charged_from AS ChargePeriodStart,
    CASE
        WHEN commitment IS NULL THEN NULL
        WHEN commitment_type = 'Savings Plan' THEN 'Spend'
        ELSE 'Usage'
    END AS CommitmentDiscountCategory,
    commitment AS CommitmentDiscountId,
    CASE WHEN commitment IS NOT NULL AND charge_category = 'Purchase' THEN resource_alias END AS CommitmentDiscountName,
    CASE
        WHEN commitment IS NULL OR charge_category = 'Adjustment' THEN NULL
        WHEN commitment_type = 'Savings Plan' THEN billed_cost
        ELSE quantity
    END AS CommitmentDiscountQuantity,
    CASE WHEN commitment IS NOT NULL AND charge_category = 'Usage' THEN 'Used' END AS CommitmentDiscountStatus,
    CASE WHEN commitment IS NOT NULL THEN commitment_type END AS CommitmentDiscountType,
    CASE
        WHEN commitment IS NULL OR charge_category = 'Adjustment' THEN NULL
        WHEN commitment_type = 'Savings Plan' THEN currency
        WHEN quantity IS NOT NULL THEN COALESCE(duration_unit, usage_unit, price_unit)
    END AS CommitmentDiscountUnit,
    CASE WHEN charge_category = 'Usage' THEN COALESCE(used_before_packages, used, lasted) END AS ConsumedQuantity,
    CASE
        WHEN
            charge_category = 'Usage' AND COALESCE(used_before_packages, used) IS NOT NULL
            THEN COALESCE(usage_unit, price_unit)
        WHEN charge_category = 'Usage' AND lasted IS NOT NULL THEN COALESCE(duration_unit, price_unit)
    END AS ConsumedUnit,
    net_cost AS ContractedCost,
    CASE
        WHEN exact_product(contracted_unit_price, quantity) = net_cost THEN contracted_unit_price
        ELSE exact_unit_price(net_cost, quantity)
    END AS ContractedUnitPrice,
    -- A savings plan comes back on the usage that it covers. Nothing else is spread over its term: what is paid in
    -- advance costs when it is billed, or it never would.
    CASE
        WHEN charge_category = 'Purchase' AND commitment_type = 'Savings Plan' THEN CAST(0 AS DECIMAL(38, 18))
        ELSE TRY(billed_cost + plan_share)
    END AS EffectiveCost,
    CAST(NULL AS VARCHAR) AS InvoiceId,
    'Tencent Cloud' AS InvoiceIssuerName,
    list_cost AS ListCost,
    CASE
        WHEN exact_product(list_unit_price, quantity) = COALESCE(list_cost, net_cost) THEN list_unit_price
        ELSE exact_unit_price(COALESCE(list_cost, net_cost), quantity)
    END AS ListUnitPrice,
    CASE
        WHEN charge_category = 'Adjustment' THEN NULL
        WHEN charge_category = 'Usage' AND (is_covered OR commitment IS NOT NULL) THEN 'Committed'
        WHEN deal LIKE '%竞价%' OR deal LIKE '%spot%' THEN 'Dynamic'
        ELSE 'Standard'
    END AS PricingCategory,
    currency AS PricingCurrency,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyContractedUnitPrice,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyEffectiveCost,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyListUnitPrice,
    quantity AS PricingQuantity,
    CASE WHEN quantity IS NOT NULL THEN COALESCE(price_unit, NULLIF(CONCAT_WS('-', usage_unit, duration_unit), '')) END
        AS PricingUnit,
    'Tencent Cloud' AS ProviderName,
    'Tencent Cloud' AS PublisherName,
    COALESCE(region_code, tencent_region(region), region) AS RegionId,
    region AS RegionName,
    resource AS ResourceId,
    resource_alias AS ResourceName,
    CASE WHEN resource IS NOT NULL THEN subproduct END AS ResourceType,
    word_category(product_word) AS ServiceCategory,
    product AS ServiceName,
    CAST(NULL AS VARCHAR) AS ServiceSubcategory,
    COALESCE(component_code, component) AS SkuId,
    CASE WHEN COALESCE(component_code, component) IS NOT NULL THEN COALESCE(component_type, component) END AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    COALESCE(component_code, component) AS SkuPriceId,
    owner AS SubAccountId,
    CAST(NULL AS VARCHAR) AS SubAccountName,
    CAST(NULL AS VARCHAR) AS SubAccountType,
    with_vendor_tag(own_tags, 'tencent:project', project) AS Tags,
    'Tencent Cloud' AS ServiceProviderName,
    'Tencent Cloud' AS HostProviderName,
    row_number,
    CAST(NULL AS VARCHAR) AS aside,
    refusal
FROM placed
