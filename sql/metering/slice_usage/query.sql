-- A closed period never changes: what a newer delivery replaces there stays, and is taken back by late
-- records of the opposite quantity in the open period.
WITH present AS (
    SELECT
        ledger_usage.*,
        replaced_deliveries.by_delivery,
        replaced_deliveries.delivery IS NOT NULL AS is_replaced,
        usage_periods.booked_period,
        usage_periods.booked_period <> usage_periods.period AS is_closed
    FROM ledger_usage
    INNER JOIN usage_periods
        ON ledger_usage.period = usage_periods.period
    LEFT JOIN replaced_deliveries
        ON ledger_usage.delivery = replaced_deliveries.delivery
)

SELECT
    accepted_usage.feed,
    accepted_usage.day,
    accepted_usage.delivery,
    accepted_usage.row,
    accepted_usage.tenant,
    accepted_usage.product,
    accepted_usage.meter,
    accepted_usage.resource,
    accepted_usage.started_at,
    accepted_usage.ended_at,
    accepted_usage.quantity,
    accepted_usage.period,
    accepted_usage.late,
    accepted_usage.event
FROM accepted_usage
UNION ALL
SELECT
    present.feed,
    present.day,
    present.delivery,
    present.row,
    present.tenant,
    present.product,
    present.meter,
    present.resource,
    present.started_at,
    present.ended_at,
    present.quantity,
    present.period,
    present.late,
    present.event
FROM present
WHERE
    NOT present.is_replaced
    OR present.is_closed
UNION ALL
SELECT
    present.feed,
    present.day,
    present.by_delivery AS delivery,
    present.row,
    present.tenant,
    present.product,
    present.meter,
    present.resource,
    present.started_at,
    present.ended_at,
    CAST(-present.quantity AS DECIMAL(19, 9)) AS quantity,
    present.booked_period AS period,
    TRUE AS late,
    CAST(NULL AS VARCHAR) AS event
FROM present
WHERE
    present.is_replaced
    AND present.is_closed
