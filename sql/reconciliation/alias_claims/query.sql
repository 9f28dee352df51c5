WITH seen AS (
    SELECT DISTINCT
        part_sums.pool,
        'billed' AS side,
        part_sums.resource
    FROM part_sums
    WHERE
        part_sums.class = 'capacity'
        AND part_sums.resource <> ''
    UNION ALL
    SELECT DISTINCT
        internal_parts.pool,
        'metered' AS side,
        internal_parts.resource
    FROM internal_parts
    WHERE internal_parts.class = 'metered'
),

claims AS (
    SELECT DISTINCT
        seen.pool,
        resource_aliases.alias,
        resource_aliases.kind,
        seen.side,
        seen.resource
    FROM resource_aliases
    INNER JOIN seen
        ON
            resource_aliases.side = seen.side
            AND resource_aliases.resource = seen.resource
            AND COALESCE(resource_aliases.pool, seen.pool) = seen.pool
),

counted_claims AS (
    SELECT
        claims.pool,
        claims.alias,
        claims.kind,
        claims.side,
        claims.resource,
        COUNT(*) OVER (PARTITION BY claims.pool, claims.side, claims.resource) AS aliases
    FROM claims
)

SELECT
    counted_claims.pool,
    counted_claims.alias,
    counted_claims.kind,
    counted_claims.side,
    counted_claims.resource,
    across.resource IS NOT NULL AS both_sides,
    CASE
        WHEN counted_claims.aliases > 1 THEN 'several'
        -- Equal identifiers are one resource already: an alias to another one says that it is two.
        WHEN across.resource IS NOT NULL AND said.resource IS NULL THEN 'several'
        ELSE 'one'
    END AS fits
FROM counted_claims
LEFT JOIN seen AS across
    ON
        counted_claims.pool = across.pool
        AND counted_claims.side <> across.side
        AND counted_claims.resource = across.resource
LEFT JOIN claims AS said
    ON
        counted_claims.pool = said.pool
        AND counted_claims.alias = said.alias
        AND counted_claims.side <> said.side
        AND counted_claims.resource = said.resource
