"""What the store knows of usage deliveries.

What belongs here: reading and writing deliveries and their slices. What does not: deciding about them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.outbox import Message, enqueue
from twinledger.places import PlacedFile
from twinledger.store import audit
from twinledger.store.models import Delivery, DeliverySlice, Source
from twinledger.vocabulary.errors import DeliveryRefusedError, UnknownNameError
from twinledger.vocabulary.identities import digest

State = Literal["ingested", "quarantined", "unchanged"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery. `unchanged`: its content had been dealt with before.

    `slices` are the days (UTC) that it touched, `periods` the accounting months that records were booked in.
    """

    source: str
    delivery: str
    key: str
    state: State
    slices: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    rows_in: int = 0
    rows_ledger: int = 0
    rows_quarantined: int = 0
    reason_code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Handled:
    """One delivery while it is dealt with, and what it replaces: earlier deliveries of the same file."""

    source: Source
    file: PlacedFile
    digest: str
    earlier: tuple[str, ...] = ()
    earlier_days: frozenset[str] = frozenset()

    @property
    def delivery(self) -> str:
        """The delivery's identity: its feed and its content."""
        return f"{self.source.name}-{self.digest[:16]}"


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one delivery: refused ones, and those of the ledger by day and by period."""

    rows_in: int
    refused: int
    by_day: Mapping[str, int] = field(default_factory=dict)
    periods: tuple[str, ...] = ()


def usage_source(books: Books, name: str) -> Source:
    """The configured metering feed; raises UnknownNameError."""
    with books.store.reading() as session:
        names = session.scalars(select(Source.name).where(Source.kind == "usage")).all()
        source = session.get(Source, name)
    if source is None or source.kind != "usage" or source.options.get("retired"):
        raise UnknownNameError(kind="metering feed", name=name, known=names)
    return source


def listing_of(file: PlacedFile) -> list[object]:
    """What tells, without reading it, that a file is the one that was seen before."""
    return [[file.key, file.size, file.modified.isoformat(), file.etag]]


def seen_before(books: Books, source: str) -> dict[str, str]:
    """The newest delivery of each key: its listing, as text -> its identity."""
    with books.store.reading() as session:
        query = select(Delivery).where(Delivery.source == source)
        by_key = {one.key: one for one in session.scalars(query.order_by(Delivery.delivered_at, Delivery.received_at))}
    return {str(one.files): one.id for one in by_key.values()}


def same_content(books: Books, this: Handled) -> str | None:
    """The delivery with this content, when the ledger holds it or it was refused."""
    with books.store.reading() as session:
        query = select(Delivery).where(Delivery.source == this.source.name, Delivery.digest == this.digest)
        known = session.scalars(query).first()
    if known is None or (known.state == "quarantined" and not known.files):
        return None  # refused under an entry of the source that has changed since: tried again
    # A file that went back to what it was before is the newest word on its records again.
    return None if known.state == "superseded" else known.id


def remember_listing(books: Books, delivery: str, file: PlacedFile) -> None:
    """Note how a known delivery lies at its place now, so that it need not be read again."""
    with books.store.transaction() as session:
        row = session.get(Delivery, delivery)
        if row is not None and row.key == file.key:
            row.files, row.delivered_at = listing_of(file), file.modified


def handled(books: Books, source: Source, file: PlacedFile, content: str) -> Handled:
    """A new delivery, with what it replaces."""
    with books.store.reading() as session:
        query = select(Delivery.id).where(
            Delivery.source == source.name, Delivery.key == file.key, Delivery.digest != content
        )
        earlier = tuple(session.scalars(query.order_by(Delivery.id)))
        days = select(DeliverySlice.slice).where(DeliverySlice.delivery.in_(earlier))
        return Handled(source, file, content, earlier, frozenset(session.scalars(days)))


def slice_digests(books: Books, these: Sequence[Handled], days: Mapping[str, set[str]]) -> dict[str, str]:
    """The digest of what each touched slice is made of once these deliveries are in it."""
    touched = set().union(*days.values())
    gone = {earlier for this in these for earlier in this.earlier}
    members: dict[str, set[str]] = {day: set() for day in sorted(touched)}
    with books.store.reading() as session:
        query = select(DeliverySlice.slice, DeliverySlice.delivery).where(
            DeliverySlice.source == these[0].source.name, DeliverySlice.current
        )
        for day, delivery in session.execute(query):
            if day in touched and delivery not in gone:
                members[day].add(delivery)
    for delivery, its_days in days.items():
        for day in its_days:
            members[day].add(delivery)
    return {day: digest(*sorted(deliveries)) for day, deliveries in members.items()}


def record_ingested(
    books: Books, these: Sequence[Handled], counts: Mapping[str, Counts], days: Mapping[str, set[str]]
) -> list[Outcome]:
    """Write down what the lake has committed, in one transaction."""
    with books.store.transaction() as session:
        return [_record_one(session, books, this, counts[this.delivery], sorted(days[this.delivery])) for this in these]


def _record_one(session: Session, books: Books, this: Handled, counts: Counts, days: Sequence[str]) -> Outcome:
    ledger = counts.rows_in - counts.refused
    _supersede(session, this)
    row = _upserted(session, books, this, "ingested")
    row.rows_in, row.rows_ledger, row.rows_quarantined = counts.rows_in, ledger, counts.refused
    session.flush()
    session.execute(delete(DeliverySlice).where(DeliverySlice.delivery == this.delivery))
    session.add_all(_slice(books, this, counts, day) for day in days)
    _audit(session, books, this, "ingested", {"days": list(days), "rows": counts.rows_in})
    numbers = (counts.rows_in, ledger, counts.refused)
    return Outcome(this.source.name, this.delivery, this.file.key, "ingested", tuple(days), counts.periods, *numbers)


def record_quarantined(books: Books, this: Handled, refusal: DeliveryRefusedError) -> Outcome:
    """Write down that a delivery was refused whole, and tell finance once."""
    facts: dict[str, object] = {
        "source": this.source.name,
        "key": this.file.key,
        "code": refusal.code,
        "reason": str(refusal),
        "delivered_at": this.file.modified.isoformat(),
    }
    with books.store.transaction() as session:
        row = _upserted(session, books, this, "quarantined")
        row.reason_code, row.reason = refusal.code, str(refusal)
        session.flush()
        enqueue(
            session,
            Message("quarantine", this.delivery, books.settings.slack.finance_channel, "finance", facts),
            books.clock,
        )
        _audit(session, books, this, "quarantined", facts)
    return Outcome(
        this.source.name,
        this.delivery,
        this.file.key,
        "quarantined",
        reason_code=refusal.code,
        reason=str(refusal),
    )


def _supersede(session: Session, this: Handled) -> None:
    for known in session.scalars(select(Delivery).where(Delivery.id.in_(this.earlier), Delivery.state == "ingested")):
        known.state = "superseded"
    for known_slice in session.scalars(select(DeliverySlice).where(DeliverySlice.delivery.in_(this.earlier))):
        known_slice.current = False


def _upserted(session: Session, books: Books, this: Handled, state: str) -> Delivery:
    row = session.get(Delivery, this.delivery)
    if row is None:
        row = Delivery(id=this.delivery, source=this.source.name, digest=this.digest)
        session.add(row)
    row.key, row.delivered_at, row.received_at = this.file.key, this.file.modified, books.clock.now()
    row.files, row.state = listing_of(this.file), state
    return row


def _slice(books: Books, this: Handled, counts: Counts, day: str) -> DeliverySlice:
    return DeliverySlice(
        delivery=this.delivery,
        period=day[:7],
        slice=day,
        source=this.source.name,
        current=True,
        rows=counts.by_day.get(day, 0),
        totals=[],
        committed_at=books.clock.now(),
    )


def _audit(session: Session, books: Books, this: Handled, event: str, facts: Mapping[str, object]) -> None:
    audit.append(
        session,
        books.clock,
        who="ingest_metering",
        action=f"delivery.{event}",
        subject=this.delivery,
        facts={"key": this.file.key, **facts},
    )


def counted(delivery: str, summary: Iterable[Mapping[str, object]], touched: Iterable[Mapping[str, object]]) -> Counts:
    """The rows of metering/delivery_summary and metering/touched_periods that are of one delivery, added up."""
    by_day: dict[str, int] = defaultdict(int)
    periods = {str(line["period"]) for line in touched if line["delivery"] == delivery}
    rows_in = refused = 0
    for line in summary:
        if line["delivery"] != delivery:
            continue
        records = int(str(line["records"]))
        rows_in += records
        if line["code"]:
            refused += records
        else:
            by_day[str(line["day"])] += records
            periods.add(str(line["period"]))
    return Counts(rows_in, refused, dict(by_day), tuple(sorted(periods)))
