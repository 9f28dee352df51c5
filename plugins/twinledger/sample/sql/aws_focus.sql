-- AWS' FOCUS 1.2 export, as Data Exports write it in Parquet: maps, doubles, and AWS' own columns behind.
-- Source of the columns: reference, section 1.4 and appendix A2.

CREATE VIEW aws_focus AS
SELECT
    CASE WHEN resource IS NOT NULL THEN region || SUBSTR('abc', CAST(resource_no % 3 AS INTEGER) + 1, 1) END
        AS "AvailabilityZone",
    CAST(billed AS DOUBLE) AS "BilledCost",
    '410200300200' AS "BillingAccountId",
    'Nimbus Ventures' AS "BillingAccountName",
    'Management Account' AS "BillingAccountType",
    'USD' AS "BillingCurrency",
    starts_at + INTERVAL 1 MONTH AS "BillingPeriodEnd",
    starts_at AS "BillingPeriodStart",
    CAST(NULL AS VARCHAR) AS "CapacityReservationId",
    CAST(NULL AS VARCHAR) AS "CapacityReservationStatus",
    CASE
        WHEN kind IN ('usage', 'covered', 'unused') OR kind = 'refund' THEN 'Usage'
        WHEN kind IN ('fee', 'purchase') THEN 'Purchase'
        WHEN kind = 'credit' THEN 'Credit'
        ELSE 'Tax'
    END AS "ChargeCategory",
    CASE WHEN kind = 'refund' THEN 'Correction' END AS "ChargeClass",
    CASE WHEN kind = 'tax' THEN 'VAT' ELSE sku || ' in ' || region END AS "ChargeDescription",
    CASE
        WHEN kind IN ('usage', 'covered', 'unused') THEN 'Usage-Based'
        WHEN kind IN ('fee', 'tax') THEN 'Recurring'
        ELSE 'One-Time'
    END AS "ChargeFrequency",
    ended_at AS "ChargePeriodEnd",
    started_at AS "ChargePeriodStart",
    CASE WHEN commitment IS NOT NULL THEN 'Spend' END AS "CommitmentDiscountCategory",
    commitment AS "CommitmentDiscountId",
    CASE WHEN commitment IS NOT NULL THEN 'compute-1yr' END AS "CommitmentDiscountName",
    CASE WHEN commitment IS NOT NULL THEN CAST(CASE WHEN kind = 'fee' THEN billed ELSE effective END AS DOUBLE) END
        AS "CommitmentDiscountQuantity",
    CASE WHEN commitment IS NOT NULL THEN 'Compute Savings Plan' END AS "CommitmentDiscountType",
    CASE WHEN commitment IS NOT NULL THEN 'USD' END AS "CommitmentDiscountUnit",
    CASE kind WHEN 'covered' THEN 'Used' WHEN 'unused' THEN 'Unused' END AS "CommitmentDiscountStatus",
    CASE WHEN kind IN ('usage', 'covered') THEN CAST(quantity AS DOUBLE) END AS "ConsumedQuantity",
    CASE WHEN kind IN ('usage', 'covered') THEN unit END AS "ConsumedUnit",
    CAST(CASE WHEN kind = 'covered' THEN listed WHEN kind = 'unused' THEN 0 ELSE billed END AS DOUBLE)
        AS "ContractedCost",
    CASE
        WHEN kind = 'covered' THEN CAST(list_rate AS DOUBLE)
        WHEN kind = 'usage' THEN CAST(billed_rate AS DOUBLE)
    END AS "ContractedUnitPrice",
    CAST(effective AS DOUBLE) AS "EffectiveCost",
    STRFTIME(starts_at, '%Y%m') || '6933' AS "InvoiceId",
    'Amazon Web Services EMEA SARL' AS "InvoiceIssuerName",
    CAST(CASE WHEN kind IN ('usage', 'covered', 'unused') THEN listed ELSE billed END AS DOUBLE) AS "ListCost",
    CASE WHEN kind IN ('usage', 'covered') THEN CAST(list_rate AS DOUBLE) END AS "ListUnitPrice",
    CASE
        WHEN kind IN ('covered', 'unused') THEN 'Committed'
        WHEN kind IN ('usage', 'fee', 'purchase', 'refund') THEN 'Standard'
    END AS "PricingCategory",
    'USD' AS "PricingCurrency",
    CAST(NULL AS DOUBLE) AS "PricingCurrencyContractedUnitPrice",
    CAST(NULL AS DOUBLE) AS "PricingCurrencyEffectiveCost",
    CAST(NULL AS DOUBLE) AS "PricingCurrencyListUnitPrice",
    CASE WHEN kind <> 'tax' THEN CAST(quantity AS DOUBLE) END AS "PricingQuantity",
    CASE WHEN kind <> 'tax' THEN unit END AS "PricingUnit",
    'AWS' AS "ProviderName",
    'AWS' AS "PublisherName",
    CASE WHEN kind <> 'tax' THEN region END AS "RegionId",
    CASE WHEN kind <> 'tax' THEN 'Europe (Stockholm)' END AS "RegionName",
    resource AS "ResourceId",
    resource AS "ResourceName",
    CASE
        WHEN resource IS NULL THEN NULL
        WHEN service = 'AWS Lambda' THEN 'Function'
        ELSE 'Instance'
    END AS "ResourceType",
    'Compute' AS "ServiceCategory",
    service AS "ServiceName",
    CASE service
        WHEN 'AWS Lambda' THEN 'Serverless Compute'
        WHEN 'Amazon Elastic Compute Cloud' THEN 'Virtual Machines'
        ELSE 'Other (Compute)'
    END AS "ServiceSubcategory",
    CASE WHEN kind <> 'tax' THEN sku_id END AS "SkuId",
    CASE WHEN kind <> 'tax' THEN sku END AS "SkuMeter",
    CASE WHEN kind <> 'tax' THEN sku_id || '.JRTCKXETXF.6YS6EN2CT7' END AS "SkuPriceId",
    CAST(NULL AS VARCHAR) AS "SkuPriceDetails",
    account AS "SubAccountId",
    'nimbus-ventures' AS "SubAccountName",
    'Member Account' AS "SubAccountType",
    CASE
        WHEN kind IN ('usage', 'covered', 'unused')
            THEN MAP {'tenant': tenant, 'department': department, 'cost-centre': cost_centre}
    END AS "Tags",
    CASE WHEN kind = 'usage' THEN MAP {'private_rate': CAST(billed - listed AS DOUBLE)} END AS "x_Discounts",
    CASE WHEN service = 'Amazon Elastic Compute Cloud' THEN 'RunInstances' WHEN service = 'AWS Lambda' THEN 'Invoke' END
        AS "x_Operation",
    CASE service
        WHEN 'AWS Lambda' THEN 'AWSLambda'
        WHEN 'Amazon Elastic Compute Cloud' THEN 'AmazonEC2'
        ELSE 'ComputeSavingsPlans'
    END AS "x_ServiceCode"
FROM charges;
