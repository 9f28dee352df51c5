"""Commitments: what was paid for each, against what of it was used and what was not.

What belongs here: the closing of commitment discounts over the ledger. What does not: how a vendor's
lines become purchases and usage (sql/focus), and what to commit to next.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from twinledger.bills.records import bill_source
from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES


@dataclass(frozen=True, slots=True)
class CommitmentTotal:
    """One commitment discount as far as the ledger holds its term.

    Amounts are in `currency`; `charged_from` and `charged_until` (exclusive) are naive UTC and span the
    commitment's charges. `difference` = purchased - used - unused: 0 to the cent over a whole term, and
    what is paid for time to come before its end.
    """

    provider: str
    commitment: str
    type: str | None
    currency: str
    charged_from: datetime
    charged_until: datetime
    purchased: Decimal
    used: Decimal
    unused: Decimal
    difference: Decimal


def commitment_totals(books: Books, source: str = "") -> list[CommitmentTotal]:
    """Every commitment of a bill source, or of all of them, by provider and identity.

    Source of the rule: FOCUS 1.2, EffectiveCost.

    Raises:
        UnknownNameError: there is no such bill source.
    """
    if source:
        bill_source(books, source)
    files = books.lake.files(EXTERNAL_CHARGES, {"x_source": source} if source else None)
    with books.engine() as engine:
        engine.view_files("external_charges", EXTERNAL_CHARGES, files, where='"CommitmentDiscountId" IS NOT NULL')
        engine.view_model("commitments/commitment_totals")
        return [CommitmentTotal(**row) for row in engine.rows("commitment_totals")]
