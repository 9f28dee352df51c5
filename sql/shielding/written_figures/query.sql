WITH ties AS (
    SELECT
        decimals.decimals,
        CAST(nudges.nudge AS DECIMAL(19, 18)) AS nudge
    FROM (VALUES (2), (3), (4), (5), (6), (7), (8), (9)) AS decimals (decimals)
    CROSS JOIN (VALUES ('0'), ('0.000000000000000001')) AS nudges (nudge)
),

written AS (
    SELECT
        secret_figures.kind,
        secret_figures.subject,
        secret_figures.unit,
        secret_figures.measure,
        secret_figures.is_list,
        CASE ties.decimals
            WHEN 2 THEN CAST(CAST(secret_figures.amount - ties.nudge AS DECIMAL(38, 2)) AS DECIMAL(38, 18))
            WHEN 3 THEN CAST(CAST(secret_figures.amount - ties.nudge AS DECIMAL(38, 3)) AS DECIMAL(38, 18))
            WHEN 4 THEN CAST(CAST(secret_figures.amount - ties.nudge AS DECIMAL(38, 4)) AS DECIMAL(38, 18))
            WHEN 5 THEN CAST(CAST(secret_figures.amount - ties.nudge AS DECIMAL(38, 5)) AS DECIMAL(38, 18))
            WHEN 6 THEN CAST(CAST(secret_figures.amount - ties.nudge AS DECIMAL(38, 6)) AS DECIMAL(38, 18))
            WHEN 7 THEN CAST(CAST(secret_figures.amount - ties.nudge AS DECIMAL(38, 7)) AS DECIMAL(38, 18))
            WHEN 8 THEN CAST(CAST(secret_figures.amount - ties.nudge AS DECIMAL(38, 8)) AS DECIMAL(38, 18))
            WHEN 9 THEN CAST(CAST(secret_figures.amount - ties.nudge AS DECIMAL(38, 9)) AS DECIMAL(38, 18))
        END AS written
    FROM secret_figures
    CROSS JOIN ties
    UNION ALL
    SELECT
        kind,
        subject,
        unit,
        measure,
        is_list,
        amount AS written
    FROM secret_figures
)

SELECT
    kind,
    subject,
    unit,
    measure,
    is_list,
    written
FROM written
WHERE written <> 0
