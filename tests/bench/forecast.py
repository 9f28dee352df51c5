"""`make bench-forecast`: how good forecasts are, and what they cost.

    make bench-forecast                              the sample company, and 100 to 10,000 series of 400 days
    make bench-forecast ARGS="--labelled FOLDER"     also CSV files of timestamp,value, as daily means
    make bench-forecast ARGS="--most 1000"           fewer series

Errors come from rolling origins over 200 series of the sample company, as its generator has them and as a company
lives (`forecast_series`): days better than seasonal naive on 80 % of series, month ends' error below the run rate's, of
the typical series and scaled over all of them, 75 to 85 % of days and of month ends within intervals. Files of at least
28 days are held to the same by day and over all their month ends; what a single one's two or three months say, and how
many month ends lie within, is shown. The floor of time is the seasonal naive forecast of the same Decimals. Exits with
1 if a bound does not hold.
"""

from __future__ import annotations

import argparse
import csv
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np

from tests.bench.forecast_series import Daily, Floats, as_lived, as_sampled
from twinledger.forecast import Backtest, History, SeriesError, backtest, forecast_many
from twinledger.forecast.backtest import HORIZON, measure
from twinledger.forecast.calendars import days_off
from twinledger.forecast.run import AT_ONCE
from twinledger.forecast.smoothing import WEEK
from twinledger.vocabulary.periods import Period

BETTER, COVERED = 0.8, (0.75, 0.85)
SECONDS = 180
_DAYS, _LAST = 400, date(2026, 9, 30)
_SHORTEST = 28


