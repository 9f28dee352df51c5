WITH foreign_days AS (
    SELECT DISTINCT
        charge_days.x_source,
        charge_days.x_period,
        charge_days.x_slice,
        charge_days.currency,
        LEAST(charge_days.day, CAST(parameters.month_end - INTERVAL '1' DAY AS DATE)) AS booked_day
    FROM charge_days
    CROSS JOIN parameters
    WHERE charge_days.currency <> parameters.reporting_currency
)

SELECT
    foreign_days.x_source,
    foreign_days.x_period,
    foreign_days.x_slice,
    foreign_days.currency,
    rates.kind,
    rates.day,
    rates.rate
FROM foreign_days
INNER JOIN rates
    ON
        foreign_days.currency = rates.currency
        AND rates.kind = 'day'
        AND foreign_days.booked_day = rates.day
UNION
SELECT
    foreign_days.x_source,
    foreign_days.x_period,
    foreign_days.x_slice,
    foreign_days.currency,
    rates.kind,
    rates.day,
    rates.rate
FROM foreign_days
INNER JOIN rates
    ON
        foreign_days.currency = rates.currency
        AND rates.kind = 'period'
