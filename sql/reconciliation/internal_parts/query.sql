SELECT
    internal_sums.pool,
    internal_sums.class,
    internal_sums.resource,
    internal_sums.product,
    internal_sums.meter,
    CAST(SUM(internal_sums.records) AS BIGINT) AS records,
    CAST(SUM(internal_sums.repriced) AS BIGINT) AS repriced,
    CAST(SUM(internal_sums.quantity) AS DECIMAL(38, 9)) AS quantity,
    CAST(SUM(internal_sums.list_amount) AS DECIMAL(38, 18)) AS list_amount,
    CAST(SUM(internal_sums.amount) AS DECIMAL(38, 18)) AS amount
FROM internal_sums
GROUP BY
    internal_sums.pool,
    internal_sums.class,
    internal_sums.resource,
    internal_sums.product,
    internal_sums.meter
