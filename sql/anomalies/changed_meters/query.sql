-- A stretch stands in the spans as often as there are spans before it, so that both sides weigh the same.
WITH priced AS (
    SELECT
        anomaly_spans.anomaly,
        anomaly_spans.is_after,
        internal_charges.currency,
        internal_charges.meter AS item,
        internal_charges.unit,
        internal_charges.quantity,
        internal_charges.amount,
        COALESCE(internal_charges.resource, internal_charges.tenant) AS resource,
        CASE WHEN internal_charges.late THEN 'restated' ELSE '' END AS mark
    FROM internal_charges
    INNER JOIN anomaly_spans
        ON
            internal_charges.department = anomaly_spans.scope
            AND internal_charges.product = anomaly_spans.product
            AND internal_charges.started_at >= anomaly_spans.starts_at
            AND internal_charges.started_at < anomaly_spans.ends_at
),

of_resources AS (
    SELECT
        priced.anomaly,
        priced.currency,
        priced.mark,
        priced.item,
        priced.unit,
        priced.resource,
        CAST(SUM(CASE WHEN priced.is_after THEN 0 ELSE priced.quantity END) AS DECIMAL(38, 9)) AS before_quantity,
        CAST(SUM(CASE WHEN priced.is_after THEN priced.quantity ELSE 0 END) AS DECIMAL(38, 9)) AS after_quantity,
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
    CAST(SUM(of_resources.before_quantity) AS DECIMAL(38, 9)) AS before_quantity,
    CAST(SUM(of_resources.after_quantity) AS DECIMAL(38, 9)) AS after_quantity,
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
