"""The external ledger: what vendors charge, as they bill it.

What belongs here: sources, deliveries, readers, and the ledger's slices. What does not: the rules of
a vendor's format (sql/focus), prices and pools (`catalog`, `pools`), and comparing (`reconciliation`).
"""

from twinledger.bills.formats import Format, detect, format_named, format_names
from twinledger.bills.ingest import ingest_source
from twinledger.bills.inspection import Inspection, inspect_file
from twinledger.bills.ledger import ServiceCost, export_slice, ledger_totals, quarantined, quarantined_rows
from twinledger.bills.records import Outcome

__all__ = [
    "Format",
    "Inspection",
    "Outcome",
    "ServiceCost",
    "detect",
    "export_slice",
    "format_named",
    "format_names",
    "ingest_source",
    "inspect_file",
    "ledger_totals",
    "quarantined",
    "quarantined_rows",
]
