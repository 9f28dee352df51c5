"""Intervals from what the forecast erred by at earlier origins of the same series.

What belongs here: the middle four fifths of past errors, by days ahead and for sums of days, widened for how few of
them are independent. What does not: the forecast itself.

Errors of neighbouring origins overlap, and so do the days that they sum: of many origins, about as many are
independent as windows fit that overlap by a quarter. As with Student's distribution against the normal one,
few of them widen the interval. Nothing is assumed of the errors' shape; beyond the longest measured horizon they grow
as those of a level that wanders do. The candidates were chosen by the very errors that are measured, which tells most
in a short history: sums are wider by a share that shrinks with its days, and a day has a least width, a share of its
level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinledger.forecast.medians import Floats, sorted_quantile

LEVEL = 0.8
"""How often an interval is to hold what comes."""

_TAIL = (1 - LEVEL) / 2
_FEWEST = 5
_SHORT_DAYS, _SHORT_SHARE = 28, 0.5
_CHOSEN_DAYS, _CHOSEN_SHARE = 120, (0.15, 0.3)
"""How much wider sums are for having chosen the candidates: always, and more in a history shorter than so many days."""


@dataclass(frozen=True, slots=True, eq=False)
class Widths:
    """How far the interval reaches below (never above 0) and above the mean, series by day ahead."""

    below: Floats
    above: Floats


def day_widths(errors: Floats, history: Floats, ahead: int) -> Widths:
    """Of each day ahead.

    Args:
        errors: series by day ahead by origin, as `smoothing` measured them.
        history: series by day, NaN before a series begins.
        ahead: how many days; may be more than were measured.
    """
    return _prolonged(_measured(errors), errors, ahead, 0.5, _least(history)[:, None])


def sum_widths(errors: Floats, history: Floats, ahead: int) -> Widths:
    """Of the sum of the first day ahead, the first two, and so on."""
    count = np.sum(~np.isnan(history), axis=1)
    chosen = 1 + _CHOSEN_SHARE[0] + _CHOSEN_SHARE[1] * np.maximum(0.0, 1 - count / _CHOSEN_DAYS)[:, None]
    measured = _measured(np.cumsum(errors, axis=1))
    wider = Widths(measured.below * chosen, measured.above * chosen)
    return _prolonged(wider, errors, ahead, 1.5, _least(history)[:, None] * np.arange(1, ahead + 1))


def within(widths: Widths, first: int, last: int) -> Widths:
    """Of the sum of days `first` (0: tomorrow) to `last` (exclusive), from those of sums that begin tomorrow.

    The variance of a sum over a level that wanders grows with the square of its length, and with the time until it.
    """
    length = last - first
    share = length / last * np.sqrt((first + length / 3) * 3 / last)
    return Widths(widths.below[:, last - 1] * share, widths.above[:, last - 1] * share)


def _measured(errors: Floats) -> Widths:
    count = np.sum(~np.isnan(errors), axis=2)
    days = np.arange(1, errors.shape[1] + 1)
    wider = _wider(np.maximum(count / (0.75 * days + 2), 1.0))
    ordered = np.sort(errors, axis=2)
    below, above = sorted_quantile(ordered, _TAIL) * wider, sorted_quantile(ordered, 1 - _TAIL) * wider
    return Widths(np.minimum(below, 0.0), np.maximum(above, 0.0))


def _wider(independent: Floats) -> Floats:
    """Student's 90 % quantile against the normal one, by its expansion (Abramowitz and Stegun, 26.7.5)."""
    z = 1.2816
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    wider: Floats = 1 + (first / independent + second / independent**2) / z
    return wider


def _prolonged(widths: Widths, errors: Floats, ahead: int, power: float, least: Floats) -> Widths:
    """Take the longest horizon that was measured often enough for those beyond it, growing by a power of the days."""
    often = np.sum(~np.isnan(errors), axis=2) >= _FEWEST
    longest = np.sum(np.cumprod(often, axis=1), axis=1)
    days = np.arange(1, ahead + 1)
    taken = np.minimum(days[None], np.maximum(longest, 1)[:, None])
    grown = np.where(longest[:, None] > 0, (days[None] / taken) ** power, 0.0)
    below, above = (
        np.nan_to_num(np.take_along_axis(part, taken - 1, axis=1)) * grown for part in (widths.below, widths.above)
    )
    return Widths(np.minimum(below, -least), np.maximum(above, least))


def _least(history: Floats) -> Floats:
    """The least half width of a short history: half its level after a day, nothing after four weeks."""
    count = np.sum(~np.isnan(history), axis=1)
    level = np.abs(np.nanmean(history, axis=1))
    least: Floats = _SHORT_SHARE * level / np.sqrt(count) * np.maximum(0.0, 1 - count / _SHORT_DAYS)
    return least
