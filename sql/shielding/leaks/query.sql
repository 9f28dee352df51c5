WITH secrets_by_size AS (
    SELECT
        kind,
        CAST(FLOOR(LOG10(CAST(amount AS DOUBLE))) AS BIGINT) AS magnitude,
        COUNT(DISTINCT amount) AS secrets
    FROM secret_figures
    WHERE NOT is_list
    GROUP BY
        kind,
        CAST(FLOOR(LOG10(CAST(amount AS DOUBLE))) AS BIGINT)
),

hits AS (
    SELECT DISTINCT
        figures.place,
        figures.spot,
        figures.text,
        figures.figure,
        figures.digits,
        figures.magnitude,
        figures.times,
        written_figures.kind,
        written_figures.subject,
        written_figures.unit,
        written_figures.measure
    FROM figures
    INNER JOIN written_figures
        ON figures.figure = written_figures.written
    LEFT JOIN list_matches
        ON figures.figure = list_matches.figure
    WHERE
        NOT written_figures.is_list
        AND list_matches.figure IS NULL
),

judged AS (
    SELECT
        hits.*,
        COALESCE(secrets_by_size.secrets, 1) / (9 * POWER(CAST(10 AS DOUBLE), hits.digits - 1)) AS chance
    FROM hits
    LEFT JOIN secrets_by_size
        ON
            hits.kind = secrets_by_size.kind
            AND hits.magnitude = secrets_by_size.magnitude
),

ranked AS (
    SELECT
        judged.*,
        ROW_NUMBER() OVER (
            PARTITION BY place, spot, figure
            ORDER BY chance, kind, subject, measure, unit
        ) AS choice
    FROM judged
)

SELECT
    place,
    spot,
    text,
    figure,
    times,
    kind,
    subject,
    unit,
    measure,
    chance
FROM ranked
WHERE choice = 1
