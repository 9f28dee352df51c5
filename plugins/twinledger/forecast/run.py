"""Forecasts of histories: Decimals in, Decimals out, many series at once.

What belongs here: laying histories side by side, rounding, what is never negative, what was planned. What does not:
the model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from twinledger.forecast.calendars import check_countries
from twinledger.forecast.medians import Floats
from twinledger.forecast.model import COUNTRIES, MOST_DAYS, Prediction, Table, predict
from twinledger.forecast.series import DayForecast, Forecast, History, Monthly, MonthTotal
from twinledger.vocabulary.errors import NoHistoryError
from twinledger.vocabulary.money import exact_sum, round_to, smallest_unit
from twinledger.vocabulary.periods import Period

AT_ONCE = 128
"""Series that are computed together, which is what bounds memory."""

MOST_AHEAD = 400

_LEVEL_DAYS = 8


def forecast(history: History, through: Period, countries: Sequence[str] = COUNTRIES) -> Forecast:
    """Forecast one series to the end of a period: as `forecast_many` of it alone."""
    (only,) = forecast_many([history], through, countries)
    return only


def forecast_many(
    histories: Iterable[History],
    through: Period,
    countries: Sequence[str] = COUNTRIES,
    report: Callable[[int], None] | None = None,
) -> list[Forecast]:
    """Forecast many series to the end of a period; a series' forecast does not depend on those beside it.

    Args:
        histories: in the order that forecasts come back in.
        through: the last period.
        countries: whose holidays count, by ISO 3166 code.
        report: is told how many series are done.

    Returns:
        The days after each history's last final one, and the month ends among them; none where it is final already.

    Raises:
        NoHistoryError: a series has no final day, or the period is more than 400 days after its last.
        UnknownNameError: no holidays are known of a country.
    """
    check_countries(countries)
    given = list(histories)
    for history in given:
        _check(history, through)
    done: dict[int, Forecast] = {}
    for numbers in _batches(given):
        several = [given[number] for number in numbers]
        done.update(zip(numbers, _forecast(several, through, countries), strict=True))
        if report:
            report(len(done))
    return [done[number] for number in range(len(given))]


def _check(history: History, through: Period) -> None:
    if not _final(history):
        raise NoHistoryError(history.name, "a final day with an amount", f"none up to {history.final_through}")
    if (_end(through) - history.final_through).days > MOST_AHEAD:
        raise NoHistoryError(history.name, f"at most {MOST_AHEAD} days ahead", f"{history.final_through} to {through}")


def _end(through: Period) -> date:
    return through.shift(1).first_day - timedelta(days=1)


def _final(history: History) -> list[date]:
    return [day for day in history.amounts if day <= history.final_through]


def _batches(histories: Sequence[History]) -> Iterator[list[int]]:
    """Series of the same last day and length: in arrays of one width, each is computed as it would be alone."""
    alike: dict[tuple[date, int], list[int]] = defaultdict(list)
    for number, history in enumerate(histories):
        alike[history.final_through, min(MOST_DAYS, _length(history))].append(number)
    for numbers in alike.values():
        yield from (numbers[first : first + AT_ONCE] for first in range(0, len(numbers), AT_ONCE))


def _forecast(histories: Sequence[History], through: Period, countries: Sequence[str]) -> Iterator[Forecast]:
    last = histories[0].final_through
    ahead = [last + timedelta(days=number) for number in range(1, (_end(through) - last).days + 1)]
    if not ahead:
        yield from (Forecast(one.name, one.currency, (), (), _method(one), _length(one), ()) for one in histories)
        return
    prediction = predict(_table(histories, last), ahead, countries)
    for number, history in enumerate(histories):
        yield _said(history, number, prediction, ahead)


# --- histories side by side --------------------------------------------------------------------


def _length(history: History) -> int:
    return (history.final_through - min(_final(history))).days + 1


def _table(histories: Sequence[History], last: date) -> Table:
    days = min(MOST_DAYS, max(_length(history) for history in histories))
    return Table(np.stack([row_of(history, days) for history in histories]), last, _given(histories))


def row_of(history: History, days: int) -> Floats:
    """The history's last days as floats, NaN before it begins."""
    row = np.full(days, np.nan)
    row[-min(days, _length(history)) :] = 0.0
    for day in _final(history):
        if (place := days - 1 - (history.final_through - day).days) >= 0:
            row[place] = float(history.amounts[day])
    return row


def _given(histories: Sequence[History]) -> dict[int, Floats]:
    given: dict[int, Floats] = {}
    for number, history in enumerate(histories):
        for charge in history.monthly:
            given.setdefault(charge.day, np.full(len(histories), np.nan))[number] = float(charge.amount)
    return given


# --- what is said ------------------------------------------------------------------------------


def _method(history: History) -> str:
    return "level" if _length(history) < _LEVEL_DAYS else "level and weekdays"


def _said(history: History, number: int, prediction: Prediction, ahead: Sequence[date]) -> Forecast:
    unit = smallest_unit(history.currency)
    days = tuple(_days(history, number, prediction, ahead, unit))
    totals = tuple(_totals(history, number, prediction, days, unit))
    found = tuple(
        Monthly(place, round_to(Decimal(float(amounts[number])), unit))
        for place, amounts in sorted(prediction.charges.amounts.items())
        if amounts[number]
    )
    return Forecast(history.name, history.currency, days, totals, _method(history), _length(history), found)


def _days(
    history: History, number: int, prediction: Prediction, ahead: Sequence[date], unit: Decimal
) -> Iterator[DayForecast]:
    planned: dict[date, Decimal] = defaultdict(Decimal)
    for one in history.planned:
        planned[one.day] = exact_sum((planned[one.day], one.amount))
    for place, day in enumerate(ahead):
        parts = (prediction.mean, prediction.lower, prediction.upper)
        mean, lower, upper = (round_to(exact_sum((_exact(part[number, place]), planned[day])), unit) for part in parts)
        yield DayForecast(day, mean, lower, upper)


def _totals(
    history: History, number: int, prediction: Prediction, days: Sequence[DayForecast], unit: Decimal
) -> Iterator[MonthTotal]:
    """A month's mean is the sum of its days as they are shown, so that whoever adds them up finds it."""
    is_negative = any(history.amounts[day] < 0 for day in _final(history))
    planned = history.planned
    for period, columns, widths in prediction.months:
        actual = exact_sum(history.amounts[day] for day in _final(history) if Period(day.year, day.month) == period)
        known = exact_sum(one.amount for one in planned if any(one.day == day.day for day in days[columns]))
        rest = exact_sum(day.mean for day in days[columns])
        lower = exact_sum((rest, round_to(_exact(widths.below[number]), unit)))
        upper = exact_sum((rest, round_to(_exact(widths.above[number]), unit)))
        least = lower if is_negative else max(lower, min(rest, known))
        yield MonthTotal(period, actual, *(exact_sum((actual, part)) for part in (rest, least, upper)))


def _exact(value: np.float64) -> Decimal:
    return Decimal(float(value))
