"""Control totals: what others say an account was charged, beside the external ledger.

What belongs here: totals of manifests, invoices and providers, recording them, and which of them agree
with the ledger. What does not: the ledger itself (`bills`), a provider's API (`cloud`), and the life of
a break, which is `reconciliation`'s.

    manifest ─┐
    invoices ─┼─► record ─► control_totals ─┐
    provider ─┘                             ├─► agree ─► comparisons ─► breaks of rule control_total
                         external ledger ───┘
"""

from twinledger.controls.agreement import (
    Comparison,
    LedgerTotal,
    State,
    SubAccountTotal,
    Terms,
    agree,
    differences,
)
from twinledger.controls.invoices import InvoiceFile, read_invoices
from twinledger.controls.ledger import (
    CONTROL_MODELS,
    LedgerSums,
    adjustment_files,
    adjustment_slices,
    agreement,
    last_recorded,
    ledger_sums,
    newest_period,
    terms,
    view_billed,
)
from twinledger.controls.provider import (
    AskedSource,
    ProviderTotals,
    StatedMonth,
    asked_source,
    asked_sources,
    record_provider_totals,
)
from twinledger.controls.totals import (
    ORIGINS,
    ChangedTotal,
    Origin,
    Recorded,
    Total,
    compare,
    manifest_document,
    record,
    recorded,
)

__all__ = [
    "CONTROL_MODELS",
    "ORIGINS",
    "AskedSource",
    "ChangedTotal",
    "Comparison",
    "InvoiceFile",
    "LedgerSums",
    "LedgerTotal",
    "Origin",
    "ProviderTotals",
    "Recorded",
    "State",
    "StatedMonth",
    "SubAccountTotal",
    "Terms",
    "Total",
    "adjustment_files",
    "adjustment_slices",
    "agree",
    "agreement",
    "asked_source",
    "asked_sources",
    "compare",
    "differences",
    "last_recorded",
    "ledger_sums",
    "manifest_document",
    "newest_period",
    "read_invoices",
    "record",
    "record_provider_totals",
    "recorded",
    "terms",
    "view_billed",
]
