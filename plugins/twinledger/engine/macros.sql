-- Functions that the models call. Each is an expression over its arguments, so that another engine can
-- define the same one.

-- A vendor's digits as DECIMAL(38,18), or NULL when they are no finite number or cannot be held exactly.
CREATE OR REPLACE TEMP MACRO exact_decimal(digits) AS
CASE
    WHEN digits IS NULL THEN NULL
    WHEN LENGTH(digits) <= 19 AND NOT CONTAINS(digits, 'e') AND NOT CONTAINS(digits, 'E') THEN TRY_CAST(digits AS DECIMAL(38, 18))
    WHEN REGEXP_MATCHES(digits, '^\s*[+-]?[0-9]*[.]?[0-9]{0,18}0*\s*$') THEN TRY_CAST(digits AS DECIMAL(38, 18))
    WHEN
        REGEXP_MATCHES(LOWER(digits), '^\s*[+-]?(0+[.]?0*|[.]0+)e[+-]?[0-9]{1,3}\s*$')
        THEN CAST(0 AS DECIMAL(38, 18))
    WHEN
        REGEXP_MATCHES(LOWER(digits), '^\s*[+-]?[0-9]*[.]?[0-9]*e[+-]?[0-9]{1,3}\s*$')
        AND LENGTH(RTRIM(REGEXP_EXTRACT(LOWER(digits), '[.]([0-9]*)e', 1), '0'))
        - CAST(REGEXP_EXTRACT(LOWER(digits), 'e([+-]?[0-9]+)', 1) AS INTEGER) <= 18
        THEN TRY_CAST(digits AS DECIMAL(38, 18))
END;

-- A vendor's date or time as an instant in UTC, or NULL: ISO 8601 in its variants, and M/D/YYYY.
CREATE OR REPLACE TEMP MACRO utc_instant(written) AS
CASE
    WHEN CONTAINS(written, '/') THEN TRY_CAST(
        SPLIT_PART(written, '/', 3) || '-' || LPAD(SPLIT_PART(written, '/', 1), 2, '0')
        || '-' || LPAD(SPLIT_PART(written, '/', 2), 2, '0') AS TIMESTAMP
    )
    WHEN written LIKE '%:%+%' OR written LIKE '%:%-%' THEN TRY_CAST(written AS TIMESTAMPTZ) AT TIME ZONE 'UTC'
    ELSE TRY_CAST(written AS TIMESTAMP)
END;

-- Whether digits were given that are no amount the ledger can hold.
CREATE OR REPLACE TEMP MACRO bad_amount(digits) AS digits IS NOT NULL AND exact_decimal(digits) IS NULL;

-- The document itself where it is JSON. Given to JSON functions in place of the document, and those in TRY:
-- DuckDB's optimiser gathers their calls and evaluates them for rows that a CASE leaves out.
CREATE OR REPLACE TEMP MACRO json_or_null(document) AS CASE WHEN JSON_VALID(document) THEN document END;

-- The text of a key of a JSON object, or NULL: also where the document is no JSON object.
CREATE OR REPLACE TEMP MACRO json_text(document, key) AS TRY(JSON_EXTRACT_STRING(json_or_null(document), '$."' || key || '"'));

-- The digits of a number as they were written, or the text of a string. DuckDB reads JSON numbers as floats:
-- the written digits are found again in the document, and must be the same float. `parent` is the key of the
-- object that holds `key`, or `key` itself at the top.
CREATE OR REPLACE TEMP MACRO json_path(parent, key) AS
CASE WHEN parent = key THEN '$."' || key || '"' ELSE '$."' || parent || '"."' || key || '"' END;

CREATE OR REPLACE TEMP MACRO json_digits(document, key) AS REGEXP_EXTRACT(
    document, '"' || key || '"\s*:\s*(-?[0-9][0-9.eE+-]*)', 1
);

CREATE OR REPLACE TEMP MACRO json_number(document, parent, key) AS
CASE
    WHEN
        TRY(JSON_TYPE(json_or_null(document), json_path(parent, key))) IN ('DOUBLE', 'UBIGINT', 'BIGINT', 'HUGEINT', 'UHUGEINT')
        AND TRY_CAST(json_digits(document, key) AS DOUBLE)
        = TRY_CAST(TRY(JSON_EXTRACT_STRING(json_or_null(document), json_path(parent, key))) AS DOUBLE)
        THEN json_digits(document, key)
    ELSE TRY(JSON_EXTRACT_STRING(json_or_null(document), json_path(parent, key)))
END;

