-- One line of an Alibaba Cloud bill, of the first or the second subscription, split or not, becomes one FOCUS row.
-- Source of the rules: Alibaba Cloud, bill columns (help.aliyun.com 89133), DescribeInstanceBill, upgraded bills.
WITH cells AS (
    SELECT
        bill.*,
        COALESCE(cell(bill.cycle), parameters.period) AS cycle_text,
        COALESCE(cell(bill.split_day), cell(bill.day)) AS day_text,
        -- Only the day counts of the instant at which a charge was made.
        SUBSTR(COALESCE(cell(bill.split_day), cell(bill.day), cell(bill.consumed_at)), 1, 10) AS charged_text,
        cell(bill.service_start) AS start_text,
        cell(bill.service_end) AS end_text,
        cell(bill.tags) AS tag_text,
        -- key:team value:web; key:acs:rm:rgId value:rg-1, or team:web;env:prod
        COALESCE(STARTS_WITH(cell(bill.tags), 'key:'), FALSE) AS is_marked,
        LOWER(cell(bill.product_code)) AS product,
        LOWER(CONCAT_WS(' ', bill.fee_type, bill.transaction_type)) AS kind_text,
        -- A transaction type such as 新购 tells a purchase only where no fee type is given.
        REGEXP_MATCHES(
            LOWER(CONCAT_WS(' ', COALESCE(bill.fee_type, bill.transaction_type), bill.subscription_type)),
            '订阅|预付|包年包月|新购|续费|subscription|upfront'
        ) AS is_term,
        amount_text(bill.payable) AS payable_digits,
        amount_text(bill.list_cost) AS list_digits,
        amount_text(bill.discount) AS discount_digits,
        amount_text(bill.after_discount) AS after_discount_digits,
        amount_text(bill.usage) AS usage_digits,
        amount_text(bill.usage_before) AS usage_before_digits,
        amount_text(bill.duration) AS duration_digits,
        amount_text(bill.list_price) AS list_price_digits,
        amount_text(bill.deducted_cost) AS deducted_cost_digits,
        amount_text(bill.deducted_usage) AS deducted_usage_digits,
        parameters.account AS known_account,
        parameters.currency AS known_currency
    FROM bill
    CROSS JOIN parameters
),

typed AS (
    SELECT
        *,
        month_start_utc(cycle_text, 8) AS period_start,
        next_month_utc(cycle_text, 8) AS period_end,
        beijing_instant(start_text) AS service_started,
        beijing_instant(end_text) AS service_ended,
        beijing_instant(charged_text) AS charged_on,
        -- `key:K value:V; key:K2 value:V2` and `K:V;K2:V2` with separators that no tag has (private use).
        -- Plain ones, which are nearly all, need no pattern but the one that tells them.
        CASE
            WHEN STARTS_WITH(tag_text, '{') THEN NULL
            WHEN
                REGEXP_FULL_MATCH(tag_text, 'key:[^:;]+ value:[^:;]*(; ?key:[^:;]+ value:[^:;]*)*')
                THEN REPLACE(
                    REPLACE(REPLACE(SUBSTR(tag_text, 5), '; key:', CHR(57344)), ';key:', CHR(57344)),
                    ' value:',
                    CHR(57345)
                )
            WHEN
                REGEXP_FULL_MATCH(tag_text, '[^:;]+:[^:;]*(;[^:;]+:[^:;]*)*')
                THEN REPLACE(REPLACE(tag_text, ';', CHR(57344)), ':', CHR(57345))
            WHEN
                is_marked
                THEN REGEXP_REPLACE(
                    REGEXP_REPLACE(RTRIM(tag_text, '; '), '(^|;\s*)key:', CHR(57344), 'g'),
                    CHR(57344) || '([^' || CHR(57344) || ']*?) value:',
                    CHR(57344) || '\1' || CHR(57345),
                    'g'
                )
            ELSE REGEXP_REPLACE(
                REPLACE(tag_text, ';', CHR(57344)),
                '([^:' || CHR(57344) || ']+):([^' || CHR(57344) || ']*)',
                '\1' || CHR(57345) || '\2',
                'g'
            )
        END AS tag_pairs_text,
        exact_decimal(payable_digits) AS billed_cost,
        exact_decimal(list_digits) AS catalogue_cost,
        exact_decimal(discount_digits) AS discount_amount,
        exact_decimal(after_discount_digits) AS discounted_cost,
        exact_decimal(usage_digits) AS usage_quantity,
        exact_decimal(usage_before_digits) AS whole_quantity,
        exact_decimal(duration_digits) AS service_length,
        exact_decimal(deducted_cost_digits) AS plan_cost,
        exact_decimal(deducted_usage_digits) AS plan_quantity,
        exact_decimal(list_price_digits) AS catalogue_price,
        CASE
            WHEN LOWER(cell(fee_type)) IN ('税', '税费', 'tax') THEN 'tax'
            WHEN CONTAINS(kind_text, '退') OR CONTAINS(kind_text, 'refund') THEN 'refund'
            WHEN
                CONTAINS(kind_text, '调账') OR CONTAINS(kind_text, '抹零') OR CONTAINS(kind_text, '佣金')
                OR CONTAINS(kind_text, '保底') OR CONTAINS(kind_text, 'adjust') OR CONTAINS(kind_text, 'rounding')
                OR CONTAINS(kind_text, 'commission')
                THEN 'adjustment'
            -- What a subscription covers, or what is used and paid for later, is usage.
            WHEN CONTAINS(kind_text, '覆盖') OR CONTAINS(kind_text, 'coverage') THEN 'usage'
            WHEN CONTAINS(kind_text, '订阅后付') OR CONTAINS(kind_text, 'subscription pay-as-you-go') THEN 'recurring'
            WHEN is_term THEN 'purchase'
            ELSE 'usage'
        END AS kind
    FROM cells
),

