"""What a calendar knows of days: those that are off, and charges that come once a month.

What belongs here: changing what is expected of a day by what its place in a calendar has brought before. What does not:
the calendars themselves, which are the forecast's.

As everywhere in this room, a day is told by the days before it alone. What stood out at the same place of the month
before, counted from the month's beginning or end, may come again, and what stood out in two or three is expected to. A
day off costs what the days off of its country before it cost against what was expected of them, from three of them on;
before that, anything from nothing to the usual is no surprise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from twinledger.anomalies.expected import Expected
from twinledger.forecast import PLACES, Floats, Numbers, at_place, days_off, median

_STANDS_OUT, _OF_LEVEL, _OF_LARGER = 2.0, 0.1, 0.4
_MONTHS, _FEWEST_MONTHS, _FEW_STAND_OUT = 3, 2, 2.0
_FEWEST_OFF = 3
_WEEK = 7


def without_days_off(amounts: Floats, days: Sequence[date], countries: Sequence[str]) -> Floats:
    """The amounts as if no day were off in any of some countries: such a day is as its weekday was the week before."""
    usual = amounts.copy()
    found = np.zeros(len(days), np.bool_)
    for country in countries:
        found |= days_off(country, days)
    for column in np.flatnonzero(found):
        usual[:, column] = usual[:, column - _WEEK] if column >= _WEEK else np.nan
    return usual


def with_days_off(found: Expected, amounts: Floats, days: Sequence[date], countries: Sequence[str]) -> Expected:
    """What is expected where a day is off; what is off in two countries may be as in either."""
    said, low, high = found.amounts.copy(), found.low.copy(), found.high.copy()
    seen = np.zeros(len(days), np.bool_)
    for country in countries:
        columns = np.flatnonzero(days_off(country, days))
        usual = np.where(found.amounts[:, columns] > 0, found.amounts[:, columns], np.nan)
        least, most = _factors(amounts[:, columns] / usual)
        first, again = ~seen[columns], seen[columns]
        said[:, columns[first]] *= most[:, first]
        for part, other, factor in ((low, np.fmin, least), (high, np.fmax, most)):
            of_country = found.amounts[:, columns] * factor
            part[:, columns[first]] = of_country[:, first]
            part[:, columns[again]] = other(part[:, columns[again]], of_country[:, again])
        seen[columns] = True
    return replace(found, amounts=said, low=low, high=high)


def _factors(ratios: Floats) -> tuple[Floats, Floats]:
    """What each day off may cost of the usual, from the days off before it: one factor, or 0 to 1 while too few are."""
    least, most = np.zeros(ratios.shape), np.ones(ratios.shape)
    for place in range(_FEWEST_OFF, ratios.shape[1]):
        before = ratios[:, :place]
        known = np.sum(~np.isnan(before), axis=1) >= _FEWEST_OFF
        factor = median(before)
        least[:, place], most[:, place] = np.where(known, factor, 0.0), np.where(known, factor, 1.0)
    return least, most


def with_monthly(found: Expected, amounts: Floats, days: Sequence[date]) -> Expected:
    """What is expected, and on top of it what came at the same place of the months before."""
    excess = np.where(np.isnan(found.spread), np.nan, amounts - found.amounts)
    bound = np.fmax(_STANDS_OUT * found.spread, _OF_LEVEL * np.abs(found.amounts))
    charges, varied, perhaps = np.zeros(amounts.shape), np.zeros(amounts.shape), np.zeros(amounts.shape)
    for place in PLACES:
        columns = np.flatnonzero(at_place(place, days))
        charge, spread, once = _charge(_before(excess, columns), _before(bound, columns))
        larger = charge > charges[:, columns]
        charges[:, columns] = np.where(larger, charge, charges[:, columns])
        varied[:, columns] = np.where(larger, spread, varied[:, columns])
        perhaps[:, columns] = np.fmax(perhaps[:, columns], once)
    return Expected(
        found.amounts + charges, found.spread + varied, found.low + charges, found.high + np.fmax(charges, perhaps)
    )


def _before(values: Floats, columns: Numbers) -> Floats:
    """Series by column by the columns before it, NaN where there are fewer."""
    padded = np.pad(values[:, columns[:-1]], ((0, 0), (_MONTHS, 0)), constant_values=np.nan)
    return sliding_window_view(padded, _MONTHS, axis=1)


def _charge(excess: Floats, bound: Floats) -> tuple[Floats, Floats, Floats]:
    """From the months before: the charge that is expected, half its range, and the one that stood out last alone."""
    known = np.sum(~np.isnan(excess), axis=2)
    least, most = np.fmin.reduce(excess, axis=2), np.fmax.reduce(excess, axis=2)
    bound = bound * np.where(known < _MONTHS, _FEW_STAND_OUT, 1.0)[..., None]
    alike = (np.isnan(excess) | (excess > bound)).all(axis=2) & (least > _OF_LARGER * most)
    expected = alike & (known >= _FEWEST_MONTHS)
    last = np.where(excess[..., -1] > _FEW_STAND_OUT * bound[..., -1], excess[..., -1], 0.0)
    return np.where(expected, median(excess), 0.0), np.where(expected, (most - least) / 2, 0.0), last
