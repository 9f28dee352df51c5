-- One line of an AWS Cost and Usage Report, of either kind, becomes one FOCUS row, or two: see model.yaml.
-- Source of the rules of cost: AWS, data dictionaries of the reports (line item, reservation, savings plan and
-- split line item columns).
WITH typed AS (
    SELECT
        *,
        utc_instant(period_start) AS month_start,
        COALESCE(utc_instant(period_end), CAST(utc_instant(period_start) + INTERVAL 1 MONTH AS TIMESTAMP)) AS month_end,
        utc_instant(usage_start) AS started_at,
        utc_instant(usage_end) AS ended_at,
        exact_decimal(unblended_cost) AS unblended,
        exact_decimal(net_unblended_cost) AS net_unblended,
        exact_decimal(usage_amount) AS quantity,
        exact_decimal(unblended_rate) AS rate,
        exact_decimal(public_cost) AS listed,
        exact_decimal(public_rate) AS list_rate,
        exact_decimal(reservation_effective) AS ri_effective,
        exact_decimal(reservation_net_effective) AS ri_net_effective,
        exact_decimal(reservation_used_upfront) AS ri_used_upfront,
        exact_decimal(reservation_used_recurring) AS ri_used_recurring,
        exact_decimal(NULLIF(LOWER(reservation_unused_upfront), 'nan')) AS ri_unused_upfront,
        exact_decimal(NULLIF(LOWER(reservation_unused_recurring), 'nan')) AS ri_unused_recurring,
        exact_decimal(NULLIF(LOWER(reservation_net_unused_upfront), 'nan')) AS ri_net_unused_upfront,
        exact_decimal(NULLIF(LOWER(reservation_net_unused_recurring), 'nan')) AS ri_net_unused_recurring,
        exact_decimal(NULLIF(LOWER(reservation_unused_quantity), 'nan')) AS ri_unused_quantity,
        exact_decimal(reservation_total_units) AS ri_units,
        exact_decimal(plan_effective) AS sp_effective,
        exact_decimal(plan_net_effective) AS sp_net_effective,
        exact_decimal(plan_total) AS sp_total,
        exact_decimal(plan_used) AS sp_used,
        exact_decimal(plan_upfront) AS sp_upfront,
        exact_decimal(plan_recurring) AS sp_recurring,
        exact_decimal(plan_net_upfront) AS sp_net_upfront,
        exact_decimal(plan_net_recurring) AS sp_net_recurring,
        COALESCE(tags, resource_tags, athena_tags, all_tags) AS written_tags
    FROM bill
),

