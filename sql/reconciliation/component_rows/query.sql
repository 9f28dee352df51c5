-- All rows of one component of one pool; their amounts add up to the component's.
WITH asked_charges AS (
    SELECT
        charge_parts.x_source,
        charge_parts.x_delivery,
        charge_parts.x_row,
        charge_parts.started_at,
        charge_parts.resource,
        charge_parts.service,
        charge_parts.sku,
        charge_parts.product,
        charge_parts.meter,
        CASE
            -- A charge's own amounts stand on its first meter; the rows of further ones are of capacity alone.
            WHEN
                asked.component = 'discount_kept'
                AND charge_parts.class IN ('capacity', 'direct', 'allocated')
                AND charge_parts.charges > 0
                THEN charge_parts.list_cost - charge_parts.effective_cost
            WHEN asked.component = 'pricing' AND charge_parts.class = 'capacity'
                THEN charge_parts.capacity_amount - charge_parts.list_cost
            WHEN asked.component = resource_matches.component
                THEN -charge_parts.capacity_amount
            WHEN asked.component = charge_parts.class AND charge_parts.class NOT IN ('capacity', 'direct', 'unmapped')
                THEN -charge_parts.effective_cost
            WHEN asked.component = 'unexplained' AND charge_parts.class = 'unmapped'
                THEN -charge_parts.effective_cost
            WHEN asked.component = 'currency' AND charge_parts.foreign_charges > 0
                THEN charge_parts.effective_cost - charge_parts.booked_cost
        END AS amount
    FROM charge_parts
    INNER JOIN asked
        ON charge_parts.pool = asked.pool
    LEFT JOIN resource_groups
        ON
            charge_parts.pool = resource_groups.pool
            AND charge_parts.resource = resource_groups.resource
    LEFT JOIN resource_matches
        ON
            charge_parts.class = 'capacity'
            AND charge_parts.pool = resource_matches.pool
            AND COALESCE(resource_groups.subject, charge_parts.resource) = resource_matches.resource
            AND asked.component = resource_matches.component
),

asked_records AS (
    SELECT
        listed_charges.started_at,
        COALESCE(listed_charges.resource, '') AS resource,
        listed_charges.department,
        listed_charges.product,
        listed_charges.meter,
        CASE
            WHEN asked.component = 'pricing' AND listed_charges.amount <> listed_charges.list_amount
                THEN listed_charges.amount - listed_charges.list_amount
            WHEN asked.component = 'timing' AND listed_charges.class = 'timing'
                THEN listed_charges.amount
            WHEN asked.component = 'unexplained' AND listed_charges.class = 'unresourced'
                THEN listed_charges.list_amount
            WHEN asked.component = resource_matches.component
                THEN listed_charges.list_amount
        END AS amount
    FROM listed_charges
    INNER JOIN asked
        ON listed_charges.pool = asked.pool
    LEFT JOIN resource_groups
        ON
            listed_charges.pool = resource_groups.pool
            AND listed_charges.resource = resource_groups.resource
    LEFT JOIN resource_matches
        ON
            -- Usage on no resource is unexplained, never the other side of charges on no resource.
            listed_charges.class = 'metered'
            AND listed_charges.pool = resource_matches.pool
            AND COALESCE(resource_groups.subject, listed_charges.resource) = resource_matches.resource
            AND asked.component = resource_matches.component
),

line_charges AS (
    SELECT
        internal_charges.department,
        internal_charges.product,
        internal_charges.meter,
        CAST(SUM(internal_charges.amount) AS DECIMAL(38, 18)) AS amount
    FROM internal_charges
    INNER JOIN asked
        ON internal_charges.pool = asked.pool
    WHERE asked.component = 'rounding'
    GROUP BY
        internal_charges.department,
        internal_charges.product,
        internal_charges.meter
),

asked_lines AS (
    SELECT
        statement_lines.department,
        statement_lines.product,
        statement_lines.meter,
        CAST(SUM(statement_lines.amount) AS DECIMAL(38, 18)) AS amount
    FROM statement_lines
    INNER JOIN asked
        ON statement_lines.pool = asked.pool
    WHERE asked.component = 'rounding'
    GROUP BY
        statement_lines.department,
        statement_lines.product,
        statement_lines.meter
),

