-- What happened, in no vendor's words: one row is one resource over one span of time.
--
-- Reads segments: the lines, and which of their rows. Chance comes from integer arithmetic on seed,
-- line, resource and hour, so that a row is the same wherever it is asked for. There is no join, for
-- the order of rows is part of a file's bytes.

CREATE MACRO stir(number) AS
    XOR(((number % 2147483647) * 1103515245 + 12345) % 2147483647, 1431655765);

CREATE MACRO draw(salt, place, sides) AS
    (stir(stir(stir(place) + salt * 40503 + GETVARIABLE('seed'))) // 64) % sides;

CREATE VIEW numbered AS
SELECT
    segments.*,
    UNNEST(RANGE(segments.first_row, segments.last_row)) AS number
FROM segments;

CREATE VIEW spans AS
SELECT
    numbered.*,
    number % resources AS resource_no,
    starts_at + TO_HOURS((number // resources) * hours) AS started_at,
    starts_at + TO_HOURS((number // resources + 1) * hours) AS ended_at
FROM numbered;

CREATE VIEW placed AS
SELECT
    spans.*,
    line_no * 1000000000000000 + resource_no * 100000 AS home,
    DATE_DIFF('day', TIMESTAMP '2020-01-01 00:00:00', started_at) AS day_no,
    DATE_DIFF('hour', TIMESTAMP '2020-01-01 00:00:00', started_at) AS hour_no
FROM spans;

CREATE VIEW lines AS
SELECT
    placed.*,
    CASE
        WHEN prefix <> '' THEN prefix || LPAD(CAST(resource_no AS VARCHAR), 8, '0')
    END AS resource,
    CASE
        WHEN pool = 'direct' THEN draw(1, home, 10)
        ELSE draw(2, home + day_no, 10)
    END AS tenant_no,
    CASE
        WHEN draw(3, home + hour_no, 20) < partial_of_20
            THEN CAST(CAST(1 + draw(4, home + hour_no, span) AS DECIMAL(12, 0)) * quantum AS DECIMAL(19, 9))
        ELSE CAST(full_quantity AS DECIMAL(19, 9))
    END AS quantity,
    CASE
        WHEN preliminary AND early_rate IS NOT NULL THEN early_rate
        WHEN started_at >= wrong_from AND started_at < wrong_until THEN wrong_rate
        ELSE usual_rate
    END AS billed_rate
FROM placed;

CREATE VIEW charges AS
SELECT
    lines.* EXCLUDE (effective_rate),
    GETVARIABLE('tenants')[tenant_no + 1] AS tenant,
    GETVARIABLE('departments')[tenant_no + 1] AS department,
    GETVARIABLE('cost_centres')[tenant_no + 1] AS cost_centre,
    COALESCE(effective_rate, billed_rate) AS effective_rate,
    CAST(billed_rate * quantity AS DECIMAL(24, 10)) AS billed,
    CAST(COALESCE(effective_rate, billed_rate) * quantity AS DECIMAL(24, 10)) AS effective,
    CAST(list_rate * quantity AS DECIMAL(24, 10)) AS listed
FROM lines;
