"""Daily series of the sample company for measuring forecasts.

What belongs here: how the series are made. What does not: how they are forecast; nothing here was fitted to that.

`as_sampled` is what the sample's own generator charges tenants a day, at list price or at the catalog's price, by
tenant, product or service, region and sub-account: the 200 largest, over 15 months. Its usage is drawn evenly: no
week, no growth, no holidays. `as_lived` gives each of them the life that the generator leaves out, drawn once from
a seed: weekends, growth, month ends, holidays, days off, level shifts, fees, late starts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from twinledger.sample import company, fleet
from twinledger.sample.studio import Studio
from twinledger.sample.vendors import LINES
from twinledger.vocabulary.periods import Period

Floats = NDArray[np.float64]

MONTHS = 15
_LAST = company.LAST_PERIOD
_SEED = 20261031


@dataclass(frozen=True, slots=True)
class Daily:
    """Amounts of some series on the same days; before a series began, they are NaN."""

    names: tuple[str, ...]
    first: date
    amounts: Floats

    @property
    def days(self) -> list[date]:
        """Every day of the table, in order."""
        return [self.first + timedelta(days=number) for number in range(self.amounts.shape[1])]


def as_sampled(most: int = 200) -> Daily:
    """The largest series of the sample company, as its generator charges them."""
    first = _LAST.shift(1 - MONTHS)
    sums: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    lines = [line for line in LINES.values() if not line.aside]
    studio = Studio(_SEED, list(LINES.values()))
    try:
        for month in range(MONTHS):
            _add(studio, lines, first.shift(month), sums)
    finally:
        studio.close()
    return _largest(sums, first.first_day, most)


def _add(studio: Studio, lines: list[fleet.Line], period: Period, sums: dict[tuple[str, date], Decimal]) -> None:
    direct = [line for line in lines if line.pool == "direct" and line.kind in fleet.USAGE]
    metered = [line for line in lines if line.feed]
    last = date(period.year, period.month, period.days)
    places = {line.key: f"{line.region} / {line.account}" for line in lines}
    for row in studio.sums("charges", fleet.segments(direct, period.first_day, last, Decimal(1), is_last_month=False)):
        name = f"{row['tenant']} / {row['service']} / {places[row['line']]}"
        sums[name, row["started_at"].date()] += row["listed"]
    for row in studio.sums("usage", fleet.segments(metered, period.first_day, last, Decimal(1), is_last_month=False)):
        price = company.PRICES.get((row["product"], row["meter"]), Decimal(0))
        name = f"{row['tenant']} / {row['product']} / {places[row['line']]}"
        sums[name, row["started_at"].date()] += price * row["quantity"]


def _largest(sums: dict[tuple[str, date], Decimal], first: date, most: int) -> Daily:
    days = (_LAST.shift(1).first_day - first).days
    table: dict[str, Floats] = defaultdict(lambda: np.zeros(days))
    for (name, day), amount in sums.items():
        if (number := (day - first).days) < days:
            table[name][number] += float(amount)
    names = sorted(table, key=lambda name: (-float(table[name].sum()), name))[:most]
    kept = tuple(sorted(name for name in names if table[name].any()))
    return Daily(kept, first, np.stack([table[name] for name in kept]))


def as_lived(sampled: Daily, holidays: dict[str, frozenset[date]], seed: int = _SEED) -> Daily:
    """The same series with the life of a company: each draws its own from the seed.

    Args:
        sampled: what is multiplied.
        holidays: days off by calendar: "west" and "china"; a series in a Chinese region has the latter.
        seed: of all chance.
    """
    days = sampled.days
    lived = [
        _live(amounts, days, _days_off(name, holidays), np.random.default_rng((seed, number)))
        for number, (name, amounts) in enumerate(zip(sampled.names, sampled.amounts, strict=True))
    ]
    return Daily(sampled.names, sampled.first, np.stack(lived))


def _days_off(name: str, holidays: dict[str, frozenset[date]]) -> frozenset[date]:
    chinese = any(mark in name for mark in ("cn-", "ap-guangzhou", "ap-shanghai"))
    return holidays["china" if chinese else "west"]


def _live(amounts: Floats, days: list[date], off: frozenset[date], chance: np.random.Generator) -> Floats:
    number = len(days)
    shape = _week(days, chance) * _growth(number, chance) * _month(days, chance) * _shifts(number, chance)
    shape = shape * np.where([day in off for day in days], chance.choice([1.0, chance.uniform(0.5, 0.9)]), 1.0)
    lived = np.round(amounts * shape * _noise(number, chance) + _fees(amounts, days, chance), 2)
    if chance.random() < 0.2:
        lived[: chance.integers(60, number - 110)] = np.nan
    return lived


def _week(days: list[date], chance: np.random.Generator) -> Floats:
    weekend = chance.choice([1.0, chance.uniform(0.35, 0.95), chance.uniform(1.05, 1.4)], p=[0.3, 0.55, 0.15])
    working = np.append(chance.normal(1.0, 0.03, 5), [1.0, 1.0])
    return np.array([working[day.weekday()] * (weekend if day.weekday() > 4 else 1.0) for day in days])


def _growth(number: int, chance: np.random.Generator) -> Floats:
    yearly = chance.normal(0.2, 0.3)
    grown: Floats = np.exp(yearly * np.arange(number) / 365)
    return grown


def _month(days: list[date], chance: np.random.Generator) -> Floats:
    """A quarter of the series work harder on the last days of a month."""
    last, more = chance.integers(1, 4), chance.uniform(0.2, 0.8)
    if chance.random() >= 0.25:
        return np.ones(len(days))
    return np.array([1 + more if (day + timedelta(days=int(last))).day <= last else 1.0 for day in days])


def _shifts(number: int, chance: np.random.Generator) -> Floats:
    steps = np.where(chance.random(number) < 1.5 / 365, chance.normal(0, 0.25, number), 0.0)
    shifted: Floats = np.exp(np.cumsum(steps))
    return shifted


def _noise(number: int, chance: np.random.Generator) -> Floats:
    """Days that remember the day before, days that do not, and now and then a spike."""
    slow, fast, memory = chance.uniform(0.01, 0.08), chance.uniform(0.01, 0.1), chance.uniform(0.5, 0.95)
    drawn = chance.normal(0, slow, number)
    for day in range(1, number):
        drawn[day] += memory * drawn[day - 1]
    spikes = np.where(chance.random(number) < 0.004, chance.uniform(1.5, 3, number), 1.0)
    return np.exp(drawn + chance.normal(0, fast, number)) * spikes


def _fees(amounts: Floats, days: list[date], chance: np.random.Generator) -> Floats:
    """A fifth pays a fee on the first, a tenth for support on the last day: so many days' worth."""
    worth = float(amounts.mean()) * chance.uniform(1, 8)
    kind = chance.choice(["first", "last", "none"], p=[0.2, 0.1, 0.7])
    if kind == "first":
        return np.array([worth if day.day == 1 else 0.0 for day in days])
    if kind == "last":
        return np.array([worth if (day + timedelta(days=1)).day == 1 else 0.0 for day in days])
    return np.zeros(len(days))
