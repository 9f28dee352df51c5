WITH usage_sums AS (
    SELECT
        external_charges.ProviderName AS provider,
        external_charges.ServiceName AS service,
        COALESCE(external_charges.RegionId, '') AS region,
        external_charges.BillingCurrency AS currency,
        COALESCE(external_charges.CommitmentDiscountId, '') AS commitment,
        COALESCE(external_charges.CommitmentDiscountStatus, 'Used') = 'Unused' AS is_unused,
        MAX(external_charges.CommitmentDiscountType) AS type,
        SUM(external_charges.EffectiveCost) AS effective_cost,
        SUM(external_charges.ListCost) AS list_cost
    FROM external_charges
    WHERE external_charges.ChargeCategory = 'Usage'
    GROUP BY
        external_charges.ProviderName,
        external_charges.ServiceName,
        COALESCE(external_charges.RegionId, ''),
        external_charges.BillingCurrency,
        COALESCE(external_charges.CommitmentDiscountId, ''),
        COALESCE(external_charges.CommitmentDiscountStatus, 'Used') = 'Unused'
),

eligible_sums AS (
    SELECT
        usage_sums.provider,
        usage_sums.service,
        usage_sums.region,
        usage_sums.currency,
        SUM(usage_sums.list_cost) AS list_cost
    FROM usage_sums
    WHERE NOT usage_sums.is_unused
    GROUP BY
        usage_sums.provider,
        usage_sums.service,
        usage_sums.region,
        usage_sums.currency
),

commitment_sums AS (
    SELECT
        usage_sums.provider,
        usage_sums.commitment,
        usage_sums.currency,
        MAX(usage_sums.type) AS type,
        SUM(CASE WHEN usage_sums.is_unused THEN 0 ELSE usage_sums.effective_cost END) AS used,
        SUM(CASE WHEN usage_sums.is_unused THEN usage_sums.effective_cost ELSE 0 END) AS unused,
        SUM(CASE WHEN usage_sums.is_unused THEN 0 ELSE usage_sums.list_cost END) AS covered_list,
        SUM(CASE WHEN usage_sums.is_unused THEN 0 ELSE eligible_sums.list_cost END) AS eligible_list
    FROM usage_sums
    LEFT JOIN eligible_sums
        ON
            usage_sums.provider = eligible_sums.provider
            AND usage_sums.service = eligible_sums.service
            AND usage_sums.region = eligible_sums.region
            AND usage_sums.currency = eligible_sums.currency
    WHERE usage_sums.commitment <> ''
    GROUP BY
        usage_sums.provider,
        usage_sums.commitment,
        usage_sums.currency
)

SELECT
    commitment_sums.provider,
    commitment_sums.commitment,
    commitment_sums.currency,
    commitment_sums.type,
    CAST(commitment_sums.used AS DECIMAL(38, 18)) AS used,
    CAST(commitment_sums.unused AS DECIMAL(38, 18)) AS unused,
    CAST(commitment_sums.covered_list AS DECIMAL(38, 18)) AS covered_list,
    CAST(commitment_sums.eligible_list AS DECIMAL(38, 18)) AS eligible_list
FROM commitment_sums
ORDER BY
    commitment_sums.provider ASC,
    commitment_sums.commitment ASC,
    commitment_sums.currency ASC
