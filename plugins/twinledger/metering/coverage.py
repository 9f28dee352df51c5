"""Coverage: which hours of which tenants and meters a feed has left out, compared with what it showed before.

What belongs here: what is missing, by feed, tenant and meter, and what an hour of it is worth. What does not: its life
as a break, which is reconciliation's, and what an hour is worth to the day: nobody measured it.

A feed is asked for coverage where its source says so (`options.coverage`). Who was metered within `expected_days`
before an hour is expected in it; an hour is due `delay_hours` after its end. Who is gone for longer is expected no
more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

from sqlalchemy import select

from twinledger.books import Books
from twinledger.catalog import CoverageOptions
from twinledger.lake import partition_of
from twinledger.lake.tables import INSTANT, TEXT, USAGE, Column, as_timestamp
from twinledger.store.models import Source
from twinledger.vocabulary.money import QUANTITY_SCALE
from twinledger.vocabulary.periods import Period

_HOUR = timedelta(hours=1)
_Key = tuple[str, str, str, str]
COVERAGE_HOURS = (
    Column("number", "BIGINT"), Column("starts_at", INSTANT), Column("ends_at", INSTANT),
    Column("is_of_period", "BOOLEAN"),
)  # fmt: skip
COVERAGE_FEEDS = (Column("feed", TEXT), Column("expected_hours", "BIGINT"), Column("due_until", INSTANT))


@dataclass(frozen=True, slots=True)
class Span:
    """Hours in a row without a record, UTC."""

    starts_at: datetime
    ends_at: datetime
    hours: int


@dataclass(frozen=True, slots=True)
class Uncovered:
    """What a feed has left out of one tenant and meter; `hourly_quantity` is what it showed per hour, in units."""

    feed: str
    tenant: str
    product: str
    meter: str
    spans: tuple[Span, ...]
    hourly_quantity: Decimal

    @property
    def hours(self) -> int:
        """How many hours are missing."""
        return sum(span.hours for span in self.spans)

    @property
    def subject(self) -> str:
        """The same for the same feed, tenant and meter."""
        return f"{self.feed} {self.tenant} {self.product}/{self.meter}"


def coverage(books: Books, period: Period) -> tuple[Uncovered, ...]:
    """What is missing of a period, in order of feed, tenant and meter; only of feeds that are asked for coverage."""
    feeds = _asked(books)
    if not feeds:
        return ()
    most_days = max(one.expected_days for one in feeds.values())
    start, end = period.start(books.settings.timezone), period.end(books.settings.timezone)
    first = start - timedelta(days=most_days)
    now = books.clock.now()
    with books.engine() as engine:
        engine.view_files("usage", USAGE, usage_files(books, feeds, first, end))
        engine.view_rows("coverage_hours", COVERAGE_HOURS, _hours(first, start, min(end, now)))
        engine.view_rows(
            "coverage_feeds",
            COVERAGE_FEEDS,
            [
                (name, 24 * one.expected_days, as_timestamp(now - one.delay_hours * _HOUR))
                for name, one in feeds.items()
            ],
        )
        for model in ("hours_used", "hours_missing", "hourly_usage"):
            engine.view_model(f"metering/{model}")
            engine.materialise(model)
        return _uncovered(engine.rows("hours_missing"), engine.rows("hourly_usage"))


def _asked(books: Books) -> dict[str, CoverageOptions]:
    with books.store.reading() as session:
        sources = session.scalars(select(Source).where(Source.kind == "usage").order_by(Source.name)).all()
    return {
        one.name: CoverageOptions.model_validate(one.options["coverage"])
        for one in sources
        if one.options.get("coverage") is not None and not one.options.get("retired")
    }


def usage_files(books: Books, feeds: Iterable[str], first: datetime, end: datetime) -> list[str]:
    """The files of feeds, of the days in a time, and of the day before: a record may last from there."""
    days = (str((first - timedelta(days=1)).date()), str(end.date()))
    found = []
    for name in sorted(books.lake.slices(USAGE)):
        parts = partition_of(name)
        if parts["feed"] in feeds and days[0] <= parts["day"] <= days[1]:
            found += books.lake.files(USAGE, parts)
    return found


def _hours(first: datetime, start: datetime, end: datetime) -> list[tuple[object, ...]]:
    """Each hour from the first one on, numbered; those from `start` on are of the period."""
    at = first.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours: list[tuple[object, ...]] = []
    while at < end:
        hours.append((len(hours), as_timestamp(at), as_timestamp(at + _HOUR), at >= start))
        at += _HOUR
    return hours


def _uncovered(
    missing: Iterable[Mapping[str, object]], hourly: Iterable[Mapping[str, object]]
) -> tuple[Uncovered, ...]:
    spans: dict[_Key, list[Span]] = {}
    for row in missing:
        times = [row[name] for name in ("starts_at", "ends_at")]
        starts_at, ends_at = (one.replace(tzinfo=UTC) for one in times if isinstance(one, datetime))
        spans.setdefault(_key(row), []).append(Span(starts_at, ends_at, int(str(row["hours"]))))
    means = {_key(row): _mean(row) for row in hourly}
    return tuple(Uncovered(*key, tuple(found), means[key]) for key, found in sorted(spans.items()))


def _key(row: Mapping[str, object]) -> _Key:
    return str(row["feed"]), str(row["tenant"]), str(row["product"]), str(row["meter"])


def _mean(row: Mapping[str, object]) -> Decimal:
    with localcontext(prec=60):
        mean = Decimal(str(row["quantity"])) / Decimal(str(row["hours"]))
        return mean.quantize(Decimal(1).scaleb(-QUANTITY_SCALE))


def described(spans: Sequence[Span], most: int = 3) -> str:
    """The first spans for people, as 10-17 08:00 to 10:00, and how many more there are."""
    texts = []
    for span in spans[:most]:
        same_day = span.starts_at.date() == span.ends_at.date()
        until = f"{span.ends_at:%H:%M}" if same_day else f"{span.ends_at:%m-%d %H:%M}"
        texts.append(f"{span.starts_at:%m-%d %H:%M} to {until}")
    more = f" and {len(spans) - most} more" if len(spans) > most else ""
    return ", ".join(texts) + more