def measured(daily: Daily) -> Backtest:
    """The backtest of a table."""
    found = []
    for first in range(0, len(daily.names), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        found += measure(daily.names[part], daily.amounts[part], daily.days[-1])
    return Backtest(tuple(found))


def lived(sampled: Daily) -> Daily:
    """The sample company with days off of the United States and of China."""
    days = sampled.days
    off = {
        name: frozenset(day for day, is_off in zip(days, days_off(country, days), strict=True) if is_off)
        for name, country in (("west", "US"), ("china", "CN"))
    }
    return as_lived(sampled, off)


def show(what: str, found: Backtest) -> Backtest:
    """Print one line of errors."""
    judged = sum(one.beats_naive is not None for one in found.series)
    errors = (
        found.better_share,
        found.mase_ratio,
        found.totals_better_share,
        found.total_ratio,
        found.scaled_total_ratio,
    )
    covered = (found.coverage, found.total_coverage)
    print(f"{what:<26} {judged:>6} {' '.join(_figure(figure) for figure in (*errors, *covered))}", flush=True)
    return found


def bounds(what: str, found: Backtest) -> list[str]:
    """Every bound on days and on the sum of month ends that does not hold."""
    broken = []
    if found.better_share is None or found.better_share < BETTER:
        share = _figure(found.better_share)
        broken.append(f"{what}: days better than seasonal naive on {share} of series, expected {BETTER}")
    if found.scaled_total_ratio is None or found.scaled_total_ratio >= 1:
        ratio = _figure(found.scaled_total_ratio)
        broken.append(f"{what}: scaled error of month ends {ratio} of the run rate's, expected below 1")
    return broken + _covered(what, "days", found.coverage)


def bounds_of_many(what: str, found: Backtest) -> list[str]:
    """As `bounds`, and what a handful of series says too little of: the typical series, and month ends' intervals."""
    broken = bounds(what, found)
    if found.total_ratio is None or found.total_ratio >= 1:
        broken.append(f"{what}: month ends' error {_figure(found.total_ratio)} of the run rate's, expected below 1")
    return broken + _covered(what, "month ends", found.total_coverage)


def _covered(what: str, name: str, share: float | None) -> list[str]:
    if share is not None and COVERED[0] <= share <= COVERED[1]:
        return []
    return [f"{what}: {_figure(share)} of {name} within intervals, expected {COVERED[0]} to {COVERED[1]}"]


def _figure(figure: float | None) -> str:
    return f"{'' if figure is None else f'{figure:.3f}':>10}"


def labelled(folder: Path) -> Iterator[tuple[int, History]]:
    """Each CSV file of timestamps and values as daily means; days with few samples at both ends are left out."""
    for path in sorted(folder.glob("*.csv")):
        days: dict[date, list[float]] = defaultdict(list)
        with path.open(newline="") as file:
            for row in csv.reader(file):
                if row[0][:1].isdigit():
                    days[date.fromisoformat(row[0][:10])].append(float(row[1]))
        usual = float(np.median([len(values) for values in days.values()]))
        kept = {day: Decimal(f"{np.mean(values):.4f}") for day, values in days.items() if len(values) > 0.8 * usual}
        yield len(kept), History(path.stem, "USD", kept, max(kept))


def cost(number: int, shape: Daily) -> list[str]:
    """Forecast so many histories of 400 days to the month's end; print time beside the floor's."""
    repeats = -(-number // len(shape.names))
    amounts = np.tile(np.nan_to_num(shape.amounts[:, -_DAYS:]), (repeats, 1))[:number]
    days = [_LAST - timedelta(days=back) for back in range(_DAYS - 1, -1, -1)]
    histories = [
        History(str(place), "USD", dict(zip(days, map(_decimal, row), strict=True)), _LAST)
        for place, row in enumerate(amounts)
    ]
    began, cpu = time.perf_counter(), time.process_time()
    forecast_many(histories, Period(2026, 10))
    took, used = time.perf_counter() - began, time.process_time() - cpu
    floor = _floor(histories, days)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{number:>8,} {took:>8.2f} s {used:>8.2f} s {1000 * used / number:>8.2f} ms {floor:>8.2f} s "
        f"{used / floor:>8.1f} {memory:>8,} MB",
        flush=True,
    )
    return [f"{number:,} series took {took:.0f} s, expected {SECONDS}"] if took > SECONDS else []


def _decimal(value: np.float64) -> Decimal:
    return Decimal(f"{value:.2f}")


def _floor(histories: Sequence[History], days: Sequence[date]) -> float:
    """Processor seconds of saying last week again, of the same Decimals, by the same arrays."""
    cpu = time.process_time()
    for first in range(0, len(histories), AT_ONCE):
        part = histories[first : first + AT_ONCE]
        table: Floats = np.array([[float(one.amounts[day]) for day in days] for one in part])
        ahead = np.tile(table[:, -7:], 5)[:, :31]
        said = [[_decimal(value) for value in row] for row in ahead]
        assert len(said) == len(part)
    return time.process_time() - cpu


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labelled", type=Path, help="a folder of CSV files of timestamp,value")
    parser.add_argument("--most", type=int, default=10_000, help="series at most, for the cost")
    arguments = parser.parse_args()
    print(f"{'series of':<26} {'judged':>6} {'better':>10} {'of naive':>10} {'better':>10} {'of rate':>10}"
          f" {'scaled':>10} {'days':>10} {'month ends':>10}")  # fmt: skip
    sampled = as_sampled()
    alive = lived(sampled)
    tables = {"company, as sampled": sampled, "company, as lived": alive}
    found = {what: show(what, measured(daily)) for what, daily in tables.items()}
    broken = [sentence for what, one in found.items() for sentence in bounds_of_many(what, one)]
    if arguments.labelled:
        files = "files of 28 days and more"
        broken += bounds(files, show(files, Backtest(tuple(_files(arguments.labelled)))))
    print(f"\n{'series':>8} {'clock':>10} {'processor':>10} {'a series':>11} {'floor':>10} {'ratio':>8} {'peak':>11}")
    for number in (100, 1_000, 10_000):
        broken += cost(number, alive) if number <= arguments.most else []
    for sentence in broken:
        print(f"does not hold: {sentence}")
    return 1 if broken else 0


def _files(folder: Path) -> list[SeriesError]:
    """Print every file by itself; returns the errors of the longer ones.

    A file is forecast as budgets are, every day: from each one that has two weeks before it and a horizon after it.
    """
    long: list[SeriesError] = []
    for days, history in labelled(folder):
        origins = max(1, days - min(HORIZON, days // 3) - 2 * WEEK)
        found = backtest([history], origins, every=1)
        show(f"  {history.name[:16]}, {days} d", found)
        long += found.series if days >= _SHORTEST else ()
    return long


if __name__ == "__main__":
    sys.exit(main())
