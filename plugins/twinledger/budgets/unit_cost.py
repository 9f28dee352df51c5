"""Unit cost: what one order, daily user, token or training hour costs, and why that changes.

What belongs here: metrics.yaml, values of metrics from files, and dividing internal cost by them. What does not: the
price-volume-mix split of a product's cost (`effects`), which this one builds on.

With M the metric and C the cost of a month, the change from one month to the next is

    volume     = C before x (M after / M before - 1)    as much more business, at the unit cost before
    price      = the price effects of all products        what the same usage costs more
    efficiency = the rest                                 more or less usage for each unit of business

Each in whole smallest units of the currency; efficiency takes what rounding leaves, so nothing is lost.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, localcontext
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.books import Books
from twinledger.budgets.effects import Effects, internal_effects
from twinledger.catalog import read_form
from twinledger.store import audit
from twinledger.store.models import Department, MetricValue
from twinledger.vocabulary.errors import InvalidAmountError, InvalidTableError, UnknownNameError
from twinledger.vocabulary.fields import Name
from twinledger.vocabulary.money import Money, exact_sum, parse_amount, plain, round_to, smallest_unit
from twinledger.vocabulary.periods import Period

METRICS = "metrics.yaml"
HEADER = ("metric", "day", "quantity")
LARGEST = 16 << 20
"""Bytes of a file of values."""

MOST_MONTHS = 36
_EXACT = Context(prec=120)


class MetricConfig(BaseModel):
    """A metric, and the departments whose cost it is set against, with all below them; none: the whole company."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: str
    unit: str
    departments: tuple[str, ...] = ()


class MetricsFile(BaseModel):
    """metrics.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metrics: tuple[MetricConfig, ...] = Field((), max_length=1000)

    @model_validator(mode="after")
    def _named_once(self) -> MetricsFile:
        names = [one.name for one in self.metrics]
        if twice := next((name for name in names if names.count(name) > 1), None):
            message = f"metric {twice!r} stands there twice"
            raise ValueError(message)
        return self


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a file of values changed."""

    new: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class UnitCost:
    """One month of one metric in one currency; the effects are against the month before."""

    period: str
    quantity: Decimal
    days: int
    """For how many days of the month there is a value."""
    cost: Money
    a_unit: Decimal | None
    """The cost of one, to six significant digits; None without any."""
    change: Money
    price: Money
    efficiency: Money
    volume: Money


def metrics(folder: Path) -> tuple[MetricConfig, ...]:
    """The metrics of a configuration folder; raises InvalidConfigError."""
    return read_form(folder / METRICS, MetricsFile).metrics


def record_metrics(desk: Desk, path: Path, who: str) -> Recorded:
    """Take a file of values: CSV with the columns metric, day (YYYY-MM-DD) and quantity.

    A day that is known gets the new value. The same file again changes nothing.

    Raises:
        InvalidTableError: it has cells that are not what they should be, or a metric that metrics.yaml has not.
    """
    known = {one.name for one in metrics(desk.settings.config)}
    values = _read(path, known)
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    with desk.store.transaction() as session:
        for (metric, day), quantity in values.items():
            row = session.get(MetricValue, (metric, day), with_for_update=True)
            outcome = "new" if row is None else "unchanged" if row.quantity == quantity else "changed"
            counts[outcome] += 1
            if outcome != "unchanged":
                session.merge(MetricValue(metric=metric, day=day, quantity=quantity, recorded_at=desk.clock.now()))
        if counts["new"] or counts["changed"]:
            facts = {**counts, "file": path.name, "metrics": sorted({metric for metric, _ in values})}
            audit.append(session, desk.clock, who=who, action="metrics.record", subject=path.name, facts=facts)
    return Recorded(**counts)


def unit_costs(books: Books, metric: MetricConfig, last: Period, months: int) -> list[UnitCost]:
    """The months up to `last`, the oldest first, one for each currency that something was charged in.

    Raises:
        UnknownNameError: nobody knows a department of the metric.
    """
    first = last.shift(1 - min(months, MOST_MONTHS))
    with books.store.reading() as session:
        scope = _scope(session, metric)
        quantities = _quantities(session, metric.name, first.shift(-1), last)
    found: list[UnitCost] = []
    period = first
    while period <= last:
        effects = [one for one in internal_effects(books, period.shift(-1), period) if one.scope in scope]
        found += divided(str(period), quantities[period], quantities[period.shift(-1)], effects)
        period = period.shift(1)
    return found


