"""What reviews of a month are made from, read from the rooms that know it, once for all departments.

What belongs here: reading. What does not: what a review makes of it (`build`), and anything that a vendor billed
(`company`): all of it is at internal prices.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals import GrantView, RequestView, WantedRequests, grants_of, requests
from twinledger.books import Books
from twinledger.budgets import (
    Effects,
    MetricConfig,
    UnitCost,
    Variance,
    internal_effects,
    metrics,
    positions,
    unit_costs,
)
from twinledger.catalog import closed_periods, convert, rate_of_period
from twinledger.rating import Statement, statements
from twinledger.reconciliation import Wanted, break_lines
from twinledger.reviews.review import MONTHS
from twinledger.statements import Document, document, documents
from twinledger.store import models
from twinledger.vocabulary.money import Money
from twinledger.vocabulary.periods import Period

_MOST_REQUESTS = 2000
"""That a month's review counts; more are not read."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A department as departments.yaml has it."""

    name: str
    title: str
    cost_centre: str
    parent: str | None
    people: tuple[str, ...]
    """Its owner and its budget holder."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, with its amount in the reporting currency."""

    view: RequestView
    amount: Money


@dataclass(frozen=True, slots=True)
class Permit:
    """A grant, and whether anything was done with it."""

    view: GrantView
    used: bool


@dataclass(frozen=True, slots=True)
class AssignedBreak:
    """A break that somebody has: where it is, and no figure of it."""

    id: str
    rule: str
    pool: str
    assignee: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that the reviews of a month are made from."""

    period: Period
    now: datetime
    zone: str
    currency: str
    closed: bool
    units: Mapping[str, Unit]
    products: Mapping[str, str]
    """Product -> title."""
    positions: Mapping[Period, tuple[Variance, ...]]
    """The month, and those of its year before it that have a charge, plan or commitment."""
    documents: Mapping[str, Document]
    statements: tuple[Statement, ...]
    """Of the last MONTHS months."""
    effects: tuple[Effects, ...]
    requests: tuple[Asked, ...]
    """Those of the month, and those of before that wait."""
    permits: tuple[Permit, ...]
    """Grants that permit something at the end of the month or now."""
    breaks: tuple[AssignedBreak, ...]
    metrics: tuple[tuple[MetricConfig, tuple[UnitCost, ...]], ...]
    """Each metric with the month and the one before, where there is a value."""


def read_inputs(books: Books, period: Period) -> Inputs:
    """Everything for the reviews of a month, as it is now.

    Raises:
        MissingRateError: a budget, commitment or request is in a currency that its month has no rate for.
        InvalidConfigError: metrics.yaml cannot be read.
    """
    months = [period.shift(-back) for back in range(MONTHS - 1, -1, -1)]
    found = tuple(statements(books, months))
    with books.store.reading() as session:
        units = {one.name: _unit(one) for one in session.scalars(select(models.Department))}
        products = {one.name: one.title for one in session.scalars(select(models.Pool))}
        products |= {one.name: one.title for one in session.scalars(select(models.Product))}
        asked = tuple(_asked(session, books, period))
        permits = tuple(_permits(session, books, period))
        planned = _year(session, period, {one.period for one in found})
    return Inputs(
        period=period,
        now=books.clock.now(),
        zone=books.settings.timezone,
        currency=books.settings.reporting_currency,
        closed=str(period) in closed_periods(books.store),
        units=units,
        products=products,
        positions={month: tuple(positions(books, month)) for month in planned},
        documents=_documents(books, period, found, units),
        statements=found,
        effects=tuple(internal_effects(books, period.shift(-1), period)),
        requests=asked,
        permits=permits,
        breaks=tuple(_breaks(books, period)),
        metrics=tuple(_metrics(books, period)),
    )


def _unit(row: models.Department) -> Unit:
    people = tuple(dict.fromkeys((row.owner, row.budget_holder)))
    return Unit(row.name, row.title or row.name, row.cost_centre, row.parent, people)


def _year(session: Session, period: Period, charged: Collection[Period]) -> list[Period]:
    """The month with those of its year before it; a month of which nothing is known is not worth reading."""
    named = {*session.scalars(select(models.Budget.period).distinct())}
    named |= {*session.scalars(select(models.Commitment.period).distinct())}
    months = (Period(period.year, month) for month in range(1, period.month))
    return [*(one for one in months if one in charged or str(one) in named), period]


def _documents(books: Books, period: Period, found: Iterable[Statement], units: Collection[str]) -> dict[str, Document]:
    """The statement of each department that has charges in the month, or had some in the one before."""
    made = {one.department: one for one in documents(books, period)}
    before = {one.department for one in found if one.period == period.shift(-1)}
    return made | {name: document(books, name, period) for name in sorted(before - made.keys()) if name in units}


def _asked(session: Session, books: Books, period: Period) -> Iterable[Asked]:
    start, end = (period.start(books.settings.timezone), period.end(books.settings.timezone))
    made = requests(session, WantedRequests(since=start), _MOST_REQUESTS)
    waiting = requests(session, WantedRequests(state="pending"), _MOST_REQUESTS)
    views = {one.id: one for one in (*waiting, *made) if one.created_at < end}
    reporting = books.settings.reporting_currency
    for view in sorted(views.values(), key=lambda one: (one.created_at, one.id)):
        rate = rate_of_period(session, period, view.currency, reporting)
        yield Asked(view, convert(Money(view.amount, view.currency), rate))


def _permits(session: Session, books: Books, period: Period) -> Iterable[Permit]:
    last = period.end(books.settings.timezone) - timedelta(microseconds=1)
    views = grants_of(session, live_at=last)
    drawn = set(session.scalars(select(models.GrantDraw.grant).distinct()))
    asked = select(models.Commitment).where(models.Commitment.request.in_([one.request for one in views]))
    spent = {one.request for one in session.scalars(asked) if one.spent}
    for view in views:
        yield Permit(view, view.id in drawn or view.request in spent or view.redeemed_at is not None)


def _breaks(books: Books, period: Period) -> Iterable[AssignedBreak]:
    for one in break_lines(books, Wanted(period=str(period))):
        if one.assignee:
            yield AssignedBreak(one.id, one.rule, one.pool, one.assignee)


def _metrics(books: Books, period: Period) -> Iterable[tuple[MetricConfig, tuple[UnitCost, ...]]]:
    """Those that have a value in the month: no other is worth reading the ledger for."""
    days = (models.MetricValue.day >= period.first_day, models.MetricValue.day < period.shift(1).first_day)
    with books.store.reading() as session:
        valued = set(session.scalars(select(models.MetricValue.metric).where(*days).distinct()))
    for metric in metrics(books.settings.config):
        if metric.name in valued:
            yield metric, tuple(one for one in unit_costs(books, metric, period, 2) if one.quantity)
