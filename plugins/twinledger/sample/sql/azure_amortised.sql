-- Azure EA cost details, older header, the actual and the amortised export: a reservation and a savings plan are
-- charged by the one and spread by the other. Source of the columns: reference, sections 2.2 to 2.4 and appendix A4.

CREATE VIEW azure_amortised_export AS
SELECT
    '88210046' AS "BillingAccountId",
    'Nimbus Logistics GmbH' AS "BillingAccountName",
    STRFTIME(starts_at, '%m/%d/%Y') AS "BillingPeriodStartDate",
    STRFTIME(starts_at + INTERVAL 1 MONTH - INTERVAL 1 DAY, '%m/%d/%Y') AS "BillingPeriodEndDate",
    '88210046' AS "BillingProfileId",
    'Nimbus Logistics GmbH' AS "BillingProfileName",
    'cloud@nimbus.example' AS "AccountOwnerId",
    'nimbus.example' AS "AccountName",
    CASE WHEN kind <> 'unused' THEN account END AS "SubscriptionId",
    CASE WHEN kind <> 'unused' THEN 'nimbus-logistics' END AS "SubscriptionName",
    STRFTIME(started_at, '%m/%d/%Y') AS "Date",
    service || ' - ' || sku AS "Product",
    CASE WHEN kind IN ('usage', 'covered') THEN 'AAH-' || SUBSTR(sku_id, 1, 5) END AS "PartNumber",
    sku_id AS "MeterId",
    'Compute' AS "ServiceFamily",
    CASE WHEN kind <> 'purchase' AND service <> 'Savings Plans' THEN service END AS "MeterCategory",
    CAST(NULL AS VARCHAR) AS "MeterSubCategory",
    CASE WHEN region <> '' THEN 'EU West' END AS "MeterRegion",
    sku AS "MeterName",
    quantity AS "Quantity",
    CASE WHEN GETVARIABLE('dataset') = 'amortized' THEN effective_rate ELSE billed_rate END AS "EffectivePrice",
    CASE WHEN GETVARIABLE('dataset') = 'amortized' THEN effective ELSE billed END AS "Cost",
    CASE WHEN kind = 'covered' THEN list_rate WHEN kind = 'unused' THEN 0 ELSE billed_rate END AS "UnitPrice",
    'USD' AS "BillingCurrency",
    NULLIF(region, '') AS "ResourceLocation",
    CAST(NULL AS VARCHAR) AS "AvailabilityZone",
    CASE WHEN service = 'Storage' THEN 'Microsoft.Storage' WHEN resource IS NOT NULL THEN 'Microsoft.Compute' END
        AS "ConsumedService",
    resource AS "ResourceId",
    REGEXP_EXTRACT(resource, '[^/]+$') AS "ResourceName",
    CAST(NULL AS VARCHAR) AS "ServiceInfo1",
    CAST(NULL AS VARCHAR) AS "ServiceInfo2",
    CAST(NULL AS VARCHAR) AS "AdditionalInfo",
    CASE
        WHEN kind IN ('usage', 'covered', 'unused')
            THEN
                '"tenant": "'
                || tenant
                || '","department": "'
                || department
                || '","cost-centre": "'
                || cost_centre
                || '"'
    END AS "Tags",
    CAST(NULL AS VARCHAR) AS "InvoiceSectionId",
    'Nimbus Logistics' AS "InvoiceSection",
    CASE WHEN kind IN ('usage', 'covered', 'unused') THEN cost_centre END AS "CostCenter",
    unit AS "UnitOfMeasure",
    CASE WHEN resource IS NOT NULL THEN 'rg-apps' END AS "ResourceGroup",
    CASE WHEN NOT CONTAINS(commitment, 'BillingBenefits') THEN REGEXP_EXTRACT(commitment, '[^/]+$') END
        AS "ReservationId",
    CASE WHEN NOT CONTAINS(commitment, 'BillingBenefits') THEN 'nimbus-d8s' END AS "ReservationName",
    CASE WHEN kind = 'fee' THEN REGEXP_EXTRACT(commitment, 'Orders/([^/]+)', 1) END AS "ProductOrderId",
    CASE WHEN kind = 'fee' THEN sku END AS "ProductOrderName",
    'MS-AZR-0017P' AS "OfferId",
    CASE WHEN kind = 'purchase' THEN 'False' ELSE 'True' END AS "IsAzureCreditEligible",
    CASE WHEN commitment IS NOT NULL THEN '12' END AS "Term",
    CASE WHEN kind = 'purchase' THEN service WHEN commitment IS NULL THEN 'Microsoft' END AS "PublisherName",
    CAST(NULL AS VARCHAR) AS "PlanName",
    CASE
        WHEN
            kind = 'unused'
            THEN CASE WHEN CONTAINS(commitment, 'BillingBenefits') THEN 'UnusedSavingsPlan' ELSE 'UnusedReservation' END
        WHEN kind IN ('usage', 'covered') THEN 'Usage'
        WHEN kind IN ('fee', 'purchase') THEN 'Purchase'
        WHEN kind = 'refund' THEN 'Refund'
        WHEN kind = 'credit' THEN 'Credit'
        ELSE 'RoundingAdjustment'
    END AS "ChargeType",
    CASE
        WHEN kind IN ('usage', 'covered', 'unused') THEN 'UsageBased' WHEN kind = 'fee' THEN 'Recurring' ELSE 'OneTime'
    END AS "Frequency",
    CASE WHEN kind = 'purchase' THEN 'Marketplace' ELSE 'Azure' END AS "PublisherType",
    CASE WHEN kind IN ('usage', 'covered') THEN list_rate ELSE 0 END AS "PayGPrice",
    CASE
        WHEN commitment IS NULL THEN CASE WHEN kind IN ('credit', 'adjustment') THEN NULL ELSE 'OnDemand' END
        WHEN CONTAINS(commitment, 'BillingBenefits') THEN 'SavingsPlan'
        ELSE 'Reservation'
    END AS "PricingModel",
    CAST(NULL AS VARCHAR) AS "CostAllocationRuleName",
    commitment AS "benefitId",
    CASE
        WHEN CONTAINS(commitment, 'BillingBenefits') THEN 'nimbus-plan' WHEN commitment IS NOT NULL THEN 'nimbus-d8s'
    END AS "benefitName"
FROM charges;
