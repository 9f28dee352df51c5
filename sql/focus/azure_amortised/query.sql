-- One line of Azure cost details becomes one FOCUS row: of the actual and the amortised export of one account
-- together (`dataset` says which), or of one export alone (`dataset` is null), whose cost is taken as it stands.
-- Source of the rules: Microsoft, cost details fields, and reservation costs and usage; FinOps toolkit, how to
-- convert cost data to FOCUS, with its list of known gaps.
--
-- The two exports tell the same month twice. The actual one charges a commitment when it is bought, and nothing for
-- what it covers. The amortised one spreads it over what it covers and over what stays unused, and has no purchase of
-- it. The ledger takes all of the amortised one, and of the actual one the purchases and refunds of commitments. Then
-- EffectiveCost adds up to the amortised export's cost, and BilledCost to the actual export's.
WITH typed AS (
    SELECT
        dataset,
        billing_account,
        billing_account_name,
        billing_profile,
        billing_profile_name,
        invoice_id,
        partner_name,
        utc_instant(period_start) AS period_start,
        utc_instant(period_end) AS period_end,
        utc_instant(usage_date) AS usage_date,
        -- '-2', 'Unassigned' and a GUID of zeros stand where Microsoft has nothing to say.
        NULLIF(subscription_id, '00000000-0000-0000-0000-000000000000') AS subscription_id,
        NULLIF(NULLIF(subscription_name, '-2'), 'Unassigned') AS subscription_name,
        product_id,
        product_name,
        product_order_id,
        product_order_name,
        NULLIF(NULLIF(part_number, '-2'), 'Unassigned') AS part_number,
        NULLIF(meter_id, '00000000-0000-0000-0000-000000000000') AS meter_id,
        service_family,
        NULLIF(NULLIF(meter_category, '-2'), 'Unassigned') AS meter_category,
        NULLIF(NULLIF(meter_subcategory, '-2'), 'Unassigned') AS meter_subcategory,
        NULLIF(NULLIF(meter_name, '-2'), 'Unassigned') AS meter_name,
        consumed_service,
        exact_decimal(quantity) AS quantity,
        exact_decimal(effective_price) AS effective_price,
        exact_decimal(unit_price) AS unit_price,
        exact_decimal(payg_price) AS payg_price,
        exact_decimal(cost) AS cost,
        exact_decimal(payg_cost) AS payg_cost,
        exact_decimal(cost_in_pricing) AS cost_in_pricing,
        exact_decimal(exchange_rate) AS exchange_rate,
        UPPER(currency) AS currency,
        UPPER(pricing_currency) AS pricing_currency,
        NULLIF(NULLIF(resource_location, 'Unknown'), 'Unassigned') AS resource_location,
        availability_zone,
        resource_id,
        resource_name,
        resource_type,
        resource_group,
        NULLIF(NULLIF(unit_of_measure, '-2'), 'Unassigned') AS unit_of_measure,
        reservation_id,
        reservation_name,
        NULLIF(publisher_name, 'Unassigned') AS publisher_name,
        publisher_type,
        COALESCE(LOWER(charge_type), 'usage') AS charge_kind,
        LOWER(REPLACE(frequency, '-', '')) AS frequency,
        LOWER(REPLACE(pricing_model, ' ', '')) AS pricing_model,
        LOWER(term) AS term,
        benefit_id,
        benefit_name,
        -- Native tags come without the braces of the object that they are.
        CASE WHEN tags LIKE '{%' THEN tags ELSE '{' || tags || '}' END AS tags,
        row_number,
        CASE
            WHEN cost IS NULL THEN 'amount: no cost in the billing currency'
            WHEN bad_amount(cost) THEN 'amount: CostInBillingCurrency ' || cost
            WHEN bad_amount(quantity) THEN 'amount: Quantity ' || quantity
            WHEN bad_amount(payg_price) THEN 'amount: PayGPrice ' || payg_price
            WHEN bad_amount(unit_price) THEN 'amount: UnitPrice ' || unit_price
            WHEN bad_amount(effective_price) THEN 'amount: EffectivePrice ' || effective_price
            WHEN bad_amount(payg_cost) THEN 'amount: PaygCostInBillingCurrency ' || payg_cost
            WHEN bad_amount(cost_in_pricing) THEN 'amount: CostInPricingCurrency ' || cost_in_pricing
            WHEN bad_amount(exchange_rate) THEN 'amount: ExchangeRatePricingToBilling ' || exchange_rate
        END AS unreadable_amount,
        CASE
            WHEN usage_date IS NULL THEN 'date: no date of the charge'
            WHEN NOT COALESCE(utc_instant(usage_date) BETWEEN '2000-01-01' AND '2200-01-01', FALSE)
                THEN 'date: Date ' || usage_date
            WHEN
                period_start IS NOT NULL
                AND NOT COALESCE(utc_instant(period_start) BETWEEN '2000-01-01' AND '2200-01-01', FALSE)
                THEN 'date: BillingPeriodStartDate ' || period_start
            WHEN
                period_end IS NOT NULL
                AND NOT COALESCE(utc_instant(period_end) BETWEEN '2000-01-01' AND '2200-01-01', FALSE)
                THEN 'date: BillingPeriodEndDate ' || period_end
        END AS unreadable_date
    FROM bill
),

