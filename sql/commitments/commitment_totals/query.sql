-- Source of the rule: FOCUS 1.2, columns/effectivecost.md.
WITH sums AS (
    SELECT
        external_charges.ProviderName AS provider,
        external_charges.CommitmentDiscountId AS commitment,
        external_charges.BillingCurrency AS currency,
        MAX(external_charges.CommitmentDiscountType) AS type,
        MIN(external_charges.ChargePeriodStart) AS charged_from,
        MAX(external_charges.ChargePeriodEnd) AS charged_until,
        SUM(
            CASE
                WHEN external_charges.ChargeCategory = 'Purchase' THEN external_charges.BilledCost
                ELSE CAST(0 AS DECIMAL(38, 18))
            END
        ) AS purchased,
        SUM(
            CASE
                WHEN
                    external_charges.ChargeCategory = 'Usage'
                    AND COALESCE(external_charges.CommitmentDiscountStatus, 'Used') <> 'Unused'
                    THEN external_charges.EffectiveCost
                ELSE CAST(0 AS DECIMAL(38, 18))
            END
        ) AS used,
        SUM(
            CASE
                WHEN
                    external_charges.ChargeCategory = 'Usage'
                    AND external_charges.CommitmentDiscountStatus = 'Unused'
                    THEN external_charges.EffectiveCost
                ELSE CAST(0 AS DECIMAL(38, 18))
            END
        ) AS unused
    FROM external_charges
    WHERE
        external_charges.CommitmentDiscountId IS NOT NULL
        AND external_charges.ChargeCategory IN ('Usage', 'Purchase')
    GROUP BY
        external_charges.ProviderName,
        external_charges.CommitmentDiscountId,
        external_charges.BillingCurrency
)

SELECT
    provider,
    commitment,
    type,
    currency,
    charged_from,
    charged_until,
    CAST(purchased AS DECIMAL(38, 18)) AS purchased,
    CAST(used AS DECIMAL(38, 18)) AS used,
    CAST(unused AS DECIMAL(38, 18)) AS unused,
    CAST(purchased - used - unused AS DECIMAL(38, 18)) AS difference
FROM sums
ORDER BY
    provider ASC,
    commitment ASC,
    currency ASC
