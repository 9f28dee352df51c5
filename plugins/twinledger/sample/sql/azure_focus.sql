-- Azure's FOCUS 1.2 export, with the gaps that Microsoft says it has. Source of the columns: reference, appendix A3.

CREATE VIEW azure_focus_export AS
SELECT
    CAST(billed AS DECIMAL(28, 12)) AS "BilledCost",
    '/providers/microsoft.billing/billingaccounts/8a1f0c77/billingprofiles/nimb-foc2-bg7-pgb' AS "BillingAccountId",
    'Nimbus Stores' AS "BillingAccountName",
    'Billing Profile' AS "BillingAccountType",
    'USD' AS "BillingCurrency",
    starts_at + INTERVAL 1 MONTH AS "BillingPeriodEnd",
    starts_at AS "BillingPeriodStart",
    CAST(NULL AS VARCHAR) AS "CapacityReservationId",
    CAST(NULL AS VARCHAR) AS "CapacityReservationStatus",
    CASE WHEN kind IN ('usage', 'covered', 'unused') THEN 'Usage' ELSE 'Purchase' END AS "ChargeCategory",
    CASE WHEN kind = 'refund' THEN 'Correction' END AS "ChargeClass",
    CASE WHEN kind <> 'unused' THEN service || ' - ' || sku END AS "ChargeDescription",
    CASE
        WHEN kind IN ('usage', 'covered', 'unused') THEN 'Usage-Based' WHEN kind = 'fee' THEN 'Recurring' ELSE
            'One-Time'
    END AS "ChargeFrequency",
    started_at + INTERVAL 1 DAY AS "ChargePeriodEnd",
    started_at AS "ChargePeriodStart",
    CASE WHEN commitment IS NOT NULL THEN 'Usage' END AS "CommitmentDiscountCategory",
    commitment AS "CommitmentDiscountId",
    CASE WHEN commitment IS NOT NULL THEN 'nimbus-d8s' END AS "CommitmentDiscountName",
    CAST(NULL AS DECIMAL(28, 12)) AS "CommitmentDiscountQuantity",
    CASE kind WHEN 'covered' THEN 'Used' WHEN 'unused' THEN 'Unused' END AS "CommitmentDiscountStatus",
    CASE WHEN commitment IS NOT NULL THEN 'Reservation' END AS "CommitmentDiscountType",
    CAST(NULL AS VARCHAR) AS "CommitmentDiscountUnit",
    CAST(CASE WHEN kind IN ('usage', 'covered') THEN quantity END AS DECIMAL(28, 12)) AS "ConsumedQuantity",
    CASE WHEN kind IN ('usage', 'covered') THEN 'Hours' END AS "ConsumedUnit",
    CAST(
        CASE
            WHEN kind IN ('fee', 'purchase', 'refund') OR service = 'Confluent Cloud' OR kind = 'unused' THEN 0 WHEN
                kind = 'covered'
                THEN listed
            ELSE billed
        END AS DECIMAL(28, 12)
    ) AS "ContractedCost",
    CAST(
        CASE
            WHEN kind IN ('fee', 'purchase', 'refund') OR service = 'Confluent Cloud' OR kind = 'unused' THEN 0 WHEN
                kind = 'covered'
                THEN list_rate
            ELSE billed_rate
        END AS DECIMAL(28, 12)
    ) AS "ContractedUnitPrice",
    CAST(effective AS DECIMAL(28, 12)) AS "EffectiveCost",
    'G0' || STRFTIME(starts_at, '%Y%m') || '72' AS "InvoiceId",
    'Microsoft' AS "InvoiceIssuerName",
    CAST(
        CASE
            WHEN kind IN ('fee', 'purchase', 'refund') OR service = 'Confluent Cloud' THEN 0 ELSE listed
        END AS DECIMAL(28, 12)
    ) AS "ListCost",
    CAST(
        CASE
            WHEN kind IN ('fee', 'purchase', 'refund') OR service = 'Confluent Cloud' THEN 0 ELSE list_rate
        END AS DECIMAL(28, 12)
    ) AS "ListUnitPrice",
    CASE WHEN commitment IS NULL THEN 'Standard' ELSE 'Committed' END AS "PricingCategory",
    'USD' AS "PricingCurrency",
    CAST(quantity AS DECIMAL(28, 12)) AS "PricingQuantity",
    CASE WHEN kind IN ('usage', 'covered', 'unused') THEN 'Hours' ELSE 'Units' END AS "PricingUnit",
    'Microsoft' AS "ProviderName",
    CASE WHEN service = 'Confluent Cloud' THEN 'Confluent' WHEN commitment IS NULL THEN 'Microsoft' END
        AS "PublisherName",
    NULLIF(region, '') AS "RegionId",
    CASE WHEN region <> '' THEN 'West Europe' END AS "RegionName",
    LOWER(resource) AS "ResourceId",
    REGEXP_EXTRACT(resource, '[^/]+$') AS "ResourceName",
    CASE
        WHEN service = 'Confluent Cloud' THEN 'Confluent organization' WHEN resource IS NOT NULL THEN 'Virtual machine'
    END AS "ResourceType",
    CASE service
        WHEN 'Virtual Machines' THEN 'Compute' WHEN 'Azure Support' THEN 'Management and Governance' ELSE 'Other'
    END AS "ServiceCategory",
    CASE WHEN kind <> 'fee' THEN service END AS "ServiceName",
    CASE service WHEN 'Virtual Machines' THEN 'Virtual Machines' WHEN 'Azure Support' THEN 'Support' END
        AS "ServiceSubcategory",
    CASE WHEN kind IN ('usage', 'covered') THEN sku_id END AS "SkuId",
    sku AS "SkuMeter",
    CAST(NULL AS VARCHAR) AS "SkuPriceDetails",
    CASE WHEN kind IN ('usage', 'covered') THEN sku_id || '_' || kind ELSE '-2' END AS "SkuPriceId",
    CASE WHEN kind IN ('usage', 'covered', 'refund') THEN '/subscriptions/' || account END AS "SubAccountId",
    CASE WHEN kind IN ('usage', 'covered') THEN 'nimbus-stores' ELSE 'Unassigned' END AS "SubAccountName",
    CASE WHEN kind IN ('usage', 'covered', 'refund') THEN 'Subscription' END AS "SubAccountType",
    CASE
        WHEN kind IN ('usage', 'covered', 'unused')
            THEN
                '{"tenant":"'
                || tenant
                || '","department":"'
                || department
                || '","cost-centre":"'
                || cost_centre
                || '"}'
    END AS "Tags",
    CAST(NULL AS VARCHAR) AS "x_AccountId",
    CAST(NULL AS VARCHAR) AS "x_AccountName",
    CAST(NULL AS VARCHAR) AS "x_AccountOwnerId",
    CASE WHEN kind = 'fee' THEN 'Principal' WHEN commitment IS NOT NULL THEN 'Amortized Charge' END
        AS "x_AmortizationClass",
    CAST(billed AS DECIMAL(28, 12)) AS "x_BilledCostInUsd",
    CAST(NULL AS DECIMAL(28, 12)) AS "x_BilledUnitPrice",
    CAST(NULL AS VARCHAR) AS "x_BillingAccountId",
    CAST(NULL AS VARCHAR) AS "x_BillingAccountName",
    CAST(1 AS DECIMAL(28, 12)) AS "x_BillingExchangeRate",
    CAST(NULL AS TIMESTAMP) AS "x_BillingExchangeRateDate",
    'NIMB-FOC2-BG7-PGB' AS "x_BillingProfileId",
    'Nimbus Stores' AS "x_BillingProfileName",
    CAST(NULL AS DECIMAL(28, 12)) AS "x_ContractedCostInUsd",
    CAST(NULL AS VARCHAR) AS "x_CostAllocationRuleName",
    CAST(NULL AS VARCHAR) AS "x_CostCenter",
    CAST(NULL AS VARCHAR) AS "x_CustomerId",
    CAST(NULL AS VARCHAR) AS "x_CustomerName",
    CAST(effective AS DECIMAL(28, 12)) AS "x_EffectiveCostInUsd",
    CAST(NULL AS DECIMAL(28, 12)) AS "x_EffectiveUnitPrice",
    CAST(NULL AS VARCHAR) AS "x_InvoiceIssuerId",
    CAST(NULL AS VARCHAR) AS "x_InvoiceSectionId",
    CAST(NULL AS VARCHAR) AS "x_InvoiceSectionName",
    CAST(
        CASE
            WHEN kind IN ('fee', 'purchase', 'refund') OR service = 'Confluent Cloud' THEN 0 ELSE listed
        END AS DECIMAL(28, 12)
    ) AS "x_ListCostInUsd",
    CAST(NULL AS VARCHAR) AS "x_PartnerCreditApplied",
    CAST(NULL AS VARCHAR) AS "x_PartnerCreditRate",
    CAST(1 AS DECIMAL(28, 12)) AS "x_PricingBlockSize",
    CAST(NULL AS VARCHAR) AS "x_PricingSubcategory",
    CAST(NULL AS VARCHAR) AS "x_PricingUnitDescription",
    CASE WHEN service = 'Confluent Cloud' THEN 'Vendor' ELSE 'Cloud Provider' END AS "x_PublisherCategory",
    CAST(NULL AS VARCHAR) AS "x_PublisherId",
    CAST(NULL AS VARCHAR) AS "x_ResellerId",
    CAST(NULL AS VARCHAR) AS "x_ResellerName",
    CASE WHEN resource IS NOT NULL THEN 'rg-apps' END AS "x_ResourceGroupName",
    CAST(NULL AS VARCHAR) AS "x_ResourceType",
    CAST(NULL AS VARCHAR) AS "x_ServiceModel",
    CAST(NULL AS TIMESTAMP) AS "x_ServicePeriodEnd",
    CAST(NULL AS TIMESTAMP) AS "x_ServicePeriodStart",
    sku AS "x_SkuDescription",
    CAST(NULL AS BOOLEAN) AS "x_SkuIsCreditEligible",
    CASE WHEN kind <> 'fee' THEN service END AS "x_SkuMeterCategory",
    sku_id AS "x_SkuMeterId",
    CASE WHEN kind = 'fee' THEN service END AS "x_SkuMeterSubcategory",
    CAST(NULL AS VARCHAR) AS "x_SkuOfferId",
    CAST(NULL AS VARCHAR) AS "x_SkuOrderId",
    CAST(NULL AS VARCHAR) AS "x_SkuOrderName",
    CASE WHEN kind IN ('usage', 'covered') THEN 'AAH-' || SUBSTR(sku_id, 1, 5) END AS "x_SkuPartNumber",
    CAST(NULL AS VARCHAR) AS "x_SkuPlanName",
    CAST(NULL AS VARCHAR) AS "x_SkuRegion",
    CAST(NULL AS VARCHAR) AS "x_SkuServiceFamily",
    CASE WHEN commitment IS NOT NULL THEN '12' END AS "x_SkuTerm",
    CAST(NULL AS VARCHAR) AS "x_SkuTier"
FROM charges;
