-- The last step of every vendor's model: what no ledger row may lack or contradict is refused with its
-- reason, and lineage is added. A row that is refused or aside has no x_period.
WITH dated AS (
    SELECT
        *,
        -- Half a day later is within the month in every time zone that a vendor closes its month in.
        SUBSTR(CAST(BillingPeriodStart + INTERVAL 12 HOUR AS VARCHAR), 1, 7) AS billing_month
    FROM bill_charges
),

checked AS (
    SELECT
        dated.*,
        parameters.source,
        parameters.delivery,
        parameters.slice,
        -- Tax is taken on prices and has none; what of a commitment nobody used is priced and not consumed.
        dated.ChargeCategory <> 'Tax' AS is_priced,
        dated.ChargeCategory = 'Usage' AND COALESCE(dated.CommitmentDiscountStatus, '') <> 'Unused' AS is_consumed,
        dated.CommitmentDiscountId IS NOT NULL AND dated.CommitmentDiscountQuantity IS NOT NULL
        AND dated.ChargeCategory IN ('Usage', 'Purchase') AND dated.ChargeClass IS NULL AS has_commitment_quantity,
        CASE
            WHEN dated.aside IS NOT NULL THEN NULL
            WHEN dated.refusal IS NOT NULL THEN dated.refusal
            WHEN dated.BilledCost IS NULL THEN 'amount: no billed cost'
            -- Ten trillion of anything on one line is a mistake, and sums of such lines could not be held.
            WHEN
                GREATEST(
                    ABS(dated.BilledCost),
                    ABS(COALESCE(dated.EffectiveCost, 0)),
                    ABS(COALESCE(dated.ListCost, 0)),
                    ABS(COALESCE(dated.ContractedCost, 0))
                ) >= 10000000000000
                THEN 'amount: no line costs ten trillion'
            WHEN dated.BillingPeriodStart IS NULL OR dated.BillingPeriodEnd IS NULL THEN 'date: no billing period'
            WHEN
                dated.BillingPeriodEnd <= dated.BillingPeriodStart
                THEN 'date: the billing period ends before it starts'
            WHEN dated.ChargePeriodStart IS NULL OR dated.ChargePeriodEnd IS NULL THEN 'date: no charge period'
            WHEN
                dated.ChargePeriodStart >= dated.BillingPeriodEnd + INTERVAL 12 HOUR
                THEN
                    'date: charged from ' || CAST(dated.ChargePeriodStart AS VARCHAR)
                    || ', after its billing period ' || dated.billing_month
            WHEN dated.BillingAccountId IS NULL THEN 'account: no billing account'
            WHEN dated.BillingCurrency IS NULL THEN 'currency: no billing currency'
            WHEN
                NOT REGEXP_MATCHES(dated.BillingCurrency, '^[A-Z]{3}$')
                THEN 'currency: ' || dated.BillingCurrency || ' is no ISO 4217 code'
        END AS problem
    FROM dated
    CROSS JOIN parameters
),

