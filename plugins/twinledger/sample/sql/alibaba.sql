-- Alibaba Cloud's bills, of both subscriptions. Source of the columns: reference, sections 4.1 and 4.2, appendix A6.
-- Times are UTC+8. List price less discount is payable; vouchers pay a part of it and change nothing.

CREATE VIEW alibaba_words AS
SELECT
    charges.*,
    kind IN ('usage', 'covered') AS is_usage,
    CASE kind WHEN 'adjustment' THEN '调账' WHEN 'refund' THEN '退款' ELSE '云资源按量账单' END AS bill_type,
    CASE kind
        WHEN 'adjustment' THEN '调账费用'
        WHEN 'refund' THEN '订阅退订费用'
        WHEN 'purchase' THEN '订阅预付费用'
        ELSE '云资源按量费用'
    END AS fee_type,
    CASE kind WHEN 'adjustment' THEN '调账' WHEN 'refund' THEN '退款' WHEN 'purchase' THEN '新购' ELSE '后付费' END
        AS trade_type,
    SPLIT_PART(sku_id, '/', 1) AS commodity,
    SPLIT_PART(sku_id, '/', 2) AS item_code,
    CASE region WHEN 'cn-hangzhou' THEN '华东1（杭州）' WHEN 'cn-beijing' THEN '华北2（北京）' ELSE '华东2（上海）' END
        AS region_name,
    CASE service
        WHEN '云服务器 ECS' THEN 'ecs'
        WHEN '对象存储 OSS' THEN 'oss'
        WHEN '内容分发网络 CDN' THEN 'cdn'
        WHEN '节省计划' THEN 'savingplan'
        ELSE 'sfm'
    END AS product_code,
    CASE unit WHEN 'Hours' THEN '小时' ELSE unit END AS file_unit,
    CASE WHEN billed > 0 AND resource_no % 8 = 0 THEN billed ELSE CAST(0 AS DECIMAL(24, 10)) END AS voucher
FROM charges;

-- The first subscription, by billing item.
CREATE VIEW alibaba_items AS
SELECT
    STRFTIME(starts_at, '%Y-%m') AS "账期",
    STRFTIME(started_at, '%Y-%m-%d') AS "日期",
    CASE WHEN department IS NULL THEN '未分配' ELSE department END AS "财务单元",
    '1690417720000010' AS "账号ID",
    'nimbus-retail' AS "账号",
    account AS "Owner账号ID",
    'nimbus-' || RIGHT(account, 2) AS "Owner账号",
    product_code AS "产品Code",
    service AS "产品",
    commodity AS "产品明细Code",
    service || '-按量付费' AS "产品明细",
    '-' AS "业务类型",
    '后付费' AS "消费类型",
    DATE_DIFF('hour', started_at, ended_at) AS "服务时长",
    '小时' AS "时长单位",
    bill_type AS "账单类型",
    '按量付费' AS "计费方式",
    resource AS "实例ID",
    '-' AS "实例昵称",
    '默认资源组' AS "资源组",
    CASE
        WHEN is_usage
            THEN
                'key:tenant value:' || tenant || '; key:department value:' || department
                || '; key:cost-centre value:' || cost_centre
        ELSE '-'
    END AS "实例标签",
    CAST(NULL AS VARCHAR) AS "实例配置",
    CAST(NULL AS VARCHAR) AS "实例规格",
    CAST(NULL AS VARCHAR) AS "公网IP",
    CAST(NULL AS VARCHAR) AS "私网IP",
    region_name AS "地域",
    '-' AS "可用区",
    sku AS "计费项",
    CASE WHEN is_usage THEN list_rate END AS "单价",
    CASE WHEN is_usage THEN '元/' || file_unit END AS "单价单位",
    CASE WHEN is_usage THEN quantity END AS "用量",
    CASE WHEN is_usage THEN file_unit END AS "用量单位",
    '-' AS "资源包抵扣",
    CAST(NULL AS VARCHAR) AS "抵扣量（含RI）",
    CASE WHEN kind <> 'adjustment' THEN listed END AS "官网价",
    CASE WHEN kind <> 'adjustment' THEN listed - billed END AS "优惠金额",
    '0' AS "优惠券抵扣",
    billed AS "应付金额",
    billed - voucher AS "现金支付",
    voucher AS "代金券抵扣",
    '0' AS "储值卡支付金额",
    '0' AS "欠费金额",
    'CNY' AS "币种",
    '0' AS "节省计划抵扣金额",
    '0' AS "信用额度退款抵扣",
    item_code AS "计费项Code"
