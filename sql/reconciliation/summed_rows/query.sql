SELECT
    'external' AS ledger,
    charge_sums.x_source AS source,
    charge_sums.x_slice AS slice,
    CAST(SUM(charge_sums.charges) AS BIGINT) AS rows_summed
FROM charge_sums
GROUP BY
    charge_sums.x_source,
    charge_sums.x_slice
UNION ALL
SELECT
    'internal' AS ledger,
    '' AS source,
    '' AS slice,
    CAST(SUM(internal_sums.records) AS BIGINT) AS rows_summed
FROM internal_sums
