"""What each bucket was expected to be, told by the buckets before it alone, and how far such expectations err.

What belongs here: level, cycle, the choice between candidates, and the spread of their errors. What does not: what a
calendar knows (`calendar`), and when an error is an anomaly (`detect`).

A candidate's cycle is the median of what the same place of earlier turns differed from the slow level of its own time;
its level is the median of the buckets before without their cycle. Medians forget a spike, and take a new level over
once it fills half of the window. The candidate whose errors have deviated least so far is believed.

Nothing after a bucket is looked at: days that come later never change what was expected of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from twinledger.anomalies.rhythm import Rhythm
from twinledger.forecast import Floats, median, sorted_quantile

_TO_DEVIATION = 1.4826
"""From the median of absolute errors to the standard deviation of a normal distribution."""

_TAIL, _TAIL_TO_DEVIATION = 0.95, 1 / 1.96
"""And from their 95th percentile: both are the same of normal errors, and this is the larger where tails are heavy."""


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Of each series and bucket: the amount, and the standard deviation of its error; NaN where nothing is said.

    From `low` to `high` nobody is surprised: where a calendar knows of two ways that a day may be, they differ.
    """

    amounts: Floats
    spread: Floats
    low: Floats
    high: Floats


def expected(amounts: Floats, rhythm: Rhythm, first: int = 0) -> Expected:
    """What each bucket was expected to be.

    Args:
        amounts: series by bucket; NaN before a series begins and where a bucket says nothing of others.
        rhythm: of the buckets.
        first: the number of the first bucket on a grid that does not move, by which errors are looked at anew.
    """
    best, spread = np.full(amounts.shape, np.nan), np.full(amounts.shape, np.inf)
    for candidate in _candidates(amounts, rhythm):
        deviation = _deviation(np.abs(amounts - candidate), rhythm, first)
        better = (deviation < spread) & ~np.isnan(candidate)
        best, spread = np.where(better, candidate, best), np.where(better, deviation, spread)
    return Expected(best, np.where(np.isinf(spread), np.nan, spread), best, best)


def _candidates(amounts: Floats, rhythm: Rhythm) -> Iterator[Floats]:
    """Each level by itself, and of what is left without a cycle, with the cycle put on again."""
    slow = _before(amounts, max(rhythm.levels))
    cycles = (_cycle(amounts - slow, cycle, rhythm.repeats) for cycle in rhythm.cycles)
    for cycle in (np.zeros(amounts.shape), *cycles):
        for window in rhythm.levels:
            yield _before(amounts - cycle, window) + cycle


def _before(amounts: Floats, window: int) -> Floats:
    """The median of so many buckets before each one; NaN where less than half of them are known."""
    padded = np.pad(amounts[:, :-1], ((0, 0), (window, 0)), constant_values=np.nan)
    windows = sliding_window_view(padded, window, axis=1)
    known = np.sum(~np.isnan(windows), axis=2) >= (window + 1) // 2
    return np.where(known, median(windows), np.nan)


def _cycle(differences: Floats, cycle: int, repeats: int) -> Floats:
    """The median of what earlier turns differed from their level; NaN where there are less than two."""
    number, length = differences.shape
    turns = np.full((number, length, repeats), np.nan)
    for back in range(1, repeats + 1):
        shift = back * cycle
        if shift < length:
            turns[:, shift:, back - 1] = differences[:, :-shift]
    known = np.sum(~np.isnan(turns), axis=2) >= 2  # noqa: PLR2004 - one turn is a day like any other
    return np.where(known, median(turns), np.nan)


def _deviation(errors: Floats, rhythm: Rhythm, first: int) -> Floats:
    """The standard deviation of the errors before each bucket; infinite where too few are known."""
    length = errors.shape[1]
    starts = np.union1d([0], np.arange(-first % rhythm.refreshed, length, rhythm.refreshed))
    padded = np.pad(errors, ((0, 0), (rhythm.memory, 0)), constant_values=np.nan)
    windows = np.sort(sliding_window_view(padded, rhythm.memory, axis=1)[:, starts], axis=2)
    middle, tail = sorted_quantile(windows, 0.5), sorted_quantile(windows, _TAIL)
    enough = np.sum(~np.isnan(windows), axis=2) >= min(rhythm.fewest, rhythm.memory) // 2
    deviation = np.where(enough, np.fmax(middle * _TO_DEVIATION, tail * _TAIL_TO_DEVIATION), np.inf)
    found: Floats = deviation[:, np.searchsorted(starts, np.arange(length), side="right") - 1]
    return found