kinds AS (
    SELECT
        *,
        CASE
            WHEN charge_kind IN ('usage', 'unusedreservation', 'unusedsavingsplan') THEN 'Usage'
            WHEN charge_kind IN ('purchase', 'refund') THEN 'Purchase'
            WHEN charge_kind = 'tax' THEN 'Tax'
            WHEN charge_kind = 'credit' THEN 'Credit'
            ELSE 'Adjustment'
        END AS charge_category,
        charge_kind IN ('unusedreservation', 'unusedsavingsplan') AS is_unused,
        charge_kind IN ('unusedreservation', 'unusedsavingsplan')
        OR (charge_kind = 'usage' AND COALESCE(pricing_model IN ('reservation', 'savingsplan'), FALSE)) AS is_covered,
        charge_kind IN ('purchase', 'refund')
        AND COALESCE(pricing_model IN ('reservation', 'savingsplan'), FALSE) AS is_commitment_purchase,
        -- What is priced on demand is not covered, whatever commitment stands beside it.
        CASE
            WHEN charge_kind NOT IN ('usage', 'unusedreservation', 'unusedsavingsplan', 'purchase', 'refund') THEN NULL
            WHEN charge_kind = 'usage' AND pricing_model IN ('ondemand', 'spot') THEN NULL
            ELSE COALESCE(benefit_id, reservation_id)
        END AS commitment,
        COALESCE(pricing_currency = currency, TRUE) AS is_priced_as_billed,
        -- The account of an Enterprise Agreement is a number.
        COALESCE(REGEXP_MATCHES(billing_account, '^[0-9]+$'), FALSE) AS is_enrolment,
        -- Purchases and adjustments may come without a meter's category: the FinOps toolkit's substitutes.
        COALESCE(
            meter_category,
            CASE WHEN LOWER(publisher_type) = 'marketplace' THEN publisher_name END,
            meter_subcategory,
            CASE pricing_model WHEN 'reservation' THEN 'Reservations' WHEN 'savingsplan' THEN 'Savings Plans' END,
            consumed_service,
            service_family,
            'Microsoft'
        ) AS service,
        UPPER(REGEXP_EXTRACT(unit_of_measure, '^([0-9]+[KMkm]?)( |/|$)', 1)) AS block_written,
        LTRIM(REGEXP_REPLACE(unit_of_measure, '^[0-9]+[KMkm]?( |/|$)', ''), ' /') AS unit_word
    FROM typed
),

