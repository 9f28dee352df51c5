"""Signatures as finance sees them.

What belongs here: reading them, and what still stands against closing a period. What does not: changing them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.store.models import Signature
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.canonical import canonical_digest
from twinledger.vocabulary.errors import UnknownNameError, UnsignedStatementsError


@dataclass(frozen=True, slots=True)
class SignatureView(ForFinance):
    """How the statement of one pool and period stands."""

    period: str
    pool: str
    state: str
    revision: int
    figures: Mapping[str, str]
    """Name -> decimal string, in the reporting currency: as prepared or signed, else of the last run."""
    ledgers: str
    stopped: str | None
    digest: str | None
    prepared_by: str | None
    prepared_at: datetime | None
    prepared_on: str | None
    note: str | None
    decided_by: str | None
    decided_at: datetime | None
    decided_on: str | None
    comment: str | None
    audit_head: str | None

    @property
    def subject(self) -> str:
        """`2026-10 compute`."""
        return f"{self.period} {self.pool}"

    @property
    def shown(self) -> str:
        """What an answer to this view is to: equal for equal figures of one preparation."""
        return canonical_digest([self.subject, str(self.prepared_at), dict(self.figures)])


def found(session: Session, period: str, pool: str) -> Signature:
    """The row as it is in the database now; raises UnknownNameError."""
    row = session.get(Signature, (period, pool), populate_existing=True)
    if row is None:
        known = session.scalars(select(Signature.pool).where(Signature.period == period).order_by(Signature.pool))
        raise UnknownNameError(f"statement of {period}", pool, known)
    return row


def signature(session: Session, period: str, pool: str) -> SignatureView:
    """One statement's; raises UnknownNameError where no run has found the pool in the period."""
    return viewed(found(session, period, pool))


def signatures(session: Session, period: str) -> list[SignatureView]:
    """Those of a period, by pool; without pools that are gone."""
    query = select(Signature).where(Signature.period == period, Signature.state != "gone").order_by(Signature.pool)
    return [viewed(row) for row in session.scalars(query)]


def noted_heads(session: Session) -> list[tuple[str, str]]:
    """What each signature noted of the audit trail: subject, SEQUENCE:HASH."""
    query = select(Signature).where(Signature.audit_head.is_not(None)).order_by(Signature.period, Signature.pool)
    return [(f"{row.period} {row.pool}", row.audit_head or "") for row in session.scalars(query)]


def viewed(row: Signature) -> SignatureView:
    """A row as a value."""
    return SignatureView(**{name: getattr(row, name) for name in SignatureView.__slots__})


def unsigned(session: Session, period: str, ledgers: str) -> list[str]:
    """Sentences on what is not signed yet of a period, or was signed on other ledgers; without amounts.

    Args:
        session: any session.
        period: as 2026-10.
        ledgers: `ledgers_digest` of now.
    """
    return _against(period, signatures(session, period), ledgers)


def seal(session: Session, period: str, ledgers: str) -> list[SignatureView]:
    """The signatures on which a period is closed, in the transaction that closes it.

    Whoever withdraws one at the same time comes before, or looks again and finds the period closed.

    Raises:
        UnsignedStatementsError: not every statement is signed, or the ledgers are others by now.
    """
    rows = [row for row in lock(session, period) if row.state != "gone"]
    views = [viewed(row) for row in rows]
    if against := _against(period, views, ledgers):
        raise UnsignedStatementsError(period, against)
    for row in rows:
        row.revision += 1
    return views


def lock(session: Session, period: str) -> Sequence[Signature]:
    """The signatures of a period, held until the transaction ends; before any of its breaks is."""
    query = select(Signature).where(Signature.period == period).order_by(Signature.pool).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def _against(period: str, statements: Sequence[SignatureView], ledgers: str) -> list[str]:
    if not statements:
        return [f"{period} was never reconciled: there is no statement to sign"]
    if any(one.ledgers != ledgers for one in statements):
        return [f"the ledgers of {period} changed after they were reconciled: reconcile them again"]
    said = {"prepared": "prepared by {0.prepared_by}, not signed", "refused": "refused by {0.decided_by}"}
    return [
        f"the statement of {one.pool} is {said.get(one.state, 'not signed').format(one)}"
        for one in statements
        if one.state != "signed"
    ]
