-- One row of Google Cloud's billing export becomes one FOCUS row.
-- Source of the rules: Google, structure of the detailed data export; billing export, credit types.
--   * BilledCost = cost + all credits, promotions too: Google writes them into the row that they reduce.
--   * A commitment's fee ("Commitment ..." SKUs) is charged for the hours just gone, and Google does not say which
--     usage it paid for: it is committed usage with an effective cost of its own, as in Google's own FOCUS view, and
--     covered usage costs what is left of it after its credit. The list cost of what the fee pays for stands on the
--     covered usage, so the fee's own is 0.
--   * Tags: a resource's label comes before its tag, then the project's label, then Google's own system label.
WITH documents AS (
    SELECT
        *,
        COALESCE(LOWER(cost_type), 'regular') AS kind,
        -- Amounts are made strings: as JSON numbers they would be read as floats.
        REGEXP_REPLACE(
            json_document(credits), '"amount"\s*:\s*(-?[0-9][0-9.eE+-]*)', '"amount": "\1"', 'g'
        ) AS credits_document,
        LIST_CONCAT(
            LIST_CONCAT(label_pairs(json_document(labels)), label_pairs(json_document(tags))),
            LIST_CONCAT(label_pairs(json_document(project_labels)), label_pairs(json_document(system_labels)))
        ) AS pairs
    FROM bill
),

credited AS (
    SELECT
        *,
        CASE
            WHEN credits_document IS NULL THEN []
            ELSE
                TRY(FROM_JSON(
                    -- One credit alone, as some flatten it, is a list of one.
                    CASE WHEN credits_document LIKE '{%' THEN '[' || credits_document || ']' ELSE credits_document END,
                    '[{"amount": "VARCHAR", "type": "VARCHAR"}]'
                ))
        END AS all_credits
    FROM documents
),

typed AS (
    SELECT
        *,
        exact_decimal(cost) AS gross_cost,
        CASE
            WHEN LEN(all_credits) = 0 THEN CAST(0 AS DECIMAL(38, 18))
            ELSE TRY(LIST_SUM(LIST_TRANSFORM(all_credits, LAMBDA credit: exact_decimal(credit.amount))))
        END AS credited_cost,
        LEN(LIST_FILTER(
            LIST_TRANSFORM(all_credits, LAMBDA credit: exact_decimal(credit.amount)), LAMBDA amount: amount IS NULL
        )) AS unread_credits,
        LIST_TRANSFORM(all_credits, LAMBDA credit: credit.type) AS credit_types,
        nearest_decimal(cost_at_list) AS list_cost,
        nearest_decimal(list_price) AS list_unit_price,
        nearest_decimal(effective_price) AS contracted_unit_price,
        nearest_decimal(usage_amount) AS consumed_quantity,
        google_unit(usage_unit) AS consumed_unit,
        nearest_decimal(pricing_amount) AS pricing_quantity,
        google_unit(COALESCE(pricing_unit, usage_unit)) AS priced_unit,
        utc_instant(usage_start) AS started_at,
        utc_instant(usage_end) AS ended_at,
        TRY_CAST(
            REGEXP_REPLACE(invoice_month, '^([0-9]{4})-?(0[1-9]|1[0-2])$', '\1-\2-01') AS TIMESTAMP
        ) AS month_start
    FROM credited
),

