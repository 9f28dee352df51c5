-- Azure MCA cost details, billed in euro and priced in dollars at 0.8 euro for one. Source of the columns: reference,
-- sections 2.2 to 2.4.

CREATE VIEW azure_mca_export AS
SELECT
    'G0' || STRFTIME(starts_at, '%Y%m') || '71' AS "invoiceId",
    CASE WHEN kind = 'refund' THEN 'G0' || STRFTIME(starts_at - INTERVAL 1 MONTH, '%Y%m') || '71' END
        AS "previousInvoiceId",
    '8a1f0c77-5d2b-4c3e-9f10-6b7a8c9d0e11:1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809_2019-05-31' AS "billingAccountId",
    'Nimbus Retail SE' AS "billingAccountName",
    'NIMB-MCA7-BG7-PGB' AS "billingProfileId",
    'Nimbus Europe' AS "billingProfileName",
    'NIMB-SEC1-PJA-PGB' AS "invoiceSectionId",
    'Nimbus Europe' AS "invoiceSectionName",
    CAST(NULL AS VARCHAR) AS "resellerName",
    CAST(NULL AS VARCHAR) AS "resellerMpnId",
    CASE WHEN kind IN ('usage', 'covered', 'unused') THEN cost_centre END AS "costCenter",
    STRFTIME(starts_at + INTERVAL 1 MONTH - INTERVAL 1 DAY, '%m/%d/%Y') AS "billingPeriodEndDate",
    STRFTIME(starts_at, '%m/%d/%Y') AS "billingPeriodStartDate",
    STRFTIME(starts_at + INTERVAL 1 MONTH - INTERVAL 1 DAY, '%m/%d/%Y') AS "servicePeriodEndDate",
    STRFTIME(starts_at, '%m/%d/%Y') AS "servicePeriodStartDate",
    STRFTIME(started_at, '%m/%d/%Y') AS "date",
    'Compute' AS "serviceFamily",
    CAST(NULL AS VARCHAR) AS "productOrderId",
    CASE WHEN kind = 'fee' THEN sku ELSE 'Azure plan' END AS "productOrderName",
    CASE WHEN service = 'Storage' THEN 'Microsoft.Storage' WHEN resource IS NOT NULL THEN 'Microsoft.Compute' END
        AS "consumedService",
    CASE WHEN kind IN ('usage', 'covered') THEN sku_id END AS "meterId",
    sku AS "meterName",
    CASE WHEN service IN ('Virtual Machines', 'Storage') THEN service END AS "meterCategory",
    CASE WHEN service IN ('Virtual Machines', 'Storage') THEN NULL ELSE service END AS "meterSubCategory",
    CASE WHEN region <> '' THEN 'EU West' END AS "meterRegion",
    'DZH' || UPPER(SUBSTR(MD5(sku_id), 1, 13)) AS "ProductId",
    service || ' - ' || sku AS "ProductName",
    CASE WHEN kind IN ('usage', 'covered', 'refund') THEN account END AS "SubscriptionId",
    CASE WHEN kind IN ('usage', 'covered', 'refund') THEN 'nimbus-europe' END AS "subscriptionName",
    'Azure' AS "publisherType",
    CAST(NULL AS VARCHAR) AS "publisherId",
    CASE WHEN commitment IS NULL THEN 'Microsoft' END AS "publisherName",
    CASE WHEN resource IS NOT NULL THEN 'rg-apps' END AS "resourceGroupName",
    resource AS "ResourceId",
    NULLIF(region, '') AS "resourceLocation",
    CASE WHEN region <> '' THEN 'EU West' END AS "location",
    billed_rate * 1.25 AS "effectivePrice",
    quantity AS "quantity",
    unit AS "unitOfMeasure",
    CASE
        WHEN
            kind = 'unused'
            THEN CASE WHEN CONTAINS(commitment, 'BillingBenefits') THEN 'UnusedSavingsPlan' ELSE 'UnusedReservation' END
        WHEN kind IN ('usage', 'covered') THEN 'Usage'
        WHEN kind IN ('fee', 'purchase') THEN 'Purchase'
        WHEN kind = 'refund' THEN 'Refund'
        WHEN kind = 'credit' THEN 'Credit'
        ELSE 'RoundingAdjustment'
    END AS "chargeType",
    'EUR' AS "billingCurrency",
    'USD' AS "pricingCurrency",
    billed AS "costInBillingCurrency",
    billed * 1.25 AS "costInPricingCurrency",
    billed * 1.25 AS "costInUsd",
    CASE WHEN kind IN ('usage', 'covered') THEN listed ELSE 0 END AS "paygCostInBillingCurrency",
    CASE WHEN kind IN ('usage', 'covered') THEN listed * 1.25 ELSE 0 END AS "paygCostInUsd",
    CAST(0.8 AS DECIMAL(4, 2)) AS "exchangeRatePricingToBilling",
    STRFTIME(starts_at, '%m/%d/%Y') AS "exchangeRateDate",
    'True' AS "isAzureCreditEligible",
    CAST(NULL AS VARCHAR) AS "serviceInfo1",
    CAST(NULL AS VARCHAR) AS "serviceInfo2",
    CAST(NULL AS VARCHAR) AS "additionalInfo",
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
    END AS "tags",
    CASE WHEN kind IN ('usage', 'covered') THEN list_rate * 1.25 ELSE 0 END AS "PayGPrice",
    CASE
        WHEN kind IN ('usage', 'covered', 'unused') THEN 'UsageBased' WHEN kind = 'fee' THEN 'Recurring' ELSE 'OneTime'
    END AS "frequency",
    CASE WHEN commitment IS NOT NULL THEN 'P1Y' END AS "term",
    REGEXP_EXTRACT(commitment, '[^/]+$') AS "reservationId",
    CASE WHEN commitment IS NOT NULL THEN 'nimbus-d8s' END AS "reservationName",
    CASE
        WHEN commitment IS NULL THEN CASE WHEN kind IN ('credit', 'adjustment') THEN NULL ELSE 'OnDemand' END
        WHEN CONTAINS(commitment, 'BillingBenefits') THEN 'SavingsPlan'
        ELSE 'Reservation'
    END AS "pricingModel",
    CASE WHEN kind = 'covered' THEN list_rate ELSE billed_rate END * 1.25 AS "unitPrice",
    CAST(NULL AS VARCHAR) AS "costAllocationRuleName",
    commitment AS "benefitId",
    CASE WHEN commitment IS NOT NULL THEN 'nimbus-d8s' END AS "benefitName",
    'Azure' AS "provider"
FROM charges;
