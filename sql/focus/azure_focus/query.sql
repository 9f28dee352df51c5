-- A row of Microsoft's FOCUS export becomes a FOCUS 1.2 row. Source of the gaps and of what closes them: Microsoft,
-- FOCUS conformance summary; FOCUS 1.2, columns.
--
-- List price. For marketplace charges, for reservation usage of MCA and of EA with cost allocation, Microsoft writes a
-- ListCost, a ContractedCost and unit prices of 0, which FOCUS would read as free of charge: the discount kept on such
-- a row would be minus its whole cost. A 0 beside a charge of another amount is unknown, and the next price that is
-- known stands for it: list, contracted, effective, billed. So no discount is claimed that nobody showed. What a
-- commitment left unused has no list price in truth, and keeps its 0.
--
-- InvoiceId is null in every Enterprise Agreement, whose invoices are not known to cost management.
WITH typed AS (
    SELECT
        exact_decimal(billed_cost) AS billed_cost,
        billing_account_id,
        billing_account_name,
        billing_account_type,
        UPPER(billing_currency) AS billing_currency,
        utc_instant(billing_period_end) AS billing_period_end,
        utc_instant(billing_period_start) AS billing_period_start,
        capacity_reservation_id,
        capacity_reservation_status,
        -- 1.0-preview has no column for corrections and no Tax of its own.
        COALESCE(charge_category, 'Usage') AS charge_category,
        charge_class,
        charge_description,
        LOWER(charge_frequency) AS charge_frequency,
        utc_instant(charge_period_end) AS charge_period_end,
        utc_instant(charge_period_start) AS charge_period_start,
        commitment_discount_category,
        commitment_discount_id,
        commitment_discount_name,
        exact_decimal(commitment_discount_quantity) AS commitment_discount_quantity,
        commitment_discount_status,
        commitment_discount_type,
        commitment_discount_unit,
        exact_decimal(consumed_quantity) AS consumed_quantity,
        consumed_unit,
        exact_decimal(contracted_cost) AS contracted_cost,
        exact_decimal(contracted_unit_price) AS contracted_unit_price,
        exact_decimal(effective_cost) AS effective_cost,
        exact_decimal(effective_cost_in_usd) AS effective_cost_in_usd,
        NULLIF(NULLIF(invoice_id, '-2'), 'Unassigned') AS invoice_id,
        invoice_issuer_name,
        exact_decimal(list_cost) AS list_cost,
        exact_decimal(list_unit_price) AS list_unit_price,
        pricing_category,
        UPPER(pricing_currency) AS pricing_currency,
        exact_decimal(pricing_quantity) AS pricing_quantity,
        pricing_unit,
        publisher_category,
        -- '-2' and 'Unassigned' stand where Microsoft has nothing to say.
        NULLIF(NULLIF(publisher_name, '-2'), 'Unassigned') AS publisher_name,
        region_id,
        region_name,
        resource_id,
        resource_name,
        resource_type,
        service_category,
        NULLIF(NULLIF(service_name, '-2'), 'Unassigned') AS service_name,
        service_subcategory,
        sku_description,
        NULLIF(NULLIF(sku_id, '-2'), 'Unassigned') AS sku_id,
        sku_meter,
        NULLIF(NULLIF(sku_meter_category, '-2'), 'Unassigned') AS sku_meter_category,
        NULLIF(sku_meter_id, '00000000-0000-0000-0000-000000000000') AS sku_meter_id,
        NULLIF(NULLIF(sku_meter_subcategory, '-2'), 'Unassigned') AS sku_meter_subcategory,
        NULLIF(NULLIF(sku_part_number, '-2'), 'Unassigned') AS sku_part_number,
        sku_price_details,
        NULLIF(NULLIF(sku_price_id, '-2'), 'Unassigned') AS sku_price_id,
        -- Months: '12' and '36'.
        TRY_CAST(sku_term AS INTEGER) AS term_months,
        NULLIF(sub_account_id, '/subscriptions/00000000-0000-0000-0000-000000000000') AS sub_account_id,
        NULLIF(NULLIF(sub_account_name, '-2'), 'Unassigned') AS sub_account_name,
        sub_account_type,
        tags,
        resource_group,
        row_number,
        CASE
            WHEN bad_amount(billed_cost) THEN 'amount: BilledCost ' || billed_cost
            WHEN bad_amount(effective_cost) THEN 'amount: EffectiveCost ' || effective_cost
            WHEN bad_amount(list_cost) THEN 'amount: ListCost ' || list_cost
            WHEN bad_amount(contracted_cost) THEN 'amount: ContractedCost ' || contracted_cost
            WHEN bad_amount(effective_cost_in_usd) THEN 'amount: x_EffectiveCostInUsd ' || effective_cost_in_usd
            WHEN bad_amount(consumed_quantity) THEN 'amount: ConsumedQuantity ' || consumed_quantity
            WHEN bad_amount(pricing_quantity) THEN 'amount: PricingQuantity ' || pricing_quantity
            WHEN bad_amount(list_unit_price) THEN 'amount: ListUnitPrice ' || list_unit_price
            WHEN bad_amount(contracted_unit_price) THEN 'amount: ContractedUnitPrice ' || contracted_unit_price
            WHEN
                bad_amount(commitment_discount_quantity)
                THEN 'amount: CommitmentDiscountQuantity ' || commitment_discount_quantity
            WHEN effective_cost IS NULL THEN 'amount: no EffectiveCost'
            WHEN
                NOT COALESCE(utc_instant(billing_period_start) BETWEEN '2000-01-01' AND '2200-01-01', FALSE)
                THEN 'date: BillingPeriodStart ' || COALESCE(billing_period_start, 'is missing')
            WHEN
                NOT COALESCE(utc_instant(billing_period_end) BETWEEN '2000-01-01' AND '2200-01-01', FALSE)
                THEN 'date: BillingPeriodEnd ' || COALESCE(billing_period_end, 'is missing')
            WHEN
                NOT COALESCE(utc_instant(charge_period_start) BETWEEN '2000-01-01' AND '2200-01-01', FALSE)
                THEN 'date: ChargePeriodStart ' || COALESCE(charge_period_start, 'is missing')
            WHEN
                NOT COALESCE(utc_instant(charge_period_end) BETWEEN '2000-01-01' AND '2200-01-01', FALSE)
                THEN 'date: ChargePeriodEnd ' || COALESCE(charge_period_end, 'is missing')
        END AS refusal
    FROM bill
),

