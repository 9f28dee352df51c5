SELECT
    billed_sums.provider,
    billed_sums.account,
    billed_sums.currency,
    billed_sums.sub_account,
    CAST(SUM(billed_sums.billed_cost) AS DECIMAL(38, 18)) AS billed_cost
FROM billed_sums
INNER JOIN parameters
    ON billed_sums.counted_in = parameters.period
GROUP BY
    billed_sums.provider,
    billed_sums.account,
    billed_sums.currency,
    billed_sums.sub_account
