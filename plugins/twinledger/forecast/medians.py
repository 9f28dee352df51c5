"""Order statistics over arrays with gaps.

What belongs here: medians and quantiles that pass over NaN, many series at once. What does not: what they are of.

numpy's own nanmedian and nanquantile walk row by row where there are gaps; sorting puts gaps last, which is all
that is needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]


def quantile(values: Floats, level: float) -> Floats:
    """A quantile over the last axis, between neighbours in proportion; NaN where there is no value."""
    return sorted_quantile(np.sort(values, axis=-1), level)


def median(values: Floats) -> Floats:
    """The median over the last axis; NaN where there is no value."""
    return quantile(values, 0.5)


def sorted_quantile(ordered: Floats, level: float) -> Floats:
    """As `quantile`, of values that are sorted already."""
    if not ordered.shape[-1]:
        return np.full(ordered.shape[:-1], np.nan)
    count = np.sum(~np.isnan(ordered), axis=-1)
    place = np.maximum(count - 1, 0) * level
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    low, high = _take(ordered, below), _take(ordered, above)
    found: Floats = low + (high - low) * (place - below)
    return found


def _take(ordered: Floats, place: NDArray[Any]) -> Floats:
    taken: Floats = np.take_along_axis(ordered, place[..., None], axis=-1)[..., 0]
    return taken