FROM alibaba_words;

-- The first subscription, split: the instance is what is billed, the split item what used it.
CREATE VIEW alibaba_splits AS
SELECT
    STRFTIME(starts_at, '%Y-%m') AS "账期",
    STRFTIME(started_at, '%Y-%m-%d') AS "日期",
    CASE WHEN department IS NULL THEN '未分配' ELSE department END AS "财务单元",
    '1690417720000030' AS "账号ID",
    'nimbus-retail' AS "账号",
    account AS "Owner账号ID",
    'nimbus-' || RIGHT(account, 2) AS "Owner账号",
    product_code AS "产品Code",
    service AS "产品",
    commodity AS "产品明细Code",
    service || '-按量付费' AS "产品明细",
    '-' AS "业务类型",
    '后付费' AS "消费类型",
    DATE_DIFF('hour', started_at, ended_at) AS "服务时长",
    '小时' AS "时长单位",
    bill_type AS "账单类型",
    '按量付费' AS "计费方式",
    region || ';standard' AS "实例ID",
    '-' AS "实例昵称",
    '默认资源组' AS "资源组",
    CASE
        WHEN is_usage
            THEN
                'key:tenant value:' || tenant || '; key:department value:' || department
                || '; key:cost-centre value:' || cost_centre
        ELSE '-'
    END AS "实例标签",
    CAST(NULL AS VARCHAR) AS "实例配置",
    CAST(NULL AS VARCHAR) AS "实例规格",
    CAST(NULL AS VARCHAR) AS "公网IP",
    CAST(NULL AS VARCHAR) AS "私网IP",
    region_name AS "地域",
    '-' AS "可用区",
    sku AS "计费项",
    CASE WHEN is_usage THEN list_rate END AS "单价",
    CASE WHEN is_usage THEN '元/' || file_unit END AS "单价单位",
    CASE WHEN is_usage THEN quantity END AS "用量",
    CASE WHEN is_usage THEN file_unit END AS "用量单位",
    '-' AS "资源包抵扣",
    CAST(NULL AS VARCHAR) AS "抵扣量（含RI）",
    CASE WHEN kind <> 'adjustment' THEN listed END AS "官网价",
    CASE WHEN kind <> 'adjustment' THEN listed - billed END AS "优惠金额",
    '0' AS "优惠券抵扣",
    billed AS "应付金额",
    billed - voucher AS "现金支付",
    voucher AS "代金券抵扣",
    '0' AS "储值卡支付金额",
    '0' AS "欠费金额",
    'CNY' AS "币种",
    '0' AS "节省计划抵扣金额",
    '0' AS "信用额度退款抵扣",
    item_code AS "计费项Code",
    resource AS "分拆项ID",
    resource AS "分拆项名称"
FROM alibaba_words;

