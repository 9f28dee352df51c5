SELECT
    this_feed.feed AS source,
    checked_usage.delivery AS slice,
    checked_usage.delivery,
    checked_usage.row_number AS row,
    checked_usage.code,
    CASE checked_usage.code
        WHEN 'no-event' THEN 'is no CloudEvent: expected an object with source and id'
        WHEN 'missing-tenant' THEN 'has no tenant'
        WHEN 'unknown-tenant' THEN 'no department has tenant ' || checked_usage.tenant || ': add it to departments.yaml'
        WHEN 'missing-product' THEN 'has no product'
        WHEN 'unknown-product' THEN 'no product named ' || checked_usage.product || ' in catalog.yaml'
        WHEN 'missing-meter' THEN 'has no meter'
        WHEN 'unknown-meter' THEN 'product ' || checked_usage.product || ' has no meter ' || checked_usage.meter
        WHEN 'missing-time' THEN 'has no start or no end'
        WHEN 'retired-product'
            THEN
                'product ' || checked_usage.product || ' takes no usage at ' || checked_usage.started_text
                || ': it was retired before'
        WHEN 'bad-time'
            THEN
                'start ' || checked_usage.started_text || ' or end ' || checked_usage.ended_text || ' is no time'
        WHEN 'end-before-start'
            THEN
                'ends at ' || checked_usage.ended_text || ', before its start at ' || checked_usage.started_text
        WHEN 'no-samples'
            THEN
                'was not measured from ' || checked_usage.started_text || ' to ' || checked_usage.ended_text
                || ': ' || JSON_TEXT(checked_usage.content, 'gap')
        WHEN 'missing-number' THEN 'has no quantity'
        WHEN 'too-many-decimals' THEN 'quantity ' || checked_usage.quantity_text || ' has more than 9 decimals'
        WHEN 'bad-number'
            THEN
                'quantity ' || checked_usage.quantity_text || ' is no finite decimal number of at most 10 digits'
                || ' before the point'
        WHEN 'negative-number'
            THEN
                'quantity '
                || checked_usage.quantity_text
                || ' is below zero: deliver the file again without what was wrong'
        WHEN 'duplicate-event' THEN 'the same event (source, id) is in the ledger already'
        ELSE checked_usage.code
    END AS reason,
    COALESCE(
        checked_usage.content,
        CAST(
            JSON_OBJECT(
                'tenant', checked_usage.tenant,
                'product', checked_usage.product,
                'meter', checked_usage.meter,
                'resource', checked_usage.resource,
                'started_at', checked_usage.started_text,
                'ended_at', checked_usage.ended_text,
                'quantity', checked_usage.quantity_text
            ) AS VARCHAR
        )
    ) AS content
FROM checked_usage
CROSS JOIN this_feed
WHERE checked_usage.code IS NOT NULL