block_sizes (block_written, block, factor) AS (
    -- '100 Hours' is priced in blocks of 100. `factor` is 1/block, exact.
    VALUES
    ('5', CAST(5 AS DECIMAL(8, 0)), CAST('0.2' AS DECIMAL(8, 8))),
    ('10', 10, 0.1),
    ('20', 20, 0.05),
    ('50', 50, 0.02),
    ('100', 100, 0.01),
    ('500', 500, 0.002),
    ('1000', 1000, 0.001),
    ('1K', 1000, 0.001),
    ('5000', 5000, 0.0002),
    ('5K', 5000, 0.0002),
    ('10000', 10000, 0.0001),
    ('10K', 10000, 0.0001),
    ('50000', 50000, 0.00002),
    ('50K', 50000, 0.00002),
    ('100000', 100000, 0.00001),
    ('100K', 100000, 0.00001),
    ('1000000', 1000000, 0.000001),
    ('1M', 1000000, 0.000001),
    ('10000000', 10000000, 0.0000001),
    ('10M', 10000000, 0.0000001)
),

services (service, category, subcategory) AS (
    -- Source: FOCUS 1.2, ServiceCategory and ServiceSubcategory, applied to Azure's meter categories.
    VALUES
    ('Virtual Machines', 'Compute', 'Virtual Machines'),
    ('Virtual Machines Licenses', 'Compute', 'Virtual Machines'),
    ('Azure Dedicated Host', 'Compute', 'Virtual Machines'),
    ('Cloud Services', 'Compute', 'Virtual Machines'),
    ('Azure Kubernetes Service', 'Compute', 'Containers'),
    ('Container Instances', 'Compute', 'Containers'),
    ('Azure Container Apps', 'Compute', 'Containers'),
    ('Container Registry', 'Compute', 'Containers'),
    ('Azure Red Hat OpenShift', 'Compute', 'Containers'),
    ('Functions', 'Compute', 'Serverless Compute'),
    ('Windows Virtual Desktop', 'Compute', 'End User Computing'),
    ('Azure App Service', 'Web', 'Application Platforms'),
    ('Azure Spring Cloud', 'Web', 'Application Platforms'),
    ('Storage', 'Storage', 'Storage Platforms'),
    ('Backup', 'Storage', 'Backup Storage'),
    ('Azure NetApp Files', 'Storage', 'File Storage'),
    ('Azure Data Lake Store', 'Storage', 'Object Storage'),
    ('Bandwidth', 'Networking', 'Network Connectivity'),
    ('ExpressRoute', 'Networking', 'Network Connectivity'),
    ('VPN Gateway', 'Networking', 'Network Connectivity'),
    ('Virtual WAN', 'Networking', 'Network Connectivity'),
    ('Virtual Network', 'Networking', 'Network Infrastructure'),
    ('NAT Gateway', 'Networking', 'Network Infrastructure'),
    ('Azure DNS', 'Networking', 'Network Routing'),
    ('Traffic Manager', 'Networking', 'Network Routing'),
    ('Load Balancer', 'Networking', 'Application Networking'),
    ('Application Gateway', 'Networking', 'Application Networking'),
    ('Azure Front Door Service', 'Networking', 'Content Delivery'),
    ('Content Delivery Network', 'Networking', 'Content Delivery'),
    ('Azure Firewall', 'Networking', 'Network Security'),
    ('Azure DDoS Protection', 'Networking', 'Network Security'),
    ('Azure Bastion', 'Networking', 'Network Security'),
    ('SQL Database', 'Databases', 'Relational Databases'),
    ('SQL Managed Instance', 'Databases', 'Relational Databases'),
    ('Azure Database for MySQL', 'Databases', 'Relational Databases'),
    ('Azure Database for PostgreSQL', 'Databases', 'Relational Databases'),
    ('Azure Database for MariaDB', 'Databases', 'Relational Databases'),
    ('Azure Cosmos DB', 'Databases', 'NoSQL Databases'),
    ('Redis Cache', 'Databases', 'Caching'),
    ('SQL Data Warehouse', 'Databases', 'Data Warehouses'),
    ('Azure Synapse Analytics', 'Analytics', 'Analytics Platforms'),
    ('Azure Databricks', 'Analytics', 'Analytics Platforms'),
    ('Azure Data Explorer', 'Analytics', 'Analytics Platforms'),
    ('HDInsight', 'Analytics', 'Analytics Platforms'),
    ('Microsoft Fabric', 'Analytics', 'Analytics Platforms'),
    ('Azure Data Factory', 'Analytics', 'Data Processing'),
    ('Azure Data Factory v2', 'Analytics', 'Data Processing'),
    ('Stream Analytics', 'Analytics', 'Streaming Analytics'),
    ('Power BI Embedded', 'Analytics', 'Business Intelligence'),
    ('Azure Cognitive Search', 'Analytics', 'Search'),
    ('Azure Machine Learning', 'AI and Machine Learning', 'Machine Learning'),
    ('Cognitive Services', 'AI and Machine Learning', 'AI Platforms'),
    ('Foundry Models', 'AI and Machine Learning', 'Generative AI'),
    ('Azure OpenAI', 'AI and Machine Learning', 'Generative AI'),
    ('Azure Bot Service', 'AI and Machine Learning', 'Bots'),
    ('Event Hubs', 'Integration', 'Messaging'),
    ('Event Grid', 'Integration', 'Messaging'),
    ('Service Bus', 'Integration', 'Messaging'),
    ('Logic Apps', 'Integration', 'Workflow Orchestration'),
    ('API Management', 'Integration', 'API Management'),
    ('IoT Hub', 'Internet of Things', 'IoT Platforms'),
    ('IoT Central', 'Internet of Things', 'IoT Platforms'),
    ('Log Analytics', 'Management and Governance', 'Observability'),
    ('Azure Monitor', 'Management and Governance', 'Observability'),
    ('Application Insights', 'Management and Governance', 'Observability'),
    ('Azure Grafana Service', 'Management and Governance', 'Observability'),
    ('Azure Site Recovery', 'Management and Governance', 'Disaster Recovery'),
    ('Microsoft Purview', 'Management and Governance', 'Data Governance'),
    ('Automation', 'Management and Governance', 'Other (Management and Governance)'),
    ('Azure Support', 'Management and Governance', 'Support'),
    ('Key Vault', 'Security', 'Secret Management'),
    ('Microsoft Defender for Cloud', 'Security', 'Security Posture Management'),
    ('Advanced Threat Protection', 'Security', 'Threat Detection and Response'),
    ('Sentinel', 'Security', 'Threat Detection and Response'),
    ('Azure Active Directory B2C', 'Identity', 'Identity and Access Management'),
    ('Azure Active Directory Domain Services', 'Identity', 'Identity and Access Management'),
    ('Azure DevOps', 'Developer Tools', 'Developer Platforms'),
    ('GitHub', 'Developer Tools', 'Source Code Management'),
    ('Media Services', 'Media', 'Media Streaming')
),

