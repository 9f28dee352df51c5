"""What a calendar says of days: weekday, place in the month, day off.

What belongs here: facts of calendars, with the days off of the `holidays` package. What does not: what they cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import lru_cache

import holidays
import numpy as np
from numpy.typing import NDArray

from twinledger.vocabulary.errors import UnknownNameError

PLACES = (*range(1, 31), -1, -2, -3)
"""Days of a month on which a charge is looked for: from its beginning, and from its end, which the 31st is."""

_SATURDAY = 5


def check_countries(countries: Iterable[str]) -> None:
    """Refuse a country whose days off are not known.

    Raises:
        UnknownNameError: it is no ISO 3166 code that the calendar has.
    """
    known = holidays.list_supported_countries(include_aliases=False)
    for country in countries:
        if country not in known:
            raise UnknownNameError("holiday calendar", country, known)


@lru_cache(maxsize=64)
def _days_off(country: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, years=year))


def days_off(country: str, days: Sequence[date]) -> NDArray[np.bool_]:
    """Which of some days are off in a country and would be working days otherwise."""
    return np.array([day.weekday() < _SATURDAY and day in _days_off(country, day.year) for day in days], dtype=np.bool_)


def weekdays(days: Sequence[date]) -> NDArray[np.int64]:
    """The weekday of each day, 0 for Monday."""
    return np.array([day.weekday() for day in days], dtype=np.int64)


def at_place(place: int, days: Sequence[date]) -> NDArray[np.bool_]:
    """Which of some days are at a place in their month: a day's number, or -1 for the last, -2 for the one before."""
    if place > 0:
        return np.array([day.day == place for day in days], dtype=np.bool_)
    return np.array([(day + timedelta(days=-place)).day == 1 for day in days], dtype=np.bool_)