-- A cell of an export that people open in spreadsheets: without the tabs, quotes, spaces and formula (="1234")
-- around it that guard long numbers, and NULL where the vendor writes a dash for nothing.
-- Nearly every cell is free of them, which its two ends tell at a fifth of what TRIM with a set of signs costs.
CREATE OR REPLACE TEMP MACRO trimmed(written) AS
TRIM(CASE WHEN STARTS_WITH(written, '="') THEN SUBSTR(written, 2) ELSE written END, E' \t\r\n"\'' || CHR(160));

CREATE OR REPLACE TEMP MACRO bare_cell(written) AS CASE WHEN NOT REGEXP_FULL_MATCH(trimmed(written), '-{0,2}') THEN trimmed(written) END;

CREATE OR REPLACE TEMP MACRO cell(written) AS
CASE
    WHEN
        -- Ranges: DuckDB makes a join of a long IN. Blanks and quotes are below 40 but for 160, - is 45, = is 61.
        (ORD(written) BETWEEN 46 AND 60 OR ORD(written) BETWEEN 62 AND 159 OR ORD(written) > 160)
        AND (ORD(written[-1]) BETWEEN 40 AND 159 OR ORD(written[-1]) > 160)
        THEN written
    ELSE bare_cell(written)
END;

-- The digits of an amount written for people: thousands separators and a currency sign are taken away, and
-- only where they stand as such: a comma anywhere else leaves a text that is no amount.
CREATE OR REPLACE TEMP MACRO without_separators(written) AS
CASE
    WHEN REGEXP_MATCHES(written, '^[¥¥$€]?[+-]?[¥¥$€]?[0-9]{1,3}(,[0-9]{3})+([.][0-9]*)?$')
        THEN REPLACE(written, ',', '')
    ELSE written
END;

CREATE OR REPLACE TEMP MACRO amount_text(written) AS
CASE
    -- Nothing to take away.
    WHEN ORD(written) BETWEEN 48 AND 57 AND NOT CONTAINS(written, ',') THEN cell(written)
    ELSE REGEXP_REPLACE(without_separators(cell(written)), '^[¥¥$€]?([+-]?)[¥¥$€]?([0-9.])', '\1\2')
END;

-- Wall clock of a zone without summer time, so many hours before UTC: year first, with or without a time. Of a cell.
CREATE OR REPLACE TEMP MACRO zone_instant(written, hours) AS
CASE
    -- As nearly all are written; the rest is for the others.
    WHEN
        REGEXP_FULL_MATCH(written, '[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?')
        THEN TRY_CAST(written AS TIMESTAMP) - TO_HOURS(hours)
    -- DuckDB takes `infinity` and `epoch` for instants.
    WHEN NOT REGEXP_MATCHES(written, '^[0-9]{4}') THEN NULL
    WHEN
        REGEXP_MATCHES(written, '^[0-9]{8}$')
        THEN TRY_CAST(SUBSTR(written, 1, 4) || '-' || SUBSTR(written, 5, 2) || '-' || SUBSTR(written, 7, 2) AS TIMESTAMP)
            - TO_HOURS(hours)
    WHEN
        REGEXP_MATCHES(written, '(Z|[+-][0-9]{2}:?[0-9]{2})$') AND CONTAINS(written, ':')
        THEN TRY_CAST(REPLACE(REPLACE(written, ' GMT', ''), '/', '-') AS TIMESTAMPTZ) AT TIME ZONE 'UTC'
    ELSE TRY_CAST(REPLACE(written, '/', '-') AS TIMESTAMP) - TO_HOURS(hours)
END;

-- Chinese vendors write UTC+8 and close their months in it.
CREATE OR REPLACE TEMP MACRO beijing_instant(written) AS zone_instant(written, 8);

-- The month that a text begins with ('2026-10', '202610', '2026-10-17'), as its first instant in a zone so many
-- hours before UTC; and the first instant after it. Of a cell.
CREATE OR REPLACE TEMP MACRO month_digits(written) AS REGEXP_REPLACE(written, '[^0-9]', '', 'g');

CREATE OR REPLACE TEMP MACRO month_day(written) AS
CASE
    WHEN REGEXP_FULL_MATCH(written, '[0-9]{4}-[0-9]{2}') THEN written || '-01'
    ELSE SUBSTR(month_digits(written), 1, 4) || '-' || SUBSTR(month_digits(written), 5, 2) || '-01'
END;

CREATE OR REPLACE TEMP MACRO month_start_utc(written, hours) AS TRY_CAST(month_day(written) AS TIMESTAMP) - TO_HOURS(hours);

CREATE OR REPLACE TEMP MACRO next_month_utc(written, hours) AS
month_start_utc(written, 0) + INTERVAL 1 MONTH - TO_HOURS(hours);

