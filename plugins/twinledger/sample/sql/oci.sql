-- Oracle Cloud's cost report and its FOCUS report. Source of the columns: reference, section 8 and appendix A8.
-- Times are UTC. Oracle writes a start to the minute and an end to the second, and small costs with an exponent.

CREATE MACRO oci_decimal(amount) AS CAST(CAST(amount AS DECIMAL(38, 18)) AS VARCHAR);

CREATE MACRO oci_minute(instant) AS STRFTIME(instant, '%Y-%m-%dT%H:%MZ');

CREATE MACRO oci_second(instant) AS STRFTIME(instant, '%Y-%m-%dT%H:%M:%SZ');

CREATE VIEW oci_cost AS
SELECT
    MD5(line || number || STRFTIME(starts_at, '%Y%m')) AS "lineItem/referenceNo",
    'ocid1.tenancy.oc1..aaaaaaaanimbus417001' AS "lineItem/tenantId",
    oci_minute(started_at) AS "lineItem/intervalUsageStart",
    oci_second(ended_at) AS "lineItem/intervalUsageEnd",
    service AS "product/service",
    account AS "product/compartmentId",
    'nimbus-orders' AS "product/compartmentName",
    region AS "product/region",
    CASE WHEN service = 'DATABASE' THEN 'eu-frankfurt-1-ad-1' END AS "product/availabilityDomain",
    CASE WHEN service = 'TELEMETRY' THEN prefix ELSE resource END AS "product/resourceId",
    oci_decimal(quantity) AS "usage/billedQuantity",
    CAST(NULL AS VARCHAR) AS "usage/billedQuantityOverage",
    'ocid1.organizationssubscription.oc1.eu-frankfurt-1.nimbus416' AS "cost/subscriptionId",
    sku_id AS "cost/productSku",
    sku AS "product/Description",
    CASE WHEN NOT aside THEN oci_decimal(billed_rate) END AS "cost/unitPrice",
    CAST(NULL AS VARCHAR) AS "cost/unitPriceOverage",
    CASE
        WHEN aside THEN NULL
        WHEN service = 'TELEMETRY' THEN CAST(CAST(billed * 10000000000 AS BIGINT) AS VARCHAR) || 'E-10'
        ELSE oci_decimal(billed)
    END AS "cost/myCost",
    CAST(NULL AS VARCHAR) AS "cost/myCostOverage",
    'USD' AS "cost/currencyCode",
    CASE WHEN service = 'TELEMETRY' THEN '1000000 NONE NONE DATAPOINTS' ELSE '1 NONE HOURS ECPU' END
        AS "cost/billingUnitReadable",
    unit AS "cost/skuUnitDescription",
    'false' AS "cost/overageFlag",
    CASE WHEN kind = 'refund' THEN 'true' ELSE 'false' END AS "lineItem/isCorrection",
    CASE WHEN kind = 'refund' THEN MD5('oracle/adb0') ELSE CAST(17000 + number % 60 AS VARCHAR) END
        AS "lineItem/backreferenceNo",
    'default/ops@nimbus.example' AS "tags/Oracle-Tags.CreatedBy",
    tenant AS "tags/tenant",
    department AS "tags/department",
    cost_centre AS "tags/cost-centre",
    CASE WHEN service = 'DATABASE' THEN '1.0' END AS "tags/Nimbus\orders-4cb4.release"
FROM charges;

