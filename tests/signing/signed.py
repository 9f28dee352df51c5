"""Statements that are signed, for tests of what comes after: closing a period.

What belongs here: rows as `signing` leaves them. What does not: how they come about, which its own tests show.
"""

from __future__ import annotations

from collections.abc import Sequence

from twinledger.books import Books
from twinledger.signing import ledgers_digest
from twinledger.store.models import Signature
from twinledger.vocabulary.periods import Period


def sign_statements(books: Books, period: Period, pools: Sequence[str] = ("compute",)) -> None:
    """Have carol prepare and dave sign the statements of a period, on its ledgers as they are now."""
    now, ledgers = books.clock.now(), ledgers_digest(books, str(period))
    with books.store.transaction() as session:
        for pool in pools:
            row = Signature(
                period=str(period), pool=pool, state="signed", revision=1, figures={"internal": "1.00"},
                ledgers=ledgers, digest="d" * 64, prepared_by="carol", prepared_at=now, prepared_on="page",
                decided_by="dave", decided_at=now, decided_on="page",
            )  # fmt: skip
            session.merge(row)
