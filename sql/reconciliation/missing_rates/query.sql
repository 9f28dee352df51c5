WITH foreign_days AS (
    SELECT DISTINCT
        charge_days.currency,
        LEAST(charge_days.day, CAST(parameters.month_end - INTERVAL '1' DAY AS DATE)) AS booked_day
    FROM charge_days
    CROSS JOIN parameters
    WHERE charge_days.currency <> parameters.reporting_currency
),

-- Only a card that some charge may be compared with needs its currency's rate: one in force this month.
foreign_currencies AS (
    SELECT foreign_days.currency
    FROM foreign_days
    UNION
    SELECT contract_cards.currency
    FROM contract_cards
    CROSS JOIN parameters
    WHERE
        contract_cards.currency <> parameters.reporting_currency
        AND contract_cards.valid_from < CAST(parameters.month_end AS DATE)
        AND COALESCE(contract_cards.valid_to, DATE '9999-12-31') > CAST(parameters.month_start AS DATE)
    UNION
    SELECT commitment_cards.currency
    FROM commitment_cards
    CROSS JOIN parameters
    WHERE
        commitment_cards.currency <> parameters.reporting_currency
        AND commitment_cards.valid_from < CAST(parameters.month_end AS DATE)
        AND commitment_cards.valid_to > CAST(parameters.month_start AS DATE)
)

SELECT
    foreign_currencies.currency,
    'period' AS kind,
    CAST(parameters.month_start AS DATE) AS day
FROM foreign_currencies
CROSS JOIN parameters
LEFT JOIN rates
    ON
        foreign_currencies.currency = rates.currency
        AND rates.kind = 'period'
WHERE rates.currency IS NULL
UNION ALL
SELECT
    foreign_days.currency,
    'day' AS kind,
    foreign_days.booked_day AS day
FROM foreign_days
LEFT JOIN rates
    ON
        foreign_days.currency = rates.currency
        AND foreign_days.booked_day = rates.day
        AND rates.kind = 'day'
WHERE rates.currency IS NULL
