-- AWS legacy Cost and Usage Report. Source of the columns: reference, sections 1.3 and 1.5.

CREATE VIEW aws_report AS
SELECT
    MD5(line || ':' || CAST(number AS VARCHAR) || ':' || CAST(started_at AS VARCHAR)) AS "identity/LineItemId",
    STRFTIME(started_at, '%Y-%m-%dT%H:%M:%SZ') || '/' || STRFTIME(ended_at, '%Y-%m-%dT%H:%M:%SZ')
        AS "identity/TimeInterval",
    STRFTIME(starts_at, '%Y%m') || '4711' AS "bill/InvoiceId",
    'Amazon Web Services EMEA SARL' AS "bill/InvoicingEntity",
    'AWS' AS "bill/BillingEntity",
    'Anniversary' AS "bill/BillType",
    '410200300001' AS "bill/PayerAccountId",
    STRFTIME(starts_at, '%Y-%m-%dT%H:%M:%SZ') AS "bill/BillingPeriodStartDate",
    STRFTIME(starts_at + INTERVAL 1 MONTH, '%Y-%m-%dT%H:%M:%SZ') AS "bill/BillingPeriodEndDate",
    account AS "lineItem/UsageAccountId",
    CASE kind
        WHEN 'usage' THEN 'Usage'
        WHEN 'covered' THEN 'SavingsPlanCoveredUsage'
        WHEN 'negation' THEN 'SavingsPlanNegation'
        WHEN 'fee' THEN 'SavingsPlanRecurringFee'
        ELSE 'Tax'
    END AS "lineItem/LineItemType",
    STRFTIME(started_at, '%Y-%m-%dT%H:%M:%SZ') AS "lineItem/UsageStartDate",
    STRFTIME(ended_at, '%Y-%m-%dT%H:%M:%SZ') AS "lineItem/UsageEndDate",
    service AS "lineItem/ProductCode",
    CASE
        WHEN kind = 'tax' THEN NULL
        WHEN kind = 'fee' THEN 'EU-' || sku
        WHEN pool = 'direct' THEN 'EU-InstanceUsage:' || sku
        ELSE 'EU-BoxUsage:' || sku
    END AS "lineItem/UsageType",
    CASE
        WHEN kind IN ('tax', 'fee') THEN NULL
        WHEN pool = 'direct' THEN 'CreateDBInstance:0014'
        ELSE 'RunInstances'
    END AS "lineItem/Operation",
    CASE
        WHEN resource IS NOT NULL THEN region || SUBSTR('abc', CAST(resource_no % 3 AS INTEGER) + 1, 1)
    END AS "lineItem/AvailabilityZone",
    resource AS "lineItem/ResourceId",
    quantity AS "lineItem/UsageAmount",
    CAST(NULL AS VARCHAR) AS "lineItem/NormalizationFactor",
    CAST(NULL AS VARCHAR) AS "lineItem/NormalizedUsageAmount",
    'USD' AS "lineItem/CurrencyCode",
    CASE WHEN kind IN ('usage', 'covered') THEN billed_rate END AS "lineItem/UnblendedRate",
    billed AS "lineItem/UnblendedCost",
    CASE WHEN kind IN ('usage', 'covered') THEN billed_rate END AS "lineItem/BlendedRate",
    billed AS "lineItem/BlendedCost",
    CASE kind
        WHEN 'tax' THEN 'Tax for product code AmazonEC2, usage type EU-BoxUsage'
        WHEN 'fee' THEN '1 year No Upfront Compute Savings Plan'
        WHEN 'negation' THEN 'SavingsPlanNegation used by AccountId : ' || account || ' and UsageSku : ' || sku_id
        ELSE '$' || CAST(billed_rate AS VARCHAR) || ' per ' || sku || ' Instance Hour (or partial hour)'
    END AS "lineItem/LineItemDescription",
    CASE WHEN kind = 'tax' THEN 'VAT' END AS "lineItem/TaxType",
    'Amazon Web Services EMEA SARL' AS "lineItem/LegalEntity",
    CASE service
        WHEN 'AmazonEC2' THEN 'Amazon Elastic Compute Cloud'
        WHEN 'AmazonRDS' THEN 'Amazon Relational Database Service'
        ELSE 'Savings Plans for AWS Compute usage'
    END AS "product/ProductName",
    CASE WHEN kind IN ('usage', 'covered') THEN SPLIT_PART(sku, '.', 1) END AS "product/instanceFamily",
    CASE WHEN kind IN ('usage', 'covered') THEN sku END AS "product/instanceType",
    CASE WHEN kind IN ('usage', 'covered') THEN 'Linux' END AS "product/operatingSystem",
    CASE
        WHEN kind NOT IN ('usage', 'covered') THEN NULL
        WHEN pool = 'direct' THEN 'Database Instance'
        ELSE 'Compute Instance'
    END AS "product/productFamily",
    CASE WHEN kind <> 'tax' THEN region END AS "product/region",
    CASE WHEN kind <> 'tax' THEN region END AS "product/regionCode",
    service AS "product/servicecode",
    CASE WHEN kind <> 'tax' THEN sku_id END AS "product/sku",
    CASE WHEN kind IN ('usage', 'covered') THEN sku_id || '.JRTCKXETXF.6YS6EN2CT7' END AS "pricing/RateCode",
    CASE WHEN kind IN ('usage', 'covered') THEN CAST(7000000 + line_no AS VARCHAR) END AS "pricing/RateId",
    CASE WHEN kind <> 'tax' THEN 'USD' END AS "pricing/currency",
    listed AS "pricing/publicOnDemandCost",
    CASE WHEN kind IN ('usage', 'covered') THEN list_rate END AS "pricing/publicOnDemandRate",
    CASE WHEN kind IN ('usage', 'covered') THEN 'OnDemand' END AS "pricing/term",
    CASE WHEN kind <> 'tax' THEN unit END AS "pricing/unit",
    CAST(NULL AS VARCHAR) AS "reservation/EffectiveCost",
    CAST(NULL AS VARCHAR) AS "reservation/ReservationARN",
    CASE WHEN kind = 'fee' THEN billed END AS "savingsPlan/TotalCommitmentToDate",
    CASE
        WHEN kind IN ('covered', 'negation', 'fee')
            THEN 'arn:aws:savingsplans::410200300011:savingsplan/7c9e6679-7425-40de-944b-e07fc1f90ae7'
    END AS "savingsPlan/SavingsPlanARN",
    CASE WHEN kind = 'covered' THEN effective_rate END AS "savingsPlan/SavingsPlanRate",
    CASE WHEN kind = 'fee' THEN billed END AS "savingsPlan/UsedCommitment",
    CASE WHEN kind = 'covered' THEN effective END AS "savingsPlan/SavingsPlanEffectiveCost",
    CASE WHEN resource IS NOT NULL THEN pool END AS "resourceTags/user:platform",
    CASE WHEN pool = 'direct' THEN tenant END AS "resourceTags/user:tenant",
    CASE WHEN pool = 'direct' THEN department END AS "resourceTags/user:department",
    CASE WHEN pool = 'direct' THEN cost_centre END AS "resourceTags/user:cost-centre"
FROM charges;
