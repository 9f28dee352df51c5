"""Where every budget of a month stands, and where it will end.

What belongs here: putting plan, actual, commitments and what is to come of each budget together. What does not: what
was spent day by day (`series`), what is to come (`rest`), and who is told (`alerts`).

variance = actual + commitments + forecast of the rest - plan. The actual of a department's plan is what its statement
adds up to; that of a line is the exact sum of its charges.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.budgets.position import Cause, Position
from twinledger.budgets.rest import forecasts, rest_of
from twinledger.budgets.scopes import VIEWS, Reserved, Scoped, lines_of, plan_of
from twinledger.budgets.series import Asked, Spent, daily_series
from twinledger.budgets.variance import Standing, standings
from twinledger.forecast import Forecast
from twinledger.store.models import Department, Product
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.money import Money, exact_sum
from twinledger.vocabulary.periods import Period

Report = Callable[[str], None]
_TOLD_EVERY = 500


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget, what is reserved of it, and of a department's plan what its statement says."""

    scope: Scoped
    committed: Money
    standing: Standing | None = None

    @property
    def order(self) -> tuple[bool, str, date]:
        """Plans come before lines, by name; the earlier spans first."""
        return self.scope.is_line, self.scope.name, self.scope.first_day


def budget_positions(
    books: Books,
    period: Period,
    known_through: date | None = None,
    report: Report | None = None,
    views: Collection[View] = VIEWS,
) -> list[Position]:
    """Every department's plan of a month, then every line whose span the month is in; nobody is told.

    Args:
        books: the deployment.
        period: the month.
        known_through: as if that day (UTC) were final and nothing had come after it: later amounts are not read. Those
            of earlier days are as they are known now, and so are plans and commitments. Without it, the last day with
            charges is, of those that the settings `anomalies` call final, and what has come since counts as spent.
        report: is told in a sentence how far it is.
        views: whose amounts; what is `effective` is for finance alone, and nothing of it is read unless asked for.

    Raises:
        MissingRateError: a budget, commitment or charge is in a currency that its month has no rate for.
        NoHistoryError: a span ends more than 400 days after the last final day.
    """
    plans = _plans(books, period, known_through) if "internal" in views else []
    return _evaluated(books, [*plans, *_lines(books, period, views)], period, known_through, report)


def line_positions(books: Books, period: Period, views: Collection[View] = VIEWS) -> list[Position]:
    """As `budget_positions`, of lines alone."""
    return _evaluated(books, _lines(books, period, views), period)


def budgets_named(books: Books, name: str, period: Period) -> list[Budget]:
    """The budgets of a name that a month is in: a department's plan, or lines of several spans."""
    plans = [one for one in _plans(books, period, None) if one.scope.name == name]
    return plans or [one for one in _lines(books, period, VIEWS) if one.scope.name == name]


def by_variance(found: Iterable[Position]) -> list[Position]:
    """The largest variance first."""
    return sorted(found, key=lambda one: (-one.variance.amount, one.budget, one.period))


def asked_of(books: Books, view: View, period: Period, known_through: date | None = None) -> Asked:
    """What to ask of a view's ledger: by default, about the days that are final by now."""
    waiting = books.settings.anomalies
    days = waiting.internal_final_days if view == "internal" else waiting.effective_final_days
    last = books.clock.now().astimezone(UTC).date() - timedelta(days=days)
    return Asked(period, known_through or last, is_replay=known_through is not None)


# --- which budgets -----------------------------------------------------------------------------


def _plans(books: Books, period: Period, known_through: date | None) -> list[Budget]:
    found = standings(books, period, known_through)
    with books.store.reading() as session:
        titles = {one.name: one.title for one in session.scalars(select(Department))}
    return [_plan(one, titles, period) for one in found]


def _plan(standing: Standing, titles: Mapping[str, str], period: Period) -> Budget:
    name = standing.variance.department
    scope = plan_of(name, titles.get(name, name), period, standing.variance.plan)
    return Budget(scope, standing.variance.committed, standing)


def _lines(books: Books, period: Period, views: Collection[View]) -> list[Budget]:
    with books.store.reading() as session:
        lines = lines_of(session, books, period, views)
        reserved = Reserved(session, books, period, lines)
    return [Budget(one, reserved.of(one)) for one in lines]


# --- where they stand --------------------------------------------------------------------------


def _evaluated(
    books: Books,
    budgets: Sequence[Budget],
    period: Period,
    known_through: date | None = None,
    report: Report | None = None,
) -> list[Position]:
    with books.store.reading() as session:
        titles = _titles(session)
    found: list[tuple[Budget, Position]] = []
    for view in VIEWS:
        # Spans that end alike are forecast together.
        of_view = sorted((one for one in budgets if one.scope.view == view), key=lambda one: one.scope.last_day)
        for one in _in_view(books, of_view, asked_of(books, view, period, known_through), titles):
            found.append(one)
            if report and len(found) % _TOLD_EVERY == 0:
                report(f"{len(found):,} of {len(budgets):,} budgets")
    return [position for _, position in sorted(found, key=lambda one: one[0].order)]


def _in_view(
    books: Books, budgets: Sequence[Budget], asked: Asked, titles: Mapping[str, str]
) -> Iterator[tuple[Budget, Position]]:
    if not budgets:
        return
    left = iter(budgets)
    with daily_series(books, [one.scope for one in budgets], asked) as series:
        for some in series:
            for spent, forecast in zip(some, forecasts(some, series.known_through), strict=True):
                one = next(left)
                yield one, _position(one, spent, forecast, series.known_through, titles)


def _position(
    budget: Budget, spent: Spent, forecast: Forecast | None, known_through: date, titles: Mapping[str, str]
) -> Position:
    scope, currency = budget.scope, budget.scope.plan.currency
    actual, causes = _actual(budget, spent)
    rest = rest_of(scope, spent.days, forecast, known_through)
    held = actual + budget.committed
    return Position(
        budget=scope.name,
        title=scope.title,
        view=scope.view,
        department=scope.department,
        period=scope.period,
        first_day=scope.first_day,
        last_day=scope.last_day,
        known_through=min(known_through, scope.last_day),
        plan=scope.plan,
        actual=actual,
        committed=budget.committed,
        expected=held + Money(rest.mean, currency),
        lowest=held + Money(rest.lower, currency),
        highest=held + Money(rest.upper, currency),
        over_since=_over_since(scope, spent.days, actual),
        causes=tuple(Cause(titles.get(name, name), Money(amount, currency)) for name, amount in causes),
    )


def _actual(budget: Budget, spent: Spent) -> tuple[Money, Sequence[tuple[str, Decimal]]]:
    """What was spent, and its largest parts: as the statement says of a plan, exact of a line."""
    if budget.standing is not None:
        return budget.standing.variance.actual, budget.standing.causes
    scope = budget.scope
    amounts = (amount for day, amount in spent.days.items() if scope.first_day <= day <= scope.last_day)
    return Money(exact_sum(amounts), scope.plan.currency), spent.parts


def _over_since(scope: Scoped, days: Mapping[date, Decimal], actual: Money) -> date | None:
    if not scope.plan < actual:
        return None
    total = Decimal(0)
    for day in sorted(day for day in days if scope.first_day <= day <= scope.last_day):
        total = exact_sum((total, days[day]))
        if total > scope.plan.amount:
            return day
    return None


def _titles(session: Session) -> dict[str, str]:
    """What people call products and departments."""
    products = {one.name: one.title for one in session.scalars(select(Product))}
    return products | {one.name: one.title for one in session.scalars(select(Department))}
