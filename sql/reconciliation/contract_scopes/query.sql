WITH vendors AS (
    SELECT DISTINCT contract_rules.vendor
    FROM contract_rules
),

combinations AS (
    SELECT DISTINCT
        external_charges.ProviderName AS vendor,
        external_charges.BillingAccountId AS billing_account_id,
        COALESCE(external_charges.SubAccountId, '') AS sub_account_id,
        COALESCE(external_charges.RegionId, '') AS region_id,
        external_charges.ServiceCategory AS service_category,
        external_charges.ServiceName AS service_name,
        COALESCE(external_charges.SkuId, '') AS sku_id,
        COALESCE(external_charges.SkuMeter, external_charges.SkuId, '') AS sku_meter,
        CAST(external_charges.ChargePeriodStart AS DATE) AS day
    FROM external_charges
    INNER JOIN vendors
        ON external_charges.ProviderName = vendors.vendor
    WHERE external_charges.ChargeCategory = 'Usage'
),

looked_at AS (
    SELECT
        combinations.*,
        contract_rules.kind,
        contract_rules.id,
        contract_rules.rule_no,
        contract_rules.operator,
        contract_rules.value,
        CASE contract_rules.column_name
            WHEN 'BillingAccountId' THEN combinations.billing_account_id
            WHEN 'RegionId' THEN combinations.region_id
            WHEN 'ServiceCategory' THEN combinations.service_category
            WHEN 'ServiceName' THEN combinations.service_name
            WHEN 'SkuId' THEN combinations.sku_id
            WHEN 'SkuMeter' THEN combinations.sku_meter
            ELSE combinations.sub_account_id
        END AS found
    FROM combinations
    INNER JOIN contract_rules
        ON combinations.vendor = contract_rules.vendor
),

rule_counts AS (
    SELECT
        contract_rules.kind,
        contract_rules.id,
        COUNT(DISTINCT contract_rules.rule_no) AS rules
    FROM contract_rules
    GROUP BY
        contract_rules.kind,
        contract_rules.id
),

holding AS (
    SELECT
        looked_at.vendor,
        looked_at.billing_account_id,
        looked_at.sub_account_id,
        looked_at.region_id,
        looked_at.service_category,
        looked_at.service_name,
        looked_at.sku_id,
        looked_at.sku_meter,
        looked_at.day,
        looked_at.kind,
        looked_at.id
    FROM looked_at
    INNER JOIN rule_counts
        ON
            looked_at.kind = rule_counts.kind
            AND looked_at.id = rule_counts.id
    WHERE
        CASE
            WHEN looked_at.operator = 'prefix'
                THEN SUBSTR(looked_at.found, 1, LENGTH(looked_at.value)) = looked_at.value
            ELSE looked_at.found = looked_at.value
        END
    GROUP BY
        looked_at.vendor,
        looked_at.billing_account_id,
        looked_at.sub_account_id,
        looked_at.region_id,
        looked_at.service_category,
        looked_at.service_name,
        looked_at.sku_id,
        looked_at.sku_meter,
        looked_at.day,
        looked_at.kind,
        looked_at.id,
        rule_counts.rules
    HAVING COUNT(DISTINCT looked_at.rule_no) = rule_counts.rules
),

in_force AS (
    SELECT
        holding.*,
        contract_cards.choice
    FROM holding
    INNER JOIN contract_cards
        ON
            holding.kind = 'card'
            AND holding.id = contract_cards.id
            AND holding.day >= contract_cards.valid_from
            AND holding.day < COALESCE(contract_cards.valid_to, DATE '9999-12-31')
    UNION ALL
    SELECT
        holding.*,
        CAST(0 AS BIGINT) AS choice
    FROM holding
    INNER JOIN commitment_cards
        ON
            holding.kind = 'commitment'
            AND holding.id = commitment_cards.id
            AND holding.day >= commitment_cards.valid_from
            AND holding.day < commitment_cards.valid_to
),

chosen AS (
    SELECT
        in_force.*,
        ROW_NUMBER() OVER (
            PARTITION BY
                in_force.vendor,
                in_force.billing_account_id,
                in_force.sub_account_id,
                in_force.region_id,
                in_force.service_category,
                in_force.service_name,
                in_force.sku_id,
                in_force.sku_meter,
                in_force.day,
                in_force.kind
            ORDER BY in_force.choice
        ) AS position
    FROM in_force
)

SELECT
    chosen.vendor,
    chosen.billing_account_id,
    chosen.sub_account_id,
    chosen.region_id,
    chosen.service_category,
    chosen.service_name,
    chosen.sku_id,
    chosen.sku_meter,
    chosen.day,
    chosen.kind,
    chosen.id
FROM chosen
WHERE
    chosen.kind = 'commitment'
    OR chosen.position = 1