dated AS (
    SELECT
        *,
        -- A subscription renewed ahead of time serves after the month in which it is charged.
        CASE
            WHEN service_started < period_end THEN service_started
            WHEN charged_on < period_end THEN charged_on
            ELSE period_start
        END AS charge_started,
        -- Some products write the last second of a service, others the first one after it.
        CASE
            WHEN EXTRACT('minute' FROM service_ended) = 59 AND EXTRACT('second' FROM service_ended) = 59
                THEN CAST(service_ended + INTERVAL 1 SECOND AS TIMESTAMP)
            ELSE service_ended
        END AS service_over,
        CASE
            WHEN bad_amount(payable_digits) THEN 'amount: 应付金额 ' || payable_digits
            WHEN bad_amount(list_digits) THEN 'amount: 官网价 ' || list_digits
            WHEN bad_amount(discount_digits) THEN 'amount: 优惠金额 ' || discount_digits
            WHEN bad_amount(after_discount_digits) THEN 'amount: 优惠后金额 ' || after_discount_digits
            WHEN bad_amount(usage_digits) THEN 'amount: 用量 ' || usage_digits
            WHEN bad_amount(usage_before_digits) THEN 'amount: 抵扣前用量 ' || usage_before_digits
            WHEN bad_amount(duration_digits) THEN 'amount: 服务时长 ' || duration_digits
            WHEN
                day_text IS NOT NULL AND charged_on IS NULL
                THEN 'date: 日期 ' || day_text
            WHEN start_text IS NOT NULL AND service_started IS NULL THEN 'date: 开始时间 ' || start_text
            WHEN end_text IS NOT NULL AND service_ended IS NULL THEN 'date: 结束时间 ' || end_text
        END AS refusal
    FROM typed
),