known AS (
    SELECT
        *,
        COALESCE(commitment_discount_status = 'Unused', FALSE) AS is_unused,
        -- ServiceName is empty for what has no resource: Microsoft's substitutes, in its order.
        COALESCE(
            service_name,
            CASE WHEN publisher_category = 'Vendor' THEN publisher_name END,
            sku_meter_subcategory,
            sku_meter_category,
            commitment_discount_type,
            publisher_name,
            'Microsoft'
        ) AS service,
        CASE WHEN service_name IS NULL THEN 'Other' ELSE COALESCE(service_category, 'Other') END AS category,
        COALESCE(sku_id, sku_meter_id, sku_part_number, sku_description) AS sku,
        COALESCE(commitment_discount_type, '') IN ('Reservation', 'Savings Plan')
        AND commitment_discount_id IS NOT NULL
        AND charge_category IN ('Usage', 'Purchase') AS is_committed
    FROM typed
),

contracted AS (
    SELECT
        *,
        CASE
            WHEN is_unused THEN COALESCE(contracted_cost, 0)
            ELSE COALESCE(NULLIF(contracted_cost, 0), NULLIF(effective_cost, 0), billed_cost)
        END AS known_contracted_cost
    FROM known
),

listed AS (
    SELECT
        *,
        CASE WHEN is_unused THEN COALESCE(list_cost, 0) ELSE COALESCE(NULLIF(list_cost, 0), known_contracted_cost) END
            AS known_list_cost
    FROM contracted
)

