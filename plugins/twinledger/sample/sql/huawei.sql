-- Huawei Cloud: detail bill by usage type and resource bill by cycle, with the Chinese headers.
-- Source of the columns: reference, section 6.2 and, for the bill by cycle, what of it appendix B3 (monthly_bill_res) has.

CREATE VIEW huawei_terms AS
SELECT
    charges.*,
    STRFTIME(starts_at, '%Y-%m') AS month,
    STRFTIME(started_at, '%Y-%m-%d %H:%M:%S GMT+08:00') AS begins,
    STRFTIME(ended_at, '%Y-%m-%d %H:%M:%S GMT+08:00') AS ends,
    STRFTIME(ended_at - INTERVAL 1 SECOND, '%Y-%m-%d %H:%M:%S GMT+08:00') AS expires,
    STRFTIME(ended_at + INTERVAL 41 MINUTE, '%Y-%m-%d %H:%M:%S GMT+08:00') AS traded,
    kind IN ('usage', 'covered') AS is_usage,
    kind IN ('purchase', 'refund') AS is_order,
    CASE
        WHEN name = 'plan' THEN '节省计划'
        WHEN kind IN ('purchase', 'refund') THEN '包年/包月-月'
        WHEN kind IN ('credit', 'adjustment') THEN '--'
        ELSE '按需'
    END AS charging_mode,
    CASE kind
        WHEN 'purchase' THEN CASE WHEN name = 'renewal' THEN '消费-自动续订' ELSE '消费-新购' END
        WHEN 'refund' THEN '退款-退订'
        WHEN 'credit' THEN '调账-补偿'
        WHEN 'adjustment' THEN '消费-抹零补扣'
        WHEN 'covered' THEN '消费-节省计划抵扣'
        ELSE '消费-使用'
    END AS bill_type,
    CASE service
        WHEN '弹性云服务器' THEN 'hws.service.type.ec2'
        WHEN '云硬盘' THEN 'hws.service.type.ebs'
        WHEN '对象存储服务' THEN 'hws.service.type.obs'
        ELSE 'hws.service.type.rds'
    END AS service_code,
    CASE service
        WHEN '弹性云服务器' THEN 'hws.resource.type.vm'
        WHEN '云硬盘' THEN 'hws.resource.type.volume'
        WHEN '对象存储服务' THEN 'hws.resource.type.obs'
        ELSE 'hws.resource.type.rds'
    END AS resource_code,
    CASE WHEN service = '弹性云服务器' THEN '云主机' ELSE service END AS product,
    '00301-' || sku_id || '--0' AS product_id,
    CASE region WHEN 'cn-north-4' THEN '华北-北京四' ELSE '华东-上海一' END AS region_name,
    COALESCE(resource, commitment, '--') AS object,
    CASE
        WHEN kind IN ('usage', 'covered')
            THEN 'tenant:' || tenant || ';department:' || department || ';cost-centre:' || cost_centre || ';'
        ELSE '--'
    END AS tag_pairs_written,
    -- Every fourth disk is paid by coupon in part, which is no discount.
    CASE WHEN name = 'evs' AND resource_no % 4 = 3 THEN CAST(billed * 0.5 AS DECIMAL(24, 10)) ELSE CAST(0 AS DECIMAL(24, 10)) END
        AS coupon
FROM charges;

