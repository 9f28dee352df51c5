-- One line of an AWS legacy Cost and Usage Report becomes one FOCUS row.
-- Source of the cost rules: AWS, Cost and Usage Report data dictionary (line item, reservation, savings plan).
WITH typed AS (
    SELECT
        payer_account,
        payer_name,
        billing_entity,
        invoicing_entity,
        invoice_id,
        bill_type,
        utc_instant(period_start) AS period_start,
        utc_instant(period_end) AS period_end,
        usage_account,
        usage_account_name,
        line_item_type,
        utc_instant(usage_start) AS usage_start,
        utc_instant(usage_end) AS usage_end,
        product_code,
        usage_type,
        operation,
        availability_zone,
        resource_id,
        exact_decimal(usage_amount) AS usage_amount,
        currency,
        exact_decimal(unblended_rate) AS unblended_rate,
        exact_decimal(unblended_cost) AS unblended_cost,
        exact_decimal(net_unblended_cost) AS net_unblended_cost,
        description,
        legal_entity,
        product_name,
        instance_type,
        region_code,
        region,
        region_name,
        sku,
        rate_code,
        pricing_currency,
        exact_decimal(public_cost) AS public_cost,
        exact_decimal(public_rate) AS public_rate,
        pricing_term,
        pricing_unit,
        reservation_arn,
        exact_decimal(reservation_effective_cost) AS reservation_effective_cost,
        exact_decimal(reservation_unused_upfront) AS reservation_unused_upfront,
        exact_decimal(reservation_unused_recurring) AS reservation_unused_recurring,
        plan_arn,
        exact_decimal(plan_effective_cost) AS plan_effective_cost,
        exact_decimal(plan_total_commitment) AS plan_total_commitment,
        exact_decimal(plan_used_commitment) AS plan_used_commitment,
        tags,
        row_number,
        CASE
            WHEN bad_amount(unblended_cost) THEN 'amount: lineItem/UnblendedCost ' || unblended_cost
            WHEN bad_amount(net_unblended_cost) THEN 'amount: lineItem/NetUnblendedCost ' || net_unblended_cost
            WHEN bad_amount(usage_amount) THEN 'amount: lineItem/UsageAmount ' || usage_amount
            WHEN bad_amount(public_cost) THEN 'amount: pricing/publicOnDemandCost ' || public_cost
            WHEN bad_amount(unblended_rate) THEN 'amount: lineItem/UnblendedRate ' || unblended_rate
            WHEN
                bad_amount(plan_effective_cost)
                THEN 'amount: savingsPlan/SavingsPlanEffectiveCost ' || plan_effective_cost
            WHEN
                bad_amount(reservation_effective_cost)
                THEN 'amount: reservation/EffectiveCost ' || reservation_effective_cost
        END AS refusal
    FROM bill
),

priced AS (
    SELECT
        *,
        COALESCE(net_unblended_cost, unblended_cost) AS billed_cost,
        CASE
            WHEN line_item_type = 'Tax' THEN 'Tax'
            WHEN line_item_type = 'Credit' THEN 'Credit'
            WHEN line_item_type IN (
                'Fee', 'RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee'
            ) THEN 'Purchase'
            ELSE 'Usage'
        END AS charge_category,
        CASE
            WHEN line_item_type = 'SavingsPlanCoveredUsage' THEN plan_effective_cost
            WHEN line_item_type IN ('SavingsPlanNegation', 'SavingsPlanUpfrontFee') THEN CAST(0 AS DECIMAL(38, 18))
            WHEN line_item_type = 'SavingsPlanRecurringFee' THEN plan_total_commitment - plan_used_commitment
            WHEN line_item_type = 'DiscountedUsage' THEN reservation_effective_cost
            WHEN line_item_type = 'RIFee' THEN reservation_unused_upfront + reservation_unused_recurring
            WHEN line_item_type = 'Fee' AND reservation_arn IS NOT NULL THEN CAST(0 AS DECIMAL(38, 18))
        END AS amortised_cost,
        COALESCE(plan_arn, reservation_arn) AS commitment
    FROM typed
)

