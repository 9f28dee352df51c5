"""Control totals as the store keeps them.

What belongs here: what somebody says an account was charged, and recording it. What does not: reading
it from a file (`invoices`) or from a provider (`provider`), and comparing it (`agreement`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from twinledger.clock import Clock
from twinledger.store import audit
from twinledger.store.models import ControlTotal
from twinledger.vocabulary.money import plain

Origin = Literal["manifest", "invoice", "invoice-detail", "cost-explorer"]
ORIGINS: tuple[Origin, ...] = get_args(Origin)
LONGEST_NAME = 200
"""Characters of a provider's, account's or document's name: the store's keys hold 255."""

_REPLACED: Mapping[str, tuple[str, ...]] = {
    # A document speaks for its whole slice, Cost Explorer for its whole account: what they no longer
    # name is gone. An invoice speaks for itself only.
    "manifest": ("origin", "period", "document"),
    "cost-explorer": ("origin", "provider", "account", "period"),
}


@dataclass(frozen=True, slots=True)
class Total:
    """What one document says that a billing account was charged in a period, in its billing currency."""

    origin: Origin
    provider: str
    account: str
    period: str
    currency: str
    document: str
    amount: Decimal

    @property
    def key(self) -> tuple[str, ...]:
        """What tells one total from another, whatever its amount."""
        return (self.origin, self.provider, self.account, self.period, self.currency, self.document)

    def __str__(self) -> str:
        """For people: whose, of when, and from which document."""
        return f"{self.origin} {self.document}: {self.provider} {self.account} {self.period} {self.currency}"


@dataclass(frozen=True, slots=True)
class ChangedTotal:
    """A total that now says another amount than before."""

    total: Total
    before: Decimal


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording totals did, or would do."""

    new: tuple[Total, ...] = ()
    changed: tuple[ChangedTotal, ...] = ()
    gone: tuple[Total, ...] = ()
    unchanged: int = 0

    @property
    def periods(self) -> tuple[str, ...]:
        """The periods of which something is said that was not said before."""
        touched = (*self.new, *(one.total for one in self.changed), *self.gone)
        return tuple(sorted({one.period for one in touched}))


def manifest_document(source: str, slice_name: str) -> str:
    """The document of a manifest's total: what it speaks of, so that a later manifest takes its place."""
    return f"{source}/{slice_name}"


def document_source(document: str) -> str:
    """The source that a manifest's document is of."""
    return document.partition("/")[0]


def compare(session: Session, totals: Sequence[Total]) -> Recorded:
    """What `record` would do; nothing is written."""
    kept = {one.key: one for one in map(_total, session.scalars(_kept(totals)))} if totals else {}
    stated = {one.key: one for one in totals}
    new = [one for key, one in stated.items() if key not in kept]
    changed = [
        ChangedTotal(one, kept[key].amount)
        for key, one in stated.items()
        if key in kept and kept[key].amount != one.amount
    ]
    scopes = {_scope(one) for one in totals if one.origin in _REPLACED}
    gone = [one for key, one in kept.items() if key not in stated and _scope(one) in scopes]
    unchanged = len(stated) - len(new) - len(changed)
    return Recorded(_sorted(new), tuple(sorted(changed, key=lambda one: one.total.key)), _sorted(gone), unchanged)


def record(session: Session, clock: Clock, totals: Sequence[Total], by: str) -> Recorded:
    """Write down what is stated, in the caller's transaction, with an audit entry for all that is new of it.

    Recording the same again changes nothing. A manifest's total takes the place of what an earlier
    manifest of the same slice said, Cost Explorer's of what it said of the account and period before.

    Args:
        session: the transaction.
        clock: gives the instant, in UTC.
        totals: in billing currency; the last of those with one key counts.
        by: the file, DAG or person that they come from.
    """
    result = compare(session, totals)
    now = clock.now()
    for one in (*result.new, *(changed.total for changed in result.changed)):
        row = session.get(ControlTotal, one.key, with_for_update=True)
        if row is None:
            row = ControlTotal(**dict(zip(_KEY, one.key, strict=True)))
            session.add(row)
        row.amount, row.recorded_at, row.recorded_by = one.amount, now, by
    for one in result.gone:
        session.delete(session.get_one(ControlTotal, one.key))
    if result.periods:
        audit.append(
            session, clock, who=by, action="control_totals.record", subject=" ".join(result.periods),
            facts=_audited(result),
        )  # fmt: skip
    session.flush()
    return result


def recorded(session: Session, period: str) -> tuple[Total, ...]:
    """All that is stated of a period, in a stable order."""
    query = select(ControlTotal).where(ControlTotal.period == period)
    return _sorted(map(_total, session.scalars(query)))


_KEY = ("origin", "provider", "account", "period", "currency", "document")


def _total(row: ControlTotal) -> Total:
    origin = next(known for known in ORIGINS if known == row.origin)
    return Total(origin, row.provider, row.account, row.period, row.currency, row.document, row.amount)


def _sorted(totals: Iterable[Total]) -> tuple[Total, ...]:
    return tuple(sorted(totals, key=lambda one: one.key))


def _scope(total: Total) -> tuple[str, ...]:
    """What of the store a total speaks for."""
    named = dict(zip(_KEY, total.key, strict=True))
    return tuple(named[name] for name in _REPLACED.get(total.origin, _KEY))


def _kept(totals: Sequence[Total]) -> Select[ControlTotal]:
    """Everything that the store has of the origins and periods that are spoken of: few rows, one question."""
    pairs = sorted({(one.origin, one.period) for one in totals})
    return select(ControlTotal).where(
        or_(*(and_(ControlTotal.origin == origin, ControlTotal.period == period) for origin, period in pairs))
    )


def _audited(result: Recorded) -> dict[str, object]:
    return {
        "new": [f"{one}: {plain(one.amount)}" for one in result.new],
        "changed": [f"{one.total}: {plain(one.before)} -> {plain(one.total.amount)}" for one in result.changed],
        "gone": [f"{one}: {plain(one.amount)}" for one in result.gone],
    }