CREATE VIEW huawei_detail AS
SELECT
    month AS "账期",
    '0' AS "企业项目ID",
    'default' AS "企业项目",
    account AS "账号",
    service_code AS "产品类型编码",
    service AS "产品类型",
    resource_code AS "产品编码",
    product AS "产品",
    product_id AS "产品ID",
    charging_mode AS "计费模式",
    CASE WHEN is_usage THEN begins || '-' || ends ELSE begins END AS "消费时间",
    begins AS "使用开始时间",
    CASE WHEN is_usage THEN ends ELSE expires END AS "使用结束时间",
    MD5(line || ':' || CAST(number AS VARCHAR)) AS "订单号/交易号",
    traded AS "交易时间",
    bill_type AS "账单类型",
    object AS "资源ID",
    COALESCE(resource, '--') AS "资源名称",
    tag_pairs_written AS "资源标签",
    sku_id AS "SKU编码",
    sku_id AS "规格",
    region AS "区域编码",
    region_name AS "区域",
    '--' AS "可用区",
    sku AS "使用量类型编码",
    CASE WHEN is_usage OR is_order THEN CAST(CAST(ABS(list_rate) AS DECIMAL(18, 8)) AS VARCHAR) ELSE '--' END AS "单价(¥)",
    CASE WHEN is_usage OR is_order THEN '元/' || unit ELSE '--' END AS "单价单位",
    CASE WHEN is_usage THEN CAST(quantity AS VARCHAR) ELSE '--' END AS "使用量",
    CASE WHEN is_usage THEN unit ELSE '--' END AS "使用量单位",
    CASE WHEN is_usage THEN '0' ELSE '--' END AS "套餐内使用量",
    CASE WHEN is_usage THEN '0' ELSE '--' END AS "预留实例内使用量",
    CAST(listed AS DECIMAL(24, 8)) AS "官网价(¥)",
    CAST(listed - billed AS DECIMAL(24, 8)) AS "优惠金额(¥)",
    CAST(billed AS DECIMAL(24, 8)) AS "应付金额(¥)",
    CAST(billed - coupon AS DECIMAL(24, 8)) AS "现金支付(¥)",
    CAST(0 AS DECIMAL(24, 8)) AS "信用额度支付(¥)",
    CAST(coupon AS DECIMAL(24, 8)) AS "代金券抵扣(¥)",
    CAST(0 AS DECIMAL(24, 8)) AS "现金券抵扣(¥)",
    CAST(0 AS DECIMAL(24, 8)) AS "储值卡抵扣(¥)",
    CAST(0 AS DECIMAL(24, 8)) AS "欠费金额(¥)",
    CAST(0 AS DECIMAL(24, 8)) AS "已核销金额(¥)",
    CASE WHEN billed < listed THEN '商务折扣' ELSE '--' END AS "优惠类型",
    CASE WHEN billed < listed THEN '框架合同 NR-2026' ELSE '--' END AS "优惠信息",
    CASE kind WHEN 'purchase' THEN '新购' WHEN 'refund' THEN '退订' ELSE '--' END AS "订单类型",
    CASE WHEN is_order THEN '1' ELSE '--' END AS "订单数量",
    CASE WHEN is_order THEN '1' ELSE '--' END AS "订单周期数",
    CASE WHEN is_order THEN unit ELSE '--' END AS "订单周期单位",
    '--' AS "RI购买小时数",
    CASE kind WHEN 'refund' THEN '业务下线' ELSE '--' END AS "退订原因",
    '--' AS "退订手续费(¥)",
    CASE kind WHEN 'refund' THEN 'CS26083109250001' ELSE '--' END AS "原订单号",
    CASE WHEN is_usage AND service = '弹性云服务器' THEN 'N' ELSE '--' END AS "是否竞价实例"
FROM huawei_terms;

CREATE VIEW huawei_by_cycle AS
SELECT
    month AS "账期",
    'default' AS "企业项目",
    '0' AS "企业项目ID",
    account AS "账号",
    service_code AS "产品类型编码",
    service AS "产品类型",
    resource_code AS "产品编码",
    product_id AS "产品ID",
    product AS "产品",
    charging_mode AS "计费模式",
    bill_type AS "账单类型",
    object AS "资源ID",
    COALESCE(resource, '--') AS "资源名称",
    tag_pairs_written AS "资源标签",
    sku_id AS "SKU编码",
    sku_id AS "规格",
    region AS "区域编码",
    region_name AS "区域",
    '--' AS "可用区",
    CAST(listed AS DECIMAL(24, 8)) AS "官网价(¥)",
    CAST(listed - billed AS DECIMAL(24, 8)) AS "优惠金额(¥)",
    CAST(billed AS DECIMAL(24, 8)) AS "应付金额(¥)",
    CAST(billed AS DECIMAL(24, 8)) AS "现金支付(¥)",
    CAST(0 AS DECIMAL(24, 8)) AS "信用额度支付(¥)",
    CAST(0 AS DECIMAL(24, 8)) AS "代金券抵扣(¥)",
    CAST(0 AS DECIMAL(24, 8)) AS "现金券抵扣(¥)",
    CAST(0 AS DECIMAL(24, 8)) AS "储值卡抵扣(¥)",
    CAST(0 AS DECIMAL(24, 8)) AS "欠费金额(¥)",
    CAST(0 AS DECIMAL(24, 8)) AS "已核销金额(¥)",
    CASE kind WHEN 'refund' THEN 'CS26083109250002' ELSE '--' END AS "原订单号"
FROM huawei_terms;
