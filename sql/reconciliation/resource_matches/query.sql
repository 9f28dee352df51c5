WITH billed_resources AS (
    SELECT
        part_sums.pool,
        COALESCE(resource_groups.subject, part_sums.resource) AS resource,
        MIN(part_sums.service) AS service,
        CAST(SUM(part_sums.list_cost) AS DECIMAL(38, 18)) AS list_cost,
        CAST(SUM(part_sums.effective_cost) AS DECIMAL(38, 18)) AS effective_cost,
        CAST(SUM(part_sums.capacity_amount) AS DECIMAL(38, 18)) AS capacity_amount,
        CAST(SUM(part_sums.charges) AS BIGINT) AS charges
    FROM part_sums
    LEFT JOIN resource_groups
        ON
            part_sums.pool = resource_groups.pool
            AND part_sums.resource = resource_groups.resource
    WHERE part_sums.class = 'capacity'
    GROUP BY
        part_sums.pool,
        COALESCE(resource_groups.subject, part_sums.resource)
),

metered_resources AS (
    SELECT
        internal_parts.pool,
        COALESCE(resource_groups.subject, internal_parts.resource) AS resource,
        CAST(SUM(internal_parts.list_amount) AS DECIMAL(38, 18)) AS metered_amount,
        CAST(SUM(internal_parts.records) AS BIGINT) AS records
    FROM internal_parts
    LEFT JOIN resource_groups
        ON
            internal_parts.pool = resource_groups.pool
            AND internal_parts.resource = resource_groups.resource
    WHERE internal_parts.class = 'metered'
    GROUP BY
        internal_parts.pool,
        COALESCE(resource_groups.subject, internal_parts.resource)
),

-- A charge without a resource stands under the empty one, which no usage is metered on.
matched_resources AS (
    SELECT
        COALESCE(billed_resources.pool, metered_resources.pool) AS pool,
        CASE
            WHEN metered_resources.records IS NULL THEN 'unmetered'
            WHEN billed_resources.charges IS NULL THEN 'unbilled'
            ELSE 'idle'
        END AS component,
        COALESCE(billed_resources.resource, metered_resources.resource) AS resource,
        billed_resources.service,
        COALESCE(billed_resources.list_cost, CAST(0 AS DECIMAL(38, 18))) AS list_cost,
        COALESCE(billed_resources.effective_cost, CAST(0 AS DECIMAL(38, 18))) AS effective_cost,
        COALESCE(billed_resources.capacity_amount, CAST(0 AS DECIMAL(38, 18))) AS capacity_amount,
        COALESCE(metered_resources.metered_amount, CAST(0 AS DECIMAL(38, 18))) AS metered_amount,
        COALESCE(billed_resources.charges, CAST(0 AS BIGINT)) AS charges,
        COALESCE(metered_resources.records, CAST(0 AS BIGINT)) AS records
    FROM billed_resources
    FULL JOIN metered_resources
        ON
            billed_resources.pool = metered_resources.pool
            AND billed_resources.resource = metered_resources.resource
)

SELECT
    parameters.period,
    matched_resources.pool,
    matched_resources.component,
    matched_resources.resource,
    matched_resources.service,
    matched_resources.list_cost,
    matched_resources.effective_cost,
    matched_resources.capacity_amount,
    matched_resources.metered_amount,
    CAST(matched_resources.metered_amount - matched_resources.capacity_amount AS DECIMAL(38, 18)) AS amount,
    parameters.reporting_currency AS currency,
    matched_resources.charges,
    matched_resources.records
FROM matched_resources
CROSS JOIN parameters
