"""What the store knows of deliveries.

What belongs here: reading and writing deliveries and their slices. What does not: deciding about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.bills.deliveries import Found
from twinledger.bills.formats import Format, SliceKind
from twinledger.bills.settle import resolve_refused
from twinledger.bills.staging import SliceTotal, Staged
from twinledger.books import Books
from twinledger.lake import slice_name
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.outbox import Message, enqueue
from twinledger.store import audit
from twinledger.store.models import ControlTotal, Delivery, DeliverySlice, Source
from twinledger.vocabulary.errors import DeliveryRefusedError, InvalidConfigError, UnknownNameError
from twinledger.vocabulary.money import exact_sum, plain

State = Literal["ingested", "superseded", "quarantined", "unchanged", "waiting", "sibling"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery.

    `unchanged`: its content had been dealt with before; `waiting`: it is not complete yet; `sibling`: it
    bills the same charges as what the source takes. `periods` are those whose ledger it changed: of a closed
    period that is the one in which its adjustments were posted.
    """

    source: str
    delivery: str
    key: str
    state: State
    periods: tuple[str, ...] = ()
    rows_in: int = 0
    rows_ledger: int = 0
    rows_quarantined: int = 0
    rows_aside: int = 0
    reason_code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Handled:
    """One delivery and its identity while it is dealt with."""

    source: Source
    found: Found
    delivery: str
    digest: str


@dataclass(frozen=True, slots=True)
class Booked:
    """One slice of the ledger that a delivery was committed as, and what it holds."""

    period: str
    slice: str
    totals: tuple[SliceTotal, ...]


def partition_of(source: str, period: str, name: str) -> dict[str, str]:
    """The partition of `finance.external_charges` that a slice of a source's billing period is."""
    return {"x_source": source, "x_period": period, "x_slice": name}


def slice_kind(source: Source, form: Format) -> SliceKind:
    """What a delivery of a source replaces: as its entry says, else as its format's vendors deliver.

    Raises:
        InvalidConfigError: the entry says something else than period, day or file.
    """
    kinds: dict[str, SliceKind] = {"period": "period", "day": "day", "file": "file"}
    named = source.slice or form.slice
    if named not in kinds:
        raise InvalidConfigError("sources.yaml", source.name, f"slice is {named}: expected {', '.join(kinds)}")
    return kinds[named]


def bill_source(books: Books, name: str) -> Source:
    """The configured bill source.

    Raises:
        UnknownNameError: there is none of that name.
    """
    with books.store.reading() as session:
        names = session.scalars(select(Source.name).where(Source.kind == "bill")).all()
        source = session.get(Source, name)
        if source is None or source.kind != "bill":
            raise UnknownNameError("bill source", name, names)
    return source


def seen_before(books: Books, source: str, found: Found) -> Delivery | None:
    """The delivery of these very files, when it has been dealt with, and its vendor has not said it again since."""
    with books.store.reading() as session:
        query = select(Delivery).where(Delivery.source == source, Delivery.key == found.key)
        known = session.scalars(query.order_by(Delivery.received_at.desc())).all()
    return next((one for one in known if one.files == found.listing and one.delivered_at >= found.delivered_at), None)


def same_content(books: Books, source: str, digest: str) -> Delivery | None:
    """The delivery with this content, when it has been dealt with under the source's present entry."""
    with books.store.reading() as session:
        known = session.scalars(select(Delivery).where(Delivery.source == source, Delivery.digest == digest)).first()
    # A changed entry of the source takes the listing of refused deliveries away: they are tried again.
    return None if known is None or (known.state == "quarantined" and not known.files) else known


def slices_of(books: Books, delivery: str) -> list[tuple[str, str]]:
    """(billing period, slice) of everything that a delivery was committed as."""
    with books.store.reading() as session:
        rows = session.scalars(select(DeliverySlice).where(DeliverySlice.delivery == delivery)).all()
    return [(row.period, row.slice) for row in rows]


def counted_elsewhere(books: Books, source: Source, totals: Iterable[SliceTotal]) -> list[tuple[str, str, str]]:
    """(period, other source, account) of what another source bills already, and is not said to bill beside this one."""
    mine = {(total.period, total.provider, total.account) for total in totals}
    query = select(DeliverySlice, Source).join(Source, Source.name == DeliverySlice.source)
    query = query.where(
        Source.kind == "bill",
        Source.name != source.name,
        DeliverySlice.current,
        DeliverySlice.period.in_({period for period, _, _ in mine}),
    )
    with books.store.reading() as session:
        rows = session.execute(query.order_by(DeliverySlice.period, Source.name)).all()
    return [
        (held.period, other.name, str(total["account"]))
        for held, other in rows
        if not _beside(source, other)
        for total in held.totals
        if (held.period, total.get("provider"), total.get("account")) in mine
    ]


