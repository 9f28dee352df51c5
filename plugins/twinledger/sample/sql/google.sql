-- Google Cloud's billing export as BigQuery writes it to Parquet, and Google's FOCUS export. Source of the columns:
-- reference, section 3.2 and appendix A5. The vendor's wall clock is that of Los Angeles. Costs are floats, as in
-- BigQuery; credits are negative, and stand in the row that they reduce.

CREATE MACRO google_instant(wall_clock) AS wall_clock AT TIME ZONE 'America/Los_Angeles';

CREATE MACRO google_text(wall_clock) AS
STRFTIME(google_instant(wall_clock) AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S UTC');

CREATE VIEW google_words AS
SELECT
    charges.*,
    CASE kind WHEN 'tax' THEN 'tax' WHEN 'refund' THEN 'adjustment' ELSE 'regular' END AS cost_type,
    CASE WHEN name = 'fee' THEN billed ELSE listed END AS gross,
    CASE service
        WHEN 'Compute Engine' THEN '6F81-5844-456A'
        WHEN 'Cloud Storage' THEN '95FF-2EF5-5EA1'
        WHEN 'BigQuery' THEN '24E6-581D-38E5'
    END AS service_id,
    CASE unit WHEN 'Hours' THEN 'hour' WHEN 'GiB-Days' THEN 'gibibyte day' WHEN 'TiB' THEN 'tebibyte' END AS file_unit,
    kind IN ('usage', 'covered') AS is_usage
FROM charges;

CREATE VIEW google_export AS
SELECT
    '01B417-77310A-C0FFEE' AS billing_account_id,
    STRUCT_PACK(id := service_id, description := NULLIF(service, 'Invoice')) AS service,
    STRUCT_PACK(id := sku_id, description := sku) AS sku,
    google_instant(started_at) AS usage_start_time,
    google_instant(ended_at) AS usage_end_time,
    STRUCT_PACK(
        id := account,
        number := '417001',
        name := account,
        labels := [STRUCT_PACK("key" := 'environment', "value" := 'production')],
        ancestry_numbers := '/77310/417001/',
        ancestors := [STRUCT_PACK(resource_name := 'projects/417001', display_name := account)]
    ) AS project,
    CASE
        WHEN is_usage
            THEN [
                STRUCT_PACK("key" := 'tenant', "value" := tenant),
                STRUCT_PACK("key" := 'department', "value" := department),
                STRUCT_PACK("key" := 'cost-centre', "value" := cost_centre)
            ]
        ELSE []
    END AS labels,
    CASE
        WHEN is_usage AND service = 'Compute Engine'
            THEN [STRUCT_PACK("key" := 'compute.googleapis.com/machine_spec', "value" := 'n2-standard-2')]
        ELSE []
    END AS system_labels,
    STRUCT_PACK(location := region, country := 'DE', region := region, zone := CAST(NULL AS VARCHAR)) AS location,
    STRUCT_PACK(
        "name" := REGEXP_EXTRACT(resource, '[^/]+$'), global_name := resource
    ) AS resource,
    [STRUCT_PACK("key" := 'tier', "value" := 'core', inherited := TRUE, namespace := 'organizations/77310')] AS tags,
    STRUCT_PACK(
        effective_price := CASE WHEN is_usage THEN CASE WHEN name = 'fee' THEN billed_rate ELSE list_rate END END,
        tier_start_amount := CAST(0 AS DECIMAL(12, 6)),
        unit := file_unit,
        pricing_unit_quantity := CAST(1 AS DECIMAL(12, 6)),
        list_price := CASE WHEN is_usage THEN CASE WHEN name = 'fee' THEN billed_rate ELSE list_rate END END
    ) AS price,
    STRUCT_PACK(instance_id := commitment) AS subscription,
    'GOOGLE' AS transaction_type,
    'Google' AS seller_name,
    GETVARIABLE('delivered_at') AT TIME ZONE 'UTC' AS export_time,
    CAST(gross AS DOUBLE) AS cost,
    'USD' AS currency,
    CAST(1 AS DOUBLE) AS currency_conversion_rate,
    STRUCT_PACK(
        amount := CASE WHEN is_usage THEN CAST(quantity AS DOUBLE) END,
        unit := CASE WHEN is_usage THEN file_unit END,
        amount_in_pricing_units := CASE WHEN is_usage THEN CAST(quantity AS DOUBLE) END,
        pricing_unit := CASE WHEN is_usage THEN file_unit END
    ) AS usage,
    CASE
        WHEN gross = billed THEN []
        ELSE [
            STRUCT_PACK(
                "name" := CASE WHEN kind = 'covered' THEN 'CUD: N2' WHEN name = 'trial' THEN 'Credits' ELSE 'Discount' END,
                amount := CAST(billed - gross AS DOUBLE),
                full_name := CAST(NULL AS VARCHAR),
                id := CASE WHEN kind = 'covered' THEN commitment ELSE 'nimbus-2026' END,
                type := CASE
                    WHEN kind = 'covered' THEN 'COMMITTED_USAGE_DISCOUNT'
                    WHEN name = 'trial' THEN 'PROMOTION'
                    ELSE 'SUSTAINED_USAGE_DISCOUNT'
                END
            )
        ]
    END AS credits,
    STRUCT_PACK(month := STRFTIME(starts_at, '%Y%m'), publisher_type := 'GOOGLE') AS invoice,
    cost_type,
    STRUCT_PACK(
        id := CASE WHEN kind = 'refund' THEN 'adj-417' END,
        description := CASE WHEN kind = 'refund' THEN 'Price of an earlier month put right' END,
        mode := CASE WHEN kind = 'refund' THEN 'PARTIAL_CORRECTION' END,
        type := CASE WHEN kind = 'refund' THEN 'PRICE_CORRECTION' END
    ) AS adjustment_info,
    CAST(gross AS DOUBLE) AS cost_at_list
FROM google_words;

CREATE VIEW google_focus AS
SELECT
    CAST(NULL AS VARCHAR) AS "AvailabilityZone",
    CAST(CAST(billed AS DOUBLE) AS VARCHAR) AS "BilledCost",
    '01B417-77310B-C0FFEE' AS "BillingAccountId",
    'USD' AS "BillingCurrency",
    google_text(starts_at) AS "BillingPeriodStart",
    google_text(starts_at + INTERVAL 1 MONTH) AS "BillingPeriodEnd",
    CASE kind WHEN 'tax' THEN 'Tax' WHEN 'refund' THEN 'Adjustment' ELSE 'Usage' END AS "ChargeCategory",
    CASE WHEN kind = 'refund' THEN 'Correction' END AS "ChargeClass",
    sku AS "ChargeDescription",
    google_text(started_at) AS "ChargePeriodStart",
    google_text(ended_at) AS "ChargePeriodEnd",
    CASE WHEN is_usage THEN quantity END AS "ConsumedQuantity",
    CASE WHEN is_usage THEN file_unit END AS "ConsumedUnit",
    listed AS "ContractedCost",
    CASE WHEN is_usage THEN list_rate END AS "ContractedUnitPrice",
    listed AS "ListCost",
    CASE WHEN is_usage THEN list_rate END AS "ListUnitPrice",
    CASE WHEN is_usage THEN 'Standard' END AS "PricingCategory",
    CASE WHEN is_usage THEN quantity END AS "PricingQuantity",
    CASE WHEN is_usage THEN file_unit END AS "PricingUnit",
    'Google Cloud' AS "ProviderName",
    'Google Cloud' AS "PublisherName",
    region AS "RegionId",
    'Frankfurt' AS "RegionName",
    resource AS "ResourceId",
    REGEXP_EXTRACT(resource, '[^/]+$') AS "ResourceName",
    NULLIF(service, 'Invoice') AS "ServiceName",
    sku_id AS "SkuId",
    sku_id AS "SkuPriceId",
    account AS "SubAccountId",
    account AS "SubAccountName",
    CASE
        WHEN listed = billed THEN '[]'
        ELSE '[{"Name":"Discount","Amount":' || CAST(billed - listed AS VARCHAR) || ',"FullName":null,"Id":"","Type":"DISCOUNT"}]'
    END AS "x_Credits",
    cost_type AS "x_CostType",
    1 AS "x_CurrencyConversionRate",
    STRFTIME(GETVARIABLE('delivered_at'), '%Y-%m-%d %H:%M:%S UTC') AS "x_ExportTime",
    region AS "x_Location",
    '{"Id":"' || account || '","Number":"417002","Name":"' || account || '","AncestryNumbers":"/77310/417002/","Ancestors":[]}'
        AS "x_Project",
    service_id AS "x_ServiceId",
    '[]' AS "x_SystemLabels",
    CASE
        WHEN is_usage
            THEN
                '[{"Key":"tenant","Value":"' || tenant || '"},{"Key":"department","Value":"' || department
                || '"},{"Key":"cost-centre","Value":"' || cost_centre || '"}]'
        ELSE '[]'
    END AS "x_Labels",
    '[{"Key":"environment","Value":"production"}]' AS "x_ProjectLabels",
    '[]' AS "x_Tags",
    CAST(CAST(billed AS DOUBLE) AS VARCHAR) AS "EffectiveCost",
    'USD' AS "PricingCurrency",
    CASE WHEN is_usage THEN list_rate END AS "PricingCurrencyContractedUnitPrice",
    billed AS "PricingCurrencyEffectiveCost",
    CASE WHEN is_usage THEN list_rate END AS "PricingCurrencyListUnitPrice",
    'Billing Account' AS "BillingAccountType",
    commitment AS "x_SubscriptionInstanceId",
    CAST(NULL AS VARCHAR) AS "x_PriceEffectivePriceDefault",
    CAST(NULL AS VARCHAR) AS "x_PriceListPriceConsumptionModel",
    CAST(NULL AS VARCHAR) AS "x_CostAtEffectivePriceDefault",
    CAST(NULL AS VARCHAR) AS "x_CostAtListConsumptionModel",
    CAST(NULL AS VARCHAR) AS "x_ConsumptionModelId",
    'Default' AS "x_ConsumptionModelDescription"
FROM google_words;
