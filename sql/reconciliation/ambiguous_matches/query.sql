WITH candidates AS (
    SELECT
        alias_claims.pool,
        alias_claims.side,
        alias_claims.resource,
        'alias' AS likeness,
        others.resource AS candidate
    FROM alias_claims
    INNER JOIN alias_claims AS others
        ON
            alias_claims.pool = others.pool
            AND alias_claims.alias = others.alias
            AND alias_claims.side <> others.side
    WHERE alias_claims.fits = 'several'
    UNION
    -- The same identifier on the other side is a candidate as well.
    SELECT
        alias_claims.pool,
        alias_claims.side,
        alias_claims.resource,
        'alias' AS likeness,
        alias_claims.resource AS candidate
    FROM alias_claims
    WHERE
        alias_claims.fits = 'several'
        AND alias_claims.both_sides
    UNION
    SELECT
        identifier_pairs.pool,
        'billed' AS side,
        identifier_pairs.billed AS resource,
        identifier_pairs.likeness,
        identifier_pairs.metered AS candidate
    FROM identifier_pairs
    WHERE identifier_pairs.billed_fits > 1
    UNION
    SELECT
        identifier_pairs.pool,
        'metered' AS side,
        identifier_pairs.metered AS resource,
        identifier_pairs.likeness,
        identifier_pairs.billed AS candidate
    FROM identifier_pairs
    WHERE identifier_pairs.metered_fits > 1
),

listed AS (
    SELECT
        candidates.pool,
        candidates.side,
        candidates.resource,
        MIN(candidates.likeness) AS likeness,
        STRING_AGG(candidates.candidate, ' | ' ORDER BY candidates.candidate ASC) AS candidates
    FROM candidates
    GROUP BY
        candidates.pool,
        candidates.side,
        candidates.resource
),

amounts AS (
    SELECT
        part_sums.pool,
        'billed' AS side,
        part_sums.resource,
        CAST(-SUM(part_sums.capacity_amount) AS DECIMAL(38, 18)) AS amount
    FROM part_sums
    WHERE part_sums.class = 'capacity'
    GROUP BY
        part_sums.pool,
        part_sums.resource
    UNION ALL
    SELECT
        internal_parts.pool,
        'metered' AS side,
        internal_parts.resource,
        CAST(SUM(internal_parts.list_amount) AS DECIMAL(38, 18)) AS amount
    FROM internal_parts
    WHERE internal_parts.class = 'metered'
    GROUP BY
        internal_parts.pool,
        internal_parts.resource
)

SELECT
    listed.pool,
    listed.side,
    listed.resource,
    listed.likeness,
    listed.candidates,
    amounts.amount
FROM listed
INNER JOIN amounts
    ON
        listed.pool = amounts.pool
        AND listed.side = amounts.side
        AND listed.resource = amounts.resource