costed AS (
    SELECT
        *,
        COALESCE(net_unblended, unblended) AS billed_cost,
        COALESCE(plan_arn, reservation_arn) AS commitment,
        COALESCE(ri_net_unused_upfront, ri_unused_upfront, CAST(0 AS DECIMAL(38, 18)))
        + COALESCE(ri_net_unused_recurring, ri_unused_recurring, CAST(0 AS DECIMAL(38, 18)))
            AS ri_unused,
        COALESCE(sp_total - sp_used, CAST(0 AS DECIMAL(38, 18))) AS sp_unused,
        sp_upfront + sp_recurring AS sp_gross,
        sp_net_upfront + sp_net_recurring AS sp_net,
        CASE
            WHEN unblended IS NULL AND unblended_cost IS NOT NULL THEN 'lineItem/UnblendedCost ' || unblended_cost
            WHEN
                net_unblended IS NULL AND net_unblended_cost IS NOT NULL
                THEN 'lineItem/NetUnblendedCost ' || net_unblended_cost
            WHEN quantity IS NULL AND usage_amount IS NOT NULL THEN 'lineItem/UsageAmount ' || usage_amount
            WHEN rate IS NULL AND unblended_rate IS NOT NULL THEN 'lineItem/UnblendedRate ' || unblended_rate
            WHEN listed IS NULL AND public_cost IS NOT NULL THEN 'pricing/publicOnDemandCost ' || public_cost
            WHEN list_rate IS NULL AND public_rate IS NOT NULL THEN 'pricing/publicOnDemandRate ' || public_rate
            WHEN
                ri_effective IS NULL AND reservation_effective IS NOT NULL
                THEN 'reservation/EffectiveCost ' || reservation_effective
            WHEN
                ri_net_effective IS NULL AND reservation_net_effective IS NOT NULL
                THEN 'reservation/NetEffectiveCost ' || reservation_net_effective
            WHEN
                ri_used_upfront IS NULL AND reservation_used_upfront IS NOT NULL
                THEN 'reservation/AmortizedUpfrontCostForUsage ' || reservation_used_upfront
            WHEN
                ri_used_recurring IS NULL AND reservation_used_recurring IS NOT NULL
                THEN 'reservation/RecurringFeeForUsage ' || reservation_used_recurring
            WHEN
                ri_unused_upfront IS NULL AND LOWER(reservation_unused_upfront) <> 'nan'
                THEN 'reservation/UnusedAmortizedUpfrontFeeForBillingPeriod ' || reservation_unused_upfront
            WHEN
                ri_unused_recurring IS NULL AND LOWER(reservation_unused_recurring) <> 'nan'
                THEN 'reservation/UnusedRecurringFee ' || reservation_unused_recurring
            WHEN
                ri_net_unused_upfront IS NULL AND LOWER(reservation_net_unused_upfront) <> 'nan'
                THEN 'reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod ' || reservation_net_unused_upfront
            WHEN
                ri_net_unused_recurring IS NULL AND LOWER(reservation_net_unused_recurring) <> 'nan'
                THEN 'reservation/NetUnusedRecurringFee ' || reservation_net_unused_recurring
            WHEN
                ri_unused_quantity IS NULL AND LOWER(reservation_unused_quantity) <> 'nan'
                THEN 'reservation/UnusedQuantity ' || reservation_unused_quantity
            WHEN
                ri_units IS NULL AND reservation_total_units IS NOT NULL
                THEN 'reservation/TotalReservedUnits ' || reservation_total_units
            WHEN
                sp_effective IS NULL AND plan_effective IS NOT NULL
                THEN 'savingsPlan/SavingsPlanEffectiveCost ' || plan_effective
            WHEN
                sp_net_effective IS NULL AND plan_net_effective IS NOT NULL
                THEN 'savingsPlan/NetSavingsPlanEffectiveCost ' || plan_net_effective
            WHEN sp_total IS NULL AND plan_total IS NOT NULL THEN 'savingsPlan/TotalCommitmentToDate ' || plan_total
            WHEN sp_used IS NULL AND plan_used IS NOT NULL THEN 'savingsPlan/UsedCommitment ' || plan_used
            WHEN
                sp_upfront IS NULL AND plan_upfront IS NOT NULL
                THEN 'savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod ' || plan_upfront
            WHEN
                sp_recurring IS NULL AND plan_recurring IS NOT NULL
                THEN 'savingsPlan/RecurringCommitmentForBillingPeriod ' || plan_recurring
            WHEN
                sp_net_upfront IS NULL AND plan_net_upfront IS NOT NULL
                THEN 'savingsPlan/NetAmortizedUpfrontCommitmentForBillingPeriod ' || plan_net_upfront
            WHEN
                sp_net_recurring IS NULL AND plan_net_recurring IS NOT NULL
                THEN 'savingsPlan/NetRecurringCommitmentForBillingPeriod ' || plan_net_recurring
        END AS unreadable
    FROM typed
),