charged AS (
    SELECT
        *,
        TRY(gross_cost + credited_cost) AS net_cost,
        CASE kind
            WHEN 'tax' THEN 'Tax'
            WHEN 'adjustment' THEN 'Adjustment'
            WHEN 'rounding_error' THEN 'Adjustment'
            WHEN 'regular' THEN 'Usage'
        END AS charge_category,
        CASE
            WHEN kind <> 'regular' THEN NULL
            WHEN sku_description LIKE 'Commitment%' THEN 'fee'
            WHEN
                LIST_HAS_ANY(credit_types, ['COMMITTED_USAGE_DISCOUNT', 'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE'])
                OR LOWER(consumption_model) <> 'default'
                THEN 'covered'
        END AS commitment_part,
        -- Tax and roundings come without a service.
        COALESCE(service_description, service_id, 'Invoice') AS service_name,
        CASE
            WHEN bad_amount(cost) THEN 'amount: cost ' || cost
            WHEN
                (credits NOT IN ('[]', '{}', 'null') AND credits_document IS NULL) OR all_credits IS NULL
                THEN 'amount: credits ' || LEFT(credits, 200)
            WHEN unread_credits > 0 THEN 'amount: credits ' || LEFT(credits, 200)
            WHEN
                TRY(gross_cost + credited_cost) IS NULL AND gross_cost IS NOT NULL
                THEN 'amount: no sum of cost ' || cost || ' and its credits can be held'
            WHEN cost_at_list IS NOT NULL AND list_cost IS NULL THEN 'amount: cost_at_list ' || cost_at_list
            WHEN usage_amount IS NOT NULL AND consumed_quantity IS NULL THEN 'amount: usage.amount ' || usage_amount
            WHEN
                pricing_amount IS NOT NULL AND pricing_quantity IS NULL
                THEN 'amount: usage.amount_in_pricing_units ' || pricing_amount
            WHEN invoice_month IS NOT NULL AND month_start IS NULL THEN 'date: invoice.month ' || invoice_month
            WHEN kind NOT IN ('regular', 'tax', 'adjustment', 'rounding_error') THEN 'kind: cost_type ' || cost_type
        END AS refusal
    FROM typed
)

