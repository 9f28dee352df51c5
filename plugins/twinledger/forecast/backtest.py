"""How good forecasts would have been: made anew at earlier days, from what was known then.

What belongs here: rolling origins, the errors of the model and of what people use without one, coverage. What does not:
how the errors are shown.

Beside the model stand the seasonal naive forecast (the same weekday of the last week) and, for what a month ends at,
the month-to-date run rate (so much a day so far, so it goes on). MASE is the mean absolute error of a day's forecast
over that of the seasonal naive one within the history before the first origin (Hyndman and Koehler, 2006). The same
scale makes month ends of different series comparable: over several series, each month end and each day counts once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import numpy as np

from twinledger.forecast.calendars import check_countries
from twinledger.forecast.medians import Flags, Floats, Numbers
from twinledger.forecast.model import COUNTRIES, MOST_DAYS, Prediction, Table, predict
from twinledger.forecast.run import AT_ONCE, row_of
from twinledger.forecast.series import History
from twinledger.forecast.smoothing import WEEK

HORIZON = 28
"""Days ahead that are measured, for a history of at least three times as many."""

_CENT = 0.005
"""What rounding of amounts and bounds may differ by."""


@dataclass(frozen=True, slots=True)
class SeriesError:
    """What was measured of one series; a figure is None where nothing could be.

    `days` and `ends` are how many forecasts of days and of month ends were measured, `scale` what errors are scaled by.
    `mase` and `naive_mase` are of days, `total_error` and `run_rate_error` the mean absolute errors of month ends, in
    the series' own unit. `coverage` is how often a day lay within its interval, `total_coverage` a month's end.
    """

    name: str
    origins: int
    days: int
    ends: int
    scale: float
    mase: float | None
    naive_mase: float | None
    total_error: float | None
    run_rate_error: float | None
    coverage: float | None
    total_coverage: float | None

    @property
    def beats_naive(self) -> bool | None:
        """Whether a day's error is below the seasonal naive forecast's; None where that makes none."""
        return self.mase < self.naive_mase if self.mase is not None and self.naive_mase else None

    @property
    def beats_run_rate(self) -> bool | None:
        """Whether a month's error is below the run rate's; None where that makes none."""
        return self.total_error < self.run_rate_error if self.total_error is not None and self.run_rate_error else None


@dataclass(frozen=True, slots=True)
class Backtest:
    """All series of one backtest."""

    series: tuple[SeriesError, ...]

    @property
    def better_share(self) -> float | None:
        """The share of series whose days are forecast better than by the seasonal naive forecast."""
        return _share(one.beats_naive for one in self.series)

    @property
    def totals_better_share(self) -> float | None:
        """The share of series whose month ends are forecast better than by the run rate."""
        return _share(one.beats_run_rate for one in self.series)

    @property
    def mase_ratio(self) -> float | None:
        """The median of the series' errors of days, in those of the seasonal naive forecast."""
        pairs = [(one.mase, one.naive_mase) for one in self.series]
        return _median(mase / naive for mase, naive in pairs if mase is not None and naive)

    @property
    def total_ratio(self) -> float | None:
        """The median of the series' errors of month ends, in those of the run rate."""
        pairs = [(one.total_error, one.run_rate_error) for one in self.series]
        return _median(error / rate for error, rate in pairs if error is not None and rate)

    @property
    def scaled_total_ratio(self) -> float | None:
        """The mean absolute scaled error of all month ends, in that of the run rate."""
        scaled = [one for one in self._varying if one.ends]
        error = _weighted((one.total_error, one.ends / one.scale) for one in scaled)
        rate = _weighted((one.run_rate_error, one.ends / one.scale) for one in scaled)
        return error / rate if error is not None and rate else None

    @property
    def coverage(self) -> float | None:
        """How many of all days lay within their interval, of the series that vary: what never varies is within."""
        return _weighted((one.coverage, one.days) for one in self._varying)

    @property
    def total_coverage(self) -> float | None:
        """How many of all month ends lay within their interval, likewise."""
        return _weighted((one.total_coverage, one.ends) for one in self._varying)

    @property
    def _varying(self) -> list[SeriesError]:
        return [one for one in self.series if one.beats_naive is not None]


def backtest(
    histories: Sequence[History],
    origins: int = 12,
    every: int = WEEK,
    countries: Sequence[str] = COUNTRIES,
    report: Callable[[str], None] | None = None,
) -> Backtest:
    """Forecast every series from earlier days, and measure.

    Args:
        histories: without anything known in advance: that would be known of what came after.
        origins: from how many days it is forecast; fewer where the history is short.
        every: days between origins; the last one is a horizon before the last final day.
        countries: whose holidays count.
        report: is told in a sentence how far it is.

    Raises:
        UnknownNameError: no holidays are known of a country.
    """
    check_countries(countries)
    found: dict[int, SeriesError] = {}
    for numbers in _alike(histories):
        several = [histories[number] for number in numbers]
        rows = np.stack([row_of(one, _length(several)) for one in several])
        measured = measure([one.name for one in several], rows, several[0].final_through, origins, every, countries)
        found.update(zip(numbers, measured, strict=True))
        if report:
            report(f"{len(found):,} of {len(histories):,} series measured")
    return Backtest(tuple(found[number] for number in range(len(histories))))


def measure(
    names: Sequence[str],
    amounts: Floats,
    last: date,
    origins: int = 12,
    every: int = WEEK,
    countries: Sequence[str] = COUNTRIES,
) -> list[SeriesError]:
    """As `backtest`, of series by day that end on the same day, NaN before a series begins."""
    sums = _Sums(len(names))
    for back in range(origins):
        for horizon, members in _horizons(amounts):
            now = amounts.shape[1] - horizon - back * every
            known = members & (np.sum(~np.isnan(amounts[:, : max(now, 0)]), axis=1) >= WEEK)
            if known.any():
                _from(sums, amounts, np.flatnonzero(known), now, horizon, last, countries)
    scales = [_naive_scale(row, origins, every) for row in amounts]
    return [sums.of(number, name, scale) for number, (name, scale) in enumerate(zip(names, scales, strict=True))]