-- The second subscription, with the column of tags chosen beside those of appendix A6.
CREATE VIEW alibaba_consume AS
SELECT
    MD5(line || ':' || CAST(number AS VARCHAR) || ':' || CAST(started_at AS VARCHAR)) AS "标识信息/账单明细ID",
    CASE WHEN kind IN ('purchase', 'refund') THEN '2' || STRFTIME(starts_at, '%Y%m') || '0417' END AS "标识信息/订单号",
    'Nimbus Retail' AS "身份信息/客户名称",
    '1690417720000020' AS "身份信息/资源购买账号ID",
    'nimbus-china' AS "身份信息/资源购买账号",
    account AS "身份信息/资源归属账号ID",
    'nimbus-' || RIGHT(account, 2) AS "身份信息/资源归属账号",
    '阿里云计算有限公司' AS "账单信息/服务主体",
    STRFTIME(starts_at, '%Y%m') AS "账单信息/账单月份",
    STRFTIME(started_at, '%Y%m%d') AS "账单信息/账单日期",
    fee_type AS "账单信息/费用类型",
    trade_type AS "账单信息/交易类型",
    STRFTIME(started_at, '%Y-%m-%d %H:%M:%S') AS "账单信息/消费时间",
    STRFTIME(started_at, '%Y-%m-%d %H:%M:%S') AS "账单信息/服务开始时间",
    STRFTIME(CASE WHEN kind = 'purchase' THEN started_at + INTERVAL 1 YEAR ELSE ended_at END, '%Y-%m-%d %H:%M:%S') AS "账单信息/服务结束时间",
    product_code AS "产品信息/产品Code",
    service AS "产品信息/产品名称",
    commodity AS "产品信息/商品Code",
    service AS "产品信息/商品名称",
    item_code AS "产品信息/计费项Code",
    sku AS "产品信息/计费项名称",
    CASE WHEN is_usage THEN '{\"region\":\"' || region || '\",\"item\":\"' || item_code || '\"}' END AS "产品信息/选型配置",
    CAST(NULL AS VARCHAR) AS "产品信息/规格",
    CAST(NULL AS VARCHAR) AS "资源信息/资源ID",
    resource AS "资源信息/实例ID（出账粒度）",
    CAST(NULL AS VARCHAR) AS "资源信息/资源名称",
    region AS "资源信息/地域Code",
    region_name AS "资源信息/地域",
    CAST(NULL AS VARCHAR) AS "资源信息/可用区",
    CAST(NULL AS VARCHAR) AS "时长信息/抵扣前时长",
    CAST(NULL AS VARCHAR) AS "时长信息/抵扣时长",
    CASE WHEN kind = 'purchase' THEN '1' END AS "时长信息/时长",
    CASE WHEN kind = 'purchase' THEN '年' END AS "时长信息/时长单位",
    CAST(NULL AS VARCHAR) AS "时长信息/时长详情",
    CASE WHEN is_usage THEN quantity END AS "用量信息/抵扣前用量",
    CASE WHEN kind = 'covered' THEN quantity WHEN is_usage THEN 0 END AS "用量信息/抵扣用量",
    CASE WHEN is_usage THEN quantity END AS "用量信息/用量",
    CASE WHEN is_usage THEN file_unit END AS "用量信息/用量单位",
    CAST(NULL AS VARCHAR) AS "用量信息/用量详情",
    CASE WHEN kind <> 'adjustment' THEN list_rate END AS "定价信息/官网目录价",
    CASE WHEN is_usage THEN '元/' || file_unit END AS "定价信息/价格单位",
    CAST(NULL AS VARCHAR) AS "定价信息/目录价用量阶梯",
    CAST(NULL AS VARCHAR) AS "定价信息/用量阶梯累计规则",
    CAST(NULL AS VARCHAR) AS "定价信息/目录价转换信息",
    CAST(NULL AS VARCHAR) AS "定价信息/目录价因子",
    'CNY' AS "定价信息/定价币种",
    CASE WHEN kind <> 'adjustment' THEN listed END AS "费用信息/目录总价",
    CASE WHEN is_usage THEN '目录总价=官网目录价*用量' END AS "费用信息/计费公式",
    CAST(NULL AS VARCHAR) AS "费用信息/计费辅助信息",
    CASE WHEN is_usage THEN '{\"quantity\":\"' || CAST(quantity AS VARCHAR) || '\"}' END AS "费用信息/计费过程",
    CAST(NULL AS VARCHAR) AS "费用信息/计费规则说明",
    CASE WHEN kind = 'covered' THEN listed END AS "订阅抵扣信息/订阅抵扣目录总价",
    CASE WHEN kind = 'covered' THEN billed END AS "订阅抵扣信息/订阅抵扣后金额",
    CASE WHEN kind = 'covered' THEN listed END AS "订阅抵扣信息/订阅抵扣金额",
    CASE WHEN kind = 'covered' THEN '[{\"instanceId\":\"' || commitment || '\"}]' END AS "订阅抵扣信息/订阅抵扣详情",
    CASE WHEN kind = 'covered' THEN 0 WHEN kind <> 'adjustment' THEN listed - billed END AS "优惠信息/优惠金额",
    CASE WHEN kind <> 'adjustment' THEN billed END AS "优惠信息/优惠后金额",
    CAST(NULL AS VARCHAR) AS "优惠信息/优惠详情",
    '0' AS "优惠券抵扣信息/优惠券抵扣金额",
    CAST(NULL AS VARCHAR) AS "优惠券抵扣信息/优惠券抵扣详情",
    billed AS "应付信息/应付金额（含税）",
    CASE
        WHEN is_usage THEN 'tenant:' || tenant || ';department:' || department || ';cost-centre:' || cost_centre
    END AS "资源信息/资源标签"
FROM alibaba_words;