-- Two lists of the same length as a JSON object with every key once, the first wins; NULL where they are empty.
CREATE OR REPLACE TEMP MACRO json_object_of(keys, vals) AS
CASE
    WHEN LEN(keys) > 0
        THEN '{' || ARRAY_TO_STRING(
            LIST_TRANSFORM(
                LIST_FILTER(keys, LAMBDA key, position: LIST_POSITION(keys, key) = position),
                LAMBDA key: CAST(TO_JSON(key) AS VARCHAR) || ': ' || CAST(TO_JSON(vals[LIST_POSITION(keys, key)]) AS VARCHAR)
            ),
            ', '
        ) || '}'
END;

-- Pairs of text ('team:web;env:prod') as a JSON object with every key once, the first wins; NULL where there is
-- none. A pair's value may have the key separator in it. Separators are literals: they become part of a pattern.
CREATE OR REPLACE TEMP MACRO json_inside(written) AS
SUBSTR(CAST(TO_JSON(written) AS VARCHAR), 2, LENGTH(CAST(TO_JSON(written) AS VARCHAR)) - 2);

CREATE OR REPLACE TEMP MACRO loose_tag_object(written, pair_separator, key_separator) AS
'{' || RTRIM(
    REGEXP_REPLACE(
        REGEXP_REPLACE(
            json_inside(written) || pair_separator,
            '\s*([^' || pair_separator || key_separator || ']*[^' || pair_separator || key_separator || '\s])\s*'
            || key_separator || '\s*([^' || pair_separator || ']*?)\s*' || pair_separator,
            CHR(1) || '"\1": "\2", ' || CHR(2), 'g'
        ),
        -- What stood between pairs, or was none.
        '(^|' || CHR(2) || ')[^' || CHR(1) || ']*(' || CHR(1) || '|$)', '', 'g'
    ), ', '
) || '}';

-- A text of nothing but pairs, without blanks around them and signs that JSON escapes, needs its separators replaced.
CREATE OR REPLACE TEMP MACRO tag_word(pair_separator, key_separator) AS
'[^\s"\\[:cntrl:]' || pair_separator || key_separator || ']'
|| '([^"\\[:cntrl:]' || pair_separator || key_separator || ']*[^\s"\\[:cntrl:]' || pair_separator || key_separator || '])?';

CREATE OR REPLACE TEMP MACRO tag_pair(pair_separator, key_separator) AS
tag_word(pair_separator, key_separator) || key_separator || '(' || tag_word(pair_separator, key_separator) || ')?';

CREATE OR REPLACE TEMP MACRO tag_object(written, pair_separator, key_separator) AS
CASE
    WHEN
        REGEXP_FULL_MATCH(
            written,
            tag_pair(pair_separator, key_separator) || '(' || pair_separator || ' ?' || tag_pair(pair_separator, key_separator) || ')*'
        )
        THEN '{"' || REPLACE(
            REPLACE(REPLACE(written, pair_separator || ' ', pair_separator), key_separator, '": "'), pair_separator, '", "'
        ) || '"}'
    ELSE loose_tag_object(written, pair_separator, key_separator)
END;

CREATE OR REPLACE TEMP MACRO with_unique_keys(document) AS
CASE
    WHEN LEN(JSON_KEYS(document)) = LEN(LIST_DISTINCT(JSON_KEYS(document))) THEN document
    ELSE json_object_of(JSON_KEYS(document), JSON_EXTRACT_STRING(document, '$.*'))
END;

-- Of what tag_object gives, in a column of its own: each name of a macro's argument is the whole argument once more,
-- and planning the two in one another takes longer than reading a small bill.
CREATE OR REPLACE TEMP MACRO unique_tags(document) AS NULLIF(with_unique_keys(document), '{}');

-- What a vendor itself files a resource under, a project or a resource group, as a tag beside those of its owner.
-- Source: FOCUS 1.2, Tags: a provider's own tags have keys that begin with a prefix of the provider's.
-- Give the document a column of its own: written in here, a list of pairs took fifteen times as long.
CREATE OR REPLACE TEMP MACRO with_vendor_tag(document, tag_key, tag_value) AS
CASE
    WHEN tag_value IS NULL THEN document
    WHEN document IS NULL OR REGEXP_FULL_MATCH(document, '\s*\{\s*\}\s*') THEN '{"' || tag_key || '": ' || CAST(TO_JSON(tag_value) AS VARCHAR) || '}'
    ELSE '{"' || tag_key || '": ' || CAST(TO_JSON(tag_value) AS VARCHAR) || ', ' || SUBSTR(LTRIM(document, E' \t\r\n'), 2)
END;

