"""What is still to come of a budget's span, by forecast.

What belongs here: forecasting the daily amounts of many budgets, each to the end of its span, and summing what is left
of it. What does not: the forecast itself (`forecast`), and what was reserved.

A span's interval is the sum of its months': as if all of them erred to one side, which is never too narrow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from twinledger.budgets.scopes import Scoped
from twinledger.budgets.series import Spent
from twinledger.forecast import Forecast, History, forecast_many
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Rest:
    """What is to come: expected, and at both ends of the 80 % interval."""

    mean: Decimal = _NOTHING
    lower: Decimal = _NOTHING
    upper: Decimal = _NOTHING


def forecasts(found: Sequence[Spent], known_through: date) -> list[Forecast | None]:
    """The forecast of each to the end of its span; None where that is over, or no day is known.

    Raises:
        NoHistoryError: a span ends more than 400 days after the last known day.
    """
    said: list[Forecast | None] = [None] * len(found)
    ends: dict[Period, list[int]] = defaultdict(list)
    for number, one in enumerate(found):
        if known_through < one.line.last_day and any(day <= known_through for day in one.days):
            ends[one.line.months[-1]].append(number)
    for end, numbers in ends.items():
        histories = [_history(found[number], known_through) for number in numbers]
        for number, forecast in zip(numbers, forecast_many(histories, end), strict=True):
            said[number] = forecast
    return said


def _history(spent: Spent, known_through: date) -> History:
    return History(spent.line.name, spent.line.plan.currency, spent.days, known_through)


def rest_of(line: Scoped, days: dict[date, Decimal], forecast: Forecast | None, known_through: date) -> Rest:
    """What is to come of a span after the last known day, less what has come of it already.

    Nothing that has come is taken back; what is expected to be credited is less than nothing.
    """
    if forecast is None:
        return Rest()
    come = exact_sum(amount for day, amount in days.items() if known_through < day <= line.last_day)
    ahead = [one for one in forecast.totals if one.period in line.months]

    def less(amounts: Sequence[Decimal]) -> Decimal:
        expected = exact_sum((*amounts, *(-one.actual for one in ahead)))
        return max(exact_sum((expected, -come)), min(expected, _NOTHING))

    return Rest(
        less([one.mean for one in ahead]), less([one.lower for one in ahead]), less([one.upper for one in ahead])
    )
