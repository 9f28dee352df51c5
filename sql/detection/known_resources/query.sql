SELECT earlier_charges.ResourceId AS resource
FROM earlier_charges
WHERE
    earlier_charges.ChargeCategory = 'Usage'
    AND earlier_charges.ResourceId <> ''
UNION
SELECT earlier_internal.resource
FROM earlier_internal
WHERE earlier_internal.resource <> ''