classed AS (
    SELECT
        *,
        CASE
            WHEN line_item_type = 'Tax' THEN 'Tax'
            WHEN line_item_type = 'Credit' THEN 'Credit'
            WHEN
                line_item_type IN ('Fee', 'RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee')
                THEN 'Purchase'
            -- What is paid back for a commitment is paid back for its purchase.
            WHEN line_item_type = 'Refund' AND commitment IS NOT NULL THEN 'Purchase'
            ELSE 'Usage'
        END AS charge_category,
        -- Lines that only change what others cost: no quantity, nothing at list price.
        line_item_type = 'SavingsPlanNegation' OR line_item_type LIKE '%Discount' AS is_deduction,
        CASE
            WHEN line_item_type = 'RIFee' THEN ri_unused
            WHEN line_item_type <> 'SavingsPlanRecurringFee' THEN CAST(0 AS DECIMAL(38, 18))
            -- What was not used is given before private discounts only. Its net part is as large as the net
            -- part of the whole commitment, in whole units of the tenth decimal.
            WHEN sp_net <> sp_gross AND sp_gross > 0
                THEN COALESCE(
                    CAST(
                        TRY_CAST(
                            CAST(TRY_CAST(sp_unused AS DECIMAL(18, 10)) * 10000000000 AS HUGEINT)
                            * CAST(TRY_CAST(sp_net AS DECIMAL(18, 10)) * 10000000000 AS HUGEINT)
                            // CAST(TRY_CAST(sp_gross AS DECIMAL(18, 10)) * 10000000000 AS HUGEINT)
                            AS DECIMAL(28, 0)
                        ) * CAST('0.0000000001' AS DECIMAL(10, 10)) AS DECIMAL(38, 18)
                    ),
                    sp_unused
                )
            ELSE sp_unused
        END AS unused_cost,
        CASE
            WHEN pricing_unit IS NULL THEN 'Units'
            -- FOCUS writes units of time in full: GB-Mo is GB-Months, Lambda-GB-Second is Lambda GB-Seconds.
            WHEN CONTAINS(pricing_unit, '-')
                THEN REGEXP_REPLACE(
                    REGEXP_REPLACE(
                        REGEXP_REPLACE(
                            REGEXP_REPLACE(
                                REGEXP_REPLACE(pricing_unit, '-(mo|month|months)$', '-Months', 'i'),
                                '-(hr|hrs|hour|hours)$', '-Hours', 'i'
                            ),
                            '-(s|sec|second|seconds)$', '-Seconds', 'i'
                        ),
                        '-(day|days)$', '-Days', 'i'
                    ),
                    '-([^-]*-)', ' \1', 'g'
                )
            ELSE pricing_unit
        END AS unit,
        CASE
            WHEN REGEXP_MATCHES(written_tags, '^\s*\{.*[^\s{].*\}\s*$', 's') AND JSON_VALID(written_tags)
                THEN REGEXP_REPLACE(written_tags, '([{,]\s*")(user|aws)_', '\1\2:', 'g')
        END AS tag_map
    FROM costed
),

amortised AS (
    SELECT
        *,
        CASE
            WHEN line_item_type = 'SavingsPlanCoveredUsage' THEN COALESCE(sp_net_effective, sp_effective)
            WHEN line_item_type = 'DiscountedUsage'
                THEN COALESCE(
                    ri_net_effective, ri_effective, ri_used_upfront + ri_used_recurring
                )
            WHEN line_item_type IN ('SavingsPlanNegation', 'SavingsPlanUpfrontFee') THEN CAST(0 AS DECIMAL(38, 18))
            WHEN line_item_type IN ('RIFee', 'SavingsPlanRecurringFee') THEN CAST(0 AS DECIMAL(38, 18))
            WHEN charge_category = 'Purchase' AND commitment IS NOT NULL THEN CAST(0 AS DECIMAL(38, 18))
        END AS amortised_cost,
        CASE
            WHEN charge_category <> 'Usage' OR line_item_type = 'Refund' THEN NULL
            WHEN is_deduction THEN CAST(0 AS DECIMAL(38, 18))
            ELSE COALESCE(listed, unblended)
        END AS list_cost,
        CASE
            WHEN charge_category <> 'Usage' OR line_item_type = 'Refund' THEN NULL
            WHEN line_item_type = 'SavingsPlanNegation' THEN CAST(0 AS DECIMAL(38, 18))
            -- Usage that a reservation covers has no unblended cost: nothing but the list price says what it is worth.
            WHEN line_item_type = 'DiscountedUsage' THEN COALESCE(listed, ri_effective)
            ELSE unblended
        END AS contracted_cost,
        CASE
            WHEN split_parent IS NOT NULL AND COALESCE(billed_cost, 0) = 0 AND unreadable IS NULL
                THEN 'its cost is a share of the line of ' || split_parent
        END AS aside,
        CASE WHEN unreadable IS NOT NULL THEN 'amount: ' || unreadable END AS refusal
    FROM classed
),

