"""Charges that come once a month: recognised in the history, taken out of it, and put on their day again.

What belongs here: fees on the first, support on the last day, work at month ends: whatever rises far above the days
around it at the same place of each month. What does not: charges by quarter or year, which the caller knows.

A place is recognised by its last three months (two, where there are no more): each has to stand out, by far more
than days usually differ. Two months make it a charge, one makes it a spike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from twinledger.forecast.calendars import PLACES, at_place, weekdays
from twinledger.forecast.medians import Flags, Floats, Numbers, median
from twinledger.forecast.usual import noise, usual

_MONTHS, _FEWEST = 3, 2
_DEVIATIONS, _OF_LEVEL, _OF_LARGEST, _IS_CHARGE = 4.0, 0.1, 0.4, 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Charges:
    """What each series is charged at each place of a month, 0 for nothing, and how far that has varied."""

    amounts: Mapping[int, Floats]
    spreads: Mapping[int, Floats]

    def on(self, days: Sequence[date], number: int) -> tuple[Floats, Floats]:
        """Amount and spread on each of some days, series by day; a day at two places has the larger."""
        amounts, spreads = np.zeros((number, len(days))), np.zeros((number, len(days)))
        for place, amount in self.amounts.items():
            columns = at_place(place, days)
            larger = np.abs(amount)[:, None] > np.abs(amounts[:, columns])
            amounts[:, columns] = np.where(larger, amount[:, None], amounts[:, columns])
            spreads[:, columns] = np.where(larger, self.spreads[place][:, None], spreads[:, columns])
        return amounts, spreads


def take_out(amounts: Floats, days: Sequence[date], given: Mapping[int, Floats]) -> tuple[Floats, Charges]:
    """The history without its once-a-month charges, and the charges.

    Args:
        amounts: series by day, NaN before a series begins.
        days: of the columns.
        given: what the caller knows, by place; NaN for a series of which it knows nothing there.
    """
    expected = usual(amounts, weekdays(days))
    excess = amounts - expected
    usually = _Usually(noise(excess), median(np.abs(amounts)))
    cleaned, found, spreads = amounts.copy(), {}, {}
    for place in dict.fromkeys((*PLACES, *given)):
        columns = np.flatnonzero(at_place(place, days))
        looked_at = columns[-_MONTHS:] if place in PLACES else columns[:0]
        charge, spread = _recognised(excess[:, looked_at], usually)
        known = given.get(place, np.full(len(amounts), np.nan))
        charge, spread = np.where(np.isnan(known), charge, known), np.where(np.isnan(known), spread, 0.0)
        if charge.any():
            found[place], spreads[place] = charge, spread
            _clean(cleaned, expected, charge, columns)
    return cleaned, Charges(found, spreads)


@dataclass(frozen=True, slots=True, eq=False)
class _Usually:
    noise: Floats
    level: Floats


def _recognised(excess: Floats, usually: _Usually) -> tuple[Floats, Floats]:
    """The charge and its spread where the last months all have one, else 0."""
    if excess.shape[1] < _FEWEST:
        return np.zeros(len(excess)), np.zeros(len(excess))
    enough = np.sum(~np.isnan(excess), axis=1) >= _FEWEST
    least, most = (np.nan_to_num(one) for one in (np.fmin.reduce(excess, axis=1), np.fmax.reduce(excess, axis=1)))
    stands_out = _stands_out(least, most, usually)
    charge = np.where(enough & stands_out, np.nan_to_num(median(excess)), 0.0)
    return charge, np.where(charge > 0, (most - least) / 2, 0.0)


def _stands_out(least: Floats, most: Floats, usually: _Usually) -> Flags:
    bound = np.fmax(_DEVIATIONS * usually.noise, _OF_LEVEL * usually.level)
    flags: Flags = (least > np.fmax(bound, _OF_LARGEST * most)) & (least > 0)
    return flags


def _clean(cleaned: Floats, expected: Floats, charge: Floats, columns: Numbers) -> None:
    """Put what is usual where the charge was: in months before it began, nothing was."""
    part = cleaned[:, columns]
    usual_part, size = expected[:, columns], charge[:, None]
    was = (size != 0) & ((part - usual_part) * np.sign(size) > _IS_CHARGE * np.abs(size))
    cleaned[:, columns] = np.where(was, usual_part, part)
