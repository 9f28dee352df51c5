-- A card for the charge's region goes before one for any region. Amounts are compared, not unit
-- prices: a division would lose digits.
WITH period_rates AS (
    SELECT
        rates.currency,
        CAST(rates.rate AS DECIMAL(10, 8)) AS rate
    FROM rates
    WHERE rates.kind = 'period'
),

carded_skus AS (
    SELECT DISTINCT
        contract_cards.vendor,
        contract_cards.sku
    FROM contract_cards
),

carded_charges AS (
    SELECT
        charge_pools.x_source,
        charge_pools.x_delivery,
        charge_pools.x_row,
        charge_pools.ChargePeriodStart AS started_at,
        charge_pools.x_pool AS pool,
        charge_pools.ProviderName AS vendor,
        carded_skus.sku,
        charge_pools.RegionId AS region,
        charge_pools.ResourceId AS resource,
        charge_pools.BillingCurrency AS currency,
        charge_pools.ContractedUnitPrice AS billed_price,
        charge_pools.PricingQuantity AS quantity,
        charge_pools.EffectiveCost AS effective_cost
    FROM charge_pools
    INNER JOIN carded_skus
        ON
            charge_pools.ProviderName = carded_skus.vendor
            AND COALESCE(charge_pools.SkuMeter, charge_pools.SkuId) = carded_skus.sku
    WHERE
        charge_pools.ChargeCategory = 'Usage'
        AND charge_pools.PricingQuantity > 0
),

agreed_charges AS (
    SELECT
        carded_charges.x_source,
        carded_charges.x_delivery,
        carded_charges.x_row,
        carded_charges.started_at,
        carded_charges.pool,
        carded_charges.vendor,
        carded_charges.sku,
        carded_charges.region,
        carded_charges.resource,
        carded_charges.currency,
        carded_charges.billed_price,
        carded_charges.quantity,
        carded_charges.effective_cost,
        COALESCE(regional_cards.id, general_cards.id) AS card,
        COALESCE(regional_cards.unit_price, general_cards.unit_price) AS agreed_price,
        COALESCE(regional_cards.currency, general_cards.currency) AS agreed_currency
    FROM carded_charges
    LEFT JOIN contract_cards AS regional_cards
        ON
            carded_charges.vendor = regional_cards.vendor
            AND carded_charges.sku = regional_cards.sku
            AND carded_charges.region = regional_cards.region
            AND CAST(carded_charges.started_at AS DATE) >= regional_cards.valid_from
            AND CAST(carded_charges.started_at AS DATE) < COALESCE(regional_cards.valid_to, DATE '9999-12-31')
    LEFT JOIN contract_cards AS general_cards
        ON
            carded_charges.vendor = general_cards.vendor
            AND carded_charges.sku = general_cards.sku
            AND general_cards.region IS NULL
            AND CAST(carded_charges.started_at AS DATE) >= general_cards.valid_from
            AND CAST(carded_charges.started_at AS DATE) < COALESCE(general_cards.valid_to, DATE '9999-12-31')
),

priced_lines AS (
    SELECT
        agreed_charges.x_source,
        agreed_charges.x_delivery,
        agreed_charges.x_row,
        agreed_charges.started_at,
        agreed_charges.pool,
        agreed_charges.vendor,
        agreed_charges.sku,
        agreed_charges.region,
        agreed_charges.resource,
        agreed_charges.card,
        agreed_charges.quantity,
        CAST(
            CAST(
                CASE
                    WHEN agreed_charges.billed_price IS NULL THEN agreed_charges.effective_cost
                    ELSE
                        CAST(agreed_charges.billed_price AS DECIMAL(19, 12))
                        * CAST(agreed_charges.quantity AS DECIMAL(19, 9))
                END AS DECIMAL(27, 18)
            ) * billed_rates.rate AS DECIMAL(38, 18)
        ) AS billed_amount,
        CAST(
            CAST(
                CAST(agreed_charges.agreed_price AS DECIMAL(19, 12))
                * CAST(agreed_charges.quantity AS DECIMAL(19, 9)) AS DECIMAL(27, 18)
            ) * agreed_rates.rate AS DECIMAL(38, 18)
        ) AS agreed_amount
    FROM agreed_charges
    INNER JOIN period_rates AS billed_rates
        ON agreed_charges.currency = billed_rates.currency
    INNER JOIN period_rates AS agreed_rates
        ON agreed_charges.agreed_currency = agreed_rates.currency
    WHERE agreed_charges.card IS NOT NULL
)

SELECT
    COALESCE(priced_lines.pool, 'unassigned') AS pool,
    priced_lines.card,
    priced_lines.vendor,
    priced_lines.sku,
    priced_lines.region,
    priced_lines.resource,
    priced_lines.x_source,
    priced_lines.x_delivery,
    priced_lines.x_row,
    priced_lines.started_at,
    priced_lines.quantity,
    priced_lines.billed_amount,
    priced_lines.agreed_amount,
    CAST(priced_lines.agreed_amount - priced_lines.billed_amount AS DECIMAL(38, 18)) AS amount
FROM priced_lines
WHERE priced_lines.billed_amount > priced_lines.agreed_amount
