"""What the external ledger said before: every delivery of a period, any instant, and what changed between.

What belongs here: reading earlier states of a source's period. What does not: writing one, and adjustments
of closed periods (`adjustments`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import select

from twinledger.bills.records import bill_source, partition_of
from twinledger.books import Books
from twinledger.lake import slice_name
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.store.models import Delivery, DeliverySlice
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period


@dataclass(frozen=True, slots=True)
class Said:
    """What one delivery said of a slice of a period; `billed` is (currency, billed cost) in decimal strings."""

    delivery: str
    slice: str
    key: str
    delivered_at: datetime
    committed_at: datetime | None
    rows: int
    billed: tuple[tuple[str, str], ...]
    is_current: bool


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """How one service changed between two states of a source's period; amounts in its currency."""

    service: str
    currency: str
    rows_before: int
    rows_after: int
    billed_before: Decimal
    billed_after: Decimal
    billed_change: Decimal
    effective_change: Decimal


@dataclass(frozen=True, slots=True)
class Difference:
    """Two states of a source's period: what they are, and what changed, the largest change first."""

    before: str
    after: str
    changes: tuple[ServiceChange, ...]


def history(books: Books, source: str, period: Period) -> list[Said]:
    """Every delivery that was committed to a source's period, the oldest first.

    Raises:
        UnknownNameError: there is no such bill source.
    """
    bill_source(books, source)
    query = select(DeliverySlice, Delivery).join(Delivery, Delivery.id == DeliverySlice.delivery)
    query = query.where(DeliverySlice.source == source, DeliverySlice.period == str(period))
    with books.store.reading() as session:
        rows = session.execute(query.order_by(DeliverySlice.committed_at, Delivery.delivered_at, Delivery.id)).all()
    return [
        Said(
            delivery=delivery.id,
            slice=held.slice,
            key=delivery.key,
            delivered_at=delivery.delivered_at,
            committed_at=held.committed_at,
            rows=held.rows,
            billed=tuple((str(total["currency"]), str(total["billed_cost"])) for total in held.totals),
            is_current=held.current,
        )
        for held, delivery in rows
    ]


def files_as_of(books: Books, source: str, period: Period, at: datetime | None) -> list[str]:
    """The files of a source's period as the ledger was at an instant, or is now."""
    cut = "" if at is None else books.lake.cut_at(EXTERNAL_CHARGES, at)
    return [] if cut is None else _files(books, source, period, cut)


def difference(books: Books, source: str, period: Period, before: str = "", after: str = "") -> Difference:
    """What changed in a source's period between two states of the ledger.

    A state is named by a delivery (as it was right after that was committed), by an instant in ISO 8601
    (UTC where it names no zone), or is empty: `before` is then the state before the last change of the
    period, `after` the present one.

    Raises:
        UnknownNameError: there is no such source, no such state, or only one so far.
    """
    bill_source(books, source)
    named = before or _before_last(books, source, period)
    cuts = [_cut(books, source, period, one) for one in (named, after)]
    with books.engine() as engine:
        for relation, cut in zip(("charges_before", "charges_after"), cuts, strict=True):
            files = [] if cut is None else _files(books, source, period, cut)
            engine.view_files(relation, EXTERNAL_CHARGES, files)
        engine.view_model("ledger/service_changes")
        rows = engine.rows("service_changes")
    return Difference(named, after or "now", tuple(ServiceChange(**row) for row in rows))


def _files(books: Books, source: str, period: Period, cut: str) -> list[str]:
    return books.lake.files(EXTERNAL_CHARGES, {"x_source": source, "x_period": str(period)}, cut=cut)


def _cut(books: Books, source: str, period: Period, state: str) -> str | None:
    """The cut of a state: empty for the present one, None for before there was anything."""
    if not state:
        return ""
    if at := _instant(state):
        return books.lake.cut_at(EXTERNAL_CHARGES, at)
    with books.store.reading() as session:
        delivery = session.get(Delivery, state)
        names = session.scalars(select(DeliverySlice.slice).where(DeliverySlice.delivery == state)).all()
    written = {slice_name(partition_of(source, str(period), name)) for name in names}
    for commit in books.lake.history(EXTERNAL_CHARGES) if delivery else ():
        if any(delivery and commit.slices.get(name) == delivery.digest for name in written):
            return commit.cut
    raise UnknownNameError(
        f"state of {source} {period}", state, [one.delivery for one in history(books, source, period)]
    )


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _before_last(books: Books, source: str, period: Period) -> str:
    """The instant of the last change but one of a source's period."""
    mine = f"x_period={period}", f"x_source={source}"
    changes = [
        commit
        for commit in books.lake.history(EXTERNAL_CHARGES)
        if any(all(part in name.split("/") for part in mine) for name in commit.slices)
    ]
    if len(changes) < 2:  # noqa: PLR2004 - a difference has two sides
        said = [one.delivery for one in history(books, source, period)]
        raise UnknownNameError("earlier state", f"{source} {period}", said)
    return changes[-2].at.isoformat()
