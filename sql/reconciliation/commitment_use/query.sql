WITH counted AS (
    SELECT
        audited_charges.id,
        CAST(SUM(audited_charges.billed_amount) AS DECIMAL(38, 18)) AS billed_amount,
        CAST(SUM(audited_charges.quantity) AS DECIMAL(38, 18)) AS quantity
    FROM audited_charges
    WHERE audited_charges.kind = 'commitment'
    GROUP BY audited_charges.id
)

SELECT
    commitment_cards.id,
    commitment_cards.vendor,
    commitment_cards.kind,
    commitment_cards.per,
    CASE
        WHEN commitment_cards.kind = 'spend' THEN parameters.reporting_currency ELSE commitment_cards.unit
    END AS unit,
    commitment_cards.valid_from,
    commitment_cards.valid_to,
    commitment_cards.clause,
    CASE
        WHEN commitment_cards.kind = 'spend'
            THEN
                CAST(
                    CAST(commitment_cards.amount AS DECIMAL(27, 18)) * CAST(rates.rate AS DECIMAL(10, 8))
                    AS DECIMAL(38, 18)
                )
        ELSE commitment_cards.amount
    END AS committed,
    CASE
        WHEN counted.id IS NULL THEN CAST(0 AS DECIMAL(38, 18))
        WHEN commitment_cards.kind = 'spend' THEN counted.billed_amount
        ELSE counted.quantity
    END AS eligible
FROM commitment_cards
CROSS JOIN parameters
LEFT JOIN counted
    ON commitment_cards.id = counted.id
LEFT JOIN rates
    ON
        rates.kind = 'period'
        AND commitment_cards.currency = rates.currency
WHERE
    commitment_cards.commitment IS NULL
    AND commitment_cards.valid_from < CAST(parameters.month_end AS DATE)
    AND commitment_cards.valid_to > CAST(parameters.month_start AS DATE)
