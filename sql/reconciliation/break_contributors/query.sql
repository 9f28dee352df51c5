WITH placed_rows AS (
    SELECT
        COALESCE(component_rows.service, charge_pools.ServiceName, '') AS service,
        COALESCE(charge_pools.RegionId, '') AS region,
        COALESCE(charge_pools.SubAccountId, charge_pools.BillingAccountId, '') AS account,
        CASE
            WHEN component_rows.product IS NULL THEN ''
            ELSE component_rows.product || '/' || COALESCE(component_rows.meter, '')
        END AS product,
        COALESCE(CAST(CAST(component_rows.started_at AS DATE) AS VARCHAR), '') AS day,
        component_rows.amount
    FROM component_rows
    LEFT JOIN charge_pools
        ON
            component_rows.source = charge_pools.x_source
            AND component_rows.delivery = charge_pools.x_delivery
            AND component_rows.line = charge_pools.x_row
),

summed_places AS (
    SELECT
        placed_rows.service,
        placed_rows.region,
        placed_rows.account,
        placed_rows.product,
        placed_rows.day,
        CAST(SUM(placed_rows.amount) AS DECIMAL(38, 18)) AS amount,
        CAST(COUNT(*) AS BIGINT) AS row_count
    FROM placed_rows
    GROUP BY
        placed_rows.service,
        placed_rows.region,
        placed_rows.account,
        placed_rows.product,
        placed_rows.day
),

named_places AS (
    SELECT
        'service' AS dimension,
        summed_places.service AS name,
        summed_places.amount,
        summed_places.row_count
    FROM summed_places
    UNION ALL
    SELECT
        'region' AS dimension,
        summed_places.region AS name,
        summed_places.amount,
        summed_places.row_count
    FROM summed_places
    UNION ALL
    SELECT
        'account' AS dimension,
        summed_places.account AS name,
        summed_places.amount,
        summed_places.row_count
    FROM summed_places
    UNION ALL
    SELECT
        'product' AS dimension,
        summed_places.product AS name,
        summed_places.amount,
        summed_places.row_count
    FROM summed_places
    UNION ALL
    SELECT
        'day' AS dimension,
        summed_places.day AS name,
        summed_places.amount,
        summed_places.row_count
    FROM summed_places
),

contributors AS (
    SELECT
        named_places.dimension,
        named_places.name,
        CAST(SUM(named_places.amount) AS DECIMAL(38, 18)) AS amount,
        CAST(SUM(named_places.row_count) AS BIGINT) AS row_count
    FROM named_places
    GROUP BY
        named_places.dimension,
        named_places.name
),

ranked_contributors AS (
    SELECT
        contributors.dimension,
        contributors.name,
        contributors.amount,
        contributors.row_count,
        ROW_NUMBER() OVER (
            PARTITION BY contributors.dimension
            ORDER BY ABS(contributors.amount) DESC, contributors.name ASC
        ) AS place
    FROM contributors
    WHERE contributors.amount <> 0
)

SELECT
    ranked_contributors.dimension,
    ranked_contributors.name,
    ranked_contributors.amount,
    ranked_contributors.row_count AS "rows",
    CAST(ranked_contributors.place AS BIGINT) AS place
FROM ranked_contributors
WHERE ranked_contributors.place <= 5
