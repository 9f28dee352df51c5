SELECT
    billed_sums.provider,
    billed_sums.issuer,
    billed_sums.account,
    billed_sums.currency,
    billed_sums.x_source AS source,
    billed_sums.invoice,
    CAST(SUM(billed_sums.line_count) AS BIGINT) AS line_count,
    CAST(SUM(billed_sums.billed_cost) AS DECIMAL(38, 18)) AS billed_cost
FROM billed_sums
INNER JOIN parameters
    ON billed_sums.counted_in = parameters.period
GROUP BY
    billed_sums.provider,
    billed_sums.issuer,
    billed_sums.account,
    billed_sums.currency,
    billed_sums.x_source,
    billed_sums.invoice