sized AS (
    -- Microsoft says that Quantity counts single units, and real exports show files where it counts blocks: the row's
    -- own arithmetic, price times quantity against cost, decides, and Microsoft's word where the row cannot.
    SELECT
        kinds.*,
        block_sizes.block,
        block_sizes.factor,
        COALESCE(services.category, 'Other') AS service_category,
        services.subcategory AS service_subcategory,
        block_sizes.block IS NULL OR COALESCE(
            kinds.effective_price <> 0
            AND kinds.cost <> 0
            AND TRY(
                ABS(
                    CAST(kinds.quantity AS DECIMAL(38, 12)) * CAST(kinds.effective_price AS DECIMAL(38, 12))
                    - COALESCE(kinds.cost_in_pricing, kinds.cost)
                ) <= ABS(
                    CAST(CAST(kinds.quantity AS DECIMAL(30, 12)) * block_sizes.factor AS DECIMAL(38, 12))
                    * CAST(kinds.effective_price AS DECIMAL(38, 12))
                    - COALESCE(kinds.cost_in_pricing, kinds.cost)
                )
            ),
            FALSE
        ) AS counts_blocks
    FROM kinds
    LEFT JOIN block_sizes ON kinds.block_written = block_sizes.block_written
    LEFT JOIN services ON kinds.service = services.service
),

