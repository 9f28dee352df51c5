-- One line of an Azure EA cost details file becomes one FOCUS row.
-- Source of the rules: Microsoft, cost details fields; FinOps toolkit, how to convert cost data to FOCUS.
WITH typed AS (
    SELECT
        billing_account,
        billing_account_name,
        utc_instant(period_start) AS period_start,
        utc_instant(period_end) AS period_end,
        subscription_id,
        subscription_name,
        utc_instant(usage_date) AS usage_date,
        product_name,
        part_number,
        meter_id,
        service_family,
        meter_category,
        meter_subcategory,
        meter_name,
        exact_decimal(quantity) AS quantity,
        exact_decimal(effective_price) AS effective_price,
        exact_decimal(unit_price) AS unit_price,
        exact_decimal(cost) AS cost,
        currency,
        resource_location,
        availability_zone,
        resource_id,
        resource_name,
        resource_type,
        unit_of_measure,
        reservation_id,
        reservation_name,
        publisher_name,
        charge_type,
        frequency,
        exact_decimal(payg_price) AS payg_price,
        pricing_model,
        benefit_id,
        benefit_name,
        tags,
        row_number,
        CASE
            WHEN bad_amount(cost) THEN 'amount: CostInBillingCurrency ' || cost
            WHEN bad_amount(quantity) THEN 'amount: Quantity ' || quantity
            WHEN bad_amount(payg_price) THEN 'amount: PayGPrice ' || payg_price
            WHEN bad_amount(unit_price) THEN 'amount: UnitPrice ' || unit_price
            WHEN bad_amount(effective_price) THEN 'amount: EffectivePrice ' || effective_price
        END AS refusal
    FROM bill
),

blocks AS (
    -- '100 Hours' is priced in blocks of 100: the factor is 1/block, exact for what Azure uses.
    SELECT
        *,
        COALESCE(charge_type, 'Usage') AS charge_kind,
        CAST(COALESCE(period_start, DATE_TRUNC('month', usage_date)) AS TIMESTAMP) AS month_start,
        CASE REGEXP_EXTRACT(UPPER(unit_of_measure), '^([0-9]+[KM]?)( |$)', 1)
            WHEN '' THEN CAST(1 AS DECIMAL(8, 7))
            WHEN '1' THEN CAST(1 AS DECIMAL(8, 7))
            WHEN '10' THEN CAST('0.1' AS DECIMAL(8, 7))
            WHEN '50' THEN CAST('0.02' AS DECIMAL(8, 7))
            WHEN '100' THEN CAST('0.01' AS DECIMAL(8, 7))
            WHEN '1000' THEN CAST('0.001' AS DECIMAL(8, 7))
            WHEN '1K' THEN CAST('0.001' AS DECIMAL(8, 7))
            WHEN '10000' THEN CAST('0.0001' AS DECIMAL(8, 7))
            WHEN '10K' THEN CAST('0.0001' AS DECIMAL(8, 7))
            WHEN '100K' THEN CAST('0.00001' AS DECIMAL(8, 7))
            WHEN '1M' THEN CAST('0.000001' AS DECIMAL(8, 7))
            WHEN '10M' THEN CAST('0.0000001' AS DECIMAL(8, 7))
        END AS block_factor
    FROM typed
),

priced AS (
    SELECT
        *,
        CAST(CAST(quantity AS DECIMAL(26, 12)) * block_factor AS DECIMAL(19, 9)) AS pricing_quantity,
        CASE
            WHEN charge_kind IN ('Usage', 'UnusedReservation', 'UnusedSavingsPlan') THEN 'Usage'
            WHEN charge_kind IN ('Purchase', 'Refund') THEN 'Purchase'
            WHEN charge_kind = 'Tax' THEN 'Tax'
            WHEN charge_kind = 'Credit' THEN 'Credit'
            ELSE 'Adjustment'
        END AS charge_category,
        COALESCE(benefit_id, reservation_id) AS commitment
    FROM blocks
)