-- Tags that were gathered from columns of their own (engine/duck.py writes them), as a JSON object without the empty
-- cells; NULL where there is none. Each member is set between two signs that no JSON text holds; patterns, for lists and
-- their functions are a hundred times slower.
CREATE OR REPLACE TEMP MACRO marked_tags(document) AS REGEXP_REPLACE(
    document,
    '"(?:\\[trn]| )*((?:[^"\\]|\\.)*?)(?:\\[trn]| )*": "(?:\\[trn]| )*((?:[^"\\]|\\.)*?)(?:\\[trn]| )*"(?:, |})',
    CHR(1) || '"\1": "\2"' || CHR(2), 'g'
);

CREATE OR REPLACE TEMP MACRO told_columns(document) AS NULLIF(NULLIF(
    REPLACE(
        REPLACE(
            REPLACE(
                REGEXP_REPLACE(
                    marked_tags(document),
                    CHR(1) || '(?:"[^' || CHR(1) || CHR(2) || ']*": "-{0,2}"|"-{0,2}": "[^' || CHR(1) || CHR(2) || ']*")' || CHR(2), '', 'g'
                ),
                CHR(2) || CHR(1), ', '
            ), CHR(1), ''
        ), CHR(2), '}'
    ), '{'
), '{}');

-- Most have nothing to be taken away.
CREATE OR REPLACE TEMP MACRO column_tags(document) AS
CASE
    WHEN
        REGEXP_FULL_MATCH(
            document,
            '[{]"[^- "\\]([^"\\]*[^ "\\])?": "[^- "\\]([^"\\]*[^ "\\])?"'
            || '(, "[^- "\\]([^"\\]*[^ "\\])?": "[^- "\\]([^"\\]*[^ "\\])?")*[}]'
        )
        THEN document
    ELSE told_columns(document)
END;

-- A product with no digit lost, or NULL where one of the two has more than nine decimals or ten digits before them.
CREATE OR REPLACE TEMP MACRO exact_product(one, other) AS
CASE
    WHEN TRY_CAST(one AS DECIMAL(19, 9)) = one AND TRY_CAST(other AS DECIMAL(19, 9)) = other
        THEN TRY_CAST(one AS DECIMAL(19, 9)) * TRY_CAST(other AS DECIMAL(19, 9))
END;

-- The first telling word in the name of a Chinese vendor's product, and the FOCUS service category that it tells. Two
-- steps, for each name of a macro's argument is the whole argument once more: give the second one a column.
CREATE OR REPLACE TEMP MACRO product_word(product) AS REGEXP_EXTRACT(
    LOWER(product),
    '数据库|数据仓库|数据湖|数据传输|tencentdb|mysql|redis|mongodb|postgresql|mariadb|tdsql|云服务器|服务器|专属主机|专用宿主机|轻量应用|弹性伸缩|镜像'
    || '|预留实例|节省计划|gpu|裸金属|批量计算|函数|容器|virtual machine|bare metal|kubernetes|lighthouse|reserved instance|savings plan'
    || '|存储|硬盘|文件|云备份|归档|storage|负载均衡|私有|公网|带宽|网关|专线|云连接|云联网|内容分发|加速|域名|cdn|vpn|nat|load balanc|private cloud'
    || '|bandwidth|elastic ip|content delivery|安全|防火墙|ddos|waf|密钥|加密|证书|防护|security|身份|消息|api|kafka|事件'
    || '|监控|日志|运维|审计|配置|monitor|mapreduce|elasticsearch|流计算|大数据|analytics|机器学习|人工智能|大模型|识别|语音|modelarts|混元|hunyuan'
    || '|直播|点播|视频|媒体|物联网|迁移|短信|会议|办公|代码|流水线'
);

