-- Tencent Cloud: bill details (L3) with the Chinese header, and FOCUS 1.0.
-- Source of the columns: reference, section 5.2 and appendix A7.

CREATE VIEW tencent_terms AS
SELECT
    charges.*,
    name IN ('reserved', 'renewal', 'refund') AS is_prepaid,
    CASE name
        WHEN 'reserved' THEN '预留实例新购'
        WHEN 'renewal' THEN '包年包月续费'
        WHEN 'refund' THEN '包年包月退款'
        WHEN 'adjustment' THEN '调账补偿'
        WHEN 'cos' THEN '按量计费日结'
        ELSE '按量计费小时结'
    END AS deal,
    CASE WHEN service LIKE '%CVM' THEN '云服务器CVM-标准型S5' WHEN service LIKE '%COS' THEN '标准存储' ELSE service END AS subproduct,
    CASE region WHEN 'ap-guangzhou' THEN '华南地区（广州）' ELSE '华东地区（上海）' END AS region_name,
    CASE region WHEN 'ap-guangzhou' THEN '广州三区' ELSE '上海四区' END AS zone_name,
    COALESCE(resource, commitment) AS object,
    -- Every fourth machine is paid by voucher in part, which is no discount.
    CASE WHEN name = 'cvm' AND resource_no % 4 = 3 THEN CAST(billed * 0.5 AS DECIMAL(24, 10)) ELSE CAST(0 AS DECIMAL(24, 10)) END
        AS voucher,
    '20' || LPAD(CAST(line_no * 100000 + number AS VARCHAR), 18, '0') AS transaction
FROM charges;

CREATE VIEW tencent_detail AS
SELECT
    '100010445724' || CHR(9) AS "支付者UIN",
    account || CHR(9) AS "使用者UIN",
    '100010445724' || CHR(9) AS "操作者UIN",
    service AS "产品名称",
    CASE WHEN is_prepaid THEN '包年包月' ELSE '按量计费' END AS "计费模式",
    '默认项目' AS "项目名称",
    region_name AS "地域",
    zone_name AS "可用区",
    '国内' AS "国内国际",
    COALESCE(object, '-') || CHR(9) AS "资源ID",
    COALESCE(resource, '-') AS "实例名称",
    subproduct AS "子产品名称",
    deal AS "交易类型",
    CASE WHEN is_prepaid THEN transaction || CHR(9) ELSE '-' END AS "订单ID",
    transaction || CHR(9) AS "交易ID",
    STRFTIME(CASE WHEN is_prepaid OR kind = 'adjustment' THEN started_at ELSE ended_at END + INTERVAL 9 MINUTE, '%Y-%m-%d %H:%M:%S')
        AS "扣费时间",
    STRFTIME(started_at, '%Y-%m-%d %H:%M:%S') AS "开始使用时间",
    STRFTIME(ended_at - INTERVAL 1 SECOND, '%Y-%m-%d %H:%M:%S') AS "结束使用时间",
    sku AS "组件类型",
    sku_id AS "组件名称",
    CASE WHEN kind IN ('refund', 'adjustment') THEN '-' ELSE CAST(CAST(list_rate AS DECIMAL(18, 8)) AS VARCHAR) END AS "组件刊例价",
    CASE WHEN kind IN ('refund', 'adjustment', 'covered') THEN '-' ELSE CAST(CAST(billed_rate AS DECIMAL(18, 8)) AS VARCHAR) END
        AS "组件单价",
    CASE WHEN name = 'cos' THEN '元/GB/天' ELSE '元/台/' || unit END AS "组件价格单位",
    CASE WHEN name = 'cos' THEN quantity ELSE CAST(1 AS DECIMAL(19, 9)) END AS "组件用量",
    CASE WHEN name = 'cos' THEN 'GB' ELSE '台' END AS "组件用量单位",
    CASE WHEN name = 'cos' THEN CAST(1 AS DECIMAL(19, 9)) ELSE quantity END AS "使用时长",
    unit AS "时长单位",
    CASE WHEN kind IN ('refund', 'adjustment') THEN '-' ELSE CAST(CAST(listed AS DECIMAL(24, 8)) AS VARCHAR) END AS "组件原价",
    CASE
        WHEN kind IN ('refund', 'adjustment', 'covered') THEN '-'
        ELSE CAST(CAST(CAST(billed_rate AS DOUBLE) / CAST(list_rate AS DOUBLE) AS DECIMAL(9, 4)) AS VARCHAR)
    END AS "折扣率",
    CAST(billed AS DECIMAL(24, 8)) AS "优惠后总价",
    CAST(voucher AS DECIMAL(24, 8)) AS "代金券支出(元)",
    CAST(0 AS DECIMAL(24, 8)) AS "赠送账户支出(元)",
    CAST(billed - voucher AS DECIMAL(24, 8)) AS "现金账户支出(元)",
    CASE WHEN kind IN ('usage', 'covered') THEN tenant ELSE '-' END AS "标签键:tenant",
    CASE WHEN kind IN ('usage', 'covered') THEN department ELSE '-' END AS "标签键:department",
    CASE WHEN kind IN ('usage', 'covered') THEN cost_centre ELSE '-' END AS "标签键:cost-centre"
