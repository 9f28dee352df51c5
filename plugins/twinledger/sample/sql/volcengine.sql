-- Volcengine: bill detail with the console's header, split bill and cost bill with the API's names.
-- Source of the columns: reference, section 7.2 and appendix B4. The console's header is known for the columns up to
-- 交易时间; those behind it, which every file must have for resources and tags, are called as the console calls them.

CREATE VIEW volcengine_terms AS
SELECT
    charges.*,
    STRFTIME(starts_at, '%Y-%m') AS month,
    STRFTIME(started_at, '%Y-%m-%d') AS day,
    STRFTIME(started_at, '%Y-%m-%d %H:%M:%S') AS begins,
    STRFTIME(ended_at, '%Y-%m-%d %H:%M:%S') AS ends,
    STRFTIME(ended_at + INTERVAL 2 HOUR, '%Y-%m-%d %H:%M:%S') AS traded,
    CASE WHEN name = 'coupon' THEN CAST(quantity * 0.1 AS DECIMAL(24, 10)) ELSE 0 END AS coupon,
    CASE kind
        WHEN 'purchase' THEN '消费-新购'
        WHEN 'refund' THEN '退款-退订'
        WHEN 'adjustment' THEN '调账-系统'
        ELSE '消费-使用'
    END AS category,
    CASE WHEN kind IN ('purchase', 'refund') OR name IN ('order', 'plan') THEN '包年包月' ELSE '按量计费' END AS billing_mode,
    CASE service
        WHEN '云服务器' THEN 'ECS'
        WHEN '火山方舟' THEN 'ark_bd'
        WHEN '对象存储' THEN 'TOS'
        WHEN '节省计划' THEN 'savingsplan'
        ELSE 'rds_mysql'
    END AS product_code,
    REGEXP_EXTRACT(sku, '^[^-]+') AS config_name,
    '元/' || unit AS price_unit,
    '{"tenant":["' || tenant || '"],"department":["' || department || '"],"cost-centre":["' || cost_centre || '"]}' AS tag
FROM charges;

CREATE VIEW volcengine AS
SELECT
    month AS "账务账期",
    month AS "业务账期",
    day AS "账务日期",
    '2100381001' AS "Payer账号ID",
    account AS "Owner账号ID",
    service AS "产品",
    sku_id AS "商品",
    billing_mode AS "计费模式",
    category AS "账单类型",
    config_name AS "配置名称",
    sku AS "计费单元",
    list_rate AS "单价",
    price_unit AS "单价单位",
    CASE WHEN billed < listed THEN '合同折扣' ELSE '-' END AS "优惠类型",
    CASE WHEN billed < listed THEN '框架合同 NR-2026' ELSE '-' END AS "优惠内容",
    quantity AS "用量",
    listed AS "原价",
    billed + coupon AS "折后价",
    coupon AS "代金券抵扣",
    billed AS "应付金额",
    begins AS "消费开始时间(UTC+8)",
    ends AS "消费结束时间(UTC+8)",
    traded AS "交易时间(UTC+8)",
    COALESCE(resource, '-') AS "实例ID",
    COALESCE(resource, '-') AS "实例名称",
    region AS "地域",
    tag AS "标签",
    CASE WHEN kind = 'covered' THEN commitment ELSE '-' END AS "节省计划抵扣实例ID"
FROM volcengine_terms;

