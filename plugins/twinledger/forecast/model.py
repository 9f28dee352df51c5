"""The model as a whole, over arrays: what is known of calendars first, then smoothing, then intervals.

What belongs here: the order of the parts. What does not: Decimals and dates of one series (`run`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from twinledger.forecast import daysoff, intervals, monthly
from twinledger.forecast.intervals import Widths
from twinledger.forecast.medians import Floats
from twinledger.forecast.smoothing import smooth
from twinledger.vocabulary.periods import Period

COUNTRIES = ("US", "CN")
"""Whose holidays are looked at unless the caller names others."""

MOST_DAYS = 760
"""Days of history that are read: two years, and a month for the holidays that move."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Series that end on the same day: series by day, NaN before a series begins."""

    amounts: Floats
    last: date
    given: Mapping[int, Floats] = field(default_factory=dict)
    """Once-a-month charges that the caller knows, by place in the month; NaN where it knows nothing."""

    @property
    def days(self) -> list[date]:
        """Of the columns."""
        number = self.amounts.shape[1]
        return [self.last - timedelta(days=back) for back in range(number - 1, -1, -1)]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Of each series and day ahead: mean and bounds; and of each month ahead, the widths of its sum."""

    mean: Floats
    lower: Floats
    upper: Floats
    months: tuple[tuple[Period, slice, Widths], ...]
    charges: monthly.Charges


def predict(table: Table, ahead: Sequence[date], countries: Sequence[str] = COUNTRIES) -> Prediction:
    """Forecast every series of a table on the days that follow its last one."""
    number, count = len(table.amounts), len(ahead)
    cleaned, charges = monthly.take_out(table.amounts, table.days, table.given)
    evened, factors = daysoff.even_out(cleaned, table.days, ahead, countries)
    outlook = smooth(evened, count)
    amounts, spreads = charges.on(ahead, number)
    least = np.where(np.nanmin(table.amounts, axis=1) < 0, -np.inf, 0.0)[:, None]
    usual_mean = outlook.ahead * factors
    mean = np.maximum(usual_mean + amounts, least)
    days = intervals.day_widths(outlook.errors, table.amounts, count)
    sums = intervals.sum_widths(outlook.errors, table.amounts, count)
    lower = np.maximum(mean + days.below * factors - spreads, least)
    months = tuple(_months(ahead, sums, spreads))
    return Prediction(mean, lower, mean + days.above * factors + spreads, months, charges)


def _months(ahead: Sequence[date], sums: Widths, spreads: Floats) -> Iterator[tuple[Period, slice, Widths]]:
    first = 0
    while first < len(ahead):
        period = Period(ahead[first].year, ahead[first].month)
        last = min(len(ahead), first + (period.shift(1).first_day - ahead[first]).days)
        widths = intervals.within(sums, first, last)
        varied = spreads[:, first:last].sum(axis=1)
        yield period, slice(first, last), Widths(widths.below - varied, widths.above + varied)
        first = last
