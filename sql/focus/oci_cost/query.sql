-- One row of Oracle Cloud's cost report becomes one FOCUS row.
-- Source of the rules: Oracle, cost and usage reports overview, cost report schema.
--   * cost/myCost is what is billed; it, the quantity and the unit price hold the overage already.
--   * The billing period is the calendar month, in UTC, that the usage began in.
--   * Oracle writes a reference behind most rows: a row corrects another only where isCorrection says so.
WITH typed AS (
    SELECT
        *,
        exact_decimal(cost) AS billed,
        nearest_decimal(quantity) AS amount,
        nearest_decimal(unit_price) AS price,
        utc_instant(usage_start) AS started_at,
        utc_instant(usage_end) AS ended_at,
        COALESCE(LOWER(is_correction) IN ('true', 'yes', 'y', '1'), FALSE) AS corrects,
        COALESCE(unit, billing_unit) AS priced_unit,
        UPPER(service) AS service_code,
        CASE WHEN cost IS NULL AND unit_price IS NULL THEN 'usage that has no price' END AS aside,
        CASE
            WHEN bad_amount(cost) THEN 'amount: cost/myCost ' || cost
            WHEN
                quantity IS NOT NULL AND nearest_decimal(quantity) IS NULL
                THEN 'amount: usage/billedQuantity ' || quantity
            WHEN
                unit_price IS NOT NULL AND nearest_decimal(unit_price) IS NULL
                THEN 'amount: cost/unitPrice ' || unit_price
            WHEN service IS NULL THEN 'service: no product/service'
        END AS refusal
    FROM bill
)

SELECT
    availability_domain AS AvailabilityZone,
    billed AS BilledCost,
    tenant AS BillingAccountId,
    CAST(NULL AS VARCHAR) AS BillingAccountName,
    'Tenancy' AS BillingAccountType,
    currency AS BillingCurrency,
    CAST(DATE_TRUNC('month', started_at) + INTERVAL 1 MONTH AS TIMESTAMP) AS BillingPeriodEnd,
    CAST(DATE_TRUNC('month', started_at) AS TIMESTAMP) AS BillingPeriodStart,
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    'Usage' AS ChargeCategory,
    CASE WHEN corrects THEN 'Correction' END AS ChargeClass,
    description AS ChargeDescription,
    'Usage-Based' AS ChargeFrequency,
    ended_at AS ChargePeriodEnd,
    started_at AS ChargePeriodStart,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountCategory,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountId,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountName,
    CAST(NULL AS DECIMAL(38, 18)) AS CommitmentDiscountQuantity,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountStatus,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountType,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountUnit,
    amount AS ConsumedQuantity,
    CASE WHEN amount IS NOT NULL THEN priced_unit END AS ConsumedUnit,
    billed AS ContractedCost,
    agreeing_price(price, amount, billed) AS ContractedUnitPrice,
    billed AS EffectiveCost,
    CAST(NULL AS VARCHAR) AS InvoiceId,
    'Oracle' AS InvoiceIssuerName,
    billed AS ListCost,
    CAST(NULL AS DECIMAL(38, 18)) AS ListUnitPrice,
    'Standard' AS PricingCategory,
    currency AS PricingCurrency,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyContractedUnitPrice,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyEffectiveCost,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyListUnitPrice,
    amount AS PricingQuantity,
    CASE WHEN amount IS NOT NULL THEN priced_unit END AS PricingUnit,
    'Oracle' AS ProviderName,
    'Oracle' AS PublisherName,
    region AS RegionId,
    CAST(NULL AS VARCHAR) AS RegionName,
    resource_id AS ResourceId,
    CAST(NULL AS VARCHAR) AS ResourceName,
    -- ocid1.instance.oc1.us-sanjose-1.abc is an instance; other identifiers do not say what they are of.
    NULLIF(REGEXP_EXTRACT(resource_id, '^ocid[0-9]+[.]([a-z0-9]+)[.]', 1), '') AS ResourceType,
    oci_service_category(service_code) AS ServiceCategory,
    service AS ServiceName,
    CAST(NULL AS VARCHAR) AS ServiceSubcategory,
    sku AS SkuId,
    CASE WHEN sku IS NOT NULL THEN description END AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    sku AS SkuPriceId,
    compartment AS SubAccountId,
    compartment_name AS SubAccountName,
    CASE WHEN compartment IS NOT NULL THEN 'Compartment' END AS SubAccountType,
    NULLIF(tags, '{}') AS Tags,
    'Oracle' AS ServiceProviderName,
    'Oracle' AS HostProviderName,
    row_number,
    aside,
    refusal
FROM typed
