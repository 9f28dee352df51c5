"""Series with known anomalies: planted ones in the sample company, and labelled ones of files.

What belongs here: how they are made and read. What does not: how they are looked for; nothing here was fitted to that.

The company's 200 largest series live as in `forecast_series`, without its own shifts and spikes, which nobody labelled:
days beyond the first and last tenth of a series are brought there first. Then each is given spikes of one to three
days, levels that rise by 30 to 300 % or fall by 9 to 60 %, and stay, in about every fifth month, drawn from a seed.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np

from tests.bench import forecast_series as made
from tests.bench.forecast_series import Daily, Floats

Kind = Literal["spike", "rise", "fall"]
WARM_UP = 100
"""Days at the beginning of each series that nothing is planted in and no alarm is counted in, whoever looks."""

LEARNT = 14
"""Days within which a level that stays is to be found."""

_EVERY, _SHARE, _LAST = 90, 0.6, 40
_HOUR = timedelta(hours=1)
_LONGEST_HOURS = 100_000


@dataclass(frozen=True, slots=True)
class Window:
    """Where one anomaly is, buckets `first` to `last`, both included; `size` in what is usual, 0 where unknown."""

    row: int
    first: int
    last: int
    kind: str
    size: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Series by bucket, and every anomaly in them; alarms in the first buckets of a series are not counted."""

    amounts: Floats
    first: datetime
    windows: tuple[Window, ...]
    warm_up: int


def planted(sampled: Daily, off: dict[str, frozenset[date]], seed: int) -> Known:
    """The company with anomalies; all chance is from the seed."""
    chance = np.random.default_rng((seed, 1))
    rows, windows = [], []
    for number, (name, amounts) in enumerate(zip(sampled.names, sampled.amounts, strict=True)):
        row = _calm(name, amounts, sampled, off, np.random.default_rng((seed, 0, number)))
        rows.append(row)
        windows += list(_plant(row, number, chance))
    first = datetime(sampled.first.year, sampled.first.month, sampled.first.day, tzinfo=UTC)
    table: Floats = np.stack(rows).round(2)
    return Known(table, first, tuple(windows), WARM_UP)


def _calm(
    name: str, amounts: Floats, sampled: Daily, off: dict[str, frozenset[date]], chance: np.random.Generator
) -> Floats:
    days = sampled.days
    even = np.clip(amounts, *np.quantile(amounts, [0.1, 0.9]))
    shape = made._week(days, chance) * made._growth(len(days), chance) * made._month(days, chance)  # noqa: SLF001
    rest = chance.choice([1.0, chance.uniform(0.5, 0.9)])
    shape = shape * np.where([day in made._days_off(name, off) for day in days], rest, 1.0)  # noqa: SLF001
    lived = even * shape * _noise(len(days), chance) + made._fees(even, days, chance)  # noqa: SLF001
    if chance.random() < 0.2:
        lived[: chance.integers(60, len(days) - 110)] = np.nan
    return lived


def _noise(number: int, chance: np.random.Generator) -> Floats:
    """Days that remember the day before and days that do not, as in `forecast_series`, without spikes."""
    slow, fast, memory = chance.uniform(0.01, 0.08), chance.uniform(0.01, 0.1), chance.uniform(0.5, 0.95)
    drawn = chance.normal(0, slow, number)
    for day in range(1, number):
        drawn[day] += memory * drawn[day - 1]
    noise: Floats = np.exp(drawn + chance.normal(0, fast, number))
    return noise


def _plant(row: Floats, number: int, chance: np.random.Generator) -> Iterator[Window]:
    """Change a series where it is as it was drawn to be."""
    begun = int(np.argmax(~np.isnan(row)))
    for part in range(begun + WARM_UP, len(row) - _LAST, _EVERY):
        at = int(chance.integers(part, min(part + 50, len(row) - _LAST + 10)))
        size = float(np.exp(chance.uniform(np.log(0.3), np.log(3.0))))
        kind: Kind = chance.choice(["spike", "rise", "fall"], p=[0.5, 0.35, 0.15])
        length, usual = int(chance.integers(1, 4)), float(np.nanmedian(row[at - 28 : at]))
        if chance.random() > _SHARE or usual <= 0:
            continue
        if kind == "spike":
            row[at : at + length] += size * usual
            yield Window(number, at, at + length - 1, kind, size)
            continue
        factor = 1 + size if kind == "rise" else 1 - 0.3 * min(size, 2.0)
        row[at:] *= factor
        yield Window(number, at, min(at + LEARNT, len(row)) - 1, kind, abs(factor - 1))


def labelled(folder: Path) -> Iterator[tuple[str, Known]]:
    """Each CSV file of timestamp,value by the hour: the mean of its values, 0 for an hour without one.

    `windows.json` beside them says where their anomalies are: {file: [[from, to]]}, UTC.
    """
    marked = json.loads((folder / "windows.json").read_text())
    for path in sorted(folder.glob("*.csv")):
        hours: dict[datetime, list[float]] = defaultdict(list)
        with path.open(newline="") as file:
            for line in csv.reader(file):
                if line[0][:1].isdigit():
                    at = datetime.fromisoformat(line[0]).replace(minute=0, second=0, microsecond=0, tzinfo=UTC)
                    hours[at].append(float(line[1]))
        first, number = min(hours), min((max(hours) - min(hours)) // _HOUR + 1, _LONGEST_HOURS)
        row = [float(np.mean(hours.get(first + place * _HOUR, [0.0]))) for place in range(number)]
        spans = [[(datetime.fromisoformat(one).replace(tzinfo=UTC) - first) // _HOUR for one in span]
                 for span in marked.get(path.name, [])]  # fmt: skip
        windows = tuple(Window(0, start, end, "labelled") for start, end in spans)
        yield path.stem, Known(np.array([row]), first, windows, 0)