-- What was passed through must be what the bill says, resource by resource: the difference is no
-- component's, so it is unexplained. What a driver did not charge on is unmetered, by pool.
passed_through AS (
    SELECT
        sides.resource,
        CAST(SUM(sides.amount) AS DECIMAL(38, 18)) AS amount
    FROM (
        SELECT
            part_sums.resource,
            CAST(-part_sums.list_cost AS DECIMAL(38, 18)) AS amount
        FROM part_sums
        INNER JOIN asked
            ON part_sums.pool = asked.pool
        WHERE
            (part_sums.class = 'direct' AND asked.component = 'unexplained')
            OR (part_sums.class = 'allocated' AND asked.component = 'unmetered')
        UNION ALL
        SELECT
            internal_parts.resource,
            internal_parts.amount
        FROM internal_parts
        INNER JOIN asked
            ON internal_parts.pool = asked.pool
        WHERE
            (internal_parts.class = 'direct' AND asked.component = 'unexplained')
            OR (internal_parts.class = 'allocated' AND asked.component = 'unmetered')
    ) AS sides
    GROUP BY sides.resource
),

opened_rows AS (
    SELECT
        'external' AS side,
        asked_charges.x_source AS source,
        asked_charges.x_delivery AS delivery,
        asked_charges.x_row AS line,
        asked_charges.started_at,
        asked_charges.resource,
        asked_charges.service,
        asked_charges.sku,
        CAST(NULL AS VARCHAR) AS department,
        asked_charges.product,
        asked_charges.meter,
        asked_charges.amount
    FROM asked_charges
    WHERE asked_charges.amount IS NOT NULL
    UNION ALL
    SELECT
        'internal' AS side,
        CAST(NULL AS VARCHAR) AS source,
        CAST(NULL AS VARCHAR) AS delivery,
        CAST(NULL AS BIGINT) AS line,
        asked_records.started_at,
        asked_records.resource,
        CAST(NULL AS VARCHAR) AS service,
        CAST(NULL AS VARCHAR) AS sku,
        asked_records.department,
        asked_records.product,
        asked_records.meter,
        asked_records.amount
    FROM asked_records
    WHERE asked_records.amount IS NOT NULL
    UNION ALL
    SELECT
        'statement' AS side,
        CAST(NULL AS VARCHAR) AS source,
        CAST(NULL AS VARCHAR) AS delivery,
        CAST(NULL AS BIGINT) AS line,
        CAST(NULL AS TIMESTAMP) AS started_at,
        CAST(NULL AS VARCHAR) AS resource,
        CAST(NULL AS VARCHAR) AS service,
        CAST(NULL AS VARCHAR) AS sku,
        COALESCE(asked_lines.department, line_charges.department) AS department,
        COALESCE(asked_lines.product, line_charges.product) AS product,
        COALESCE(asked_lines.meter, line_charges.meter) AS meter,
        CAST(COALESCE(asked_lines.amount, 0) - COALESCE(line_charges.amount, 0) AS DECIMAL(38, 18)) AS amount
    FROM asked_lines
    FULL JOIN line_charges
        ON
            asked_lines.department = line_charges.department
            AND asked_lines.product = line_charges.product
            AND asked_lines.meter = line_charges.meter
    UNION ALL
    SELECT
        'both' AS side,
        CAST(NULL AS VARCHAR) AS source,
        CAST(NULL AS VARCHAR) AS delivery,
        CAST(NULL AS BIGINT) AS line,
        CAST(NULL AS TIMESTAMP) AS started_at,
        passed_through.resource,
        CAST(NULL AS VARCHAR) AS service,
        CAST(NULL AS VARCHAR) AS sku,
        CAST(NULL AS VARCHAR) AS department,
        CAST(NULL AS VARCHAR) AS product,
        CAST(NULL AS VARCHAR) AS meter,
        passed_through.amount
    FROM passed_through
    WHERE passed_through.amount <> 0
)

SELECT
    opened_rows.side,
    opened_rows.source,
    opened_rows.delivery,
    opened_rows.line,
    opened_rows.started_at,
    opened_rows.resource,
    opened_rows.service,
    opened_rows.sku,
    opened_rows.department,
    opened_rows.product,
    opened_rows.meter,
    CAST(opened_rows.amount AS DECIMAL(38, 18)) AS amount
FROM opened_rows