FROM tencent_terms;

CREATE VIEW tencent_focus AS
SELECT
    zone_name AS "AvailabilityZone",
    CAST(billed AS DECIMAL(24, 8)) AS "BilledCost",
    '100020556835' AS "BillingAccountId",
    'Nimbus Retail' AS "BillingAccountName",
    'CNY' AS "BillingCurrency",
    STRFTIME(starts_at + INTERVAL 1 MONTH - INTERVAL 8 HOUR - INTERVAL 1 SECOND, '%Y-%m-%dT%H:%M:%SZ') AS "BillingPeriodEnd",
    STRFTIME(starts_at - INTERVAL 8 HOUR, '%Y-%m-%dT%H:%M:%SZ') AS "BillingPeriodStart",
    CAST(NULL AS VARCHAR) AS "CapacityReservationId",
    CAST(NULL AS VARCHAR) AS "CapacityReservationStatus",
    CASE WHEN kind IN ('purchase', 'refund') THEN 'Purchase' ELSE 'Usage' END AS "ChargeCategory",
    CASE WHEN kind = 'refund' THEN 'Correction' END AS "ChargeClass",
    'https://cloud.tencent.com/document/product/239' AS "ChargeDescription",
    CASE WHEN kind IN ('purchase', 'refund') THEN 'One-Time' ELSE 'Usage-Based' END AS "ChargeFrequency",
    STRFTIME(ended_at - INTERVAL 8 HOUR - INTERVAL 1 SECOND, '%Y-%m-%dT%H:%M:%SZ') AS "ChargePeriodEnd",
    STRFTIME(started_at - INTERVAL 8 HOUR, '%Y-%m-%dT%H:%M:%SZ') AS "ChargePeriodStart",
    CASE WHEN commitment IS NOT NULL THEN 'Usage' END AS "CommitmentDiscountCategory",
    commitment AS "CommitmentDiscountId",
    commitment AS "CommitmentDiscountName",
    CASE WHEN kind = 'covered' THEN 'Used' END AS "CommitmentDiscountStatus",
    CAST(NULL AS VARCHAR) AS "CommitmentDiscountType",
    CASE WHEN kind IN ('usage', 'covered') THEN quantity END AS "ConsumedQuantity",
    CASE WHEN kind IN ('usage', 'covered') THEN unit END AS "ConsumedUnit",
    CAST(billed AS DECIMAL(24, 8)) AS "ContractedCost",
    CASE WHEN kind <> 'refund' THEN CAST(billed_rate AS DECIMAL(18, 8)) END AS "ContractedUnitPrice",
    CAST(NULL AS VARCHAR) AS "EffectiveCost",
    'Tencent Cloud' AS "InvoiceIssuerName",
    CAST(listed AS DECIMAL(24, 8)) AS "ListCost",
    CASE WHEN kind <> 'refund' THEN CAST(list_rate AS DECIMAL(18, 8)) END AS "ListUnitPrice",
    CASE WHEN kind = 'covered' THEN 'Committed' ELSE 'Standard' END AS "PricingCategory",
    quantity AS "PricingQuantity",
    unit AS "PricingUnit",
    'Tencent Cloud' AS "ProviderName",
    'Tencent Cloud' AS "PublisherName",
    region AS "RegionId",
    region_name AS "RegionName",
    COALESCE(resource, commitment) AS "ResourceId",
    resource AS "ResourceName",
    CAST(NULL AS VARCHAR) AS "ResourceType",
    CAST(NULL AS VARCHAR) AS "ServiceCategory",
    service AS "ServiceName",
    CAST(NULL AS VARCHAR) AS "ServiceSubcategory",
    CAST(NULL AS VARCHAR) AS "SkuId",
    CAST(NULL AS VARCHAR) AS "SkuPriceId",
    account AS "SubAccountId",
    'nimbus-apps' AS "SubAccountName",
    CASE
        WHEN kind IN ('usage', 'covered')
            THEN '{"tenant":"' || tenant || '","department":"' || department || '","cost-centre":"' || cost_centre || '"}'
    END AS "Tags",
    sku_id AS "x_ComponentName",
    sku AS "x_ComponentType",
    STRFTIME(starts_at + INTERVAL 1 MONTH + INTERVAL 2 DAY, '%Y-%m-%dT%H:%M:%SZ') AS "x_ExportTime",
    account AS "x_OwnerAccountID"
FROM tencent_terms;