# --- one origin ------------------------------------------------------------------------------


class _Sums:
    """What adds up over the origins, by series."""

    def __init__(self, number: int) -> None:
        self.totals: dict[str, Floats] = defaultdict(lambda: np.zeros(number))

    def add(self, what: str, members: Numbers, values: Floats | float) -> None:
        self.totals[what][members] += values

    def of(self, number: int, name: str, scale: float) -> SeriesError:
        def mean(what: str, count: str) -> float | None:
            counted = float(self.totals[count][number])
            return float(self.totals[what][number]) / counted if counted else None

        def scaled(what: str) -> float | None:
            error = mean(what, "days")
            return None if error is None or not scale else error / scale

        return SeriesError(
            name,
            int(self.totals["origins"][number]),
            int(self.totals["days"][number]),
            int(self.totals["ends"][number]),
            scale,
            scaled("error"),
            scaled("naive"),
            mean("total_error", "ends"),
            mean("run_rate_error", "ends"),
            mean("held", "days"),
            mean("total_held", "ends"),
        )


def _from(
    sums: _Sums,
    amounts: Floats,
    members: Numbers,
    now: int,
    horizon: int,
    last: date,
    countries: Sequence[str],
) -> None:
    """Forecast from a column (exclusive), and add up what came of it."""
    history = amounts[members, max(0, now - MOST_DAYS) : now]
    actual = amounts[members, now : now + horizon]
    today = last - timedelta(days=amounts.shape[1] - now)
    ahead = [today + timedelta(days=number) for number in range(1, horizon + 1)]
    said = predict(Table(_begun(history), today), ahead, countries)
    naive = np.tile(history[:, -WEEK:], horizon // WEEK + 1)[:, :horizon]
    held = (actual >= said.lower - _CENT) & (actual <= said.upper + _CENT)
    sums.add("origins", members, 1)
    sums.add("days", members, horizon)
    sums.add("error", members, np.abs(said.mean - actual).sum(axis=1))
    sums.add("naive", members, np.abs(naive - actual).sum(axis=1))
    sums.add("held", members, held.sum(axis=1).astype(np.float64))
    _month_end(sums, members, said, history, actual, today)


def _month_end(
    sums: _Sums,
    members: Numbers,
    said: Prediction,
    history: Floats,
    actual: Floats,
    today: date,
) -> None:
    """Add up what the present month ended at, where it has begun and its end is known."""
    rest = (today.replace(day=28) + timedelta(days=4)).replace(day=1) - today - timedelta(days=1)
    if not 0 < rest.days <= actual.shape[1]:
        return
    _, columns, widths = said.months[0]
    so_far = history[:, -min(today.day, history.shape[1]) :]
    rate = np.nansum(so_far, axis=1) / np.maximum(np.sum(~np.isnan(so_far), axis=1), 1) * rest.days
    came, mean = actual[:, columns].sum(axis=1), said.mean[:, columns].sum(axis=1)
    held = (came >= mean + widths.below - _CENT) & (came <= mean + widths.above + _CENT)
    sums.add("ends", members, 1)
    sums.add("total_error", members, np.abs(mean - came))
    sums.add("run_rate_error", members, np.abs(rate - came))
    sums.add("total_held", members, held.astype(np.float64))


# --- which, and how much ---------------------------------------------------------------------


def _begun(history: Floats) -> Floats:
    """Without the days before the first of the series began."""
    return history[:, int(np.argmax(~np.isnan(history).all(axis=0))) :]


def _horizons(amounts: Floats) -> Iterator[tuple[int, Flags]]:
    """The horizon of each series: a third of a short history, and the series that have it."""
    horizons = np.clip(np.sum(~np.isnan(amounts), axis=1) // 3, 1, HORIZON)
    for horizon in np.unique(horizons):
        yield int(horizon), horizons == horizon


def _naive_scale(row: Floats, origins: int, every: int) -> float:
    """The seasonal naive forecast's mean absolute error before the first origin, or in all where that is too short."""
    known = row[~np.isnan(row)]
    horizon = min(HORIZON, max(1, len(known) // 3))
    before = known[: len(known) - horizon - (origins - 1) * every]
    used = before if len(before) > 2 * WEEK else known
    return float(np.mean(np.abs(used[WEEK:] - used[:-WEEK]))) if len(used) > WEEK else 0.0


def _length(histories: Sequence[History]) -> int:
    return max((one.final_through - min(one.amounts)).days + 1 for one in histories)


def _alike(histories: Sequence[History]) -> Iterator[list[int]]:
    by_day: dict[date, list[int]] = defaultdict(list)
    for number, history in enumerate(histories):
        by_day[history.final_through].append(number)
    for numbers in by_day.values():
        yield from (numbers[first : first + AT_ONCE] for first in range(0, len(numbers), AT_ONCE))


def _share(flags: Iterable[bool | None]) -> float | None:
    return _weighted((None if flag is None else float(flag), 1) for flag in flags)


def _weighted(figures: Iterable[tuple[float | None, float]]) -> float | None:
    """The mean of what is known, each figure counting as much as its weight."""
    known = [(figure, weight) for figure, weight in figures if figure is not None]
    weights = sum(weight for _, weight in known)
    return sum(figure * weight for figure, weight in known) / weights if weights else None


def _median(figures: Iterable[float]) -> float | None:
    known = list(figures)
    return median(known) if known else None
