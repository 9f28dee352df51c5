-- Every component but `unexplained` is summed from the rows that fall into it; `unexplained` is what
-- is left of the deviation, so the bridge closes whatever the rows are.
-- What an allocated pool's driver found nobody for stays with the platform: bought, and charged on to nobody.
WITH driven_pools AS (
    SELECT
        driven_sums.pool,
        CAST(SUM(driven_sums.amount) AS DECIMAL(38, 18)) AS amount,
        CAST(SUM(driven_sums.charges) AS BIGINT) AS charges
    FROM (
        SELECT
            part_sums.pool,
            CAST(-part_sums.list_cost AS DECIMAL(38, 18)) AS amount,
            part_sums.charges
        FROM part_sums
        WHERE part_sums.class = 'allocated'
        UNION ALL
        SELECT
            internal_parts.pool,
            internal_parts.amount,
            CAST(0 AS BIGINT) AS charges
        FROM internal_parts
        WHERE internal_parts.class = 'allocated'
    ) AS driven_sums
    GROUP BY driven_sums.pool
),

contributions AS (
    SELECT
        part_sums.pool,
        'discount_kept' AS component,
        CAST(part_sums.list_cost - part_sums.effective_cost AS DECIMAL(38, 18)) AS amount,
        part_sums.charges AS row_count
    FROM part_sums
    WHERE part_sums.class IN ('capacity', 'direct', 'allocated')
    UNION ALL
    SELECT
        part_sums.pool,
        'pricing' AS component,
        CAST(part_sums.capacity_amount - part_sums.list_cost AS DECIMAL(38, 18)) AS amount,
        part_sums.charges AS row_count
    FROM part_sums
    WHERE part_sums.class = 'capacity'
    UNION ALL
    SELECT
        part_sums.pool,
        part_sums.class AS component,
        CAST(-part_sums.effective_cost AS DECIMAL(38, 18)) AS amount,
        part_sums.charges AS row_count
    FROM part_sums
    WHERE part_sums.class IN ('unassigned', 'restatement', 'non_usage', 'timing')
    UNION ALL
    SELECT
        part_sums.pool,
        'currency' AS component,
        CAST(part_sums.effective_cost - part_sums.booked_cost AS DECIMAL(38, 18)) AS amount,
        part_sums.foreign_charges AS row_count
    FROM part_sums
    UNION ALL
    SELECT
        resource_matches.pool,
        resource_matches.component,
        resource_matches.amount,
        CAST(resource_matches.charges + resource_matches.records AS BIGINT) AS row_count
    FROM resource_matches
    UNION ALL
    SELECT
        driven_pools.pool,
        'unmetered' AS component,
        driven_pools.amount,
        driven_pools.charges AS row_count
    FROM driven_pools
    WHERE driven_pools.amount <> 0
    UNION ALL
    SELECT
        internal_parts.pool,
        'timing' AS component,
        internal_parts.amount,
        internal_parts.records AS row_count
    FROM internal_parts
    WHERE internal_parts.class = 'timing'
    UNION ALL
    SELECT
        internal_parts.pool,
        'pricing' AS component,
        CAST(internal_parts.amount - internal_parts.list_amount AS DECIMAL(38, 18)) AS amount,
        internal_parts.repriced AS row_count
    FROM internal_parts
    UNION ALL
    SELECT
        internal_parts.pool,
        'rounding' AS component,
        CAST(-internal_parts.amount AS DECIMAL(38, 18)) AS amount,
        CAST(0 AS BIGINT) AS row_count
    FROM internal_parts
    UNION ALL
    SELECT
        statement_lines.pool,
        'rounding' AS component,
        CAST(statement_lines.amount AS DECIMAL(38, 18)) AS amount,
        CAST(1 AS BIGINT) AS row_count
    FROM statement_lines
),

components AS (
    SELECT
        contributions.pool,
        contributions.component,
        CAST(SUM(contributions.amount) AS DECIMAL(38, 18)) AS amount,
        CAST(SUM(contributions.row_count) AS BIGINT) AS row_count
    FROM contributions
    GROUP BY
        contributions.pool,
        contributions.component
),

explained_pools AS (
    SELECT
        components.pool,
        CAST(SUM(components.amount) AS DECIMAL(38, 18)) AS amount
    FROM components
    GROUP BY components.pool
),

unexplained_rows AS (
    SELECT
        part_sums.pool,
        part_sums.charges AS row_count
    FROM part_sums
    WHERE part_sums.class = 'unmapped'
    UNION ALL
    SELECT
        internal_parts.pool,
        internal_parts.records AS row_count
    FROM internal_parts
    WHERE internal_parts.class = 'unresourced'
),

unexplained_counts AS (
    SELECT
        unexplained_rows.pool,
        CAST(SUM(unexplained_rows.row_count) AS BIGINT) AS row_count
    FROM unexplained_rows
    GROUP BY unexplained_rows.pool
),

closed_components AS (
    SELECT
        components.pool,
        components.component,
        components.amount,
        components.row_count
    FROM components
    WHERE
        components.amount <> 0
        OR components.row_count > 0
    UNION ALL
    SELECT
        pool_totals.pool,
        'unexplained' AS component,
        CAST(pool_totals.deviation - COALESCE(explained_pools.amount, 0) AS DECIMAL(38, 18)) AS amount,
        COALESCE(unexplained_counts.row_count, CAST(0 AS BIGINT)) AS row_count
    FROM pool_totals
    LEFT JOIN explained_pools
        ON pool_totals.pool = explained_pools.pool
    LEFT JOIN unexplained_counts
        ON pool_totals.pool = unexplained_counts.pool
)

SELECT
    parameters.period,
    closed_components.pool,
    closed_components.component,
    closed_components.amount,
    parameters.reporting_currency AS currency,
    closed_components.row_count AS "rows"
FROM closed_components
CROSS JOIN parameters
