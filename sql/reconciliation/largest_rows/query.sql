-- Up to ten thousand of them: enough to look at, and bounded however large the ledger is.
SELECT
    component_rows.side,
    component_rows.source,
    component_rows.delivery,
    component_rows.line,
    component_rows.started_at,
    component_rows.resource,
    component_rows.service,
    component_rows.sku,
    component_rows.department,
    component_rows.product,
    component_rows.meter,
    component_rows.amount
FROM component_rows
ORDER BY
    ABS(component_rows.amount) DESC,
    component_rows.side ASC,
    component_rows.source ASC,
    component_rows.delivery ASC,
    component_rows.line ASC,
    component_rows.started_at ASC,
    component_rows.resource ASC,
    component_rows.department ASC,
    component_rows.product ASC,
    component_rows.meter ASC
LIMIT 10000
