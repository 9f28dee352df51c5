"""The external ledger: what vendors charge, as they bill it.

What belongs here: sources, deliveries, readers, and the ledger's slices. What does not: the rules of
a vendor's format (sql/focus), prices and pools (`catalog`, `pools`), and comparing (`reconciliation`).
"""

from twinledger.bills.formats import Format, detect, format_named, format_names
from twinledger.bills.history import Difference, Said, ServiceChange, difference, history
from twinledger.bills.ingest import ingest_source
from twinledger.bills.inspection import Inspection, inspect_file
from twinledger.bills.ledger import ServiceCost, export_slice, ledger_totals, quarantined, quarantined_rows
from twinledger.bills.records import Outcome
from twinledger.bills.replay import Replayed, replay
from twinledger.bills.settle import resolve_refused

__all__ = [
    "Difference",
    "Format",
    "Inspection",
    "Outcome",
    "Replayed",
    "Said",
    "ServiceChange",
    "ServiceCost",
    "detect",
    "difference",
    "export_slice",
    "format_named",
    "format_names",
    "history",
    "ingest_source",
    "inspect_file",
    "ledger_totals",
    "quarantined",
    "quarantined_rows",
    "replay",
    "resolve_refused",
]