SELECT
    availability_zone AS AvailabilityZone,
    cost AS BilledCost,
    COALESCE(priced.billing_account, parameters.account, priced.subscription_id) AS BillingAccountId,
    billing_account_name AS BillingAccountName,
    'Billing Account' AS BillingAccountType,
    currency AS BillingCurrency,
    CAST(month_start + INTERVAL 1 MONTH AS TIMESTAMP) AS BillingPeriodEnd,
    month_start AS BillingPeriodStart,
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    charge_category AS ChargeCategory,
    CASE WHEN charge_kind = 'Refund' THEN 'Correction' END AS ChargeClass,
    COALESCE(product_name, meter_name) AS ChargeDescription,
    CASE LOWER(frequency)
        WHEN 'onetime' THEN 'One-Time'
        WHEN 'recurring' THEN 'Recurring'
        ELSE 'Usage-Based'
    END AS ChargeFrequency,
    CAST(usage_date + INTERVAL 1 DAY AS TIMESTAMP) AS ChargePeriodEnd,
    usage_date AS ChargePeriodStart,
    CASE
        WHEN commitment IS NULL THEN NULL
        WHEN LOWER(commitment) LIKE '%/microsoft.billingbenefits/%' THEN 'Spend'
        ELSE 'Usage'
    END AS CommitmentDiscountCategory,
    commitment AS CommitmentDiscountId,
    COALESCE(benefit_name, reservation_name) AS CommitmentDiscountName,
    CAST(NULL AS DECIMAL(38, 18)) AS CommitmentDiscountQuantity,
    CASE
        WHEN charge_kind IN ('UnusedReservation', 'UnusedSavingsPlan') THEN 'Unused'
        WHEN commitment IS NOT NULL AND charge_kind = 'Usage' THEN 'Used'
    END AS CommitmentDiscountStatus,
    CASE
        WHEN commitment IS NULL THEN NULL
        WHEN LOWER(commitment) LIKE '%/microsoft.billingbenefits/%' THEN 'Savings Plan'
        ELSE 'Reservation'
    END AS CommitmentDiscountType,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountUnit,
    CASE WHEN charge_kind = 'Usage' THEN quantity END AS ConsumedQuantity,
    CASE WHEN charge_kind = 'Usage' THEN unit_of_measure END AS ConsumedUnit,
    cost AS ContractedCost,
    COALESCE(unit_price, effective_price) AS ContractedUnitPrice,
    cost AS EffectiveCost,
    CAST(NULL AS VARCHAR) AS InvoiceId,
    'Microsoft' AS InvoiceIssuerName,
    CASE
        WHEN charge_category = 'Usage' AND payg_price IS NOT NULL AND pricing_quantity IS NOT NULL
            THEN CAST(pricing_quantity * CAST(payg_price AS DECIMAL(18, 9)) AS DECIMAL(38, 18))
        ELSE cost
    END AS ListCost,
    payg_price AS ListUnitPrice,
    CASE pricing_model
        WHEN 'OnDemand' THEN 'Standard'
        WHEN 'Spot' THEN 'Dynamic'
        WHEN 'Reservation' THEN 'Committed'
        WHEN 'SavingsPlan' THEN 'Committed'
    END AS PricingCategory,
    currency AS PricingCurrency,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyContractedUnitPrice,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyEffectiveCost,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyListUnitPrice,
    CASE WHEN charge_category != 'Tax' THEN CAST(pricing_quantity AS DECIMAL(38, 18)) END AS PricingQuantity,
    CASE WHEN charge_category != 'Tax' THEN unit_of_measure END AS PricingUnit,
    'Microsoft' AS ProviderName,
    COALESCE(publisher_name, 'Microsoft') AS PublisherName,
    LOWER(resource_location) AS RegionId,
    resource_location AS RegionName,
    resource_id AS ResourceId,
    resource_name AS ResourceName,
    resource_type AS ResourceType,
    CASE
        WHEN
            meter_category IN ('Virtual Machines', 'Azure Kubernetes Service', 'Functions', 'Container Instances')
            THEN 'Compute'
        WHEN meter_category IN ('Storage', 'Backup', 'Azure NetApp Files') THEN 'Storage'
        WHEN meter_category IN ('Bandwidth', 'Virtual Network', 'Load Balancer', 'VPN Gateway') THEN 'Networking'
        WHEN meter_category IN ('SQL Database', 'Azure Cosmos DB', 'Azure Database for PostgreSQL') THEN 'Databases'
        WHEN meter_category IN ('Azure Data Factory v2', 'Azure Databricks', 'Azure Synapse Analytics') THEN 'Analytics'
        WHEN meter_category IN ('Azure Machine Learning', 'Cognitive Services') THEN 'AI and Machine Learning'
        WHEN meter_category IN ('Log Analytics', 'Azure Monitor', 'Automation') THEN 'Management and Governance'
        WHEN meter_category IN ('Key Vault', 'Microsoft Defender for Cloud') THEN 'Security'
        ELSE 'Other'
    END AS ServiceCategory,
    meter_category AS ServiceName,
    CAST(NULL AS VARCHAR) AS ServiceSubcategory,
    meter_id AS SkuId,
    meter_name AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    part_number AS SkuPriceId,
    subscription_id AS SubAccountId,
    subscription_name AS SubAccountName,
    'Subscription' AS SubAccountType,
    CASE WHEN tags LIKE '{%' THEN tags WHEN tags IS NOT NULL THEN '{' || tags || '}' END AS Tags,
    'Microsoft' AS ServiceProviderName,
    'Microsoft' AS HostProviderName,
    row_number,
    refusal
FROM priced
CROSS JOIN parameters