counted AS (
    SELECT
        *,
        CASE
            WHEN charge_started = service_started AND service_over > service_started THEN service_over
            WHEN charge_started = service_started OR charge_started = charged_on
                THEN CAST(charge_started + INTERVAL 1 DAY AS TIMESTAMP)
            ELSE period_end
        END AS charge_ended,
        CASE
            WHEN kind = 'tax' THEN 'Tax'
            WHEN kind = 'adjustment' THEN 'Adjustment'
            WHEN kind IN ('purchase', 'recurring') THEN 'Purchase'
            WHEN kind = 'refund' AND is_term THEN 'Purchase'
            ELSE 'Usage'
        END AS charge_category,
        -- What is priced: the usage left after free quotas and plans, or where no usage is given the time served.
        COALESCE(usage_quantity, service_length) AS priced_quantity,
        -- Units in FOCUS' words where they are known, else in the bill's.
        CASE CASE WHEN usage_quantity IS NOT NULL THEN cell(usage_unit) ELSE cell(duration_unit) END
            WHEN '秒' THEN 'Seconds'
            WHEN '分钟' THEN 'Minutes'
            WHEN '小时' THEN 'Hours'
            WHEN '天' THEN 'Days'
            WHEN '日' THEN 'Days'
            WHEN '周' THEN 'Weeks'
            WHEN '月' THEN 'Months'
            WHEN '个月' THEN 'Months'
            WHEN '年' THEN 'Years'
            WHEN '次' THEN 'Requests'
            WHEN '个' THEN 'Units'
            WHEN '台' THEN 'Units'
            WHEN '张' THEN 'Images'
            WHEN '字节' THEN 'B'
            ELSE CASE WHEN usage_quantity IS NOT NULL THEN cell(usage_unit) ELSE cell(duration_unit) END
        END AS priced_unit,
        COALESCE(discounted_cost, TRY(catalogue_cost - discount_amount)) AS contracted_cost,
        CASE
            WHEN UPPER(cell(currency)) IN ('RMB', '人民币', '元') THEN 'CNY'
            WHEN cell(currency) = '美元' THEN 'USD'
            -- Only the Chinese site states amounts with tax, and it bills in nothing but yuan.
            ELSE COALESCE(UPPER(cell(currency)), known_currency, CASE WHEN payable_with_tax IS NOT NULL THEN 'CNY' END)
        END AS currency_code,
        COALESCE(cell(split_item_id), cell(resource_id), cell(instance_id)) AS resource,
        CONCAT_WS('/', cell(commodity_code), cell(billing_item_code)) AS sku,
        -- The details of a deduction are JSON inside CSV, with or without backslashes before its quotes, or an id.
        COALESCE(
            cell(plan_id),
            cell(package_id),
            NULLIF(
                REGEXP_EXTRACT(
                    deduction_details,
                    '(?i)"(?:instance_?id|resource_?id|实例ID|资源ID|资源包ID|节省计划ID|订阅实例ID)[\\]*"\s*:\s*[\\]*"([^"\\]+)',
                    1
                ),
                ''
            ),
            NULLIF(REGEXP_EXTRACT(cell(deduction_details), '^[A-Za-z]+[-_][A-Za-z0-9_-]+$'), '')
        ) AS paying_commitment
    FROM dated
),

priced AS (
    SELECT
        *,
        tag_object(cell(tag_pairs_text), CHR(57344), CHR(57345)) AS tag_document,
        CASE WHEN charge_category = 'Usage' THEN paying_commitment END AS commitment,
        CASE
            WHEN paying_commitment LIKE 'spn-%' OR paying_commitment = cell(plan_id) THEN 'Savings Plan'
            WHEN paying_commitment LIKE 'ecsri-%' THEN 'Reserved Instance'
            ELSE 'Resource Plan'
        END AS commitment_type,
        -- A price by tier times all of the usage is not the list price: then there is no one unit price.
        CASE
            WHEN
                charge_category IN ('Usage', 'Purchase') AND catalogue_price >= 0
                AND exact_product(catalogue_price, priced_quantity) = catalogue_cost
                THEN catalogue_price
        END AS unit_price
    FROM counted
),

covered AS (
    SELECT
        *,
        CASE
            WHEN commitment IS NULL THEN NULL
            WHEN commitment_type = 'Savings Plan' THEN plan_cost
            ELSE plan_quantity
        END AS commitment_quantity,
        -- A column of its own: inside a CASE the engine would work out each of its parts again and again.
        unique_tags(tag_document) AS pair_tags
    FROM priced
)

