"""What a run tells the signatures of its period.

What belongs here: the figures of each statement that a run has found, and what a gate stopped. What does not:
what becomes of a signature (`signing`), and asking for one (`signoff`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from twinledger import signing
from twinledger.books import Books
from twinledger.pools import UNASSIGNED
from twinledger.reconciliation.inputs import Inputs
from twinledger.reconciliation.result import Reconciliation
from twinledger.reconciliation.statement import pool_statement, statement_figures
from twinledger.vocabulary.errors import GateFailedError
from twinledger.vocabulary.periods import Period


def record_signatures(session: Session, books: Books, inputs: Inputs, result: Reconciliation) -> None:
    """In the transaction of a run: its statements are to be signed, and signatures on other figures fall."""
    pools = {total.pool for total in result.totals}
    pools |= {UNASSIGNED} if any(not one.pool for one in result.breaks) else set()
    figures = {pool: statement_figures(pool_statement(result, pool)) for pool in pools}
    period = str(inputs.period)
    ledgers = signing.slices_digest(period, inputs.internal.slices, inputs.external.slices)
    signing.record(session, books, period, None if result.missing else figures, ledgers)


@contextmanager
def stop_signatures(books: Books, period: Period) -> Iterator[None]:
    """Where a gate stops a run, no statement of its period is signed until one passes; raises what the block raises."""
    try:
        yield
    except GateFailedError as failed:
        with books.store.transaction() as session:
            signing.stop(session, books, str(period), str(failed))
        raise