-- AWS rounds costs at the tenth decimal: a unit price is given where it leads to the cost within FOCUS' tolerance.
priced AS (
    SELECT
        *,
        CASE
            WHEN
                ABS(TRY_CAST(list_rate AS DECIMAL(19, 9)) * TRY_CAST(quantity AS DECIMAL(19, 9)) - list_cost)
                <= CAST('0.000000001' AS DECIMAL(10, 9))
                THEN list_rate
        END AS list_price,
        CASE
            WHEN line_item_type = 'DiscountedUsage' THEN NULL
            WHEN
                ABS(TRY_CAST(rate AS DECIMAL(19, 9)) * TRY_CAST(quantity AS DECIMAL(19, 9)) - contracted_cost)
                <= CAST('0.000000001' AS DECIMAL(10, 9))
                THEN rate
        END AS contracted_price,
        CASE WHEN plan_arn IS NOT NULL THEN currency ELSE unit END AS commitment_unit,
        CASE
            WHEN line_item_type = 'SavingsPlanCoveredUsage' THEN sp_effective
            WHEN line_item_type = 'SavingsPlanRecurringFee' THEN sp_total
            WHEN line_item_type = 'DiscountedUsage' THEN quantity
            WHEN line_item_type = 'RIFee' THEN ri_units
        END AS commitment_quantity,
        CASE
            WHEN line_item_type = 'SavingsPlanRecurringFee' THEN sp_unused
            ELSE ri_unused_quantity
        END AS unused_quantity,
        COALESCE(sku, usage_type, product_code) AS sku_id
    FROM amortised
),

parts AS (
    SELECT 0 AS part
    UNION ALL
    SELECT 1 AS part
),

charged AS (
    SELECT
        priced.*,
        parts.part,
        -- A fee line that nothing is paid for, as those of commitments paid upfront, is what was not used alone.
        priced.unused_cost <> 0 AND (parts.part = 1 OR priced.billed_cost = 0) AS is_unused,
        priced.charge_category = 'Usage'
        AND priced.line_item_type <> 'Refund'
        AND NOT priced.is_deduction AS is_consumed
    FROM priced
    CROSS JOIN parts
    WHERE
        parts.part = 0
        -- Only beside a line that becomes a charge.
        OR (
            priced.unused_cost <> 0
            AND priced.billed_cost <> 0
            AND priced.refusal IS NULL
            AND priced.payer_account IS NOT NULL
            AND REGEXP_MATCHES(priced.currency, '^[A-Z]{3}$')
            AND priced.month_end > priced.month_start
            AND priced.started_at < priced.month_end
            AND priced.ended_at IS NOT NULL
        )
)

