"""What the store knows of deliveries.

What belongs here: reading and writing deliveries and their slices. What does not: deciding about them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.bills.deliveries import Found
from twinledger.bills.staging import SliceTotal, Staged
from twinledger.books import Books
from twinledger.outbox import Message, enqueue
from twinledger.store import audit
from twinledger.store.models import Delivery, DeliverySlice, Source
from twinledger.vocabulary.errors import DeliveryRefusedError, InvalidConfigError, UnknownNameError
from twinledger.vocabulary.money import exact_sum, plain

State = Literal["ingested", "superseded", "quarantined", "unchanged"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery. `unchanged`: its content had been dealt with before."""

    source: str
    delivery: str
    key: str
    state: State
    periods: tuple[str, ...] = ()
    rows_in: int = 0
    rows_ledger: int = 0
    rows_quarantined: int = 0
    reason_code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Handled:
    """One delivery and its identity while it is dealt with."""

    source: Source
    found: Found
    delivery: str
    digest: str

    @property
    def listing(self) -> list[Any]:
        """The delivery's files as they were listed."""
        return listing_of(self.found)


def listing_of(found: Found) -> list[Any]:
    """What tells, without reading them, that a delivery's files are the ones that were seen before."""
    return [[file.key, file.size, file.modified.isoformat(), file.etag] for file in found.files]


def bill_source(books: Books, name: str) -> Source:
    """The configured bill source.

    Raises:
        UnknownNameError: there is none of that name.
        InvalidConfigError: its deliveries are increments of a day, which no bill format here is read as yet.
    """
    with books.store.reading() as session:
        names = session.scalars(select(Source.name).where(Source.kind == "bill")).all()
        source = session.get(Source, name)
        if source is None or source.kind != "bill":
            raise UnknownNameError("bill source", name, names)
    if source.slice != "period":
        problem = f"slice is {source.slice}: bills are read as whole periods, expected slice: period"
        raise InvalidConfigError("sources.yaml", name, problem)
    return source


def seen_before(books: Books, source: str, found: Found) -> Delivery | None:
    """The delivery of these very files, when it has been dealt with."""
    with books.store.reading() as session:
        query = select(Delivery).where(Delivery.source == source, Delivery.key == found.key)
        known = session.scalars(query.order_by(Delivery.received_at.desc())).all()
    return next((delivery for delivery in known if delivery.files == listing_of(found)), None)


def same_content(books: Books, source: str, digest: str) -> Delivery | None:
    """The delivery with this content, when it has been dealt with under the source's present entry."""
    with books.store.reading() as session:
        known = session.scalars(select(Delivery).where(Delivery.source == source, Delivery.digest == digest)).first()
    # A changed entry of the source takes the listing of refused deliveries away: they are tried again.
    return None if known is None or (known.state == "quarantined" and not known.files) else known


def record_ingested(books: Books, handled: Handled, staged: Staged, current: Mapping[str, bool]) -> Outcome:
    """Write down what the lake has committed; `current` says for each period whether it is the ledger's."""
    state: State = "ingested" if any(current.values()) else "superseded"
    with books.store.transaction() as session:
        row = _delivery(session, books, handled, state)
        row.rows_in, row.rows_ledger, row.rows_quarantined = staged.rows_in, staged.rows_ledger, len(staged.refused)
        row.reason_code = row.reason = None
        session.flush()
        for period, is_current in current.items():
            _record_slice(session, books, handled, period, staged.totals, current=is_current)
        audit.append(
            session,
            books.clock,
            who="ingest_bills",
            action=f"delivery.{state}",
            subject=handled.delivery,
            facts={"key": handled.found.key, "periods": sorted(current), "rows": staged.rows_in},
        )
    counts = (staged.rows_in, staged.rows_ledger, len(staged.refused))
    return Outcome(handled.source.name, handled.delivery, handled.found.key, state, tuple(sorted(current)), *counts)


def _record_slice(
    session: Session, books: Books, handled: Handled, period: str, totals: Sequence[SliceTotal], *, current: bool
) -> None:
    if current:
        query = select(DeliverySlice).where(
            DeliverySlice.source == handled.source.name, DeliverySlice.slice == period, DeliverySlice.current
        )
        for earlier in session.scalars(query):
            earlier.current = False
    mine = [total for total in totals if total.period == period]
    currencies = sorted({total.currency for total in mine})
    session.add(
        DeliverySlice(
            delivery=handled.delivery,
            slice=period,
            source=handled.source.name,
            current=current,
            rows=sum(total.rows for total in mine),
            totals=[{"currency": code, "billed_cost": plain(_billed(mine, code))} for code in currencies],
            committed_at=books.clock.now(),
        )
    )


def _billed(totals: Sequence[SliceTotal], currency: str) -> Decimal:
    return exact_sum(total.billed_cost for total in totals if total.currency == currency)


def record_quarantined(books: Books, handled: Handled, refusal: DeliveryRefusedError) -> Outcome:
    """Write down that a delivery was refused whole, and tell finance once."""
    with books.store.transaction() as session:
        row = _delivery(session, books, handled, "quarantined")
        row.reason_code, row.reason = refusal.code, str(refusal)
        facts = {
            "source": handled.source.name,
            "key": handled.found.key,
            "code": refusal.code,
            "reason": str(refusal),
            "delivered_at": handled.found.delivered_at.isoformat(),
        }
        message = Message("quarantine", handled.delivery, books.settings.slack.finance_channel, "finance", facts)
        enqueue(session, message, books.clock)
        audit.append(
            session,
            books.clock,
            who="ingest_bills",
            action="delivery.quarantined",
            subject=handled.delivery,
            facts=facts,
        )
    return Outcome(
        source=handled.source.name,
        delivery=handled.delivery,
        key=handled.found.key,
        state="quarantined",
        reason_code=refusal.code,
        reason=str(refusal),
    )


def record_listing(books: Books, delivery: str, listing: list[Any]) -> None:
    """Remember how a known delivery lies at its place now, so that it need not be read again."""
    with books.store.transaction() as session:
        row = session.get(Delivery, delivery)
        if row is not None:
            row.files = listing


def _delivery(session: Session, books: Books, handled: Handled, state: State) -> Delivery:
    """The delivery's row, new or as it is after it was refused before."""
    row = session.get(Delivery, handled.delivery)
    if row is None or row.state != "quarantined":
        row = Delivery(id=handled.delivery, source=handled.source.name, digest=handled.digest)
        session.add(row)
    row.key, row.delivered_at = handled.found.key, handled.found.delivered_at
    row.received_at, row.files, row.state = books.clock.now(), handled.listing, state
    return row
