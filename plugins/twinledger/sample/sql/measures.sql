-- Sums over what was generated, for the list of what to expect.

CREATE VIEW billed_by_line AS
SELECT
    line,
    tenant,
    department,
    EXTRACT(DAY FROM started_at) >= 16 AS is_second_half,
    COUNT(*) AS row_count,
    CAST(SUM(quantity) AS DECIMAL(38, 9)) AS quantity,
    CAST(SUM(billed) AS DECIMAL(38, 10)) AS billed,
    CAST(SUM(effective) AS DECIMAL(38, 10)) AS effective,
    CAST(SUM(listed) AS DECIMAL(38, 10)) AS listed
FROM charges
WHERE NOT aside
GROUP BY ALL
ORDER BY ALL;

CREATE VIEW used_by_line AS
SELECT
    line,
    tenant,
    department,
    product,
    meter,
    EXTRACT(DAY FROM started_at) >= 16 AS is_second_half,
    COUNT(*) AS row_count,
    CAST(SUM(quantity) AS DECIMAL(38, 9)) AS quantity
FROM usage
GROUP BY ALL
ORDER BY ALL;