def divided(
    period: str, now: Sequence[Decimal], before: Sequence[Decimal], effects: Iterable[Effects]
) -> list[UnitCost]:
    """One month's cost over its metric, by currency.

    Args:
        period: the month.
        now: the metric's values of its days.
        before: those of the month before.
        effects: of every product, against the month before.
    """
    by_currency: dict[str, list[Effects]] = defaultdict(list)
    for one in effects:
        by_currency[one.after.currency].append(one)
    return [_divided(period, now, before, currency, found) for currency, found in sorted(by_currency.items())]


def _divided(
    period: str, now: Sequence[Decimal], before: Sequence[Decimal], currency: str, effects: Sequence[Effects]
) -> UnitCost:
    nothing = Money(Decimal(0), currency)
    cost = sum((one.after for one in effects), nothing)
    cost_before = sum((one.before for one in effects), nothing)
    price = sum((one.price for one in effects), nothing)
    quantity, quantity_before = exact_sum(now), exact_sum(before)
    change = cost - cost_before
    volume = change - price
    if quantity_before:
        with localcontext(_EXACT):
            grown = cost_before.amount * quantity / quantity_before - cost_before.amount
        volume = Money(round_to(grown, smallest_unit(currency)), currency)
    return UnitCost(
        period=period,
        quantity=quantity,
        days=len(now),
        cost=cost,
        a_unit=Context(prec=6).divide(cost.amount, quantity) if quantity else None,
        change=change,
        price=price,
        efficiency=change - price - volume,
        volume=volume,
    )


def _scope(session: Session, metric: MetricConfig) -> set[str]:
    """The metric's departments with all below them; all there are, where it names none."""
    parents = {one.name: one.parent for one in session.scalars(select(Department))}
    for name in metric.departments:
        if name not in parents:
            raise UnknownNameError("department", name, parents)
    wanted = set(metric.departments or parents)
    while more := {name for name, parent in parents.items() if parent in wanted} - wanted:
        wanted |= more
    return wanted


def _quantities(session: Session, metric: str, first: Period, last: Period) -> Mapping[Period, list[Decimal]]:
    days = (MetricValue.day >= first.first_day, MetricValue.day < last.shift(1).first_day)
    found: dict[Period, list[Decimal]] = defaultdict(list)
    for row in session.scalars(select(MetricValue).where(MetricValue.metric == metric, *days)):
        found[Period(row.day.year, row.day.month)].append(row.quantity)
    return found


# --- a file of values --------------------------------------------------------------------------


def _read(path: Path, known: set[str]) -> dict[tuple[str, date], Decimal]:
    if path.stat().st_size > LARGEST:
        raise InvalidTableError(path.name, [("file", f"{path.stat().st_size} bytes, more than {LARGEST}")])
    try:
        text = path.read_bytes().decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidTableError(path.name, [("file", f"is no CSV in UTF-8: {error}")]) from None
    if not rows or tuple(rows[0]) != HEADER:
        raise InvalidTableError(path.name, [("header", f"expected {','.join(HEADER)}, and a line")])
    wrong: list[tuple[str, str]] = []
    values: dict[tuple[str, date], Decimal] = {}
    for number, row in enumerate(rows, start=1):
        try:
            key, quantity = _value(row, known)
        except _CellError as error:
            wrong.append((f"row {number}, {error.column}", str(error)))
            continue
        if key in values:
            wrong.append((f"row {number}", f"{key[0]} of {key[1]} stands there twice"))
        values[key] = quantity
    if wrong:
        raise InvalidTableError(path.name, wrong)
    return values


class _CellError(ValueError):
    """A cell that is not what it should be."""

    def __init__(self, column: str, problem: str) -> None:
        super().__init__(problem)
        self.column = column


def _value(row: Mapping[str, str | None], known: set[str]) -> tuple[tuple[str, date], Decimal]:
    metric, day, quantity = ((row.get(name) or "").strip() for name in HEADER)
    if None in row or metric not in known:
        raise _CellError("metric", f"{metric[:40]!r} is not in {METRICS}")
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise _CellError("day", f"{day[:40]!r} is no day: expected YYYY-MM-DD") from None
    try:
        found = parse_amount(quantity)
    except InvalidAmountError as error:
        raise _CellError("quantity", str(error)) from None
    if found < 0:
        raise _CellError("quantity", f"{plain(found)} is below zero")
    return (metric, on), found
