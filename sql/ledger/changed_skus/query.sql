-- A stretch stands in the spans as often as there are spans before it, so that both sides weigh the same.
WITH priced AS (
    SELECT
        anomaly_spans.anomaly,
        anomaly_spans.is_after,
        external_charges.BillingCurrency AS currency,
        COALESCE(external_charges.SkuPriceId, external_charges.SkuId, '') AS item,
        COALESCE(external_charges.PricingUnit, '') AS unit,
        external_charges.EffectiveCost AS amount,
        CASE
            WHEN external_charges.ChargeCategory = 'Usage' THEN COALESCE(external_charges.PricingQuantity, 0)
            ELSE 0
        END AS quantity,
        COALESCE(external_charges.CommitmentDiscountId, external_charges.ResourceId, '') AS resource,
        CASE
            WHEN external_charges.x_restates IS NOT NULL OR external_charges.ChargeClass = 'Correction' THEN 'restated'
            WHEN external_charges.CommitmentDiscountId IS NOT NULL THEN 'commitment'
            ELSE ''
        END AS mark
    FROM external_charges
    INNER JOIN anomaly_spans
        ON
            external_charges.ServiceProviderName = anomaly_spans.scope
            AND external_charges.ServiceName = anomaly_spans.product
            AND external_charges.ChargePeriodStart >= anomaly_spans.starts_at
            AND external_charges.ChargePeriodStart < anomaly_spans.ends_at
),

of_resources AS (
    SELECT
        priced.anomaly,
        priced.currency,
        priced.mark,
        priced.item,
        priced.unit,
        priced.resource,
        CAST(SUM(CASE WHEN priced.is_after THEN 0 ELSE priced.quantity END) AS DECIMAL(38, 18)) AS before_quantity,
        CAST(SUM(CASE WHEN priced.is_after THEN priced.quantity ELSE 0 END) AS DECIMAL(38, 18)) AS after_quantity,
        CAST(SUM(CASE WHEN priced.is_after THEN 0 ELSE priced.amount END) AS DECIMAL(38, 18)) AS before_amount,
        CAST(SUM(CASE WHEN priced.is_after THEN priced.amount ELSE 0 END) AS DECIMAL(38, 18)) AS after_amount,
        COUNT(CASE WHEN priced.is_after THEN NULL ELSE 1 END) AS charges_before,
        COUNT(CASE WHEN priced.is_after THEN 1 END) AS charges_after
    FROM priced
    GROUP BY
        priced.anomaly,
        priced.currency,
        priced.mark,
        priced.item,
        priced.unit,
        priced.resource
)

SELECT
    of_resources.anomaly,
    of_resources.currency,
    of_resources.mark,
    of_resources.item,
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
    of_resources.anomaly,
    of_resources.currency,
    of_resources.mark,
    of_resources.item,
    of_resources.unit,
    CASE
        WHEN of_resources.charges_before = 0 THEN 'new'
        WHEN of_resources.charges_after = 0 THEN 'gone'
        ELSE 'kept'
    END
