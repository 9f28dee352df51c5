SELECT
    this_feed.feed,
    checked_usage.day,
    checked_usage.delivery,
    checked_usage.row_number AS row,
    checked_usage.tenant,
    checked_usage.product,
    checked_usage.meter,
    checked_usage.resource,
    checked_usage.started_at,
    checked_usage.ended_at,
    checked_usage.quantity,
    checked_usage.booked_period AS period,
    checked_usage.is_late AS late,
    checked_usage.event
FROM checked_usage
CROSS JOIN this_feed
WHERE checked_usage.code IS NULL
