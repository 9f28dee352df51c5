SELECT
    label AS delivery,
    row_number,
    tenant,
    product,
    meter,
    resource,
    started_at,
    ended_at,
    quantity,
    CAST(NULL AS VARCHAR) AS event,
    CAST(NULL AS VARCHAR) AS content
FROM raw