def unstated(books: Books, totals: Sequence[SliceTotal]) -> str:
    """Why a delivery that is complete by its total is not yet: nothing where the invoices say its amounts."""
    for total in totals:
        query = select(ControlTotal.amount).where(
            ControlTotal.origin.in_(("invoice", "invoice-detail")),
            ControlTotal.provider == total.provider,
            ControlTotal.account == total.account,
            ControlTotal.period == total.period,
            ControlTotal.currency == total.currency,
        )
        with books.store.reading() as session:
            stated = session.scalars(query).all()
        subject = f"{total.account} {total.period}: {plain(total.billed_cost)} {total.currency}"
        if not stated:
            return f"an invoice: {subject} is billed, and no invoice says so yet"
        if exact_sum(stated) != total.billed_cost:
            return f"the invoiced total: {subject} is billed, {plain(exact_sum(stated))} invoiced"
    return ""


def _beside(one: Source, other: Source) -> bool:
    retired = bool(other.options.get("retired"))
    return retired or other.name in one.options.get("beside", ()) or one.name in other.options.get("beside", ())


def record_ingested(books: Books, handled: Handled, staged: Staged, booked: Sequence[Booked]) -> Outcome:
    """Write down what the lake has committed: the delivery, what it says of each slice, and whether that stands."""
    with books.store.transaction() as session:
        # Whoever writes down last has to see what is in the lake by then: one at a time for each source.
        session.get(Source, handled.source.name, with_for_update=True)
        row = _delivery(session, books, handled, "ingested")
        row.rows_in, row.rows_ledger, row.rows_quarantined = staged.rows_in, staged.rows_ledger, len(staged.refused)
        row.rows_aside = staged.aside
        row.reason_code = row.reason = None
        session.flush()
        for one in booked:
            session.merge(_slice(books, handled, one))
        session.flush()
        periods = sorted({one.period for one in booked})
        stands = _refresh(session, books, handled, periods)
        state: State = "ingested" if stands or not staged.rows_in else "superseded"
        row.state = state
        resolve_refused(session, books, handled.source.name, handled.found.key, handled.delivery)
        audit.append(
            session,
            books.clock,
            who="ingest_bills",
            action=f"delivery.{state}",
            subject=handled.delivery,
            facts={"key": handled.found.key, "periods": periods, "rows": staged.rows_in},
        )
    return Outcome(
        source=handled.source.name,
        delivery=handled.delivery,
        key=handled.found.key,
        state=state,
        periods=tuple(periods),
        rows_in=staged.rows_in,
        rows_ledger=staged.rows_ledger,
        rows_quarantined=len(staged.refused),
        rows_aside=staged.aside,
    )


def _slice(books: Books, handled: Handled, booked: Booked) -> DeliverySlice:
    return DeliverySlice(
        delivery=handled.delivery,
        period=booked.period,
        slice=booked.slice,
        source=handled.source.name,
        current=False,
        rows=sum(total.rows for total in booked.totals),
        totals=[
            {
                "provider": total.provider,
                "account": total.account,
                "currency": total.currency,
                "billed_cost": plain(total.billed_cost),
            }
            for total in booked.totals
        ],
        committed_at=books.clock.now(),
    )


def _refresh(session: Session, books: Books, handled: Handled, periods: Sequence[str]) -> bool:
    """Note which deliveries' slices are the ledger's now; whether any is this delivery's."""
    states = books.lake.states(EXTERNAL_CHARGES)
    query = select(DeliverySlice, Delivery.digest).join(Delivery, Delivery.id == DeliverySlice.delivery)
    query = query.where(DeliverySlice.source == handled.source.name, DeliverySlice.period.in_(periods))
    stands = False
    for held, content in session.execute(query):
        state = states.get(slice_name(partition_of(held.source, held.period, held.slice)))
        held.current = state is not None and state.digest == content
        stands = stands or (held.current and held.delivery == handled.delivery)
    return stands


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


def record_listing(books: Books, handled: Handled) -> None:
    """Remember how a known delivery lies at its place now, so that it need not be read again."""
    with books.store.transaction() as session:
        row = session.get(Delivery, handled.delivery)
        if row is not None:
            row.key, row.files, row.delivered_at = handled.found.key, handled.found.listing, handled.found.delivered_at


def _delivery(session: Session, books: Books, handled: Handled, state: State) -> Delivery:
    """The delivery's row, new or as it is after it was refused, or replaced and said again."""
    row = session.get(Delivery, handled.delivery)
    if row is None:
        row = Delivery(id=handled.delivery, source=handled.source.name, digest=handled.digest)
        session.add(row)
    row.key, row.delivered_at = handled.found.key, handled.found.delivered_at
    row.received_at, row.files, row.state = books.clock.now(), handled.found.listing, state
    return row