SELECT
    availability_zone AS AvailabilityZone,
    CASE WHEN is_unused THEN CAST(0 AS DECIMAL(38, 18)) ELSE billed_cost END AS BilledCost,
    payer_account AS BillingAccountId,
    payer_name AS BillingAccountName,
    'Payer' AS BillingAccountType,
    currency AS BillingCurrency,
    month_end AS BillingPeriodEnd,
    month_start AS BillingPeriodStart,
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    CASE WHEN is_unused THEN 'Usage' ELSE charge_category END AS ChargeCategory,
    CASE WHEN line_item_type = 'Refund' THEN 'Correction' END AS ChargeClass,
    CASE WHEN is_unused THEN 'Unused: ' || COALESCE(description, commitment) ELSE description END AS ChargeDescription,
    CASE
        WHEN is_unused THEN 'Usage-Based'
        WHEN line_item_type IN ('RIFee', 'SavingsPlanRecurringFee', 'Tax') THEN 'Recurring'
        WHEN charge_category = 'Usage' AND line_item_type <> 'Refund' THEN 'Usage-Based'
        ELSE 'One-Time'
    END AS ChargeFrequency,
    ended_at AS ChargePeriodEnd,
    started_at AS ChargePeriodStart,
    CASE WHEN plan_arn IS NOT NULL THEN 'Spend' WHEN reservation_arn IS NOT NULL THEN 'Usage' END
        AS CommitmentDiscountCategory,
    commitment AS CommitmentDiscountId,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountName,
    CASE
        WHEN commitment IS NULL THEN NULL
        WHEN is_unused THEN unused_quantity
        ELSE commitment_quantity
    END AS CommitmentDiscountQuantity,
    CASE
        WHEN commitment IS NULL THEN NULL
        WHEN is_unused THEN 'Unused'
        WHEN charge_category = 'Usage' THEN 'Used'
    END AS CommitmentDiscountStatus,
    CASE WHEN plan_arn IS NOT NULL THEN 'Savings Plan' WHEN reservation_arn IS NOT NULL THEN 'Reserved Instance' END
        AS CommitmentDiscountType,
    CASE
        WHEN commitment IS NULL THEN NULL
        WHEN is_unused AND unused_quantity IS NOT NULL THEN commitment_unit
        WHEN NOT is_unused AND commitment_quantity IS NOT NULL THEN commitment_unit
    END AS CommitmentDiscountUnit,
    CASE WHEN is_consumed THEN quantity END AS ConsumedQuantity,
    CASE WHEN is_consumed AND quantity IS NOT NULL THEN unit END AS ConsumedUnit,
    CASE WHEN is_unused THEN CAST(0 AS DECIMAL(38, 18)) ELSE contracted_cost END AS ContractedCost,
    CASE WHEN is_consumed THEN contracted_price END AS ContractedUnitPrice,
    CASE WHEN is_unused THEN unused_cost ELSE COALESCE(amortised_cost, billed_cost) END AS EffectiveCost,
    invoice_id AS InvoiceId,
    COALESCE(invoicing_entity, billing_entity, 'AWS') AS InvoiceIssuerName,
    CASE WHEN is_unused THEN CAST(0 AS DECIMAL(38, 18)) ELSE list_cost END AS ListCost,
    CASE WHEN is_consumed THEN list_price END AS ListUnitPrice,
    CASE
        WHEN charge_category IN ('Tax', 'Credit') THEN NULL
        WHEN commitment IS NOT NULL AND (is_unused OR charge_category = 'Usage') THEN 'Committed'
        WHEN pricing_term = 'Spot' OR usage_type LIKE '%SpotUsage%' THEN 'Dynamic'
        ELSE 'Standard'
    END AS PricingCategory,
    COALESCE(pricing_currency, currency) AS PricingCurrency,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyContractedUnitPrice,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyEffectiveCost,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyListUnitPrice,
    CASE
        WHEN charge_category = 'Tax' THEN NULL
        WHEN is_unused THEN unused_quantity
        ELSE quantity
    END AS PricingQuantity,
    CASE
        WHEN charge_category = 'Tax' THEN NULL
        WHEN is_unused AND unused_quantity IS NOT NULL THEN commitment_unit
        WHEN NOT is_unused AND quantity IS NOT NULL THEN unit
    END AS PricingUnit,
    'AWS' AS ProviderName,
    COALESCE(legal_entity, 'AWS') AS PublisherName,
    COALESCE(region_code, region) AS RegionId,
    CASE WHEN COALESCE(region_code, region) IS NOT NULL THEN region_name END AS RegionName,
    resource_id AS ResourceId,
    CAST(NULL AS VARCHAR) AS ResourceName,
    CASE
        WHEN resource_id IS NULL THEN NULL
        WHEN product_family IS NOT NULL THEN product_family
        WHEN usage_type LIKE '%BoxUsage%' OR usage_type LIKE '%SpotUsage%' THEN 'Compute Instance'
        WHEN usage_type LIKE '%InstanceUsage%' THEN 'Database Instance'
        WHEN usage_type LIKE '%EBS:Volume%' THEN 'Storage'
        WHEN usage_type LIKE '%NatGateway%' THEN 'NAT Gateway'
        WHEN usage_type LIKE '%LoadBalancer%' THEN 'Load Balancer'
        WHEN usage_type LIKE '%DataTransfer%' THEN 'Data Transfer'
    END AS ResourceType,
    CASE
        WHEN product_code IN (
            'AmazonEC2', 'AWSLambda', 'AmazonEKS', 'AmazonECS', 'AmazonECR', 'AmazonLightsail',
            'AWSBatch', 'AmazonWorkSpaces', 'ComputeSavingsPlans', 'AWSElasticBeanstalk',
            'AWSAppRunner'
        ) THEN 'Compute'
        WHEN product_code IN (
            'AmazonS3', 'AmazonGlacier', 'AmazonEFS', 'AmazonFSx', 'AWSBackup',
            'AmazonS3GlacierDeepArchive', 'AWSStorageGateway'
        ) THEN 'Storage'
        WHEN product_code IN (
            'AmazonRDS', 'AmazonDynamoDB', 'AmazonElastiCache', 'AmazonRedshift', 'AmazonDocDB',
            'AmazonNeptune', 'AmazonMemoryDB', 'AmazonTimestream'
        ) THEN 'Databases'
        WHEN product_code IN (
            'AmazonVPC', 'AWSDataTransfer', 'AmazonCloudFront', 'AmazonRoute53', 'AWSDirectConnect',
            'AWSELB', 'AWSGlobalAccelerator', 'AmazonApiGateway'
        ) THEN 'Networking'
        WHEN product_code IN (
            'AmazonSageMaker', 'AmazonBedrock', 'AmazonRekognition', 'MachineLearningSavingsPlans',
            'AmazonTextract', 'AmazonComprehend'
        ) THEN 'AI and Machine Learning'
        WHEN product_code IN (
            'AmazonAthena', 'AWSGlue', 'AmazonKinesis', 'AmazonKinesisFirehose', 'ElasticMapReduce',
            'AmazonES', 'AmazonQuickSight', 'AmazonMSK'
        ) THEN 'Analytics'
        WHEN product_code IN (
            'AmazonSNS', 'AWSQueueService', 'AWSEvents', 'AmazonStates', 'AmazonMQ'
        ) THEN 'Integration'
        WHEN product_code IN (
            'AmazonCloudWatch', 'AWSCloudTrail', 'AWSConfig', 'AWSSystemsManager',
            'AWSCloudFormation', 'AWSCostExplorer', 'AWSServiceCatalog'
        ) THEN 'Management and Governance'
        WHEN product_code IN (
            'awskms', 'AWSSecretsManager', 'AmazonGuardDuty', 'awswaf', 'AWSShield',
            'AmazonInspectorV2', 'AWSSecurityHub', 'AWSCertificateManager'
        ) THEN 'Security'
        WHEN product_code IN (
            'AmazonCognito', 'AWSDirectoryService'
        ) THEN 'Identity'
        WHEN product_code IN (
            'AWSCodePipeline', 'CodeBuild', 'AWSXRay', 'AWSCloudShell', 'AWSCodeArtifact'
        ) THEN 'Developer Tools'
        WHEN product_code IN (
            'AWSIoT'
        ) THEN 'Internet of Things'
        WHEN product_code IN (
            'AWSDatabaseMigrationSvc', 'AWSMigrationHubRefactorSpaces', 'AWSDataSync', 'AWSTransfer'
        ) THEN 'Migration'
        ELSE 'Other'
    END AS ServiceCategory,
    -- On the marketplace a product code is a number of no meaning.
    CASE
        WHEN
            billing_entity = 'AWS Marketplace'
            THEN COALESCE(product_name, JSON_TEXT(product, 'product_name'), product_code)
        ELSE product_code
    END AS ServiceName,
    CAST(NULL AS VARCHAR) AS ServiceSubcategory,
    CASE WHEN charge_category <> 'Tax' THEN sku_id END AS SkuId,
    CASE WHEN charge_category <> 'Tax' THEN COALESCE(instance_type, usage_type, sku_id) END AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    CASE WHEN charge_category <> 'Tax' THEN COALESCE(rate_code, rate_id, sku_id) END AS SkuPriceId,
    usage_account AS SubAccountId,
    usage_account_name AS SubAccountName,
    'Account' AS SubAccountType,
    tag_map AS Tags,
    'AWS' AS ServiceProviderName,
    'AWS' AS HostProviderName,
    row_number + part * 1000000000000 AS row_number,
    aside,
    refusal
FROM charged
