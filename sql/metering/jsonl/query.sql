-- A line that is no JSON object keeps its place with nothing in it, and is refused for what is missing.
SELECT
    raw.label AS delivery,
    raw.row_number,
    JSON_TEXT(raw.line, 'tenant') AS tenant,
    JSON_TEXT(raw.line, 'product') AS product,
    JSON_TEXT(raw.line, 'meter') AS meter,
    JSON_TEXT(raw.line, 'resource') AS resource,
    JSON_TEXT(raw.line, 'started_at') AS started_at,
    JSON_TEXT(raw.line, 'ended_at') AS ended_at,
    JSON_NUMBER(raw.line, 'quantity', 'quantity') AS quantity,
    CAST(NULL AS VARCHAR) AS event,
    raw.line AS content
FROM raw
WHERE raw.line IS NOT NULL
