SELECT DISTINCT
    replaced_deliveries.by_delivery AS delivery,
    usage_periods.booked_period AS period
FROM ledger_usage
INNER JOIN replaced_deliveries
    ON ledger_usage.delivery = replaced_deliveries.delivery
INNER JOIN usage_periods
    ON ledger_usage.period = usage_periods.period
ORDER BY
    delivery,
    period
