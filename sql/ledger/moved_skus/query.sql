WITH priced AS (
    SELECT
        external_charges.ServiceProviderName AS scope,
        external_charges.ServiceName AS product,
        external_charges.BillingCurrency AS currency,
        external_charges.x_period AS period,
        external_charges.EffectiveCost AS amount,
        CASE
            WHEN external_charges.ChargeCategory = 'Usage' THEN COALESCE(external_charges.PricingUnit, '')
            ELSE ''
        END AS unit,
        CASE
            WHEN external_charges.ChargeCategory = 'Usage'
                THEN COALESCE(external_charges.SkuPriceId, external_charges.SkuId, '')
            ELSE external_charges.ChargeCategory
        END AS item,
        CASE
            WHEN external_charges.ChargeCategory = 'Usage' THEN COALESCE(external_charges.PricingQuantity, 0)
            ELSE 0
        END AS quantity,
        COALESCE(external_charges.ResourceId, '') AS resource
    FROM external_charges
),

of_resources AS (
    SELECT
        priced.scope,
        priced.product,
        priced.unit,
        priced.item,
        priced.currency,
        priced.resource,
        CAST(SUM(CASE WHEN priced.period = compared.before THEN priced.quantity ELSE 0 END) AS DECIMAL(38, 18))
            AS before_quantity,
        CAST(SUM(CASE WHEN priced.period = compared.after THEN priced.quantity ELSE 0 END) AS DECIMAL(38, 18))
            AS after_quantity,
        CAST(SUM(CASE WHEN priced.period = compared.before THEN priced.amount ELSE 0 END) AS DECIMAL(38, 18))
            AS before_amount,
        CAST(SUM(CASE WHEN priced.period = compared.after THEN priced.amount ELSE 0 END) AS DECIMAL(38, 18))
            AS after_amount,
        COUNT(CASE WHEN priced.period = compared.before THEN 1 END) AS charges_before,
        COUNT(CASE WHEN priced.period = compared.after THEN 1 END) AS charges_after
    FROM priced
    CROSS JOIN compared
    WHERE priced.period IN (compared.before, compared.after)
    GROUP BY
        priced.scope,
        priced.product,
        priced.unit,
        priced.item,
        priced.currency,
        priced.resource
)

SELECT
    of_resources.scope,
    of_resources.product,
    of_resources.unit,
    of_resources.item,
    of_resources.currency,
    CASE
        WHEN of_resources.charges_before = 0 THEN 'new'
        WHEN of_resources.charges_after = 0 THEN 'gone'
        ELSE 'kept'
    END AS seen,
    CAST(SUM(of_resources.before_quantity) AS DECIMAL(38, 18)) AS before_quantity,
    CAST(SUM(of_resources.after_quantity) AS DECIMAL(38, 18)) AS after_quantity,
    CAST(SUM(of_resources.before_amount) AS DECIMAL(38, 18)) AS before_amount,
    CAST(SUM(of_resources.after_amount) AS DECIMAL(38, 18)) AS after_amount
FROM of_resources
GROUP BY
    of_resources.scope,
    of_resources.product,
    of_resources.unit,
    of_resources.item,
    of_resources.currency,
    CASE
        WHEN of_resources.charges_before = 0 THEN 'new'
        WHEN of_resources.charges_after = 0 THEN 'gone'
        ELSE 'kept'
    END