SELECT
    CAST(NULL AS VARCHAR) AS AvailabilityZone,
    billed_cost AS BilledCost,
    billing_account_id AS BillingAccountId,
    billing_account_name AS BillingAccountName,
    billing_account_type AS BillingAccountType,
    billing_currency AS BillingCurrency,
    billing_period_end AS BillingPeriodEnd,
    billing_period_start AS BillingPeriodStart,
    capacity_reservation_id AS CapacityReservationId,
    capacity_reservation_status AS CapacityReservationStatus,
    charge_category AS ChargeCategory,
    charge_class AS ChargeClass,
    COALESCE(charge_description, sku_description, commitment_discount_name) AS ChargeDescription,
    CASE
        WHEN charge_frequency = 'recurring' THEN 'Recurring'
        WHEN charge_frequency = 'one-time' OR charge_category = 'Purchase' THEN 'One-Time'
        WHEN charge_frequency = 'usage-based' THEN 'Usage-Based'
    END AS ChargeFrequency,
    charge_period_end AS ChargePeriodEnd,
    charge_period_start AS ChargePeriodStart,
    CASE WHEN commitment_discount_id IS NOT NULL THEN commitment_discount_category END AS CommitmentDiscountCategory,
    commitment_discount_id AS CommitmentDiscountId,
    commitment_discount_name AS CommitmentDiscountName,
    -- Microsoft leaves it empty: a savings plan commits to money, a reservation to hours, 730 in a month as in its
    -- prices.
    CASE
        WHEN NOT is_committed THEN NULL
        WHEN commitment_discount_quantity IS NOT NULL THEN commitment_discount_quantity
        WHEN commitment_discount_category = 'Spend' AND charge_category = 'Purchase' THEN billed_cost
        WHEN commitment_discount_category = 'Spend' THEN effective_cost
        WHEN charge_category = 'Usage' THEN COALESCE(consumed_quantity, pricing_quantity)
        WHEN charge_frequency = 'recurring' THEN TRY(CAST(pricing_quantity * 730 AS DECIMAL(38, 18)))
        ELSE TRY(CAST(pricing_quantity * (730 * term_months) AS DECIMAL(38, 18)))
    END AS CommitmentDiscountQuantity,
    CASE WHEN commitment_discount_id IS NOT NULL AND charge_category = 'Usage' THEN commitment_discount_status END
        AS CommitmentDiscountStatus,
    commitment_discount_type AS CommitmentDiscountType,
    CASE
        WHEN NOT is_committed THEN NULL
        WHEN commitment_discount_quantity IS NOT NULL THEN commitment_discount_unit
        WHEN commitment_discount_category = 'Spend' THEN billing_currency
        WHEN charge_category = 'Usage' THEN COALESCE(consumed_unit, pricing_unit, 'Units')
        WHEN charge_frequency = 'recurring' OR term_months IS NOT NULL THEN 'Hours'
    END AS CommitmentDiscountUnit,
    CASE WHEN charge_category = 'Usage' AND NOT is_unused THEN consumed_quantity END AS ConsumedQuantity,
    CASE WHEN charge_category = 'Usage' AND NOT is_unused THEN consumed_unit END AS ConsumedUnit,
    known_contracted_cost AS ContractedCost,
    -- A unit price is the vendor's own or none: never one that does not give the cost.
    CASE
        WHEN charge_category = 'Tax' OR contracted_unit_price < 0 THEN NULL
        WHEN
            charge_class IS NOT NULL
            OR ABS(
                TRY(
                    CAST(
                        CAST(pricing_quantity AS DECIMAL(38, 13)) * CAST(contracted_unit_price AS DECIMAL(38, 13))
                        AS DECIMAL(38, 18)
                    )
                ) - known_contracted_cost
            ) <= CAST('0.000000001' AS DECIMAL(38, 18))
            THEN contracted_unit_price
    END AS ContractedUnitPrice,
    effective_cost AS EffectiveCost,
    invoice_id AS InvoiceId,
    COALESCE(invoice_issuer_name, 'Microsoft') AS InvoiceIssuerName,
    known_list_cost AS ListCost,
    CASE
        WHEN charge_category = 'Tax' OR list_unit_price < 0 THEN NULL
        WHEN
            charge_class IS NOT NULL
            OR ABS(
                TRY(
                    CAST(
                        CAST(pricing_quantity AS DECIMAL(38, 13)) * CAST(list_unit_price AS DECIMAL(38, 13))
                        AS DECIMAL(38, 18)
                    )
                ) - known_list_cost
            ) <= CAST('0.000000001' AS DECIMAL(38, 18))
            THEN list_unit_price
    END AS ListUnitPrice,
    CASE
        WHEN charge_category = 'Tax' THEN NULL
        WHEN pricing_category = 'On-Demand' THEN 'Standard'
        WHEN pricing_category = 'Commitment-Based' THEN 'Committed'
        WHEN pricing_category IS NULL AND charge_category IN ('Usage', 'Purchase')
            THEN CASE WHEN commitment_discount_id IS NULL THEN 'Standard' ELSE 'Committed' END
        ELSE pricing_category
    END AS PricingCategory,
    pricing_currency AS PricingCurrency,
    -- Unit prices are in the billing currency. Microsoft says costs in USD beside it, whatever the pricing currency.
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyContractedUnitPrice,
    CASE WHEN pricing_currency = 'USD' THEN effective_cost_in_usd END AS PricingCurrencyEffectiveCost,
    CAST(NULL AS DECIMAL(38, 18)) AS PricingCurrencyListUnitPrice,
    CASE WHEN charge_category <> 'Tax' THEN pricing_quantity END AS PricingQuantity,
    CASE WHEN charge_category <> 'Tax' AND pricing_quantity IS NOT NULL THEN pricing_unit END AS PricingUnit,
    'Microsoft' AS ProviderName,
    COALESCE(publisher_name, 'Microsoft') AS PublisherName,
    region_id AS RegionId,
    CASE WHEN region_id IS NOT NULL THEN region_name END AS RegionName,
    resource_id AS ResourceId,
    CASE WHEN resource_id IS NOT NULL THEN resource_name END AS ResourceName,
    CASE WHEN resource_id IS NOT NULL THEN resource_type END AS ResourceType,
    category AS ServiceCategory,
    service AS ServiceName,
    CASE WHEN service_name IS NOT NULL THEN service_subcategory END AS ServiceSubcategory,
    CASE WHEN charge_category <> 'Tax' THEN sku END AS SkuId,
    CASE WHEN charge_category <> 'Tax' AND sku IS NOT NULL THEN COALESCE(sku_meter, sku_description, service) END
        AS SkuMeter,
    CASE WHEN charge_category <> 'Tax' AND JSON_VALID(sku_price_details) THEN sku_price_details END AS SkuPriceDetails,
    CASE WHEN charge_category <> 'Tax' THEN COALESCE(sku_price_id, sku) END AS SkuPriceId,
    sub_account_id AS SubAccountId,
    CASE WHEN sub_account_id IS NOT NULL THEN sub_account_name END AS SubAccountName,
    CASE WHEN sub_account_id IS NOT NULL THEN COALESCE(sub_account_type, 'Subscription') END AS SubAccountType,
    with_vendor_tag(
        CASE
            WHEN JSON_VALID(tags) THEN tags
            WHEN JSON_VALID('{' || tags || '}') THEN '{' || tags || '}'
        END,
        'azure:resource-group',
        resource_group
    ) AS Tags,
    'Microsoft' AS ServiceProviderName,
    'Microsoft' AS HostProviderName,
    row_number,
    CAST(NULL AS VARCHAR) AS aside,
    refusal
FROM listed
CROSS JOIN parameters
