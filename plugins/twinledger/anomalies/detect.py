"""Which stretches of many series are not as they were expected.

What belongs here: bounds, and joining buckets to stretches. What does not: what is expected (`expected`), whose series
they are, and what is done about it.

A bucket stands out where it is further from what was expected than so many standard deviations of earlier errors, than
a share of what was expected, and than a least amount. Buckets of one sign that stand out one after the other are one
stretch, also over few that do not. What is said of a bucket needs none after it: a stretch grows with the days that
become final, and its beginning stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from twinledger.anomalies import calendar
from twinledger.anomalies.anomaly import Shape
from twinledger.anomalies.expected import Expected, expected
from twinledger.anomalies.rhythm import Rhythm
from twinledger.forecast import COUNTRIES, Floats, Numbers

DEVIATIONS = 4.0
"""Of normal errors, one bucket in 16,000 is as far: of 100 daily series one in five months."""

LEAST_SHARE = 0.1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What has to be exceeded: standard deviations, a share of what was expected, and an amount, all of them."""

    deviations: float = DEVIATIONS
    share: float = LEAST_SHARE
    amount: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Series of one rhythm whose last bucket is the last final one: series by bucket, NaN before a series begins."""

    amounts: Floats
    first: datetime
    rhythm: Rhythm

    @property
    def starts(self) -> list[datetime]:
        """When each bucket begins, UTC."""
        return [self.first + number * self.rhythm.step for number in range(self.amounts.shape[1])]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Buckets `first` to `last`, both included, of the series of a row."""

    row: int
    first: int
    last: int
    shape: Shape


def expect(table: Table, countries: Sequence[str] = COUNTRIES) -> Expected:
    """What each bucket was expected to be, with what a calendar knows where the rhythm has one."""
    number = (table.first - _EPOCH) // table.rhythm.step
    if not table.rhythm.calendar:
        return expected(table.amounts, table.rhythm, number)
    days = [start.date() for start in table.starts]
    found = expected(calendar.without_days_off(table.amounts, days, countries), table.rhythm, number)
    return calendar.with_monthly(calendar.with_days_off(found, table.amounts, days, countries), table.amounts, days)


def detect(table: Table, found: Expected, bounds: Bounds, sensitivity: Floats | float = 1.0) -> Iterator[Stretch]:
    """The stretches of every series, in order of series and time.

    Args:
        table: the series.
        found: what `expect` says of them.
        bounds: of all series.
        sensitivity: what bounds are multiplied by, as series by bucket; above 1 less is found.
    """
    signs = _signs(table, found, bounds, sensitivity)
    for row in np.flatnonzero(signs.any(axis=1)):
        yield from stretches(int(row), signs[row], table.rhythm)


def _signs(table: Table, found: Expected, bounds: Bounds, sensitivity: Floats | float) -> Numbers:
    """1 where a bucket stands out upwards, -1 downwards, 0 elsewhere and where nothing can be said yet."""
    error = np.fmax(table.amounts - found.high, 0.0) + np.fmin(table.amounts - found.low, 0.0)
    bound = np.fmax(bounds.deviations * found.spread, bounds.share * np.abs(found.amounts))
    bound = np.fmax(bound, bounds.amount) * sensitivity
    age = np.cumsum(~np.isnan(table.amounts), axis=1)
    stands_out = (np.abs(error) > bound) & ~np.isnan(found.spread) & (age > table.rhythm.fewest)
    return np.where(stands_out, np.sign(error), 0.0).astype(np.int64)


def stretches(row: int, signs: Numbers, rhythm: Rhythm) -> Iterator[Stretch]:
    """Buckets of one sign that stand out one after the other, as stretches."""
    first = last = -1
    for column in (int(one) for one in np.flatnonzero(signs)):
        if first >= 0 and signs[column] == signs[first] and column - last <= rhythm.joined + 1:
            last = column
            continue
        if first >= 0:
            yield _stretch(row, first, last, rhythm)
        first = last = column
    if first >= 0:
        yield _stretch(row, first, last, rhythm)


def _stretch(row: int, first: int, last: int, rhythm: Rhythm) -> Stretch:
    return Stretch(row, first, last, "level shift" if last - first + 1 >= rhythm.settled else "spike")
