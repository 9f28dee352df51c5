WITH usable_aliases AS (
    SELECT
        alias_claims.pool,
        alias_claims.alias,
        CASE
            WHEN MAX(alias_claims.kind) = 'group' THEN 'group ' || alias_claims.alias
            ELSE
                COALESCE(
                    MAX(CASE WHEN alias_claims.side = 'billed' THEN alias_claims.resource END),
                    MAX(alias_claims.resource)
                )
        END AS subject
    FROM alias_claims
    GROUP BY
        alias_claims.pool,
        alias_claims.alias
    HAVING BOOL_AND(alias_claims.fits = 'one')
)

SELECT DISTINCT
    alias_claims.pool,
    alias_claims.resource,
    usable_aliases.subject
FROM alias_claims
INNER JOIN usable_aliases
    ON
        alias_claims.pool = usable_aliases.pool
        AND alias_claims.alias = usable_aliases.alias
