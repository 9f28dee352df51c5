"""From series to stretches with money: the detector over many series of one ledger.

What belongs here: laying series side by side, what answers do to bounds, exact amounts of what was found, and saying
one thing once where both days and hours show it. What does not: causes (`causes`), and what is kept (`record`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from twinledger.anomalies.anomaly import Shape
from twinledger.anomalies.detect import Bounds, Stretch, Table, detect, expect
from twinledger.anomalies.expected import Expected
from twinledger.anomalies.rhythm import Width
from twinledger.anomalies.sources import HISTORY, Key, Series
from twinledger.forecast import COUNTRIES, Floats
from twinledger.vocabulary.money import round_to, smallest_unit

LOOKED_BACK = timedelta(days=35)
"""Stretches that begin longer before the last final bucket are not looked at again: they stay as they were found."""

Factors = Mapping[Key, Sequence[tuple[datetime, float]]]
"""Series -> from which instant on its bounds are multiplied by how much, in order."""

_AT_ONCE: Mapping[Width, int] = {"day": 128, "hour": 16}
"""Series that are computed together, which is what bounds memory."""

_SAME = 0.5
"""The share of a day's impact that its hours must have to be the same fact."""


@dataclass(frozen=True, slots=True)
class Found:
    """One stretch of a series: its bounds in UTC, the end exclusive, and its money in the reporting currency."""

    series: Series
    shape: Shape
    start: datetime
    end: datetime
    actual: Decimal
    expected: Decimal

    @property
    def impact(self) -> Decimal:
        """Actual - expected."""
        return self.actual - self.expected


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in some series, and what can be said of any other span of theirs."""

    found: tuple[Found, ...]
    expected: Mapping[tuple[Key, Width], Mapping[datetime, float]]
    """Of the buckets that were looked at."""

    def expectation(self, series: Series, start: datetime, end: datetime) -> Decimal:
        """What was expected from start to end (exclusive), in smallest units."""
        amounts = self.expected[series.key, series.rhythm.width]
        return _rounded(sum(amount for at, amount in amounts.items() if start <= at < end), series.currency)


def look(series: Iterable[Series], bounds: Bounds, factors: Factors, countries: Sequence[str] = COUNTRIES) -> Looked:
    """Look for stretches that begin within the last 35 days of each series; nothing after its final bucket is read.

    Args:
        series: in any order; one does not depend on those beside it.
        bounds: of all series.
        factors: what answers have done to bounds.
        countries: whose holidays count.
    """
    found: list[Found] = []
    said: dict[tuple[Key, Width], dict[datetime, float]] = {}
    for several in _alike(series):
        table = table_of(several)
        expected = expect(table, countries)
        since = several[0].final - LOOKED_BACK
        for row, one in enumerate(several):
            said[one.key, one.rhythm.width] = _since(table, expected, row, since)
        found += [
            _found(table, expected, several[stretch.row], stretch)
            for stretch in detect(table, expected, bounds, _sensitivity(table, several, factors))
            if table.starts[stretch.first] >= since
        ]
    return Looked(tuple(_once(found)), said)


def _alike(series: Iterable[Series]) -> Iterator[list[Series]]:
    """Series of one rhythm and last bucket; each is computed as it would be alone."""
    by_end: dict[tuple[Width, datetime], list[Series]] = defaultdict(list)
    for one in series:
        by_end[one.rhythm.width, one.final].append(one)
    for (width, _), several in by_end.items():
        most = _AT_ONCE[width]
        yield from (several[first : first + most] for first in range(0, len(several), most))


def table_of(several: Sequence[Series]) -> Table:
    """Series of one rhythm and last bucket, side by side; a bucket without an amount is 0 once a series has begun."""
    rhythm, final = several[0].rhythm, several[0].final
    number = HISTORY[rhythm.width] // rhythm.step
    first = final - number * rhythm.step
    amounts = np.full((len(several), number), np.nan)
    for row, one in enumerate(several):
        columns = {(at - first) // rhythm.step: amount for at, amount in one.amounts.items() if first <= at < final}
        amounts[row, min(columns, default=number) :] = 0.0
        for column, amount in columns.items():
            amounts[row, column] = float(amount)
    return Table(amounts, first, rhythm)


def _sensitivity(table: Table, several: Sequence[Series], factors: Factors) -> Floats:
    sensitivity = np.ones(table.amounts.shape)
    for row, one in enumerate(several):
        for instant, factor in factors.get(one.key, ()):
            column = max(0, -((table.first - instant) // table.rhythm.step))
            sensitivity[row, column:] = factor
    return sensitivity


def _since(table: Table, expected: Expected, row: int, since: datetime) -> dict[datetime, float]:
    first = max(0, (since - table.first) // table.rhythm.step)
    amounts = np.nan_to_num(expected.amounts[row, first:])
    return {table.first + (first + number) * table.rhythm.step: float(one) for number, one in enumerate(amounts)}


def _found(table: Table, expected: Expected, series: Series, stretch: Stretch) -> Found:
    start = table.first + stretch.first * table.rhythm.step
    end = table.first + (stretch.last + 1) * table.rhythm.step
    amounts = expected.amounts[stretch.row, stretch.first : stretch.last + 1]
    said = _rounded(float(np.sum(amounts)), series.currency)
    return Found(series, stretch.shape, start, end, series.sum(start, end), said)


def _rounded(amount: float, currency: str) -> Decimal:
    return round_to(Decimal(amount), smallest_unit(currency))


def _once(found: Sequence[Found]) -> Iterator[Found]:
    """Without the days whose hours say the same: those began earlier, or say it more exactly."""
    hours: dict[Key, list[Found]] = defaultdict(list)
    for one in found:
        if one.series.rhythm.width == "hour":
            hours[one.series.key].append(one)
    for one in found:
        within = [other for other in hours[one.series.key] if other.start < one.end and other.end > one.start]
        explained = sum((other.impact for other in within), Decimal(0))
        same = explained * one.impact > 0 and abs(explained) >= Decimal(str(_SAME)) * abs(one.impact)
        if one.series.rhythm.width == "hour" or not same:
            yield one
