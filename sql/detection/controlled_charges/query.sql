WITH controlled_skus AS (
    SELECT DISTINCT pool_capacity.sku
    FROM pool_capacity
    INNER JOIN controlled_products
        ON pool_capacity.product = controlled_products.product
)

SELECT
    external_charges.*
FROM external_charges
INNER JOIN controlled_skus
    ON COALESCE(external_charges.SkuMeter, external_charges.SkuId) = controlled_skus.sku
WHERE
    external_charges.ChargeCategory = 'Usage'
    AND external_charges.x_restates IS NULL
    AND external_charges.ResourceId <> ''
