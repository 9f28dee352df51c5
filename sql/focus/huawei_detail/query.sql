-- One line of a Huawei Cloud bill becomes one FOCUS row.
-- Source of the rules: Huawei Cloud, Billing Center user guide (bills-topic_50000003 and 50000004) and API
-- ListCustomerselfResourceRecordDetails: amount payable = cash + credit + coupons + cards + debt.
WITH cells AS (
    SELECT
        COALESCE(cell(bill.cycle), parameters.period) AS cycle,
        COALESCE(parameters.account, cell(bill.account_name)) AS payer,
        cell(bill.account_name) AS account_name,
        COALESCE(cell(bill.service), cell(bill.service_code), 'Unknown') AS service,
        cell(bill.resource_type_code) AS resource_type_code,
        cell(bill.product) AS product,
        cell(bill.product_id) AS product_id,
        cell(bill.charging_mode) AS charging_mode,
        cell(bill.consumed_on) AS consumed_on,
        -- One cell holds from when until when: 2020-08-23 22:00:00 GMT+08:00-2020-08-23 23:00:00 GMT+08:00.
        REGEXP_EXTRACT(
            cell(bill.consumed_on), '^([0-9]{4}[-/].*?)\s*[-~至]\s*([0-9]{4}[-/][0-9]{1,2}[-/].*)$', ['from', 'until']
        ) AS consumed,
        cell(bill.used_from) AS used_from,
        cell(bill.used_until) AS used_until,
        cell(bill.traded_on) AS traded_on,
        COALESCE(cell(bill.bill_type), '') AS bill_type,
        cell(bill.resource) AS resource,
        cell(bill.resource_alias) AS resource_alias,
        cell(bill.resource_tags) AS tag_text,
        cell(bill.enterprise_project) AS enterprise_project,
        COALESCE(cell(bill.sku_code), cell(bill.product_id)) AS sku,
        cell(bill.spec) AS spec,
        cell(bill.region_code) AS region_code,
        cell(bill.region) AS region,
        cell(bill.zone) AS zone,
        cell(bill.usage_type) AS usage_type,
        amount_text(bill.list_price) AS list_price,
        REGEXP_REPLACE(cell(bill.price_unit), '^(元|美元|CNY|RMB|USD)/', '') AS price_unit_text,
        amount_text(bill.component_usage) AS component_usage,
        cell(bill.usage_unit) AS usage_unit_text,
        amount_text(bill.package_usage) AS package_usage,
        amount_text(bill.reserved_usage) AS reserved_usage,
        amount_text(bill.official_amount) AS official_amount,
        amount_text(bill.payable) AS payable,
        amount_text(bill.order_count) AS order_count,
        amount_text(bill.order_periods) AS order_periods,
        cell(bill.order_period_unit) AS order_period_unit_text,
        amount_text(bill.reserved_hours) AS reserved_hours,
        cell(bill.spot) AS spot,
        COALESCE(UPPER(cell(bill.currency_name)), parameters.currency) AS currency_name,
        bill.row_number
    FROM bill
    CROSS JOIN parameters
),

typed AS (
    SELECT
        *,
        month_start_utc(cycle, 8) AS period_start,
        next_month_utc(cycle, 8) AS period_end,
        COALESCE(used_from, NULLIF(consumed.from, ''), consumed_on) AS began_on,
        COALESCE(used_until, NULLIF(consumed.until, '')) AS ended_on,
        exact_decimal(payable) AS billed_cost,
        exact_decimal(official_amount) AS list_cost,
        exact_decimal(list_price) AS list_unit_price,
        exact_decimal(component_usage) AS used,
        exact_decimal(package_usage) AS packaged,
        exact_decimal(reserved_usage) AS covered,
        exact_decimal(order_count) AS orders,
        exact_decimal(order_periods) AS periods,
        exact_decimal(reserved_hours) AS reserved,
        COALESCE(NULLIF(consumed.from, ''), consumed_on) AS consumed_from,
        tag_object(tag_text, ';', ':') AS tag_document,
        chinese_unit(price_unit_text) AS price_unit,
        chinese_unit(usage_unit_text) AS usage_unit,
        chinese_unit(order_period_unit_text) AS order_period_unit,
        product_word(service) AS product_word,
        CASE
            WHEN currency_name IN ('RMB', '人民币', '元') THEN 'CNY' WHEN currency_name = '美元' THEN 'USD' ELSE currency_name
        END
            AS currency,
        CASE
            WHEN bill_type LIKE '调账-补偿%' THEN 'Credit'
            WHEN bill_type LIKE '调账%' OR bill_type LIKE '%抹零%' OR bill_type LIKE '%手续费%' THEN 'Adjustment'
            WHEN bill_type LIKE '退款%' THEN 'Purchase'
            WHEN bill_type IN ('消费-使用', '消费-按时计费', '消费-节省计划抵扣') THEN 'Usage'
            WHEN
                bill_type IN ('消费-新购', '消费-续订', '消费-自动续订', '消费-变更', '消费-按月付费')
                OR bill_type LIKE '%服务支持计划%' OR charging_mode LIKE '包年/包月%'
                THEN 'Purchase'
            ELSE 'Usage'
        END AS charge_category,
        CASE
            WHEN charging_mode LIKE '节省计划%' THEN 'Savings Plan' WHEN charging_mode LIKE '预留实例%' THEN 'Reserved Instance'
        END
            AS commitment_type
    FROM cells
),

