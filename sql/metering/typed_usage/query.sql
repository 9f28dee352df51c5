SELECT
    usage_rows.delivery,
    usage_rows.row_number,
    usage_rows.tenant,
    usage_rows.product,
    usage_rows.meter,
    usage_rows.resource,
    usage_rows.started_at AS started_text,
    usage_rows.ended_at AS ended_text,
    usage_rows.quantity AS quantity_text,
    usage_rows.event,
    usage_rows.content,
    UTC_INSTANT(usage_rows.started_at) AS started_at,
    UTC_INSTANT(usage_rows.ended_at) AS ended_at,
    CAST(CAST(UTC_INSTANT(usage_rows.started_at) AS DATE) AS VARCHAR) AS day,
    EXACT_DECIMAL(usage_rows.quantity) AS exact_quantity,
    TRY_CAST(EXACT_DECIMAL(usage_rows.quantity) AS DECIMAL(19, 9)) AS quantity
FROM usage_rows
