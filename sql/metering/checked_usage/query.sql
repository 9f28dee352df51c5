WITH judged AS (
    SELECT
        typed_usage.*,
        usage_periods.booked_period,
        usage_periods.is_late,
        CASE
            WHEN typed_usage.event = '' THEN 'no-event'
            WHEN typed_usage.tenant IS NULL THEN 'missing-tenant'
            WHEN tenants.tenant IS NULL THEN 'unknown-tenant'
            WHEN typed_usage.product IS NULL THEN 'missing-product'
            WHEN products.product IS NULL THEN 'unknown-product'
            WHEN typed_usage.meter IS NULL THEN 'missing-meter'
            WHEN meters.meter IS NULL THEN 'unknown-meter'
            WHEN typed_usage.started_text IS NULL OR typed_usage.ended_text IS NULL THEN 'missing-time'
            WHEN usage_periods.period IS NULL OR typed_usage.ended_at IS NULL THEN 'bad-time'
            WHEN typed_usage.ended_at < typed_usage.started_at THEN 'end-before-start'
            WHEN typed_usage.started_at >= products.retired_at THEN 'retired-product'
            WHEN
                typed_usage.quantity_text IS NULL
                AND JSON_TEXT(typed_usage.content, 'gap') IS NOT NULL
                THEN 'no-samples'
            WHEN typed_usage.quantity_text IS NULL THEN 'missing-number'
            WHEN
                typed_usage.exact_quantity IS NULL
                AND REGEXP_MATCHES(typed_usage.quantity_text, '^\s*-?[0-9]+[.][0-9]{10,}\s*$')
                THEN 'too-many-decimals'
            WHEN typed_usage.exact_quantity IS NULL OR typed_usage.quantity IS NULL THEN 'bad-number'
            WHEN CAST(typed_usage.quantity AS DECIMAL(38, 18)) <> typed_usage.exact_quantity THEN 'too-many-decimals'
            WHEN typed_usage.quantity < 0 THEN 'negative-number'
        END AS code
    FROM typed_usage
    LEFT JOIN tenants
        ON typed_usage.tenant = tenants.tenant
    LEFT JOIN products
        ON typed_usage.product = products.product
    LEFT JOIN meters
        ON
            typed_usage.product = meters.product
            AND typed_usage.meter = meters.meter
    LEFT JOIN usage_periods
        ON
            typed_usage.started_at >= usage_periods.starts_at
            AND typed_usage.started_at < usage_periods.ends_at
),

ranked_events AS (
    SELECT
        judged.delivery,
        judged.row_number,
        judged.event,
        ROW_NUMBER() OVER (
            PARTITION BY judged.event
            ORDER BY these_deliveries.number, judged.row_number
        ) AS rank
    FROM judged
    INNER JOIN these_deliveries
        ON judged.delivery = these_deliveries.delivery
    WHERE
        judged.code IS NULL
        AND judged.event IS NOT NULL
),

repeated_events AS (
    SELECT
        delivery,
        row_number
    FROM ranked_events
    WHERE rank > 1
),

known_events AS (
    SELECT DISTINCT ledger_usage.event
    FROM ledger_usage
    LEFT JOIN replaced_deliveries
        ON ledger_usage.delivery = replaced_deliveries.delivery
    WHERE
        ledger_usage.event IS NOT NULL
        AND replaced_deliveries.delivery IS NULL
)

SELECT
    judged.delivery,
    judged.row_number,
    judged.tenant,
    judged.product,
    judged.meter,
    judged.resource,
    judged.started_text,
    judged.ended_text,
    judged.quantity_text,
    judged.started_at,
    judged.ended_at,
    judged.day,
    judged.quantity,
    judged.event,
    judged.content,
    judged.booked_period,
    judged.is_late,
    CASE
        WHEN judged.code IS NOT NULL THEN judged.code
        WHEN repeated_events.delivery IS NOT NULL OR known_events.event IS NOT NULL THEN 'duplicate-event'
    END AS code
FROM judged
LEFT JOIN repeated_events
    ON
        judged.delivery = repeated_events.delivery
        AND judged.row_number = repeated_events.row_number
LEFT JOIN known_events
    ON judged.event = known_events.event
