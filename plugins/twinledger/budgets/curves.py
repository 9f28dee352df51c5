"""A budget's days as a chart is drawn from them.

What belongs here: one budget's daily amounts and their forecast, as a curve. What does not: drawing (`charts`), and who
may see it: the curve of what is `effective` is for finance alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from twinledger.books import Books
from twinledger.budgets.evaluate import Budget, asked_of, budgets_named
from twinledger.budgets.rest import forecasts
from twinledger.budgets.series import daily_series
from twinledger.charts import Curve
from twinledger.forecast import DayForecast, Forecast
from twinledger.vocabulary.money import allocate, exact_sum, smallest_unit
from twinledger.vocabulary.periods import Period


def budget_curve(books: Books, budget: str, period: Period) -> Curve | None:
    """The days of a budget's span that a month is in, the shortest such; None where there is no budget of the name.

    Amounts are of each day, in the reporting currency, not cumulative; those after the last final day are a forecast.

    Raises:
        as `budget_positions`.
    """
    named = budgets_named(books, budget, period)
    if not named:
        return None
    chosen = min(named, key=lambda one: len(one.scope.months))
    with daily_series(books, [chosen.scope], asked_of(books, chosen.scope.view, period)) as series:
        ((spent,),) = list(series)
        (forecast,) = forecasts([spent], series.known_through)
        return _curve(chosen, spent.days, forecast, series.known_through)


def _curve(budget: Budget, spent: dict[date, Decimal], forecast: Forecast | None, known_through: date) -> Curve:
    scope = budget.scope
    days = tuple(scope.first_day + timedelta(days=day) for day in range((scope.last_day - scope.first_day).days + 1))
    ahead = {one.day: one for one in _bounded(forecast)} if forecast else {}
    said = [ahead.get(day) for day in days]
    return Curve(
        title=scope.title,
        currency=scope.plan.currency,
        view=scope.view,
        days=days,
        actual=tuple(spent.get(day, Decimal(0)) if day <= known_through else None for day in days),
        expected=tuple(one.mean if one else None for one in said),
        lower=tuple(one.lower if one else None for one in said),
        upper=tuple(one.upper if one else None for one in said),
        plan=scope.plan.amount,
        committed=budget.committed.amount,
    )


def _bounded(forecast: Forecast) -> Iterator[DayForecast]:
    """The days to come, with bounds that add up to those of their months.

    Days err to both sides, so that the interval of a month is narrower than its days' together: each day has the part
    of it that its own is of theirs.
    """
    unit = smallest_unit(forecast.currency)
    for total in forecast.totals:
        days = [one for one in forecast.days if Period(one.day.year, one.day.month) == total.period]
        below = _parts(total.mean, total.lower, [one.mean - one.lower for one in days], unit)
        above = _parts(total.upper, total.mean, [one.upper - one.mean for one in days], unit)
        for one, less, more in zip(days, below, above, strict=True):
            yield DayForecast(one.day, one.mean, exact_sum((one.mean, -less)), exact_sum((one.mean, more)))


def _parts(higher: Decimal, lower: Decimal, widths: Sequence[Decimal], unit: Decimal) -> list[Decimal]:
    weights = widths if any(widths) else [Decimal(1)] * len(widths)
    return allocate(exact_sum((higher, -lower)), weights, unit)