measured AS (
    SELECT
        *,
        CASE
            WHEN counts_blocks THEN quantity
            ELSE TRY(CAST(CAST(quantity AS DECIMAL(30, 13)) * factor AS DECIMAL(38, 18)))
        END AS pricing_quantity,
        CASE
            WHEN counts_blocks AND block IS NOT NULL THEN TRY(CAST(quantity * block AS DECIMAL(38, 18))) ELSE quantity
        END
            AS single_quantity,
        CASE
            WHEN COALESCE(unit_word, '') = '' THEN 'Units'
            WHEN block_written NOT IN ('', '1') AND block IS NULL THEN unit_of_measure
            WHEN unit_word IN ('Hour', 'Hours') THEN 'Hours'
            ELSE unit_word
        END AS single_unit
    FROM sized
),

multiplied AS (
    -- Prices are in the pricing currency, for one block. Products are exact to 13 decimals of either factor.
    SELECT
        *,
        CASE
            WHEN payg_price > 0
                THEN TRY(CAST(
                    CAST(pricing_quantity AS DECIMAL(38, 13)) * CAST(payg_price AS DECIMAL(38, 13)) AS DECIMAL(38, 18)
                ))
        END AS list_product,
        CASE
            WHEN unit_price >= 0
                THEN TRY(CAST(
                    CAST(pricing_quantity AS DECIMAL(38, 13)) * CAST(unit_price AS DECIMAL(38, 13)) AS DECIMAL(38, 18)
                ))
        END AS contracted_product,
        -- Where there is no unit price, the price that was paid says what was contracted.
        CASE
            WHEN effective_price >= 0 AND COALESCE(effective_price <> unit_price, TRUE) AND NOT is_covered
                THEN TRY(CAST(
                    CAST(pricing_quantity AS DECIMAL(38, 13)) * CAST(effective_price AS DECIMAL(38, 13))
                    AS DECIMAL(38, 18)
                ))
        END AS effective_product,
        CASE
            WHEN block IS NOT NULL AND REGEXP_MATCHES(single_unit, '^[A-Za-z][A-Za-z0-9 ]*$')
                THEN CAST(block AS VARCHAR) || ' ' || single_unit
            ELSE single_unit
        END AS pricing_unit
    FROM measured
),

converted AS (
    SELECT
        * EXCLUDE (exchange_rate),
        CASE
            WHEN is_priced_as_billed THEN list_product
            ELSE TRY(CAST(
                CAST(list_product AS DECIMAL(38, 13)) * CAST(exchange_rate AS DECIMAL(38, 13)) AS DECIMAL(38, 18)
            ))
        END AS list_in_billing,
        CASE
            WHEN is_priced_as_billed THEN contracted_product
            ELSE TRY(CAST(
                CAST(contracted_product AS DECIMAL(38, 13)) * CAST(exchange_rate AS DECIMAL(38, 13)) AS DECIMAL(38, 18)
            ))
        END AS contracted_in_billing
    FROM multiplied
),

contracted AS (
    -- What a commitment covers has a contracted price beside what it costs; all else costs what was contracted. A
    -- price of 0 is Microsoft's for one that it does not say. What nobody used has no price but the commitment's.
    SELECT
        *,
        CASE
            WHEN is_unused THEN CAST(0 AS DECIMAL(38, 18))
            WHEN is_covered THEN COALESCE(NULLIF(contracted_in_billing, 0), cost)
            ELSE cost
        END AS contracted_cost
    FROM converted
),

