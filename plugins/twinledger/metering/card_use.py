"""How well the GPU cards are used that a department holds: what an approver of more of them is shown.

What belongs here: finding the feeds that measure it, and the sums of the last days. What does not: what a sample of a
card comes to (`dcgm`), and who may have more cards (`approvals`).

Looked at are feeds that are asked for both: meters of kind `cards` (who held a card) and of kind `busy_cards` (how busy
it was), of the same product. A company that measures neither has no figure, and the lake is not read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.catalog import MeterQuery
from twinledger.lake.tables import INSTANT, TEXT, USAGE, Column, as_timestamp
from twinledger.metering.coverage import usage_files
from twinledger.store.models import Department, Source

LOOKED_BACK = timedelta(days=7)
_TENTH = Decimal("0.1")
_METER = (Column("feed", TEXT), Column("product", TEXT), Column("meter", TEXT))
CARD_RELATIONS = {
    "held_meters": _METER,
    "busy_meters": (*_METER, Column("position", "BIGINT")),
    "card_tenants": (Column("tenant", TEXT),),
    "card_window": (Column("starts_at", INSTANT), Column("ends_at", INSTANT)),
}
"""What the model reads beside usage."""


@dataclass(frozen=True, slots=True)
class CardUse:
    """What a department's cards of one meter did in the last days; quantities are card-hours."""

    product: str
    meter: str
    held_hours: Decimal
    measured_hours: Decimal
    """Those of them for which the feed says how busy the card was."""
    used_percent: Decimal | None
    """The mean over the measured hours, to a tenth; None where none is measured."""
    known_until: datetime
    """The end of the last hour that is metered, UTC."""


def card_use(books: Books, department: str, product: str = "") -> tuple[CardUse, ...]:
    """How well a department's own cards were used in the last seven days, the meter with most card-hours first.

    One query, over the usage of feeds that measure it. Departments below it do not count.

    Args:
        books: the deployment.
        department: its name; one that nobody knows holds no cards.
        product: of this one alone; of any where it is empty.
    """
    with books.store.reading() as session:
        found = session.get(Department, department)
        tenants = [(str(one),) for one in found.tenants] if found else []
        held, busy = _meters(session, product)
    if not tenants or not held:
        return ()
    until = books.clock.now()
    since = until - LOOKED_BACK
    with books.engine() as engine:
        engine.view_files("usage", USAGE, usage_files(books, {feed for feed, _, _ in held}, since, until))
        engine.view_rows("held_meters", CARD_RELATIONS["held_meters"], held)
        engine.view_rows("busy_meters", CARD_RELATIONS["busy_meters"], busy)
        engine.view_rows("card_tenants", CARD_RELATIONS["card_tenants"], tenants)
        window = [(as_timestamp(since), as_timestamp(until))]
        engine.view_rows("card_window", CARD_RELATIONS["card_window"], window)
        engine.view_model("metering/card_use")
        rows = engine.rows("card_use")
    uses = [
        CardUse(
            product=row["product"],
            meter=row["meter"],
            held_hours=row["held_hours"],
            measured_hours=row["measured_hours"],
            used_percent=_percent(row["busy_hours"], row["measured_hours"]),
            known_until=row["known_until"].replace(tzinfo=UTC),
        )
        for row in rows
    ]
    return tuple(sorted(uses, key=lambda one: (-one.held_hours, one.product, one.meter)))


def _meters(session: Session, product: str) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str, int]]]:
    """Meters that say who holds a card, and those that say how busy it is, of feeds and products that have both."""
    held, busy = set(), []
    for feed, position, query in _queries(session):
        of_product, _, meter = query.meter.partition("/")
        if product in ("", of_product) and query.kind == "cards":
            held.add((feed, of_product, meter))
        elif product in ("", of_product) and query.kind == "busy_cards":
            busy.append((feed, of_product, meter, position))
    both = {(feed, name) for feed, name, _, _ in busy}
    return sorted(one for one in held if one[:2] in both), busy


def _queries(session: Session) -> Iterable[tuple[str, int, MeterQuery]]:
    """Every query of the feeds that are not retired, by its place in its feed."""
    for source in session.scalars(select(Source).where(Source.kind == "usage").order_by(Source.name)):
        asked = () if source.options.get("retired") else source.options.get("meters") or ()
        for position, query in enumerate(asked):
            yield source.name, position, MeterQuery.model_validate(query)


def _percent(busy: Decimal, measured: Decimal) -> Decimal | None:
    if not measured:
        return None
    with localcontext(prec=60):
        return (busy * 100 / measured).quantize(_TENTH)
