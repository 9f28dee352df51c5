-- Records that take back what a closed month said count with their sign.
WITH used AS (
    SELECT
        feed,
        tenant,
        product,
        meter,
        COUNT(*) AS hours
    FROM hours_used
    GROUP BY
        feed,
        tenant,
        product,
        meter
),

metered AS (
    SELECT
        feed,
        tenant,
        product,
        meter,
        CAST(SUM(quantity) AS DECIMAL(38, 9)) AS quantity
    FROM usage
    GROUP BY
        feed,
        tenant,
        product,
        meter
)

SELECT
    used.feed,
    used.tenant,
    used.product,
    used.meter,
    used.hours,
    metered.quantity
FROM used
INNER JOIN metered
    ON
        used.feed = metered.feed
        AND used.tenant = metered.tenant
        AND used.product = metered.product
        AND used.meter = metered.meter