CREATE VIEW volcengine_split AS
SELECT
    month AS "BillPeriod",
    month AS "BusiPeriod",
    day AS "ExpenseDate",
    begins AS "ExpenseTime",
    '2100382001' AS "PayerID",
    'nimbus-retail' AS "PayerUserName",
    'Nimbus Retail' AS "PayerCustomerName",
    account AS "OwnerID",
    'nimbus-apps' AS "OwnerUserName",
    'Nimbus Retail' AS "OwnerCustomerName",
    product_code AS "Product",
    service AS "ProductZh",
    billing_mode AS "BillingMode",
    category AS "BillCategory",
    MD5(line || ':' || CAST(number AS VARCHAR) || ':' || begins) AS "SplitBillDetailId",
    COALESCE(resource, '') AS "InstanceNo",
    COALESCE(resource, '') AS "InstanceName",
    CASE WHEN resource IS NOT NULL THEN resource || '/' || tenant ELSE '' END AS "SplitItemID",
    CASE WHEN resource IS NOT NULL THEN tenant ELSE '' END AS "SplitItemName",
    '1' AS "SplitItemRatio",
    '北京' AS "Region",
    region AS "RegionCode",
    config_name AS "ConfigName",
    sku_id AS "ConfigurationCode",
    sku AS "Element",
    sku_id || '-item' AS "ElementCode",
    list_rate AS "Price",
    price_unit AS "PriceUnit",
    quantity AS "Count",
    unit AS "Unit",
    listed AS "OriginalBillAmount",
    listed - billed - coupon AS "PreferentialBillAmount",
    '0' AS "RoundAmount",
    billed + coupon AS "DiscountBillAmount",
    coupon AS "CouponDeductionAmount",
    billed AS "PayableAmount",
    'CNY' AS "Currency",
    CASE WHEN kind = 'covered' THEN commitment ELSE '' END AS "SavingPlanDeductionSpID",
    '' AS "ReservationInstance",
    traded AS "TradeTime",
    '北京火山引擎科技有限公司' AS "SubjectName",
    tag AS "Tag"
FROM volcengine_terms;

CREATE VIEW volcengine_amortised AS
SELECT
    STRFTIME(CASE WHEN unit = 'Days' THEN starts_at - INTERVAL 2 MONTH ELSE starts_at END, '%Y-%m') AS "BillPeriod",
    month AS "AmortizedMonth",
    day AS "AmortizedDay",
    CASE WHEN unit = 'Days' THEN STRFTIME(starts_at - INTERVAL 2 MONTH, '%Y-%m-%d %H:%M:%S') ELSE begins END
        AS "AmortizedBeginTime",
    CASE WHEN unit = 'Days' THEN STRFTIME(starts_at + INTERVAL 10 MONTH, '%Y-%m-%d %H:%M:%S') ELSE ends END
        AS "AmortizedEndTime",
    CASE WHEN unit = 'Days' THEN '2' ELSE '1' END AS "AmortizedType",
    '2100383001' AS "PayerID",
    'nimbus-retail' AS "PayerUserName",
    account AS "OwnerID",
    'nimbus-apps' AS "OwnerUserName",
    product_code AS "Product",
    service AS "ProductZh",
    billing_mode AS "BillingMode",
    CASE WHEN unit = 'Days' AND kind <> 'refund' THEN '消费-新购' ELSE category END AS "BillCategory",
    MD5(line || ':' || CAST(number AS VARCHAR) || ':' || begins) AS "CostID",
    COALESCE(resource, '') AS "InstanceNo",
    COALESCE(resource, '') AS "InstanceName",
    region AS "Region",
    config_name AS "ConfigName",
    sku_id AS "ConfigurationCode",
    sku AS "Element",
    list_rate AS "Price",
    price_unit AS "PriceUnit",
    CASE WHEN unit = 'Days' THEN 12 ELSE quantity END AS "Count",
    CASE WHEN unit = 'Days' THEN '月' ELSE unit END AS "Unit",
    CASE WHEN unit = 'Days' THEN listed * 365 ELSE listed END AS "OriginalBillAmount",
    CASE WHEN unit = 'Days' THEN billed * 365 ELSE billed END AS "PayableAmount",
    listed AS "DailyAmortizedOriginalBillAmount",
    listed - billed AS "DailyAmortizedPreferentialBillAmount",
    billed AS "DailyAmortizedDiscountBillAmount",
    '0' AS "DailyAmortizedCouponAmount",
    billed AS "DailyAmortizedPayableAmount",
    'CNY' AS "Currency",
    CASE WHEN kind = 'covered' THEN commitment ELSE '' END AS "SavingPlanDeductionSpID",
    '北京火山引擎科技有限公司' AS "SubjectName",
    tag AS "Tag"
FROM volcengine_terms;