listed AS (
    SELECT
        *,
        CASE
            WHEN charge_category = 'Usage' AND NOT is_unused
                THEN COALESCE(NULLIF(payg_cost, 0), NULLIF(list_in_billing, 0), contracted_cost)
            ELSE contracted_cost
        END AS list_cost,
        -- A unit price is the vendor's own or none: never one that does not give the cost.
        CASE
            WHEN NOT is_priced_as_billed OR charge_category NOT IN ('Usage', 'Purchase') OR is_unused THEN NULL
            WHEN ABS(contracted_product - contracted_cost) <= CAST('0.000000001' AS DECIMAL(38, 18)) THEN unit_price
            WHEN ABS(effective_product - contracted_cost) <= CAST('0.000000001' AS DECIMAL(38, 18))
                THEN effective_price
        END AS contracted_unit_price,
        CASE
            WHEN commitment IS NULL THEN NULL
            WHEN CONTAINS(LOWER(commitment), '/microsoft.billingbenefits/') THEN 'Spend'
            WHEN CONTAINS(LOWER(commitment), '/microsoft.capacity/') THEN 'Usage'
            WHEN charge_kind = 'unusedsavingsplan' OR pricing_model = 'savingsplan' THEN 'Spend'
            ELSE 'Usage'
        END AS commitment_category,
        -- 'P1Y', '1 Year', '12', '36 Months'.
        TRY_CAST(REGEXP_EXTRACT(term, '^p?([0-9]{1,2})', 1) AS INTEGER)
        * CASE WHEN CONTAINS(term, 'y') THEN 12 ELSE 1 END AS term_months
    FROM contracted
),

committed AS (
    -- A reservation commits to hours: what was used or left over of them, and when bought, those of its term, where
    -- a month has 730 as in Azure's prices. A savings plan commits to money.
    SELECT
        *,
        CASE
            WHEN commitment_category = 'Spend' AND (charge_category = 'Purchase' OR dataset = 'amortized' OR cost <> 0)
                THEN cost
            WHEN commitment_category = 'Usage' AND charge_category = 'Usage' THEN single_quantity
            WHEN
                commitment_category = 'Usage' AND frequency = 'recurring'
                THEN TRY(CAST(quantity * 730 AS DECIMAL(38, 18)))
            WHEN commitment_category = 'Usage' THEN TRY(CAST(quantity * (730 * term_months) AS DECIMAL(38, 18)))
        END AS commitment_quantity
    FROM listed
)

