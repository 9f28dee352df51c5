"""Where series come from: both ledgers, by day and by hour, each up to its own last final bucket.

What belongs here: from a ledger's files to the exact amounts of each series, in the reporting currency. What does not:
what is anomalous about them (`detect`).

Everyone's series are a department's internal charges for a product; finance's are what a vendor really charged for a
service. A bucket is final some days after it, and not before its product, or each of its sources, has shown as much: a
delivery that is late is no drop. A day is there as a whole once something later is, its last hour, or records of
whole days. Buckets are in UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.anomalies.rhythm import RHYTHMS, Rhythm, Width
from twinledger.books import Books
from twinledger.catalog import RateUsed, convert, rate_of_period
from twinledger.engine import Engine
from twinledger.lake import partition_of
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, Table
from twinledger.store.models import Department, Product
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.money import Money, exact_sum
from twinledger.vocabulary.periods import Period

HISTORY: Mapping[Width, timedelta] = {"day": timedelta(days=400), "hour": timedelta(days=70)}
"""How much before the last final bucket is read."""

SILENT = timedelta(days=14)
"""A source that has shown nothing for so long is waited for no more."""

_AFTER = timedelta(days=2)
"""How far after the last day it is looked whether something has come; what it is, is not read."""

_MODELS: Mapping[tuple[View, Width], str] = {
    ("internal", "day"): "anomalies/daily_charges",
    ("internal", "hour"): "anomalies/hourly_charges",
    ("effective", "day"): "ledger/daily_costs",
    ("effective", "hour"): "ledger/hourly_costs",
}
_COLUMNS: Mapping[View, tuple[str, str, str]] = {
    "internal": ("department", "product", "product"),
    "effective": ("provider", "service", "source"),
}
"""What a series is of, and whose lateness holds it back: a product, or a bill's source."""

_LAST_HOUR = 23
_OFTEN = 0.5
"""The share of hours that a series must have an amount in to be looked at by the hour."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a series is of: a department and product, or a vendor and service."""

    view: View
    scope: str
    product: str

    @property
    def name(self) -> str:
        """As people and configuration write it."""
        return f"{self.scope} / {self.product}"

    @property
    def department(self) -> str:
        """Whose it is; empty where it is nobody's alone."""
        return self.scope if self.view == "internal" else ""


@dataclass(slots=True)
class Series:
    """One series: amounts in the reporting currency by the start of their bucket, UTC; a missing one is 0.

    `final` is the end of the last final bucket; amounts after it are not here.
    """

    key: Key
    rhythm: Rhythm
    final: datetime
    currency: str
    amounts: dict[datetime, Decimal] = field(default_factory=dict)

    def sum(self, start: datetime, end: datetime) -> Decimal:
        """What all buckets from start to end (exclusive) add up to, exactly."""
        return exact_sum(amount for at, amount in self.amounts.items() if start <= at < end)


def read_series(books: Books, view: View, final_through: date | None = None) -> list[Series]:
    """The daily series of a ledger, and the hourly ones of what is charged by the hour.

    Args:
        books: the deployment.
        view: which ledger; what is `effective` is for finance alone.
        final_through: the last day that is final, UTC; without it, as many days ago as the settings say.

    Raises:
        MissingRateError: an amount is in a currency that its month has no rate for.
    """
    known = datetime.combine((final_through or _final_day(books, view)) + timedelta(days=1), time(), UTC)
    table = INTERNAL_CHARGES if view == "internal" else EXTERNAL_CHARGES
    found: list[Series] = []
    with books.engine() as engine, books.store.reading() as session:
        for width in RHYTHMS:
            view_charges(engine, books, table, known - HISTORY[width], known + _AFTER)
            found += _series(session, books, RHYTHMS[width], _buckets(engine, view, width), known)
    return found


def view_charges(engine: Engine, books: Books, table: Table, first: datetime, last: datetime) -> None:
    """A ledger's charges as the relation that models name: those booked from the first instant's month on."""
    column = "period" if table is INTERNAL_CHARGES else "x_period"
    oldest = str(Period.of(first))
    slices = books.lake.slice_files(table)
    files = [file for name in sorted(slices) if partition_of(name)[column] >= oldest for file in slices[name]]
    started = "started_at" if table is INTERNAL_CHARGES else '"ChargePeriodStart"'
    where = f"{started} >= TIMESTAMP '{first:%Y-%m-%d %H:%M:%S}' AND {started} < TIMESTAMP '{last:%Y-%m-%d %H:%M:%S}'"
    engine.view_files(table.name.partition(".")[2], table, files, where)