SELECT
    availability_zone AS AvailabilityZone,
    billed_cost AS BilledCost,
    payer_account AS BillingAccountId,
    payer_name AS BillingAccountName,
    'Payer' AS BillingAccountType,
    currency AS BillingCurrency,
    period_end AS BillingPeriodEnd,
    period_start AS BillingPeriodStart,
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    charge_category AS ChargeCategory,
    CASE WHEN line_item_type = 'Refund' THEN 'Correction' END AS ChargeClass,
    description AS ChargeDescription,
    CASE
        WHEN line_item_type IN ('RIFee', 'SavingsPlanRecurringFee') THEN 'Recurring'
        WHEN line_item_type IN ('Fee', 'SavingsPlanUpfrontFee', 'Credit', 'Refund') THEN 'One-Time'
        WHEN line_item_type = 'Tax' THEN 'Recurring'
        ELSE 'Usage-Based'
    END AS ChargeFrequency,
    usage_end AS ChargePeriodEnd,
    usage_start AS ChargePeriodStart,
    CASE WHEN plan_arn IS NOT NULL THEN 'Spend' WHEN reservation_arn IS NOT NULL THEN 'Usage' END
        AS CommitmentDiscountCategory,
    commitment AS CommitmentDiscountId,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountName,
    CAST(NULL AS DECIMAL(38, 18)) AS CommitmentDiscountQuantity,
    CASE
        WHEN line_item_type IN ('SavingsPlanCoveredUsage', 'DiscountedUsage') THEN 'Used'
        WHEN line_item_type IN ('RIFee', 'SavingsPlanRecurringFee') AND amortised_cost > 0 THEN 'Unused'
    END AS CommitmentDiscountStatus,
    CASE WHEN plan_arn IS NOT NULL THEN 'Savings Plan' WHEN reservation_arn IS NOT NULL THEN 'Reserved Instance' END
        AS CommitmentDiscountType,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountUnit,
    CASE WHEN charge_category = 'Usage' AND line_item_type != 'SavingsPlanNegation' THEN usage_amount END
        AS ConsumedQuantity,
    CASE
        WHEN
            charge_category = 'Usage' AND line_item_type != 'SavingsPlanNegation' AND usage_amount IS NOT NULL
            THEN pricing_unit
    END AS ConsumedUnit,
    CASE WHEN line_item_type = 'SavingsPlanNegation' THEN CAST(0 AS DECIMAL(38, 18)) ELSE billed_cost END
        AS ContractedCost,
    CASE WHEN charge_category = 'Usage' AND line_item_type != 'SavingsPlanNegation' THEN unblended_rate END
        AS ContractedUnitPrice,
    COALESCE(amortised_cost, billed_cost) AS EffectiveCost,
    invoice_id AS InvoiceId,
    COALESCE(invoicing_entity, billing_entity, 'AWS') AS InvoiceIssuerName,
    CASE
        WHEN line_item_type = 'SavingsPlanNegation' THEN CAST(0 AS DECIMAL(38, 18)) ELSE
            COALESCE(public_cost, billed_cost)
    END AS ListCost,
    public_rate AS ListUnitPrice,
    CASE WHEN commitment IS NOT NULL THEN 'Committed' WHEN charge_category = 'Usage' THEN 'Standard' END
        AS PricingCategory,
    COALESCE(pricing_currency, currency) AS PricingCurrency,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyContractedUnitPrice,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyEffectiveCost,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyListUnitPrice,
    CASE WHEN charge_category != 'Tax' THEN usage_amount END AS PricingQuantity,
    CASE WHEN charge_category != 'Tax' AND usage_amount IS NOT NULL THEN pricing_unit END AS PricingUnit,
    'AWS' AS ProviderName,
    COALESCE(legal_entity, 'AWS') AS PublisherName,
    COALESCE(region_code, region) AS RegionId,
    region_name AS RegionName,
    resource_id AS ResourceId,
    CAST(NULL AS VARCHAR) AS ResourceName,
    CAST(NULL AS VARCHAR) AS ResourceType,
    CASE
        WHEN product_code IN (
            'AmazonEC2', 'AWSLambda', 'AmazonEKS', 'AmazonECS', 'AmazonLightsail', 'AWSBatch', 'AmazonWorkSpaces'
        ) THEN 'Compute'
        WHEN product_code IN (
            'AmazonS3', 'AmazonGlacier', 'AmazonEFS', 'AmazonFSx', 'AWSBackup', 'AmazonS3GlacierDeepArchive'
        ) THEN 'Storage'
        WHEN product_code IN (
            'AmazonRDS', 'AmazonDynamoDB', 'AmazonElastiCache', 'AmazonRedshift', 'AmazonDocDB', 'AmazonNeptune'
        ) THEN 'Databases'
        WHEN product_code IN (
            'AmazonVPC', 'AWSDataTransfer', 'AmazonCloudFront', 'AmazonRoute53', 'AWSDirectConnect', 'AWSELB'
        ) THEN 'Networking'
        WHEN product_code IN ('AmazonSageMaker', 'AmazonBedrock', 'AmazonRekognition') THEN 'AI and Machine Learning'
        WHEN product_code IN ('AmazonAthena', 'AWSGlue', 'AmazonKinesis', 'ElasticMapReduce') THEN 'Analytics'
        WHEN product_code IN ('AmazonSNS', 'AWSQueueService', 'AWSEvents', 'AmazonStates') THEN 'Integration'
        WHEN product_code IN (
            'AmazonCloudWatch', 'AWSCloudTrail', 'AWSConfig', 'AWSSystemsManager', 'AWSCloudFormation'
        ) THEN 'Management and Governance'
        WHEN product_code IN ('awskms', 'AWSSecretsManager', 'AmazonGuardDuty', 'awswaf') THEN 'Security'
        ELSE 'Other'
    END AS ServiceCategory,
    product_code AS ServiceName,
    CAST(NULL AS VARCHAR) AS ServiceSubcategory,
    CASE WHEN charge_category != 'Tax' THEN COALESCE(sku, usage_type) END AS SkuId,
    CASE WHEN charge_category != 'Tax' THEN COALESCE(instance_type, usage_type) END AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    CASE WHEN charge_category != 'Tax' THEN rate_code END AS SkuPriceId,
    usage_account AS SubAccountId,
    usage_account_name AS SubAccountName,
    'Account' AS SubAccountType,
    tags AS Tags,
    'AWS' AS ServiceProviderName,
    'AWS' AS HostProviderName,
    row_number,
    refusal
FROM priced
