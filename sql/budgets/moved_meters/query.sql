WITH of_resources AS (
    SELECT
        internal_charges.department,
        internal_charges.product,
        internal_charges.unit,
        internal_charges.meter,
        internal_charges.currency,
        COALESCE(internal_charges.resource, internal_charges.tenant) AS resource,
        CAST(
            SUM(CASE WHEN internal_charges.period = compared.before THEN internal_charges.quantity ELSE 0 END)
            AS DECIMAL(38, 9)
        ) AS before_quantity,
        CAST(
            SUM(CASE WHEN internal_charges.period = compared.after THEN internal_charges.quantity ELSE 0 END)
            AS DECIMAL(38, 9)
        ) AS after_quantity,
        CAST(
            SUM(CASE WHEN internal_charges.period = compared.before THEN internal_charges.amount ELSE 0 END)
            AS DECIMAL(38, 18)
        ) AS before_amount,
        CAST(
            SUM(CASE WHEN internal_charges.period = compared.after THEN internal_charges.amount ELSE 0 END)
            AS DECIMAL(38, 18)
        ) AS after_amount,
        COUNT(CASE WHEN internal_charges.period = compared.before THEN 1 END) AS charges_before,
        COUNT(CASE WHEN internal_charges.period = compared.after THEN 1 END) AS charges_after
    FROM internal_charges
    CROSS JOIN compared
    WHERE internal_charges.period IN (compared.before, compared.after)
    GROUP BY
        internal_charges.department,
        internal_charges.product,
        internal_charges.unit,
        internal_charges.meter,
        internal_charges.currency,
        COALESCE(internal_charges.resource, internal_charges.tenant)
)

SELECT
    of_resources.department AS scope,
    of_resources.product,
    of_resources.unit,
    of_resources.meter AS item,
    of_resources.currency,
    CASE
        WHEN of_resources.charges_before = 0 THEN 'new'
        WHEN of_resources.charges_after = 0 THEN 'gone'
        ELSE 'kept'
    END AS seen,
    CAST(SUM(of_resources.before_quantity) AS DECIMAL(38, 9)) AS before_quantity,
    CAST(SUM(of_resources.after_quantity) AS DECIMAL(38, 9)) AS after_quantity,
    CAST(SUM(of_resources.before_amount) AS DECIMAL(38, 18)) AS before_amount,
    CAST(SUM(of_resources.after_amount) AS DECIMAL(38, 18)) AS after_amount
FROM of_resources
GROUP BY
    of_resources.department,
    of_resources.product,
    of_resources.unit,
    of_resources.meter,
    of_resources.currency,
    CASE
        WHEN of_resources.charges_before = 0 THEN 'new'
        WHEN of_resources.charges_after = 0 THEN 'gone'
        ELSE 'kept'
    END