dated AS (
    SELECT
        *,
        beijing_instant(began_on) AS starts_at,
        beijing_instant(ended_on)
        + CASE WHEN ended_on LIKE '%:59:59%' THEN INTERVAL 1 SECOND ELSE INTERVAL 0 SECOND END AS ends_at,
        COALESCE(beijing_instant(consumed_from), beijing_instant(traded_on)) AS paid_at,
        unique_tags(tag_document) AS own_tags,
        charge_category = 'Purchase' AND bill_type NOT LIKE '退款%' AND commitment_type IS NOT NULL AS is_commitment,
        TRY(used - COALESCE(packaged, 0) - COALESCE(covered, 0)) AS priced_usage,
        CASE WHEN charge_category != 'Usage' THEN exact_product(orders, COALESCE(periods, 1)) END AS ordered
    FROM typed
),

placed AS (
    SELECT
        *,
        -- A bill by cycle has no times: its lines are of the whole month. What is renewed before it ends starts in a
        -- later month: it is charged when it is paid, and what is paid after the month is charged at its end.
        CASE
            WHEN began_on IS NULL AND traded_on IS NULL THEN period_start
            WHEN starts_at IS NULL OR starts_at >= period_end
                THEN COALESCE(LEAST(paid_at, period_end - INTERVAL 1 SECOND), starts_at)
            ELSE starts_at
        END AS charged_from,
        CASE WHEN began_on IS NULL AND traded_on IS NULL THEN period_end ELSE ends_at END AS charged_until,
        COALESCE(ordered, priced_usage) AS quantity,
        CASE WHEN ordered IS NULL THEN COALESCE(usage_unit, price_unit) ELSE COALESCE(order_period_unit, price_unit) END
            AS quantity_unit,
        CASE
            WHEN payable IS NOT NULL AND billed_cost IS NULL THEN 'amount: 应付金额 ' || payable
            WHEN official_amount IS NOT NULL AND list_cost IS NULL THEN 'amount: 官网价 ' || official_amount
            WHEN list_price IS NOT NULL AND list_unit_price IS NULL THEN 'amount: 单价 ' || list_price
            WHEN component_usage IS NOT NULL AND used IS NULL THEN 'amount: 使用量 ' || component_usage
            WHEN package_usage IS NOT NULL AND packaged IS NULL THEN 'amount: 套餐内使用量 ' || package_usage
            WHEN reserved_usage IS NOT NULL AND covered IS NULL THEN 'amount: 预留实例内使用量 ' || reserved_usage
            WHEN order_count IS NOT NULL AND orders IS NULL THEN 'amount: 订单数量 ' || order_count
            WHEN order_periods IS NOT NULL AND periods IS NULL THEN 'amount: 订单周期数 ' || order_periods
            WHEN reserved_hours IS NOT NULL AND reserved IS NULL THEN 'amount: RI购买小时数 ' || reserved_hours
            WHEN began_on IS NOT NULL AND starts_at IS NULL THEN 'date: 使用开始时间 ' || began_on
            WHEN ended_on IS NOT NULL AND ends_at IS NULL THEN 'date: 使用结束时间 ' || ended_on
        END AS refusal
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
    CASE WHEN bill_type LIKE '退款%' THEN 'Correction' END AS ChargeClass,
    NULLIF(CONCAT_WS(' ', NULLIF(bill_type, ''), product, spec), '') AS ChargeDescription,
    CASE
        WHEN bill_type IN ('消费-自动续订', '消费-按月付费', '消费-按时计费') OR bill_type LIKE '%服务支持计划%' THEN 'Recurring'
        WHEN charge_category = 'Usage' THEN 'Usage-Based'
        ELSE 'One-Time'
    END AS ChargeFrequency,
    -- What happens at an instant, as an adjustment does, lasts for its second.
    GREATEST(COALESCE(charged_until, charged_from), charged_from + INTERVAL 1 SECOND) AS ChargePeriodEnd,
    charged_from AS ChargePeriodStart,
    CASE
        WHEN NOT is_commitment OR resource IS NULL THEN NULL
        WHEN commitment_type = 'Savings Plan' THEN 'Spend'
        ELSE 'Usage'
    END AS CommitmentDiscountCategory,
    CASE WHEN is_commitment THEN resource END AS CommitmentDiscountId,
    CASE WHEN is_commitment AND resource IS NOT NULL THEN resource_alias END AS CommitmentDiscountName,
    CASE
        WHEN NOT is_commitment OR resource IS NULL THEN NULL
        WHEN commitment_type = 'Savings Plan' THEN billed_cost
        ELSE COALESCE(reserved, quantity)
    END AS CommitmentDiscountQuantity,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountStatus,
    CASE WHEN is_commitment AND resource IS NOT NULL THEN commitment_type END AS CommitmentDiscountType,
    CASE
        WHEN NOT is_commitment OR resource IS NULL THEN NULL
        WHEN commitment_type = 'Savings Plan' THEN currency
        WHEN reserved IS NOT NULL THEN 'Hours'
        WHEN quantity IS NOT NULL THEN quantity_unit
    END AS CommitmentDiscountUnit,
    CASE WHEN charge_category = 'Usage' THEN used END AS ConsumedQuantity,
    CASE WHEN charge_category = 'Usage' AND used IS NOT NULL THEN COALESCE(usage_unit, price_unit) END AS ConsumedUnit,
    billed_cost AS ContractedCost,
    exact_unit_price(billed_cost, quantity) AS ContractedUnitPrice,
    -- The bill spreads nothing over a term: what is paid in advance costs when it is billed, or it never would.
    billed_cost AS EffectiveCost,
    CAST(NULL AS VARCHAR) AS InvoiceId,
    'Huawei Cloud' AS InvoiceIssuerName,
    list_cost AS ListCost,
    -- Yearly and monthly products name the price of a piece that is no part of the quantity, as of a gigabyte.
    CASE
        WHEN exact_product(list_unit_price, quantity) = list_cost THEN list_unit_price
        ELSE exact_unit_price(COALESCE(list_cost, billed_cost), quantity)
    END AS ListUnitPrice,
    CASE
        WHEN charge_category IN ('Adjustment', 'Credit') THEN NULL
        WHEN spot IN ('Y', '是') THEN 'Dynamic'
        WHEN
            charge_category = 'Usage'
            AND (COALESCE(covered, 0) != 0 OR commitment_type IS NOT NULL OR bill_type = '消费-节省计划抵扣')
            THEN 'Committed'
        ELSE 'Standard'
    END AS PricingCategory,
    currency AS PricingCurrency,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyContractedUnitPrice,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyEffectiveCost,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyListUnitPrice,
    quantity AS PricingQuantity,
    CASE WHEN quantity IS NOT NULL THEN quantity_unit END AS PricingUnit,
    'Huawei Cloud' AS ProviderName,
    'Huawei Cloud' AS PublisherName,
    region_code AS RegionId,
    region AS RegionName,
    resource AS ResourceId,
    resource_alias AS ResourceName,
    CASE WHEN resource IS NOT NULL THEN COALESCE(product, resource_type_code) END AS ResourceType,
    word_category(product_word) AS ServiceCategory,
    service AS ServiceName,
    CAST(NULL AS VARCHAR) AS ServiceSubcategory,
    sku AS SkuId,
    CASE WHEN sku IS NOT NULL THEN COALESCE(usage_type, product) END AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    COALESCE(product_id, sku) AS SkuPriceId,
    account_name AS SubAccountId,
    CAST(NULL AS VARCHAR) AS SubAccountName,
    CAST(NULL AS VARCHAR) AS SubAccountType,
    with_vendor_tag(own_tags, 'huawei:enterprise-project', enterprise_project) AS Tags,
    'Huawei Cloud' AS ServiceProviderName,
    'Huawei Cloud' AS HostProviderName,
    row_number,
    CAST(NULL AS VARCHAR) AS aside,
    refusal
FROM placed