CREATE OR REPLACE TEMP MACRO word_category(word) AS
CASE
    WHEN
        word IN ('数据库', 'tencentdb', 'mysql', 'redis', 'mongodb', 'postgresql', 'mariadb', 'tdsql')
        THEN 'Databases'
    WHEN
        word IN (
            '云服务器', '服务器', '专属主机', '专用宿主机', '轻量应用', '弹性伸缩', '镜像', '预留实例', '节省计划', 'gpu', '裸金属', '批量计算', '函数',
            '容器', 'virtual machine', 'bare metal', 'kubernetes', 'lighthouse', 'reserved instance', 'savings plan'
        ) THEN 'Compute'
    WHEN word IN ('存储', '硬盘', '文件', '云备份', '归档', 'storage') THEN 'Storage'
    WHEN
        word IN (
            '负载均衡', '私有', '公网', '带宽', '网关', '专线', '云连接', '云联网', '内容分发', '加速', '域名', 'cdn', 'vpn', 'nat',
            'load balanc', 'private cloud', 'bandwidth', 'elastic ip', 'content delivery'
        ) THEN 'Networking'
    WHEN word IN ('安全', '防火墙', 'ddos', 'waf', '密钥', '加密', '证书', '防护', 'security') THEN 'Security'
    WHEN word IN ('身份') THEN 'Identity'
    WHEN word IN ('消息', 'api', 'kafka', '事件') THEN 'Integration'
    WHEN word IN ('监控', '日志', '运维', '审计', '配置', 'monitor') THEN 'Management and Governance'
    WHEN word IN ('数据仓库', '数据湖', 'mapreduce', 'elasticsearch', '流计算', '大数据', 'analytics') THEN 'Analytics'
    WHEN
        word IN ('机器学习', '人工智能', '大模型', '识别', '语音', 'modelarts', '混元', 'hunyuan')
        THEN 'AI and Machine Learning'
    WHEN word IN ('直播', '点播', '视频', '媒体') THEN 'Media'
    WHEN word IN ('物联网') THEN 'Internet of Things'
    WHEN word IN ('迁移', '数据传输') THEN 'Migration'
    WHEN word IN ('短信', '会议', '办公') THEN 'Business Applications'
    WHEN word IN ('代码', '流水线') THEN 'Developer Tools'
    ELSE 'Other'
END;

-- The unit price of a cost, where there is one that gives the cost again to the last digit: a quotient in floating
-- point is only where it is looked for.
CREATE OR REPLACE TEMP MACRO nearest_unit_price(cost, quantity) AS TRY_CAST(
    CAST(cost AS DOUBLE) / NULLIF(CAST(quantity AS DOUBLE), 0) AS DECIMAL(19, 9)
);

CREATE OR REPLACE TEMP MACRO exact_unit_price(cost, quantity) AS
CASE
    WHEN
        nearest_unit_price(cost, quantity) >= 0 AND exact_product(nearest_unit_price(cost, quantity), quantity) = cost
        THEN CAST(nearest_unit_price(cost, quantity) AS DECIMAL(38, 18))
END;

-- Chinese units of measure in FOCUS' unit format, also two of them (GB·天, 个/小时); one that is not listed stays.
CREATE OR REPLACE TEMP MACRO chinese_unit_word(unit) AS
COALESCE(
    [
        'Seconds', 'Minutes', 'Hours', 'Hours', 'Days', 'Days', 'Weeks', 'Months', 'Months', 'Years', 'Requests',
        'Ten Thousand Requests', 'Units', 'Units', 'vCPU', 'Cards', 'Images', 'Messages', 'B', 'Tokens',
        'Thousand Tokens', 'Thousand Tokens', 'Million Tokens', 'Million Tokens'
    ][LIST_POSITION(
        [
            '秒', '分钟', '小时', '时', '天', '日', '周', '月', '个月', '年', '次', '万次', '个', '台', '核', '卡',
            '张', '条', '字节', 'token', '千tokens', '千token', '百万tokens', '百万token'
        ],
        unit
    )],
    unit
);

CREATE OR REPLACE TEMP MACRO chinese_unit(unit) AS
CASE
    WHEN REGEXP_MATCHES(unit, '^[^·*/]+[·*/][^·*/]+$')
        THEN chinese_unit_word(TRIM(REGEXP_EXTRACT(unit, '^([^·*/]+)', 1)))
        || '-' || chinese_unit_word(TRIM(REGEXP_EXTRACT(unit, '([^·*/]+)$', 1)))
    ELSE chinese_unit_word(unit)
END;

-- A vendor's unit price where price x quantity is the cost, to the ninth digit; NULL where it is not, as with prices
-- of a tier or a rounded one. Floats serve to compare here, none goes into the ledger.
CREATE OR REPLACE TEMP MACRO agreeing_price(price, quantity, cost) AS
CASE
    WHEN
        price >= 0
        AND ABS(CAST(price AS DOUBLE) * CAST(quantity AS DOUBLE) - CAST(cost AS DOUBLE))
        <= 0.0000000005 * GREATEST(ABS(CAST(cost AS DOUBLE)), 1)
        THEN price
END;

-- A number to 18 decimals, for quantities and list prices that vendors write as floats of 17 digits; NULL when it
-- is none. Never for what is billed: that is exact_decimal, or refused.
CREATE OR REPLACE TEMP MACRO nearest_decimal(digits) AS
CASE
    WHEN REGEXP_MATCHES(digits, '^\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?\s*$')
        THEN TRY_CAST(digits AS DECIMAL(38, 18))
END;