CREATE VIEW oci_focus AS
SELECT
    CASE WHEN resource IS NOT NULL THEN 'qqjL:EU-FRANKFURT-1-AD-1' END AS "AvailabilityZone",
    CAST(billed AS DECIMAL(28, 11)) AS "BilledCost",
    '20417731' AS "BillingAccountId",
    CAST(NULL AS VARCHAR) AS "BillingAccountName",
    'USD' AS "BillingCurrency",
    STRFTIME(starts_at + INTERVAL 1 MONTH, '%Y-%m-%dT%H:%M:%S.000Z') AS "BillingPeriodEnd",
    STRFTIME(starts_at, '%Y-%m-%dT%H:%M:%S.000Z') AS "BillingPeriodStart",
    CASE
        WHEN kind = 'tax' THEN 'Tax'
        WHEN kind = 'purchase' THEN 'Purchase'
        WHEN kind IN ('refund', 'credit') THEN 'Adjustment'
        ELSE 'Usage'
    END AS "ChargeCategory",
    sku AS "ChargeDescription",
    CASE WHEN kind IN ('usage', 'covered', 'unused') THEN 'Usage-based' ELSE 'One-time' END AS "ChargeFrequency",
    oci_second(ended_at) AS "ChargePeriodEnd",
    oci_minute(started_at) AS "ChargePeriodStart",
    CASE kind
        WHEN 'usage' THEN 'On-Demand'
        WHEN 'covered' THEN 'Used Commitment'
        WHEN 'unused' THEN 'Unused Commitment'
        WHEN 'refund' THEN 'Refund'
        WHEN 'credit' THEN 'Credit'
    END AS "ChargeSubcategory",
    CASE WHEN commitment IS NOT NULL THEN 'Spend' END AS "CommitmentDiscountCategory",
    commitment AS "CommitmentDiscountId",
    CASE WHEN commitment IS NOT NULL THEN 'Annual E5' END AS "CommitmentDiscountName",
    CASE WHEN commitment IS NOT NULL THEN 'Annual Commitment' END AS "CommitmentDiscountType",
    CAST(effective AS DECIMAL(28, 11)) AS "EffectiveCost",
    'Oracle' AS "InvoiceIssuer",
    CAST(listed AS DECIMAL(28, 11)) AS "ListCost",
    CASE WHEN kind IN ('usage', 'covered', 'unused', 'purchase') THEN CAST(list_rate AS DECIMAL(28, 12)) END
        AS "ListUnitPrice",
    CASE kind WHEN 'usage' THEN 'On-Demand' WHEN 'covered' THEN 'Commitment-Based' END AS "PricingCategory",
    CASE WHEN unit <> '' THEN CAST(quantity AS DECIMAL(28, 11)) END AS "PricingQuantity",
    NULLIF(unit, '') AS "PricingUnit",
    'Oracle' AS "Provider",
    'Oracle' AS "Publisher",
    region AS "Region",
    resource AS "ResourceId",
    CAST(NULL AS VARCHAR) AS "ResourceName",
    CASE WHEN resource IS NOT NULL THEN 'instance' END AS "ResourceType",
    CASE WHEN service = 'COMPUTE' THEN 'Compute' ELSE 'Other' END AS "ServiceCategory",
    service AS "ServiceName",
    sku_id AS "SkuId",
    CAST(NULL AS VARCHAR) AS "SkuPriceId",
    account AS "SubAccountId",
    'nimbus-platform' AS "SubAccountName",
    CASE
        WHEN kind IN ('usage', 'covered', 'unused')
            THEN '{"tenant": "' || tenant || '", "department": "' || department || '", "cost-centre": "' || cost_centre || '"}'
        ELSE '{}'
    END AS "Tags",
    CASE WHEN kind IN ('usage', 'covered') THEN CAST(quantity AS DECIMAL(28, 15)) END AS "UsageQuantity",
    CASE WHEN kind IN ('usage', 'covered') THEN unit END AS "UsageUnit",
    MD5(line || number || STRFTIME(starts_at, '%Y%m')) AS "oci_ReferenceNumber",
    'ocid1.compartment.oc1..aaaanimbusplatform' AS "oci_CompartmentId",
    'platform' AS "oci_CompartmentName",
    'false' AS "oci_OverageFlag",
    CAST(NULL AS VARCHAR) AS "oci_UnitPriceOverage",
    CAST(NULL AS VARCHAR) AS "oci_BilledQuantityOverage",
    CAST(NULL AS VARCHAR) AS "oci_CostOverage",
    CAST(NULL AS VARCHAR) AS "oci_AttributedUsage",
    CAST(NULL AS VARCHAR) AS "oci_AttributedCost",
    CAST(NULL AS VARCHAR) AS "oci_BackReferenceNumber",
    CASE WHEN kind = 'usage' THEN 'frankfurt' END AS "tags/Nimbus\platform.site"
FROM charges;
