-- One line of a Volcengine bill becomes one FOCUS row.
-- Source of the rules: Volcengine, Billing Center, API ListBillDetail and ListSplitBillDetail (2022-01-01):
-- OriginalBillAmount - PreferentialBillAmount - RoundAmount = DiscountBillAmount; - CouponAmount = PayableAmount.
WITH cells AS (
    SELECT
        COALESCE(cell(bill.bill_period), parameters.period) AS bill_period,
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
        amount_text(bill.price) AS price,
        cell(bill.price_unit) AS price_unit,
        amount_text(bill.used) AS used,
        COALESCE(cell(bill.usage_unit), NULLIF(REGEXP_EXTRACT(cell(bill.price_unit), '^[^/]*/(.+)$', 1), ''))
            AS unit_text,
        amount_text(bill.original) AS original,
        amount_text(bill.discounted) AS discounted,
        amount_text(bill.coupon) AS coupon,
        COALESCE(amount_text(bill.payable), amount_text(bill.pretax_payable), amount_text(bill.pretax)) AS payable,
        COALESCE(UPPER(cell(bill.currency)), parameters.currency, 'CNY') AS currency_name,
        COALESCE(
            cell(bill.consumed_from),
            CASE WHEN beijing_instant(cell(bill.consumed_at)) IS NOT NULL THEN cell(bill.consumed_at) END,
            cell(bill.consumed_on)
        ) AS began_on,
        cell(bill.consumed_until) AS ended_on,
        cell(bill.traded_at) AS traded_at,
        COALESCE(cell(bill.split_item_id), cell(bill.instance_id)) AS resource,
        CASE WHEN cell(bill.split_item_id) IS NULL THEN cell(bill.instance_name) ELSE cell(bill.split_item_name) END
            AS resource_name,
        cell(bill.instance_id) AS instance_id,
        COALESCE(cell(bill.region_code), cell(bill.region_name)) AS region_id,
        cell(bill.region_name) AS region_name,
        COALESCE(cell(bill.zone_code), cell(bill.zone_name)) AS zone,
        bill.tag AS tag_text,
        CASE WHEN NOT STARTS_WITH(TRIM(bill.tag), '{') THEN tag_object(cell(bill.tag), ';', ':') END AS tag_document,
        cell(bill.project) AS project,
        cell(bill.savings_plan_id) AS savings_plan_id,
        cell(bill.reserved_id) AS reserved_id,
        cell(bill.issuer) AS issuer,
        bill.row_number
    FROM bill
    CROSS JOIN parameters
),

typed AS (
    SELECT
        *,
        month_start_utc(bill_period, 8) AS period_start,
        next_month_utc(bill_period, 8) AS period_end,
        beijing_instant(began_on) AS began_at,
        beijing_instant(ended_on) + CASE WHEN ended_on LIKE '%:59:59%' THEN INTERVAL 1 SECOND ELSE INTERVAL 0 SECOND END
            AS ended_at,
        beijing_instant(traded_at) AS paid_at,
        exact_decimal(payable) AS billed_cost,
        exact_decimal(original) AS list_cost,
        exact_decimal(discounted) AS discounted_cost,
        exact_decimal(coupon) AS coupon_amount,
        exact_decimal(price) AS list_unit_price,
        nearest_decimal(used) AS quantity,
        COALESCE(list_valued_tags(tag_text), unique_tags(tag_document)) AS own_tags,
        chinese_unit(unit_text) AS quantity_unit,
        CASE
            WHEN currency_name IN ('RMB', '人民币', '元', '¥') THEN 'CNY'
            WHEN currency_name IN ('美元', '$') THEN 'USD'
            ELSE currency_name
        END AS currency,
        -- The API asks with these codes and answers with the words; orders and use are told apart by either.
        CASE
            WHEN category IS NULL THEN 'Usage'
            WHEN REGEXP_MATCHES(LOWER(category), '^(调账|transfer)') THEN 'Adjustment'
            WHEN REGEXP_MATCHES(LOWER(category), '(使用|试用|use|trial)$') THEN 'Usage'
            WHEN REGEXP_MATCHES(LOWER(category), '^(消费|consume).*(新购|续费|更配|转正|new|modify|formali)')
                THEN 'Purchase'
            WHEN NOT REGEXP_MATCHES(LOWER(category), '^(消费|退款|consume|refund)') THEN NULL
            WHEN REGEXP_MATCHES(LOWER(billing_mode), '包年|包月|预付|prepaid|subscription') THEN 'Purchase'
            ELSE 'Usage'
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
        ) AS sku,
        COALESCE(savings_plan_id, reserved_id) AS covered_by,
        REGEXP_MATCHES(LOWER(product), '节省计划|saving') AS is_savings_plan
    FROM cells
),

