SELECT DISTINCT
    paid.kind,
    paid.subject,
    paid.measure,
    paid.amount AS part,
    listed.amount AS whole
FROM charge_figures AS paid
INNER JOIN charge_figures AS listed
    ON
        paid.kind = listed.kind
        AND paid.subject = listed.subject
        AND paid.unit = listed.unit
WHERE
    paid.kind IN ('sku', 'service', 'account', 'source', 'pool', 'period', 'unit price')
    AND paid.measure IN ('billed', 'effective', 'contracted')
    AND listed.measure = 'list'
    AND paid.amount < listed.amount