def titles(session: Session, keys: Iterable[Key]) -> dict[Key, str]:
    """How people call each series."""
    departments = {one.name: one.title for one in session.scalars(select(Department))}
    products = {one.name: one.title for one in session.scalars(select(Product))}

    def title(key: Key) -> str:
        if key.view == "effective":
            return key.name
        return f"{departments.get(key.scope, key.scope)} / {products.get(key.product, key.product)}"

    return {key: title(key) for key in keys}


def _final_day(books: Books, view: View) -> date:
    chosen = books.settings.anomalies
    days = chosen.internal_final_days if view == "internal" else chosen.effective_final_days
    return books.clock.now().astimezone(UTC).date() - timedelta(days=days)


class _Bucket(NamedTuple):
    """What one feed was charged in one bucket, and when the last of it began."""

    key: Key
    feed: str
    currency: str
    starts_at: datetime
    last_at: datetime
    amount: Decimal


def _buckets(engine: Engine, view: View, width: Width) -> list[_Bucket]:
    """What a model says, in one shape for both ledgers; as small as can be, for there are many."""
    model = _MODELS[view, width]
    engine.view_model(model)
    columns = ", ".join((*_COLUMNS[view], "currency", "starts_at", "last_at", "amount"))
    rows = engine.query(f"SELECT {columns} FROM {model.rpartition('/')[2]}")  # noqa: S608 - names of this module
    keys: dict[tuple[str, str], Key] = {}
    return [
        _Bucket(
            keys.setdefault((scope, product), Key(view, scope, product)),
            feed,
            currency,
            starts_at.replace(tzinfo=UTC),
            last_at.replace(tzinfo=UTC),
            amount,
        )
        for scope, product, feed, currency, starts_at, last_at, amount in rows
    ]


def _series(
    session: Session, books: Books, rhythm: Rhythm, buckets: Sequence[_Bucket], known: datetime
) -> list[Series]:
    reporting = books.settings.reporting_currency
    finals = _finals(buckets, rhythm, known)
    found: dict[Key, Series] = {}

    @cache
    def rate(currency: str, month: Period) -> RateUsed:
        return rate_of_period(session, month, currency, reporting)

    for one in buckets:
        series = found.setdefault(one.key, Series(one.key, rhythm, finals[one.key], reporting))
        if one.starts_at < series.final:
            amount = one.amount
            if one.currency != reporting:
                amount = convert(Money(amount, one.currency), rate(one.currency, Period.of(one.starts_at))).amount
            before = series.amounts.get(one.starts_at)
            series.amounts[one.starts_at] = amount if before is None else exact_sum((before, amount))
    kept = (one for one in found.values() if one.amounts and (rhythm.width == "day" or _is_hourly(one)))
    return sorted(kept, key=lambda one: (one.key.scope, one.key.product))


def _finals(buckets: Iterable[_Bucket], rhythm: Rhythm, known: datetime) -> dict[Key, datetime]:
    """The end of each series' last final bucket: the earliest of its feeds' last ones, and never after `known`."""
    shown: dict[str, datetime] = {}
    feeds: dict[Key, set[str]] = defaultdict(set)
    for one in buckets:
        feeds[one.key].add(one.feed)
        shown[one.feed] = max(shown.get(one.feed, one.last_at), one.last_at)
    ends = {feed: min(known, _shown(at, rhythm)) for feed, at in shown.items()}
    return {key: _earliest([ends[feed] for feed in sorted(names)], known) for key, names in feeds.items()}


def _shown(last: datetime, rhythm: Rhythm) -> datetime:
    """The end of the last bucket that is there as a whole, where the last record begins at this instant."""
    if rhythm.width == "hour":
        return last.replace(minute=0, second=0, microsecond=0) + rhythm.step
    day = datetime.combine(last.date(), time(), UTC)
    return day + rhythm.step if last == day or last.hour == _LAST_HOUR else day


def _earliest(ends: list[datetime], known: datetime) -> datetime:
    living = [end for end in ends if known - end < SILENT]
    return min(living) if living else max(ends)


def _is_hourly(series: Series) -> bool:
    hours = (series.final - min(series.amounts)) / series.rhythm.step
    return len(series.amounts) >= _OFTEN * hours