-- A document as JSON, also where it is written as Python writes lists and dicts; NULL when empty or neither.
CREATE OR REPLACE TEMP MACRO python_tokens(written) AS
REGEXP_EXTRACT_ALL(written, '''(?:[^''\\]|\\.)*''|"(?:[^"\\]|\\.)*"|[^''"]+');

CREATE OR REPLACE TEMP MACRO json_of_token(token) AS
CASE
    WHEN STARTS_WITH(token, '''')
        THEN '"' || REPLACE(REPLACE(SUBSTR(token, 2, LENGTH(token) - 2), '\''', ''''), '"', '\"') || '"'
    WHEN STARTS_WITH(token, '"') THEN REPLACE(token, '\''', '''')
    ELSE REPLACE(REPLACE(REPLACE(token, 'None', 'null'), 'True', 'true'), 'False', 'false')
END;

CREATE OR REPLACE TEMP MACRO json_document(written) AS
CASE
    WHEN written IS NULL OR written IN ('[]', '{}', 'null') THEN NULL
    WHEN JSON_VALID(written) THEN written
    WHEN ARRAY_TO_STRING(python_tokens(written), '') = written
        THEN json_or_null(
            ARRAY_TO_STRING(LIST_TRANSFORM(python_tokens(written), LAMBDA token: json_of_token(token)), '')
        )
END;

-- The pairs of a JSON document [{"key": ..., "value": ...}], as Google writes labels; none when it is no such thing.
CREATE OR REPLACE TEMP MACRO label_pairs(document) AS
COALESCE(
    LIST_FILTER(
        TRY(FROM_JSON(
            REGEXP_REPLACE(REGEXP_REPLACE(document, '"Key"\s*:', '"key":', 'g'), '"Value"\s*:', '"value":', 'g'),
            '[{"key": "VARCHAR", "value": "VARCHAR"}]'
        )),
        LAMBDA pair: pair.key IS NOT NULL
    ),
    []
);

-- Google names services and gives them no category: those of its catalogue that bills are made of.
CREATE OR REPLACE TEMP MACRO google_service_category(service) AS
CASE
    WHEN service IN (
        'Compute Engine', 'Kubernetes Engine', 'Cloud Run', 'Cloud Run Functions', 'Cloud Functions', 'App Engine',
        'VMware Engine', 'Bare Metal Solution', 'Cloud TPU', 'Batch', 'Google Cloud VMware Engine', 'GKE Enterprise'
    ) THEN 'Compute'
    WHEN service IN (
        'Cloud Storage', 'Cloud Filestore', 'Filestore', 'Backup and DR Service', 'Backup for GKE', 'NetApp Volumes',
        'Parallelstore', 'Storage Transfer Service'
    ) THEN 'Storage'
    WHEN service IN (
        'Cloud SQL', 'Cloud Spanner', 'Spanner', 'Cloud Bigtable', 'Bigtable', 'Cloud Firestore', 'Firestore',
        'Cloud Datastore', 'Cloud Memorystore for Redis', 'Memorystore for Redis', 'Cloud Memorystore for Memcached',
        'AlloyDB', 'Database Migration Service'
    ) THEN 'Databases'
    WHEN service IN (
        'Networking', 'Cloud DNS', 'Cloud NAT', 'Cloud CDN', 'Cloud Load Balancing', 'Network Connectivity',
        'Network Intelligence Center', 'Cloud Interconnect', 'Cloud VPN', 'Network Services'
    ) THEN 'Networking'
    WHEN service IN (
        'BigQuery', 'BigQuery Reservation API', 'BigQuery Storage API', 'BigQuery BI Engine', 'Cloud Dataflow',
        'Dataflow', 'Cloud Dataproc', 'Dataproc', 'Cloud Composer', 'Dataplex', 'Data Catalog', 'Looker', 'Cloud Data Fusion'
    ) THEN 'Analytics'
    WHEN service IN (
        'Vertex AI', 'Gemini API', 'Cloud Natural Language', 'Cloud Vision API', 'Cloud Speech API', 'Cloud Text-to-Speech API',
        'Translate', 'Cloud Document AI API', 'Dialogflow API', 'Cloud Machine Learning Engine', 'Vertex AI Search'
    ) THEN 'AI and Machine Learning'
    WHEN service IN ('Cloud Pub/Sub', 'Cloud Tasks', 'Eventarc', 'Workflows', 'Cloud Scheduler', 'Apigee', 'Application Integration')
        THEN 'Integration'
    WHEN service IN (
        'Cloud Logging', 'Stackdriver Logging', 'Cloud Monitoring', 'Stackdriver Monitoring', 'Stackdriver', 'Cloud Trace', 'Support'
    ) THEN 'Management and Governance'
    WHEN service IN (
        'Security Command Center', 'Cloud Key Management Service (KMS)', 'Secret Manager', 'Cloud Armor', 'reCAPTCHA Enterprise',
        'Certificate Authority Service', 'Binary Authorization', 'Web Risk API'
    ) THEN 'Security'
    WHEN service IN ('Identity Platform', 'Cloud Identity', 'Identity-Aware Proxy') THEN 'Identity'
    WHEN service IN ('Artifact Registry', 'Container Registry', 'Cloud Build', 'Cloud Source Repositories', 'Cloud Workstations')
        THEN 'Developer Tools'
    WHEN service IN ('Transcoder API', 'Media CDN', 'Live Stream API', 'Video Intelligence API') THEN 'Media'
    WHEN service IN ('Firebase', 'Firebase Hosting', 'Firebase App Hosting') THEN 'Mobile'
    WHEN service IN ('Maps API', 'Places API', 'Google Maps Platform') THEN 'Web'
    WHEN service IN ('Google Workspace') THEN 'Business Applications'
    ELSE 'Other'
END;

-- Google's units of measure in FOCUS' unit format; one that is not listed stays as it is.
CREATE OR REPLACE TEMP MACRO google_unit(unit) AS
CASE unit
    WHEN 'bytes' THEN 'B'
    WHEN 'byte' THEN 'B'
    WHEN 'byte-seconds' THEN 'B-Seconds'
    WHEN 'kibibyte' THEN 'KiB'
    WHEN 'mebibyte' THEN 'MiB'
    WHEN 'mebibyte hour' THEN 'MiB-Hours'
    WHEN 'gibibyte' THEN 'GiB'
    WHEN 'gibibyte second' THEN 'GiB-Seconds'
    WHEN 'gibibyte hour' THEN 'GiB-Hours'
    WHEN 'gibibyte day' THEN 'GiB-Days'
    WHEN 'gibibyte month' THEN 'GiB-Months'
    WHEN 'tebibyte' THEN 'TiB'
    WHEN 'tebibyte month' THEN 'TiB-Months'
    WHEN 'second' THEN 'Seconds'
    WHEN 'seconds' THEN 'Seconds'
    WHEN 'minute' THEN 'Minutes'
    WHEN 'hour' THEN 'Hours'
    WHEN 'day' THEN 'Days'
    WHEN 'month' THEN 'Months'
    WHEN 'year' THEN 'Years'
    ELSE REGEXP_REPLACE(unit, '^([A-Za-z][A-Za-z0-9 ]*)-seconds$', '\1-Seconds')
END;

-- Oracle writes services as codes, and its cost report gives them no category.
CREATE OR REPLACE TEMP MACRO oci_service_category(service) AS
CASE
    WHEN
        service IN ('COMPUTE', 'FUNCTIONS', 'FAAS', 'OKE', 'CONTAINER_INSTANCES', 'CONTAINERENGINE', 'VMWARE', 'OCVS')
        THEN 'Compute'
    WHEN
        service IN ('OBJECTSTORE', 'BLOCK_STORAGE', 'BLOCKSTORAGE', 'FILE_STORAGE', 'FILESTORAGE', 'ARCHIVE_STORAGE')
        THEN 'Storage'
    WHEN
        service IN ('DATABASE', 'MYSQL', 'NOSQL', 'NOSQLDATABASE', 'POSTGRESQL', 'AUTONOMOUS_DATABASE', 'REDIS', 'GOLDENGATE')
        THEN 'Databases'
    WHEN
        service IN ('NETWORK', 'VIRTUAL_CLOUD_NETWORK', 'LOADBALANCER', 'LBAAS', 'DNS', 'FASTCONNECT', 'VPN')
        THEN 'Networking'
    WHEN
        service IN ('TELEMETRY', 'LOGGING', 'LOGGING_ANALYTICS', 'LOGANALYTICS', 'MONITORING', 'NOTIFICATIONS', 'APM', 'OPSI')
        THEN 'Management and Governance'
    WHEN service IN ('ANALYTICS', 'BIGDATA', 'DATAFLOW', 'DATAINTEGRATION', 'DATA_CATALOG', 'OAC') THEN 'Analytics'
    WHEN
        service IN ('DATA_SCIENCE', 'DATASCIENCE', 'GENERATIVE_AI', 'AI_SERVICES', 'LANGUAGE', 'VISION', 'SPEECH', 'DIGITAL_ASSISTANT')
        THEN 'AI and Machine Learning'
    WHEN service IN ('STREAMING', 'QUEUE', 'EVENTS', 'API_GATEWAY', 'APIGATEWAY', 'INTEGRATION', 'OIC') THEN 'Integration'
    WHEN service IN ('KMS', 'VAULT', 'WAF', 'WAAS', 'CLOUD_GUARD', 'BASTION', 'NETWORK_FIREWALL') THEN 'Security'
    WHEN service IN ('IDENTITY', 'IDCS') THEN 'Identity'
    WHEN service IN ('DEVOPS', 'ARTIFACTS', 'VISUAL_BUILDER') THEN 'Developer Tools'
    WHEN service IN ('MEDIA_SERVICES', 'MEDIA_FLOW') THEN 'Media'
    ELSE 'Other'
END;

-- Tags as Volcengine writes them, {"team": ["web"]}: a JSON object with the first value of each key; NULL where there
-- is none, or the text is no object. Nearly every document has one plain value a key, for
-- which taking the brackets away is ten times as fast as taking the document apart.
CREATE OR REPLACE TEMP MACRO tag_value(written) AS
CASE JSON_TYPE(written) WHEN 'ARRAY' THEN written ->> '$[0]' WHEN 'OBJECT' THEN NULL ELSE written ->> '$' END;

CREATE OR REPLACE TEMP MACRO told_tags(document) AS
LIST_FILTER(
    LIST_TRANSFORM(
        MAP_ENTRIES(TRY(CAST(CAST(json_or_null(document) AS JSON) AS MAP(VARCHAR, JSON)))),
        LAMBDA entry: ROW(entry.key, tag_value(entry.value))
    ),
    LAMBDA pair: pair[1] <> '' AND pair[2] IS NOT NULL
);

CREATE OR REPLACE TEMP MACRO list_valued_tags(document) AS
CASE
    WHEN
        REGEXP_FULL_MATCH(
            document,
            '\{"[^"\\\[\]]+": ?\["[^"\\\[\]]*"\](, ?"[^"\\\[\]]+": ?\["[^"\\\[\]]*"\])*\}'
        )
        THEN REPLACE(REPLACE(document, '["', '"'), '"]', '"')
    WHEN STARTS_WITH(TRIM(document), '{')
        THEN json_object_of(
            LIST_TRANSFORM(told_tags(document), LAMBDA pair: pair[1]), LIST_TRANSFORM(told_tags(document), LAMBDA pair: pair[2])
        )
END;

-- Tencent Cloud's code of a region, where a bill has its name alone. A name that is not listed has none.
-- Source: Tencent Cloud, Regions and Availability Zones.
CREATE OR REPLACE TEMP MACRO tencent_region(region) AS
CASE region
    WHEN '华南地区（广州）' THEN 'ap-guangzhou'
    WHEN '华南地区（深圳金融）' THEN 'ap-shenzhen-fsi'
    WHEN '华东地区（上海）' THEN 'ap-shanghai'
    WHEN '华东地区（上海金融）' THEN 'ap-shanghai-fsi'
    WHEN '华东地区（南京）' THEN 'ap-nanjing'
    WHEN '华北地区（北京）' THEN 'ap-beijing'
    WHEN '华北地区（北京金融）' THEN 'ap-beijing-fsi'
    WHEN '西南地区（成都）' THEN 'ap-chengdu'
    WHEN '西南地区（重庆）' THEN 'ap-chongqing'
    WHEN '港澳台地区（中国香港）' THEN 'ap-hongkong'
    WHEN '亚太东南（新加坡）' THEN 'ap-singapore'
    WHEN '亚太东南（雅加达）' THEN 'ap-jakarta'
    WHEN '亚太东南（曼谷）' THEN 'ap-bangkok'
    WHEN '亚太东北（首尔）' THEN 'ap-seoul'
    WHEN '亚太东北（东京）' THEN 'ap-tokyo'
    WHEN '美国西部（硅谷）' THEN 'na-siliconvalley'
    WHEN '美国东部（弗吉尼亚）' THEN 'na-ashburn'
    WHEN '欧洲地区（法兰克福）' THEN 'eu-frankfurt'
    WHEN '南美地区（圣保罗）' THEN 'sa-saopaulo'
END;

-- A unit in FOCUS' unit format, which has one hyphen or one slash, between a unit and a time: what stands before
-- the last hyphen is one unit (GiB/Second-Months is GiB per Second-Months). No digit and no letter changes.
CREATE OR REPLACE TEMP MACRO unit_spelling(unit) AS
CASE
    WHEN CONTAINS(unit, '-') AND (CONTAINS(unit, '/') OR REGEXP_MATCHES(unit, '-.*-'))
        THEN REPLACE(REPLACE(REGEXP_EXTRACT(unit, '^(.*)-[^-]*$', 1), '/', ' per '), '-', ' ') || REGEXP_EXTRACT(unit, '-[^-]*$')
    ELSE unit
END;
