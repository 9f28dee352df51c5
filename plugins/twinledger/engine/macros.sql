-- Functions that the models call. Each is an expression over its arguments, so that another engine can
-- define the same one.

-- A vendor's digits as DECIMAL(38,18), or NULL when they are no finite number or cannot be held exactly.
CREATE OR REPLACE TEMP MACRO exact_decimal(digits) AS
CASE
    WHEN digits IS NULL THEN NULL
    WHEN LENGTH(digits) <= 19 AND NOT CONTAINS(digits, 'e') AND NOT CONTAINS(digits, 'E') THEN TRY_CAST(digits AS DECIMAL(38, 18))
    WHEN REGEXP_MATCHES(digits, '^\s*[+-]?[0-9]*[.]?[0-9]{0,18}0*\s*$') THEN TRY_CAST(digits AS DECIMAL(38, 18))
    WHEN
        REGEXP_MATCHES(LOWER(digits), '^\s*[+-]?[0-9]*[.]?[0-9]*e[+-]?[0-9]{1,3}\s*$')
        AND LENGTH(RTRIM(REGEXP_EXTRACT(LOWER(digits), '[.]([0-9]*)e', 1), '0'))
        - CAST(REGEXP_EXTRACT(LOWER(digits), 'e([+-]?[0-9]+)', 1) AS INTEGER) <= 18
        THEN TRY_CAST(digits AS DECIMAL(38, 18))
END;

-- A vendor's date or time as an instant in UTC, or NULL: ISO 8601 in its variants, and M/D/YYYY.
CREATE OR REPLACE TEMP MACRO utc_instant(written) AS
CASE
    WHEN CONTAINS(written, '/') THEN TRY_CAST(
        SPLIT_PART(written, '/', 3) || '-' || LPAD(SPLIT_PART(written, '/', 1), 2, '0')
        || '-' || LPAD(SPLIT_PART(written, '/', 2), 2, '0') AS TIMESTAMP
    )
    WHEN written LIKE '%:%+%' OR written LIKE '%:%-%' THEN TRY_CAST(written AS TIMESTAMPTZ) AT TIME ZONE 'UTC'
    ELSE TRY_CAST(written AS TIMESTAMP)
END;

-- Whether digits were given that are no amount the ledger can hold.
CREATE OR REPLACE TEMP MACRO bad_amount(digits) AS digits IS NOT NULL AND exact_decimal(digits) IS NULL;

-- The document itself where it is JSON. Given to JSON functions in place of the document, and those in TRY:
-- DuckDB's optimiser gathers their calls and evaluates them for rows that a CASE leaves out.
CREATE OR REPLACE TEMP MACRO json_or_null(document) AS CASE WHEN JSON_VALID(document) THEN document END;

-- The text of a key of a JSON object, or NULL: also where the document is no JSON object.
CREATE OR REPLACE TEMP MACRO json_text(document, key) AS TRY(JSON_EXTRACT_STRING(json_or_null(document), '$."' || key || '"'));

-- The digits of a number as they were written, or the text of a string. DuckDB reads JSON numbers as floats:
-- the written digits are found again in the document, and must be the same float. `parent` is the key of the
-- object that holds `key`, or `key` itself at the top.
CREATE OR REPLACE TEMP MACRO json_path(parent, key) AS
CASE WHEN parent = key THEN '$."' || key || '"' ELSE '$."' || parent || '"."' || key || '"' END;

CREATE OR REPLACE TEMP MACRO json_digits(document, key) AS REGEXP_EXTRACT(
    document, '"' || key || '"\s*:\s*(-?[0-9][0-9.eE+-]*)', 1
);

CREATE OR REPLACE TEMP MACRO json_number(document, parent, key) AS
CASE
    WHEN
        TRY(JSON_TYPE(json_or_null(document), json_path(parent, key))) IN ('DOUBLE', 'UBIGINT', 'BIGINT', 'HUGEINT', 'UHUGEINT')
        AND TRY_CAST(json_digits(document, key) AS DOUBLE)
        = TRY_CAST(TRY(JSON_EXTRACT_STRING(json_or_null(document), json_path(parent, key))) AS DOUBLE)
        THEN json_digits(document, key)
    ELSE TRY(JSON_EXTRACT_STRING(json_or_null(document), json_path(parent, key)))
END;