placed AS (
    SELECT
        *,
        -- What is renewed before it ends is charged when it is paid, and what is paid after its month at its end.
        CASE
            WHEN began_at < period_end THEN began_at
            ELSE LEAST(COALESCE(paid_at, period_start), period_end - INTERVAL 1 SECOND)
        END AS charged_from,
        CASE
            WHEN ended_at IS NOT NULL THEN ended_at
            WHEN began_on IS NULL OR began_at >= period_end THEN period_end
            ELSE began_at + INTERVAL 1 DAY
        END AS charged_until,
        charge_category = 'Usage' AND NOT is_refund AND covered_by IS NOT NULL AS is_covered,
        charge_category = 'Purchase' AND NOT is_refund AND is_savings_plan AND instance_id IS NOT NULL AS is_commitment,
        COALESCE(discounted_cost, billed_cost + COALESCE(coupon_amount, 0)) AS contracted_cost,
        CASE
            WHEN payable IS NOT NULL AND billed_cost IS NULL THEN 'amount: 应付金额 ' || payable
            WHEN original IS NOT NULL AND list_cost IS NULL THEN 'amount: 原价 ' || original
            WHEN discounted IS NOT NULL AND discounted_cost IS NULL THEN 'amount: 折后价 ' || discounted
            WHEN coupon IS NOT NULL AND coupon_amount IS NULL THEN 'amount: 代金券抵扣 ' || coupon
            WHEN used IS NOT NULL AND quantity IS NULL THEN 'amount: 用量 ' || used
            WHEN began_on IS NOT NULL AND began_at IS NULL THEN 'date: 消费开始时间 ' || began_on
            WHEN ended_on IS NOT NULL AND ended_at IS NULL THEN 'date: 消费结束时间 ' || ended_on
            WHEN charge_category IS NULL THEN 'category: 账单类型 ' || category
        END AS refusal
    FROM typed
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
    NULLIF(CONCAT_WS(' ', category, config_name, element), '') AS ChargeDescription,
    CASE
        WHEN category LIKE '%续费' OR LOWER(category) LIKE '%renew' THEN 'Recurring'
        WHEN charge_category = 'Usage' THEN 'Usage-Based'
        ELSE 'One-Time'
    END AS ChargeFrequency,
    -- What happens at an instant, as an adjustment does, lasts for its second.
    GREATEST(charged_until, charged_from + INTERVAL 1 SECOND) AS ChargePeriodEnd,
    charged_from AS ChargePeriodStart,
    CASE
        WHEN is_commitment OR (is_covered AND savings_plan_id IS NOT NULL) THEN 'Spend'
        WHEN is_covered THEN 'Usage'
    END AS CommitmentDiscountCategory,
    CASE WHEN is_covered THEN covered_by WHEN is_commitment THEN instance_id END AS CommitmentDiscountId,
    CASE WHEN is_commitment THEN resource_name END AS CommitmentDiscountName,
    -- What a plan pays for is in money, which the bill says of the order only; what an instance does, in its unit.
    CASE
        WHEN is_commitment THEN billed_cost
        WHEN is_covered AND savings_plan_id IS NOT NULL THEN list_cost
        WHEN is_covered THEN quantity
    END AS CommitmentDiscountQuantity,
    CASE WHEN is_covered THEN 'Used' END AS CommitmentDiscountStatus,
    CASE
        WHEN is_commitment OR (is_covered AND savings_plan_id IS NOT NULL) THEN 'Savings Plan'
        WHEN is_covered THEN 'Reserved Instance'
    END AS CommitmentDiscountType,
    CASE
        WHEN is_commitment OR (is_covered AND savings_plan_id IS NOT NULL) THEN currency
        WHEN is_covered AND quantity IS NOT NULL THEN quantity_unit
    END AS CommitmentDiscountUnit,
    CASE WHEN charge_category = 'Usage' THEN quantity END AS ConsumedQuantity,
    CASE WHEN charge_category = 'Usage' AND quantity IS NOT NULL THEN quantity_unit END AS ConsumedUnit,
    contracted_cost AS ContractedCost,
    exact_unit_price(contracted_cost, quantity) AS ContractedUnitPrice,
    -- The bill spreads nothing over a term: what is paid in advance costs when it is billed, or it never would.
    billed_cost AS EffectiveCost,
    CAST(NULL AS VARCHAR) AS InvoiceId,
    COALESCE(issuer, 'Volcengine') AS InvoiceIssuerName,
    list_cost AS ListCost,
    CASE WHEN list_unit_price >= 0 AND exact_product(list_unit_price, quantity) = list_cost THEN list_unit_price END
        AS ListUnitPrice,
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
    quantity AS PricingQuantity,
    CASE WHEN quantity IS NOT NULL THEN quantity_unit END AS PricingUnit,
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
FROM placed
