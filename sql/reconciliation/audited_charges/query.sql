-- Amounts are compared, not unit prices: a division would lose digits.
WITH period_rates AS (
    SELECT
        rates.currency,
        CAST(rates.rate AS DECIMAL(10, 8)) AS rate
    FROM rates
    WHERE rates.kind = 'period'
),

agreed_charges AS (
    SELECT
        charge_pools.x_source,
        charge_pools.x_period,
        charge_pools.x_slice,
        charge_pools.x_delivery,
        charge_pools.x_row,
        charge_pools.ChargePeriodStart AS started_at,
        COALESCE(charge_pools.x_pool, 'unassigned') AS pool,
        charge_pools.ProviderName AS vendor,
        contract_scopes.sku_meter AS sku,
        charge_pools.RegionId AS region,
        charge_pools.ResourceId AS resource,
        charge_pools.BillingCurrency AS currency,
        contract_scopes.kind,
        contract_scopes.id,
        CAST(charge_pools.PricingQuantity AS DECIMAL(19, 9)) AS quantity,
        CAST(
            CAST(charge_pools.ListCost AS DECIMAL(27, 18)) * billed_rates.rate AS DECIMAL(38, 18)
        ) AS list_amount,
        CAST(
            CAST(
                CASE
                    WHEN charge_pools.ContractedUnitPrice IS NULL THEN charge_pools.EffectiveCost
                    ELSE
                        CAST(charge_pools.ContractedUnitPrice AS DECIMAL(19, 12))
                        * CAST(charge_pools.PricingQuantity AS DECIMAL(19, 9))
                END AS DECIMAL(27, 18)
            ) * billed_rates.rate AS DECIMAL(38, 18)
        ) AS billed_amount,
        CASE
            WHEN contract_cards.unit_price IS NOT NULL
                THEN
                    CAST(
                        CAST(
                            CAST(contract_cards.unit_price AS DECIMAL(19, 12))
                            * CAST(charge_pools.PricingQuantity AS DECIMAL(19, 9)) AS DECIMAL(27, 18)
                        ) * CAST(contract_cards.rate AS DECIMAL(10, 8)) AS DECIMAL(38, 18)
                    )
            WHEN contract_cards.discount IS NOT NULL
                THEN
                    CAST(
                        CAST(
                            CAST(charge_pools.ListCost AS DECIMAL(25, 14))
                            * CAST(1 - contract_cards.discount AS DECIMAL(13, 12)) AS DECIMAL(27, 18)
                        ) * billed_rates.rate AS DECIMAL(38, 18)
                    )
        END AS agreed_amount,
        COALESCE(contract_cards.tiered, FALSE) AS tiered,
        contract_cards.discount IS NOT NULL AS off_list
    FROM charge_pools
    INNER JOIN contract_scopes
        ON
            charge_pools.ProviderName = contract_scopes.vendor
            AND charge_pools.BillingAccountId = contract_scopes.billing_account_id
            AND COALESCE(charge_pools.SubAccountId, '') = contract_scopes.sub_account_id
            AND COALESCE(charge_pools.RegionId, '') = contract_scopes.region_id
            AND charge_pools.ServiceCategory = contract_scopes.service_category
            AND charge_pools.ServiceName = contract_scopes.service_name
            AND COALESCE(charge_pools.SkuId, '') = contract_scopes.sku_id
            AND COALESCE(charge_pools.SkuMeter, charge_pools.SkuId, '') = contract_scopes.sku_meter
            AND CAST(charge_pools.ChargePeriodStart AS DATE) = contract_scopes.day
    INNER JOIN period_rates AS billed_rates
        ON charge_pools.BillingCurrency = billed_rates.currency
    LEFT JOIN contract_cards
        ON
            contract_scopes.kind = 'card'
            AND contract_scopes.id = contract_cards.id
    WHERE
        charge_pools.ChargeCategory = 'Usage'
        AND charge_pools.PricingQuantity > 0
),

judged_charges AS (
    SELECT
        agreed_charges.*,
        CASE
            WHEN agreed_charges.kind = 'commitment' THEN 'agreed'
            WHEN agreed_charges.tiered THEN 'tiered'
            WHEN
                agreed_charges.off_list
                AND ABS(agreed_charges.billed_amount - agreed_charges.agreed_amount)
                <= ABS(CAST(agreed_charges.list_amount AS DECIMAL(24, 12))) * CAST(0.000001 AS DECIMAL(7, 6))
                THEN 'agreed'
            WHEN agreed_charges.billed_amount > agreed_charges.agreed_amount THEN 'over'
            WHEN agreed_charges.billed_amount < agreed_charges.agreed_amount THEN 'under'
            ELSE 'agreed'
        END AS verdict
    FROM agreed_charges
)

SELECT
    judged_charges.x_source,
    judged_charges.x_period,
    judged_charges.x_slice,
    CASE
        WHEN judged_charges.kind = 'commitment' THEN 'commitment'
        WHEN judged_charges.verdict = 'agreed' THEN 'sum'
        ELSE 'line'
    END AS kind,
    judged_charges.id,
    judged_charges.verdict,
    CASE WHEN judged_charges.kind = 'commitment' THEN '' ELSE judged_charges.pool END AS pool,
    judged_charges.vendor,
    judged_charges.currency,
    CASE WHEN judged_charges.verdict <> 'agreed' THEN judged_charges.sku END AS sku,
    CASE WHEN judged_charges.verdict <> 'agreed' THEN judged_charges.region END AS region,
    CASE WHEN judged_charges.verdict <> 'agreed' THEN judged_charges.resource END AS resource,
    CASE WHEN judged_charges.verdict <> 'agreed' THEN judged_charges.x_delivery END AS x_delivery,
    CASE WHEN judged_charges.verdict <> 'agreed' THEN judged_charges.x_row END AS x_row,
    CASE WHEN judged_charges.verdict <> 'agreed' THEN judged_charges.started_at END AS started_at,
    CAST(COUNT(*) AS BIGINT) AS line_count,
    CAST(SUM(judged_charges.quantity) AS DECIMAL(38, 18)) AS quantity,
    CAST(SUM(judged_charges.billed_amount) AS DECIMAL(38, 18)) AS billed_amount,
    -- Of tiers it is the month's to say.
    CAST(SUM(COALESCE(judged_charges.agreed_amount, 0)) AS DECIMAL(38, 18)) AS agreed_amount
FROM judged_charges
GROUP BY
    judged_charges.x_source,
    judged_charges.x_period,
    judged_charges.x_slice,
    judged_charges.kind,
    judged_charges.id,
    judged_charges.verdict,
    CASE WHEN judged_charges.kind = 'commitment' THEN '' ELSE judged_charges.pool END,
    judged_charges.vendor,
    judged_charges.currency,
    CASE WHEN judged_charges.verdict <> 'agreed' THEN judged_charges.sku END,
    CASE WHEN judged_charges.verdict <> 'agreed' THEN judged_charges.region END,
    CASE WHEN judged_charges.verdict <> 'agreed' THEN judged_charges.resource END,
    CASE WHEN judged_charges.verdict <> 'agreed' THEN judged_charges.x_delivery END,
    CASE WHEN judged_charges.verdict <> 'agreed' THEN judged_charges.x_row END,
    CASE WHEN judged_charges.verdict <> 'agreed' THEN judged_charges.started_at END