SELECT
    availability_zone AS AvailabilityZone,
    CASE WHEN dataset = 'amortized' AND is_covered THEN CAST(0 AS DECIMAL(38, 18)) ELSE cost END AS BilledCost,
    -- An enrolment is a number. Elsewhere the billing profile gets the invoice.
    CASE
        WHEN is_enrolment THEN committed.billing_account
        ELSE COALESCE(
            committed.billing_profile, committed.billing_account, parameters.account, committed.subscription_id
        )
    END AS BillingAccountId,
    CASE
        WHEN is_enrolment THEN committed.billing_account_name
        ELSE COALESCE(committed.billing_profile_name, committed.billing_account_name)
    END AS BillingAccountName,
    CASE
        WHEN is_enrolment THEN 'Billing Account'
        WHEN committed.billing_profile IS NOT NULL THEN 'Billing Profile'
        ELSE 'Billing Account'
    END AS BillingAccountType,
    committed.currency AS BillingCurrency,
    CAST(
        CASE
            WHEN unreadable_date IS NOT NULL THEN NULL
            WHEN period_end IS NOT NULL THEN period_end + INTERVAL 1 DAY
            ELSE COALESCE(period_start, DATE_TRUNC('month', usage_date)) + INTERVAL 1 MONTH
        END AS TIMESTAMP
    ) AS BillingPeriodEnd,
    CAST(COALESCE(period_start, DATE_TRUNC('month', usage_date)) AS TIMESTAMP) AS BillingPeriodStart,
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    charge_category AS ChargeCategory,
    CASE WHEN charge_kind = 'refund' THEN 'Correction' END AS ChargeClass,
    COALESCE(product_name, meter_name, benefit_name, reservation_name, product_order_name) AS ChargeDescription,
    CASE
        WHEN frequency = 'recurring' THEN 'Recurring'
        WHEN frequency = 'onetime' THEN 'One-Time'
        WHEN charge_category = 'Usage' THEN 'Usage-Based'
        WHEN frequency = 'usagebased' AND charge_category <> 'Purchase' THEN 'Usage-Based'
        ELSE 'One-Time'
    END AS ChargeFrequency,
    CAST(CASE WHEN unreadable_date IS NULL THEN usage_date + INTERVAL 1 DAY END AS TIMESTAMP) AS ChargePeriodEnd,
    usage_date AS ChargePeriodStart,
    commitment_category AS CommitmentDiscountCategory,
    commitment AS CommitmentDiscountId,
    CASE WHEN commitment IS NOT NULL THEN COALESCE(benefit_name, reservation_name) END AS CommitmentDiscountName,
    CASE WHEN commitment IS NOT NULL THEN commitment_quantity END AS CommitmentDiscountQuantity,
    CASE
        WHEN commitment IS NULL OR charge_category <> 'Usage' THEN NULL
        WHEN is_unused THEN 'Unused'
        ELSE 'Used'
    END AS CommitmentDiscountStatus,
    CASE commitment_category WHEN 'Spend' THEN 'Savings Plan' WHEN 'Usage' THEN 'Reservation' END
        AS CommitmentDiscountType,
    CASE
        WHEN commitment_quantity IS NULL THEN NULL
        WHEN commitment_category = 'Spend' THEN committed.currency
        WHEN charge_category = 'Usage' THEN single_unit
        ELSE 'Hours'
    END AS CommitmentDiscountUnit,
    CASE WHEN charge_kind = 'usage' THEN single_quantity END AS ConsumedQuantity,
    CASE WHEN charge_kind = 'usage' AND single_quantity IS NOT NULL THEN single_unit END AS ConsumedUnit,
    contracted_cost AS ContractedCost,
    contracted_unit_price AS ContractedUnitPrice,
    CASE WHEN dataset = 'actual' THEN CAST(0 AS DECIMAL(38, 18)) ELSE cost END AS EffectiveCost,
    invoice_id AS InvoiceId,
    COALESCE(partner_name, 'Microsoft') AS InvoiceIssuerName,
    list_cost AS ListCost,
    CASE
        WHEN
            is_priced_as_billed
            AND charge_category = 'Usage'
            AND payg_price > 0
            AND ABS(list_product - list_cost) <= CAST('0.000000001' AS DECIMAL(38, 18))
            THEN payg_price
        WHEN list_cost = contracted_cost THEN contracted_unit_price
    END AS ListUnitPrice,
    CASE
        WHEN charge_category = 'Tax' THEN NULL
        WHEN pricing_model = 'spot' THEN 'Dynamic'
        WHEN pricing_model IN ('reservation', 'savingsplan') OR commitment IS NOT NULL THEN 'Committed'
        WHEN pricing_model = 'ondemand' OR charge_category IN ('Usage', 'Purchase') THEN 'Standard'
    END AS PricingCategory,
    pricing_currency AS PricingCurrency,
    CASE
        WHEN
            charge_category IN ('Usage', 'Purchase') AND unit_price >= 0 AND pricing_currency IS NOT NULL
            THEN unit_price
    END
        AS PricingCurrencyContractedUnitPrice,
    CASE
        WHEN pricing_currency IS NULL THEN NULL
        WHEN dataset = 'actual' THEN CAST(0 AS DECIMAL(38, 18))
        ELSE cost_in_pricing
    END AS PricingCurrencyEffectiveCost,
    CASE WHEN charge_category = 'Usage' AND payg_price > 0 AND pricing_currency IS NOT NULL THEN payg_price END
        AS PricingCurrencyListUnitPrice,
    CASE WHEN charge_category <> 'Tax' THEN pricing_quantity END AS PricingQuantity,
    CASE WHEN charge_category <> 'Tax' AND pricing_quantity IS NOT NULL THEN pricing_unit END AS PricingUnit,
    'Microsoft' AS ProviderName,
    COALESCE(publisher_name, 'Microsoft') AS PublisherName,
    -- Old exports have the names of billing, 'US East 2' and 'EU West', for eastus2 and westeurope.
    CASE
        WHEN resource_location LIKE 'US %'
            THEN LOWER(REPLACE(REGEXP_REPLACE(resource_location, '^US ([A-Za-z ]+?)( 2| 3)?$', '\1us\2'), ' ', ''))
        WHEN resource_location IN ('EU West', 'EU North') THEN LOWER(SUBSTR(resource_location, 4)) || 'europe'
        WHEN resource_location IN ('AP East', 'AP Southeast') THEN LOWER(SUBSTR(resource_location, 4)) || 'asia'
        ELSE LOWER(REPLACE(resource_location, ' ', ''))
    END AS RegionId,
    resource_location AS RegionName,
    resource_id AS ResourceId,
    CASE
        WHEN
            resource_id IS NOT NULL
            THEN COALESCE(resource_name, NULLIF(REGEXP_EXTRACT(resource_id, '([^/]+)/?$', 1), ''))
    END AS ResourceName,
    CASE
        WHEN resource_id IS NOT NULL
            THEN COALESCE(
                resource_type,
                NULLIF(REGEXP_EXTRACT(resource_id, '(?i)^.*/providers/([^/]+/[^/]+)', 1), ''),
                consumed_service,
                service
            )
    END AS ResourceType,
    service_category AS ServiceCategory,
    service AS ServiceName,
    service_subcategory AS ServiceSubcategory,
    CASE
        WHEN charge_category <> 'Tax' THEN COALESCE(product_id, meter_id, part_number, product_order_id, product_name)
    END
        AS SkuId,
    CASE
        WHEN
            charge_category <> 'Tax'
            AND COALESCE(product_id, meter_id, part_number, product_order_id, product_name) IS NOT NULL
            THEN COALESCE(meter_name, product_name, meter_subcategory, service)
    END AS SkuMeter,
    CAST(NULL AS VARCHAR) AS SkuPriceDetails,
    -- A price belongs to one SKU: the part number alone is that of several meters.
    CASE
        WHEN charge_category <> 'Tax'
            THEN NULLIF(
                CONCAT_WS(
                    '_',
                    COALESCE(product_id, meter_id, part_number, product_order_id, product_name),
                    CASE WHEN product_id IS NOT NULL THEN meter_id END,
                    CASE WHEN COALESCE(product_id, meter_id) IS NOT NULL THEN part_number END
                ),
                ''
            )
    END AS SkuPriceId,
    committed.subscription_id AS SubAccountId,
    CASE WHEN committed.subscription_id IS NOT NULL THEN subscription_name END AS SubAccountName,
    CASE WHEN committed.subscription_id IS NOT NULL THEN 'Subscription' END AS SubAccountType,
    with_vendor_tag(CASE WHEN JSON_VALID(tags) THEN tags END, 'azure:resource-group', resource_group) AS Tags,
    'Microsoft' AS ServiceProviderName,
    'Microsoft' AS HostProviderName,
    row_number,
    CASE
        WHEN dataset = 'actual' AND NOT is_commitment_purchase AND NOT (is_covered AND cost <> 0)
            THEN 'charged by the amortised export'
    END AS aside,
    CASE
        WHEN unreadable_amount IS NOT NULL THEN unreadable_amount
        WHEN unreadable_date IS NOT NULL THEN unreadable_date
        WHEN dataset = 'actual' AND is_covered AND cost <> 0
            THEN 'dataset: the actual export has amortised cost of a commitment'
        WHEN dataset = 'amortized' AND is_commitment_purchase AND cost <> 0
            THEN 'dataset: the amortised export has a purchase of a commitment'
    END AS refusal
FROM committed
CROSS JOIN parameters
