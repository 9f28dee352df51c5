WITH sums AS (
    SELECT SUM(amount) AS amount
    FROM internal_charges
    GROUP BY GROUPING SETS (
        (period, department, product, meter, kind),
        (period, department, product, meter),
        (period, department, product),
        (period, department),
        (period, product),
        (period)
    )
),

-- Half a cent is rounded away from zero or to the even cent, as whoever writes it likes.
nudges AS (
    SELECT CAST(named.nudge AS DECIMAL(19, 18)) AS nudge
    FROM (VALUES ('0'), ('0.000000000000000001')) AS named (nudge)
),

written AS (
    SELECT DISTINCT CAST(CAST(ABS(sums.amount) - nudges.nudge AS DECIMAL(38, 2)) AS DECIMAL(38, 18)) AS written
    FROM sums
    CROSS JOIN nudges
)

SELECT DISTINCT figures.figure
FROM figures
INNER JOIN written
    ON figures.figure = written.written
WHERE figures.digits >= 5
