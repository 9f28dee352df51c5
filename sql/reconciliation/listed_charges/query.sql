-- Only meters whose price is more than one amount can be charged at another than the list price.
WITH list_prices AS (
    SELECT DISTINCT
        terms.department,
        terms.product,
        terms.meter,
        terms.effective_from,
        COALESCE(terms.effective_to, TIMESTAMP '9999-12-31 00:00:00') AS effective_to,
        terms.list_price
    FROM terms
),

classed_charges AS (
    SELECT
        internal_charges.period,
        internal_charges.pool,
        internal_charges.department,
        internal_charges.product,
        internal_charges.meter,
        internal_charges.resource,
        internal_charges.started_at,
        internal_charges.quantity,
        internal_charges.unit,
        internal_charges.price,
        internal_charges.amount,
        internal_charges.currency,
        internal_charges.kind,
        CASE
            WHEN internal_charges.kind = 'direct' THEN 'direct'
            WHEN internal_charges.kind = 'minimum' THEN 'minimum'
            WHEN internal_charges.kind = 'allocated' THEN 'allocated'
            WHEN internal_charges.late THEN 'timing'
            WHEN COALESCE(internal_charges.resource, '') = '' THEN 'unresourced'
            ELSE 'metered'
        END AS class
    FROM internal_charges
)

SELECT
    classed_charges.period,
    classed_charges.pool,
    classed_charges.kind,
    classed_charges.class,
    classed_charges.department,
    classed_charges.product,
    classed_charges.meter,
    classed_charges.resource,
    classed_charges.started_at,
    classed_charges.quantity,
    classed_charges.unit,
    classed_charges.price,
    classed_charges.currency,
    classed_charges.amount,
    CASE
        WHEN classed_charges.class = 'minimum' THEN CAST(0 AS DECIMAL(38, 18))
        WHEN list_prices.product IS NULL THEN classed_charges.amount
        ELSE
            CAST(
                CAST(classed_charges.quantity AS DECIMAL(19, 9)) * CAST(list_prices.list_price AS DECIMAL(18, 9))
                AS DECIMAL(38, 18)
            )
    END AS list_amount
FROM classed_charges
LEFT JOIN list_prices
    ON
        classed_charges.class IN ('metered', 'unresourced')
        AND classed_charges.department = list_prices.department
        AND classed_charges.product = list_prices.product
        AND classed_charges.meter = list_prices.meter
        AND classed_charges.started_at >= list_prices.effective_from
        AND classed_charges.started_at < list_prices.effective_to
