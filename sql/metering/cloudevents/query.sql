-- CloudEvents 1.0, JSON format: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
-- An event is known by source and id together; one that has not both is no CloudEvent.
WITH events AS (
    SELECT
        raw.label AS delivery,
        raw.row_number,
        raw.line,
        JSON_TEXT(raw.line, 'type') AS type,
        JSON_TEXT(raw.line, 'data') AS data
    FROM raw
    WHERE raw.line IS NOT NULL
)

SELECT
    events.delivery,
    events.row_number,
    JSON_TEXT(events.line, 'subject') AS tenant,
    NULLIF(SPLIT_PART(events.type, '/', 1), '') AS product,
    NULLIF(SUBSTR(events.type, LENGTH(SPLIT_PART(events.type, '/', 1)) + 2), '') AS meter,
    JSON_TEXT(events.data, 'resource') AS resource,
    COALESCE(JSON_TEXT(events.data, 'started_at'), JSON_TEXT(events.line, 'time')) AS started_at,
    COALESCE(
        JSON_TEXT(events.data, 'ended_at'),
        JSON_TEXT(events.data, 'started_at'),
        JSON_TEXT(events.line, 'time')
    ) AS ended_at,
    JSON_NUMBER(events.line, 'data', 'quantity') AS quantity,
    COALESCE(
        LENGTH(JSON_TEXT(events.line, 'source')) || ':' || JSON_TEXT(events.line, 'source')
        || JSON_TEXT(events.line, 'id'),
        ''
    ) AS event,
    events.line AS content
FROM events
