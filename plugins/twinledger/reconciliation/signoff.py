"""Signing a statement of the last reconciliation.

What belongs here: reading the statement that is to be signed, and what forbids to sign it. What does not: who
may sign and what follows (`signing`).
"""

from __future__ import annotations

from sqlalchemy import select

from twinledger.books import Books
from twinledger.reconciliation.certification import ReasonCode, certification
from twinledger.reconciliation.evidence import written_from
from twinledger.reconciliation.result import Reconciliation
from twinledger.reconciliation.run import read_reconciliation
from twinledger.reconciliation.statement import pool_statement, statement_digest, statement_figures
from twinledger.signing import Offer, SignatureView, Step, ledgers_digest, signature, take
from twinledger.store.models import ReconciliationRun
from twinledger.vocabulary.errors import ConcurrentChangeError
from twinledger.vocabulary.periods import Period

FORBIDDING = frozenset(
    {
        ReasonCode.NOT_RECONCILED, ReasonCode.GATE_FAILED, ReasonCode.DATA_MISSING, ReasonCode.NOT_CURRENT,
        ReasonCode.UNEXPLAINED_BEYOND_TOLERANCE, ReasonCode.FIX_NOT_CONFIRMED,
    }
)  # fmt: skip
"""Reasons on which no signature may stand; over the others whoever signs decides."""

_ATTEMPTS = 5


def sign_off(books: Books, step: Step) -> SignatureView:
    """Prepare, sign, refuse or withdraw the statement of a pool and period, as it is now.

    Raises:
        ConcurrentChangeError: runs and deeds on breaks kept changing it.
        TwinledgerError: as `signing.take`.
    """
    for _ in range(_ATTEMPTS):
        with books.store.reading() as session:
            seen = signature(session, step.period, step.pool)
        # Read after the revision: whatever changes the statement from here on changes the revision too.
        offer = statement_offer(books, seen) if step.event in ("prepare", "sign") else None
        try:
            return take(books, step, seen.revision, offer)
        except ConcurrentChangeError:
            continue
    raise ConcurrentChangeError(f"statement {step.subject}", "at rest", "being changed by others")


def statement_offer(books: Books, seen: SignatureView) -> Offer:
    """What the statement of a signature says now, and what forbids to sign it."""
    period = Period.parse(seen.period)
    result = read_reconciliation(books, period)
    if result is None or (result.totals and seen.state == "gone"):
        return Offer("", {}, (f"neither ledger has anything of {seen.pool} in {period}",))
    stops = (seen.stopped,) if seen.stopped else ()
    certified = certification(result, seen.pool, gate_stops=stops, current=_is_current(books, seen, result))
    obstacles = tuple(one.sentence for one in certified.reasons if one.code in FORBIDDING)
    statement = pool_statement(result, seen.pool)
    return Offer(statement_digest(statement), statement_figures(statement), obstacles)


def _is_current(books: Books, seen: SignatureView, result: Reconciliation) -> bool:
    """Whether the ledgers, and the bridge in the lake, are those of the run that the statement is of."""
    if seen.ledgers != ledgers_digest(books, seen.period):
        return False
    with books.store.reading() as session:
        digest = session.scalar(select(ReconciliationRun.digest).where(ReconciliationRun.id == result.run_id))
    return bool(result.missing) or written_from(books, result.period) == {digest}
