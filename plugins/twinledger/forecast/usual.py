"""What a day usually costs, told by its neighbours.

What belongs here: the local level with its weekdays, which spikes and fees do not move, as what to measure them
against. What does not: days to come (`smoothing`).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from twinledger.forecast.medians import Floats, median

_WINDOW = 15
"""Days of the running median: two weeks and the day itself, so that no weekday weighs more than thrice."""

_TO_DEVIATION = 1.4826
"""From the median absolute deviation to the standard deviation of a normal distribution."""


def usual(amounts: Floats, weekday: NDArray[np.int64]) -> Floats:
    """The running median of two weeks, and what each weekday usually differs from it."""
    half = _WINDOW // 2
    padded = np.pad(amounts, ((0, 0), (half, half)), constant_values=np.nan)
    level = median(sliding_window_view(padded, _WINDOW, axis=1))
    found = level.copy()
    for day in range(7):
        columns = weekday == day
        found[:, columns] += np.nan_to_num(median((amounts - level)[:, columns]))[:, None]
    return found


def noise(differences: Floats) -> Floats:
    """The standard deviation that differences have when the largest are left aside."""
    return _TO_DEVIATION * median(np.abs(differences))