SELECT
    cell(zone) AS AvailabilityZone,
    billed_cost AS BilledCost,
    COALESCE(cell(account_id), known_account) AS BillingAccountId,
    cell(account_name) AS BillingAccountName,
    CAST(NULL AS VARCHAR) AS BillingAccountType,
    currency_code AS BillingCurrency,
    period_end AS BillingPeriodEnd,
    period_start AS BillingPeriodStart,
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    charge_category AS ChargeCategory,
    CASE WHEN kind = 'refund' THEN 'Correction' END AS ChargeClass,
    NULLIF(
        CONCAT_WS(
            ' ',
            COALESCE(cell(commodity_name), cell(product_name)),
            cell(billing_item),
            cell(specification),
            cell(fee_type),
            cell(transaction_type)
        ),
        ''
    ) AS ChargeDescription,
    CASE kind WHEN 'usage' THEN 'Usage-Based' WHEN 'recurring' THEN 'Recurring' ELSE 'One-Time' END AS ChargeFrequency,
    charge_ended AS ChargePeriodEnd,
    charge_started AS ChargePeriodStart,
    CASE
        WHEN commitment IS NOT NULL THEN CASE WHEN commitment_type = 'Savings Plan' THEN 'Spend' ELSE 'Usage' END
    END AS CommitmentDiscountCategory,
    commitment AS CommitmentDiscountId,
    CASE WHEN commitment IS NOT NULL THEN cell(package_name) END AS CommitmentDiscountName,
    commitment_quantity AS CommitmentDiscountQuantity,
    CASE WHEN commitment IS NOT NULL THEN 'Used' END AS CommitmentDiscountStatus,
    CASE WHEN commitment IS NOT NULL THEN commitment_type END AS CommitmentDiscountType,
    CASE
        WHEN commitment_quantity IS NULL THEN NULL
        WHEN commitment_type = 'Savings Plan' THEN currency_code
        ELSE COALESCE(priced_unit, 'Units')
    END AS CommitmentDiscountUnit,
    CASE WHEN charge_category = 'Usage' THEN COALESCE(whole_quantity, priced_quantity) END AS ConsumedQuantity,
    CASE
        WHEN charge_category = 'Usage' AND COALESCE(whole_quantity, priced_quantity) IS NOT NULL
            THEN COALESCE(priced_unit, 'Units')
    END AS ConsumedUnit,
    contracted_cost AS ContractedCost,
    CAST(NULL AS DECIMAL(38, 18)) AS ContractedUnitPrice,
    -- What is paid in advance is spread over its term by another bill (costDetailBillV2), which is not this one.
    -- The bill spreads nothing over a term: what is paid in advance costs when it is billed, or it never would.
    billed_cost AS EffectiveCost,
    CAST(NULL AS VARCHAR) AS InvoiceId,
    COALESCE(cell(service_entity), 'Alibaba Cloud') AS InvoiceIssuerName,
    catalogue_cost AS ListCost,
    unit_price AS ListUnitPrice,
    CASE
        WHEN charge_category NOT IN ('Usage', 'Purchase') THEN NULL
        WHEN commitment IS NOT NULL THEN 'Committed'
        ELSE 'Standard'
    END AS PricingCategory,
    CAST(NULL AS VARCHAR) AS PricingCurrency,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyContractedUnitPrice,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyEffectiveCost,
    unit_price AS PricingCurrencyListUnitPrice,
    CASE WHEN charge_category IN ('Usage', 'Purchase') THEN priced_quantity END AS PricingQuantity,
    CASE
        WHEN charge_category IN ('Usage', 'Purchase') AND priced_quantity IS NOT NULL
            THEN COALESCE(priced_unit, 'Units')
    END AS PricingUnit,
    'Alibaba Cloud' AS ProviderName,
    COALESCE(cell(service_entity), 'Alibaba Cloud') AS PublisherName,
    CASE
        WHEN cell(region_code) IS NOT NULL THEN cell(region_code)
        WHEN CONTAINS(region_name, '杭州') OR CONTAINS(region_name, 'Hangzhou') THEN 'cn-hangzhou'
        WHEN CONTAINS(region_name, '上海') OR CONTAINS(region_name, 'Shanghai') THEN 'cn-shanghai'
        WHEN CONTAINS(region_name, '北京') OR CONTAINS(region_name, 'Beijing') THEN 'cn-beijing'
        WHEN CONTAINS(region_name, '深圳') OR CONTAINS(region_name, 'Shenzhen') THEN 'cn-shenzhen'
        WHEN CONTAINS(region_name, '张家口') OR CONTAINS(region_name, 'Zhangjiakou') THEN 'cn-zhangjiakou'
        WHEN CONTAINS(region_name, '呼和浩特') OR CONTAINS(region_name, 'Hohhot') THEN 'cn-huhehaote'
        WHEN CONTAINS(region_name, '乌兰察布') OR CONTAINS(region_name, 'Ulanqab') THEN 'cn-wulanchabu'
        WHEN CONTAINS(region_name, '青岛') OR CONTAINS(region_name, 'Qingdao') THEN 'cn-qingdao'
        WHEN CONTAINS(region_name, '成都') OR CONTAINS(region_name, 'Chengdu') THEN 'cn-chengdu'
        WHEN CONTAINS(region_name, '广州') OR CONTAINS(region_name, 'Guangzhou') THEN 'cn-guangzhou'
        WHEN CONTAINS(region_name, '河源') OR CONTAINS(region_name, 'Heyuan') THEN 'cn-heyuan'
        WHEN CONTAINS(region_name, '香港') OR CONTAINS(region_name, 'Hong Kong') THEN 'cn-hongkong'
        WHEN CONTAINS(region_name, '新加坡') OR CONTAINS(region_name, 'Singapore') THEN 'ap-southeast-1'
        -- A region that is not among these is known by the name that the bill gives it.
        ELSE cell(region_name)
    END AS RegionId,
    cell(region_name) AS RegionName,
    resource AS ResourceId,
    CASE WHEN resource IS NOT NULL THEN COALESCE(cell(split_item_name), cell(resource_name)) END AS ResourceName,
    CASE WHEN resource IS NOT NULL THEN COALESCE(cell(commodity_name), cell(product_name)) END AS ResourceType,
    CASE
        WHEN
            product IN (
                'ecs', 'eci', 'ack', 'acs', 'cs', 'csk', 'fc', 'fcnew', 'swas', 'ehpc', 'sae', 'gws', 'savingplan'
            )
            THEN 'Compute'
        WHEN
            product IN ('oss', 'nas', 'ebs', 'yundisk', 'disk', 'snapshot', 'hbr', 'cpfs')
            THEN 'Storage'
        WHEN
            product IN (
                'rds', 'polardb', 'kvstore', 'redisa', 'dds', 'hbase', 'lindorm', 'ots', 'drds', 'gpdb', 'ads', 'dts',
                'oceanbase', 'clickhouse'
            )
            THEN 'Databases'
        WHEN
            product IN (
                'slb', 'alb', 'nlb', 'eip', 'vpc', 'nat_gw', 'nat', 'cbn', 'cen', 'cdn', 'dcdn', 'vpn', 'sag', 'ga',
                'expressconnect', 'cbwp', 'flowbag', 'alidns', 'dns', 'pvtz', 'privatelink'
            )
            THEN 'Networking'
        WHEN
            product IN ('learn', 'pai', 'sfm', 'bailian', 'dashscope', 'nls', 'imm', 'ocr')
            THEN 'AI and Machine Learning'
        WHEN
            product IN (
                'odps', 'maxcompute', 'emr', 'dataworks', 'dide', 'hologram', 'elasticsearch', 'datahub'
            )
            THEN 'Analytics'
        WHEN
            product IN ('ons', 'rocketmq', 'alikafka', 'amqp', 'mns', 'eventbridge', 'dysms')
            THEN 'Integration'
        WHEN
            product IN ('sls', 'arms', 'cms', 'actiontrail', 'config', 'ros')
            THEN 'Management and Governance'
        WHEN
            product IN ('waf', 'ddoscoo', 'ddosbgp', 'kms', 'sas', 'cas', 'cfw', 'bastionhost')
            THEN 'Security'
        ELSE 'Other'
    END AS ServiceCategory,
    COALESCE(cell(product_name), cell(product_code), 'Alibaba Cloud') AS ServiceName,
    CAST(NULL AS VARCHAR) AS ServiceSubcategory,
    CASE WHEN charge_category != 'Tax' THEN COALESCE(NULLIF(sku, ''), cell(product_code)) END AS SkuId,
    CASE WHEN charge_category != 'Tax' THEN COALESCE(cell(billing_item), cell(commodity_name)) END AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    CAST(NULL AS VARCHAR) AS SkuPriceId,
    COALESCE(cell(split_account_id), cell(owner_id)) AS SubAccountId,
    COALESCE(cell(split_account_name), cell(owner_name)) AS SubAccountName,
    CAST(NULL AS VARCHAR) AS SubAccountType,
    with_vendor_tag(
        CASE WHEN STARTS_WITH(tag_text, '{') THEN json_or_null(tag_text) ELSE pair_tags END,
        'alibaba:resource-group',
        cell(resource_group)
    ) AS Tags,
    'Alibaba Cloud' AS ServiceProviderName,
    'Alibaba Cloud' AS HostProviderName,
    row_number,
    CAST(NULL AS VARCHAR) AS aside,
    refusal
FROM covered