SELECT
    zone AS AvailabilityZone,
    net_cost AS BilledCost,
    billing_account_id AS BillingAccountId,
    CAST(NULL AS VARCHAR) AS BillingAccountName,
    'Billing Account' AS BillingAccountType,
    currency AS BillingCurrency,
    ((month_start + INTERVAL 1 MONTH) AT TIME ZONE 'America/Los_Angeles') AT TIME ZONE 'UTC' AS BillingPeriodEnd,
    (month_start AT TIME ZONE 'America/Los_Angeles') AT TIME ZONE 'UTC' AS BillingPeriodStart,
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    charge_category AS ChargeCategory,
    CASE
        WHEN
            kind = 'adjustment'
            AND (
                adjustment_mode IN ('PARTIAL_CORRECTION', 'COMPLETE_NEGATION', 'COMPLETE_NEGATION_WITH_REMONETIZATION')
                OR adjustment_type IN ('USAGE_CORRECTION', 'PRICE_CORRECTION')
            )
            THEN 'Correction'
    END AS ChargeClass,
    COALESCE(adjustment_description, sku_description, cost_type) AS ChargeDescription,
    CASE
        WHEN commitment_part = 'fee' THEN 'Recurring'
        WHEN charge_category = 'Usage' THEN 'Usage-Based'
        ELSE 'One-Time'
    END AS ChargeFrequency,
    ended_at AS ChargePeriodEnd,
    started_at AS ChargePeriodStart,
    CASE
        WHEN commitment_part IS NULL OR subscription IS NULL THEN NULL
        WHEN LIST_CONTAINS(credit_types, 'COMMITTED_USAGE_DISCOUNT') THEN 'Usage'
        WHEN commitment_part = 'fee' AND sku_description NOT ILIKE '%dollar based%' THEN 'Usage'
        ELSE 'Spend'
    END AS CommitmentDiscountCategory,
    CASE WHEN commitment_part IS NOT NULL THEN subscription END AS CommitmentDiscountId,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountName,
    CASE WHEN commitment_part IS NOT NULL AND subscription IS NOT NULL THEN pricing_quantity END
        AS CommitmentDiscountQuantity,
    CASE WHEN commitment_part IS NOT NULL AND subscription IS NOT NULL THEN 'Used' END AS CommitmentDiscountStatus,
    CASE WHEN commitment_part IS NOT NULL AND subscription IS NOT NULL THEN 'Committed Use Discount' END
        AS CommitmentDiscountType,
    CASE
        WHEN commitment_part IS NOT NULL AND subscription IS NOT NULL AND pricing_quantity IS NOT NULL
            THEN priced_unit
    END AS CommitmentDiscountUnit,
    CASE WHEN charge_category = 'Usage' THEN COALESCE(consumed_quantity, pricing_quantity) END AS ConsumedQuantity,
    CASE
        WHEN charge_category = 'Usage' AND consumed_quantity IS NOT NULL THEN consumed_unit
        WHEN charge_category = 'Usage' AND pricing_quantity IS NOT NULL THEN priced_unit
    END AS ConsumedUnit,
    gross_cost AS ContractedCost,
    CASE
        WHEN charge_category <> 'Tax' THEN agreeing_price(contracted_unit_price, pricing_quantity, gross_cost)
    END AS ContractedUnitPrice,
    net_cost AS EffectiveCost,
    CAST(NULL AS VARCHAR) AS InvoiceId,
    'Google Cloud' AS InvoiceIssuerName,
    CASE WHEN commitment_part = 'fee' THEN CAST(0 AS DECIMAL(38, 18)) ELSE COALESCE(list_cost, gross_cost) END
        AS ListCost,
    CASE
        WHEN commitment_part = 'fee' THEN CAST(0 AS DECIMAL(38, 18))
        WHEN charge_category <> 'Tax'
            THEN agreeing_price(list_unit_price, pricing_quantity, COALESCE(list_cost, gross_cost))
    END AS ListUnitPrice,
    CASE
        WHEN charge_category <> 'Usage' THEN NULL
        WHEN commitment_part IS NOT NULL THEN 'Committed'
        WHEN REGEXP_MATCHES(sku_description, '(^|\s)(Spot|Preemptible)\s') THEN 'Dynamic'
        ELSE 'Standard'
    END AS PricingCategory,
    currency AS PricingCurrency,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyContractedUnitPrice,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyEffectiveCost,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyListUnitPrice,
    CASE WHEN charge_category <> 'Tax' THEN COALESCE(pricing_quantity, consumed_quantity) END AS PricingQuantity,
    CASE
        WHEN charge_category = 'Tax' THEN NULL
        WHEN pricing_quantity IS NOT NULL THEN priced_unit
        WHEN consumed_quantity IS NOT NULL THEN consumed_unit
    END AS PricingUnit,
    'Google Cloud' AS ProviderName,
    COALESCE(seller_name, 'Google Cloud') AS PublisherName,
    COALESCE(region, location) AS RegionId,
    CAST(NULL AS VARCHAR) AS RegionName,
    COALESCE(resource_global_name, resource_name) AS ResourceId,
    resource_name AS ResourceName,
    -- //compute.googleapis.com/projects/1/zones/z/instances/7 is one of compute.googleapis.com/instances.
    NULLIF(
        REGEXP_REPLACE(
            REGEXP_EXTRACT(resource_global_name, '^//[^/]+/(.+/)*[^/]+/[^/]+$'),
            '^//([^/]+)/(.+/)*([^/]+)/[^/]+$', '\1/\3'
        ),
        ''
    ) AS ResourceType,
    google_service_category(service_name) AS ServiceCategory,
    service_name AS ServiceName,
    CAST(NULL AS VARCHAR) AS ServiceSubcategory,
    CASE WHEN charge_category <> 'Tax' THEN sku_id END AS SkuId,
    CASE WHEN charge_category <> 'Tax' AND sku_id IS NOT NULL THEN sku_description END AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    CASE WHEN charge_category <> 'Tax' THEN sku_id END AS SkuPriceId,
    project_id AS SubAccountId,
    project_name AS SubAccountName,
    CASE WHEN project_id IS NOT NULL THEN 'Project' END AS SubAccountType,
    json_object_of(
        LIST_TRANSFORM(pairs, LAMBDA pair: pair.key), LIST_TRANSFORM(pairs, LAMBDA pair: pair.value)
    ) AS Tags,
    'Google Cloud' AS ServiceProviderName,
    'Google Cloud' AS HostProviderName,
    row_number,
    CAST(NULL AS VARCHAR) AS aside,
    refusal
FROM charged
