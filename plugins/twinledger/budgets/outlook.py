"""What a month will end at: actual, the forecast of the rest, and commitments, against plan.

What belongs here: putting the forecast of each department beside its plan. What does not: the forecast itself
(`forecast`), and the variance of what is there already (`variance`).

variance = actual + commitments + forecast of the rest - plan
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.budgets.variance import Variance, positions
from twinledger.catalog import convert, rate_of_period
from twinledger.forecast import Forecast, History, forecast_many, ledger_histories
from twinledger.vocabulary.money import Money, exact_sum
from twinledger.vocabulary.periods import Period


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where a department will stand at the end of a period, in the reporting currency.

    `rest` is what the forecast of the month is above the actual: what of a day that is not over is there already is not
    counted twice. `lowest` and `highest` are the variance at the ends of the 80 % interval. Without a day of history
    the rest is 0, and `history_days` too.
    """

    position: Variance
    rest: Money
    variance: Money
    lowest: Money
    highest: Money
    known_through: date
    history_days: int

    @property
    def over(self) -> bool:
        """Whether it will be over a plan that it has."""
        return bool(self.position.plan.amount) and self.variance.amount > 0


def outlooks(books: Books, period: Period, known_through: date | None = None) -> list[Outlook]:
    """The outlook of every department; nobody is told.

    Args:
        books: the deployment.
        period: the month; of one that is over, the rest is 0.
        known_through: the last day whose charges are all there, UTC; without it, yesterday.

    Raises:
        MissingRateError: a budget, commitment or charge is in a currency that the period has no rate for.
    """
    yesterday = books.clock.now().astimezone(UTC).date() - timedelta(days=1)
    last = min(known_through or yesterday, period.shift(1).first_day - timedelta(days=1))
    daily = ledger_histories(books, last)
    with books.store.reading() as session:
        histories = _by_department(session, books, period, daily)
    forecasts = {one.name: one for one in forecast_many(histories, period)}
    return [
        _outlook(position, forecasts.get(position.department), period, last) for position in positions(books, period)
    ]


def _by_department(session: Session, books: Books, period: Period, found: Iterable[History]) -> list[History]:
    """One history a department, in the reporting currency at the period's rate."""
    reporting = books.settings.reporting_currency
    days: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    last = period.first_day
    for history in found:
        rate = rate_of_period(session, period, history.currency, reporting)
        of_department = days[history.name.partition(" / ")[0]]
        last = history.final_through
        for day, amount in history.amounts.items():
            converted = convert(Money(amount, history.currency), rate)
            of_department[day] = exact_sum((of_department[day], converted.amount))
    return [History(name, reporting, amounts, last) for name, amounts in sorted(days.items())]


def _outlook(position: Variance, found: Forecast | None, period: Period, last: date) -> Outlook:
    rest, below, above = _rest(found, period, position.actual.amount)
    currency = position.plan.currency

    def at(amount: Decimal) -> Money:
        return position.variance + Money(amount, currency)

    return Outlook(
        position=position,
        rest=Money(rest, currency),
        variance=at(rest),
        lowest=at(below),
        highest=at(above),
        known_through=last,
        history_days=found.history_days if found else 0,
    )


def _rest(found: Forecast | None, period: Period, actual: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """What is to come of a period: expected, and at both ends of the interval; never less than nothing."""
    total = next((one for one in found.totals if one.period == period), None) if found else None
    if total is None:
        return Decimal(0), Decimal(0), Decimal(0)
    parts = (total.mean, total.lower, total.upper)
    mean, lower, upper = (max(Decimal(0), exact_sum((one, -actual))) for one in parts)
    return mean, lower, upper


def by_variance(found: Iterable[Outlook]) -> list[Outlook]:
    """Those that will be over come first, the largest amount before."""
    return sorted(found, key=lambda one: (not one.over, -one.variance.amount, one.position.department))