-- What a vendor leaves out, by the rules of docs/guides/focus-conformance.md and no others.
filled AS (
    SELECT
        AvailabilityZone,
        BilledCost,
        BillingAccountId,
        COALESCE(BillingAccountName, BillingAccountId) AS BillingAccountName,
        COALESCE(BillingAccountType, 'Billing Account') AS BillingAccountType,
        BillingCurrency,
        BillingPeriodEnd,
        BillingPeriodStart,
        CapacityReservationId,
        CASE WHEN CapacityReservationId IS NOT NULL THEN CapacityReservationStatus END AS CapacityReservationStatus,
        ChargeCategory,
        ChargeClass,
        ChargeDescription,
        CASE
            WHEN ChargeFrequency IS NULL AND ChargeCategory = 'Usage' THEN 'Usage-Based'
            WHEN ChargeFrequency IS NULL THEN 'One-Time'
            WHEN ChargeFrequency = 'Usage-Based' AND ChargeCategory = 'Purchase' THEN 'One-Time'
            ELSE ChargeFrequency
        END AS ChargeFrequency,
        ChargePeriodEnd,
        ChargePeriodStart,
        CASE WHEN CommitmentDiscountId IS NOT NULL THEN CommitmentDiscountCategory END AS CommitmentDiscountCategory,
        CommitmentDiscountId,
        CASE WHEN CommitmentDiscountId IS NOT NULL THEN COALESCE(CommitmentDiscountName, CommitmentDiscountId) END
            AS CommitmentDiscountName,
        CASE WHEN has_commitment_quantity THEN CommitmentDiscountQuantity END AS CommitmentDiscountQuantity,
        CASE WHEN CommitmentDiscountId IS NOT NULL THEN CommitmentDiscountStatus END AS CommitmentDiscountStatus,
        CASE WHEN CommitmentDiscountId IS NOT NULL THEN CommitmentDiscountType END AS CommitmentDiscountType,
        CASE
            WHEN NOT has_commitment_quantity THEN NULL
            WHEN CommitmentDiscountCategory = 'Spend' THEN COALESCE(CommitmentDiscountUnit, BillingCurrency)
            ELSE COALESCE(CommitmentDiscountUnit, PricingUnit, ConsumedUnit, 'Units')
        END AS CommitmentDiscountUnit,
        CASE WHEN is_consumed THEN ConsumedQuantity END AS ConsumedQuantity,
        CASE WHEN is_consumed AND ConsumedQuantity IS NOT NULL THEN COALESCE(ConsumedUnit, PricingUnit, 'Units') END
            AS ConsumedUnit,
        COALESCE(ContractedCost, BilledCost) AS ContractedCost,
        CASE WHEN is_priced AND ContractedUnitPrice >= 0 THEN ContractedUnitPrice END AS ContractedUnitPrice,
        COALESCE(EffectiveCost, BilledCost) AS EffectiveCost,
        InvoiceId,
        COALESCE(InvoiceIssuerName, ProviderName) AS InvoiceIssuerName,
        COALESCE(ListCost, ContractedCost, BilledCost) AS ListCost,
        CASE WHEN is_priced AND ListUnitPrice >= 0 THEN ListUnitPrice END AS ListUnitPrice,
        CASE WHEN is_priced THEN PricingCategory END AS PricingCategory,
        COALESCE(PricingCurrency, BillingCurrency) AS PricingCurrency,
        CASE WHEN is_priced AND PricingCurrencyContractedUnitPrice >= 0 THEN PricingCurrencyContractedUnitPrice END
            AS PricingCurrencyContractedUnitPrice,
        PricingCurrencyEffectiveCost,
        CASE WHEN is_priced AND PricingCurrencyListUnitPrice >= 0 THEN PricingCurrencyListUnitPrice END
            AS PricingCurrencyListUnitPrice,
        CASE WHEN is_priced THEN PricingQuantity END AS PricingQuantity,
        CASE WHEN is_priced AND PricingQuantity IS NOT NULL THEN COALESCE(PricingUnit, ConsumedUnit, 'Units') END
            AS PricingUnit,
        ProviderName,
        COALESCE(PublisherName, ProviderName) AS PublisherName,
        COALESCE(RegionId, RegionName) AS RegionId,
        COALESCE(RegionName, RegionId) AS RegionName,
        ResourceId,
        CASE WHEN ResourceId IS NOT NULL THEN COALESCE(ResourceName, ResourceId) END AS ResourceName,
        CASE WHEN ResourceId IS NOT NULL THEN COALESCE(ResourceType, ServiceName) END AS ResourceType,
        ServiceCategory,
        ServiceName,
        COALESCE(ServiceSubcategory, 'Other (' || ServiceCategory || ')') AS ServiceSubcategory,
        CASE WHEN is_priced THEN SkuId END AS SkuId,
        CASE WHEN is_priced AND SkuId IS NOT NULL THEN COALESCE(SkuMeter, SkuId) END AS SkuMeter,
        SkuPriceDetails,
        CASE
            WHEN ChargeCategory IN ('Usage', 'Purchase') THEN COALESCE(SkuPriceId, SkuId)
            WHEN is_priced THEN SkuPriceId
        END AS SkuPriceId,
        SubAccountId,
        CASE WHEN SubAccountId IS NOT NULL THEN COALESCE(SubAccountName, SubAccountId) END AS SubAccountName,
        CASE WHEN SubAccountId IS NOT NULL THEN COALESCE(SubAccountType, 'Sub Account') END AS SubAccountType,
        Tags,
        COALESCE(ServiceProviderName, ProviderName) AS ServiceProviderName,
        COALESCE(HostProviderName, ProviderName) AS HostProviderName,
        source,
        delivery,
        slice,
        billing_month,
        row_number,
        aside,
        problem
    FROM checked
)

SELECT
    AvailabilityZone,
    BilledCost,
    BillingAccountId,
    BillingAccountName,
    BillingAccountType,
    BillingCurrency,
    BillingPeriodEnd,
    BillingPeriodStart,
    CapacityReservationId,
    CapacityReservationStatus,
    ChargeCategory,
    ChargeClass,
    ChargeDescription,
    ChargeFrequency,
    ChargePeriodEnd,
    ChargePeriodStart,
    CommitmentDiscountCategory,
    CommitmentDiscountId,
    CommitmentDiscountName,
    CommitmentDiscountQuantity,
    CommitmentDiscountStatus,
    CommitmentDiscountType,
    CommitmentDiscountUnit,
    ConsumedQuantity,
    ConsumedUnit,
    ContractedCost,
    ContractedUnitPrice,
    EffectiveCost,
    InvoiceId,
    InvoiceIssuerName,
    ListCost,
    ListUnitPrice,
    PricingCategory,
    PricingCurrency,
    CASE WHEN PricingCurrency = BillingCurrency THEN ContractedUnitPrice ELSE PricingCurrencyContractedUnitPrice END
        AS PricingCurrencyContractedUnitPrice,
    CASE WHEN PricingCurrency = BillingCurrency THEN EffectiveCost ELSE PricingCurrencyEffectiveCost END
        AS PricingCurrencyEffectiveCost,
    CASE WHEN PricingCurrency = BillingCurrency THEN ListUnitPrice ELSE PricingCurrencyListUnitPrice END
        AS PricingCurrencyListUnitPrice,
    PricingQuantity,
    PricingUnit,
    ProviderName,
    PublisherName,
    RegionId,
    RegionName,
    ResourceId,
    ResourceName,
    ResourceType,
    ServiceCategory,
    ServiceName,
    ServiceSubcategory,
    SkuId,
    SkuMeter,
    CASE WHEN SkuPriceId IS NOT NULL THEN SkuPriceDetails END AS SkuPriceDetails,
    SkuPriceId,
    SubAccountId,
    SubAccountName,
    SubAccountType,
    Tags,
    ServiceProviderName,
    HostProviderName,
    source AS x_source,
    CASE WHEN problem IS NULL AND aside IS NULL THEN billing_month END AS x_period,
    slice AS x_slice,
    delivery AS x_delivery,
    row_number AS x_row,
    CAST(NULL AS VARCHAR) AS x_restates,
    aside,
    problem AS refusal
FROM filled
