"""What days off cost: the factor that a country's holidays have in each series.

What belongs here: measuring the factor and taking it out of the history. What does not: which days are off.

A factor is the median of what holidays cost against what is usual, believed only from three of them on and where it
is beyond what chance would make of so many days.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np

from twinledger.forecast.calendars import days_off, weekdays
from twinledger.forecast.medians import Flags, Floats, median
from twinledger.forecast.usual import noise, usual

_FEWEST, _DEVIATIONS, _LEAST_FACTOR = 3, 2.5, 0.05


def even_out(
    amounts: Floats, days: Sequence[date], ahead: Sequence[date], countries: Iterable[str]
) -> tuple[Floats, Floats]:
    """The history as if no day were off, and the factor of each day ahead, series by day.

    Args:
        amounts: series by day, NaN before a series begins.
        days: of the columns.
        ahead: the days to come.
        countries: whose holidays, by ISO 3166 code; a day that is off in two has the first one's factor.
    """
    evened, factors = amounts, np.ones((len(amounts), len(ahead)))
    seen, coming = np.zeros(len(days), np.bool_), np.zeros(len(ahead), np.bool_)
    for country in countries:
        past, next_ = days_off(country, days) & ~seen, days_off(country, ahead) & ~coming
        seen, coming = seen | past, coming | next_
        if past.any():
            factor = _factor(evened, days, past)
            evened = evened / np.where(past[None], factor[:, None], 1.0)
            factors = factors * np.where(next_[None], factor[:, None], 1.0)
    return evened, factors


def _factor(amounts: Floats, days: Sequence[date], off: Flags) -> Floats:
    expected = usual(amounts, weekdays(days))
    ratios = np.where(expected > 0, amounts, np.nan) / np.where(expected > 0, expected, 1.0)
    count = np.sum(~np.isnan(ratios[:, off]), axis=1)
    change = np.nan_to_num(median(ratios[:, off]) - 1)
    by_chance = _DEVIATIONS * np.nan_to_num(noise(ratios - 1)) / np.sqrt(np.maximum(count, 1))
    believed = (count >= _FEWEST) & (np.abs(change) > by_chance)
    return np.where(believed, np.maximum(1 + change * count / (count + 1), _LEAST_FACTOR), 1.0)
