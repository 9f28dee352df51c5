WITH booked_sums AS (
    SELECT
        scoped_cells.cell,
        scoped_charges.period,
        scoped_charges.day,
        scoped_charges.currency,
        CAST(SUM(scoped_charges.amount) AS DECIMAL(38, 18)) AS amount
    FROM scoped_charges
    INNER JOIN scoped_cells
        ON
            scoped_charges.department = scoped_cells.department
            AND scoped_charges.product = scoped_cells.product
            AND scoped_charges.account = scoped_cells.account
            AND scoped_charges.payer = scoped_cells.payer
            AND scoped_charges.region = scoped_cells.region
            AND scoped_charges.service = scoped_cells.service
            AND scoped_charges.labels = scoped_cells.labels
    GROUP BY
        scoped_cells.cell,
        scoped_charges.period,
        scoped_charges.day,
        scoped_charges.currency
)

SELECT
    booked_sums.cell,
    booked_sums.period,
    booked_sums.currency,
    LEAST(GREATEST(booked_sums.day, month_rates.first_day), month_rates.last_day) AS day,
    -- Whole units and the rest apart: their product with a rate has more digits than a decimal holds.
    CASE
        WHEN month_rates.rate = 1 THEN booked_sums.amount
        ELSE
            CAST(
                CAST(TRUNC(booked_sums.amount) AS DECIMAL(20, 0)) * CAST(month_rates.rate AS DECIMAL(10, 8))
                AS DECIMAL(38, 18)
            )
            + CAST(
                CAST(booked_sums.amount - TRUNC(booked_sums.amount) AS DECIMAL(19, 18))
                * CAST(month_rates.rate AS DECIMAL(10, 8))
                AS DECIMAL(38, 18)
            )
    END AS amount
FROM booked_sums
LEFT JOIN month_rates
    ON
        booked_sums.period = month_rates.period
        AND booked_sums.currency = month_rates.currency
