"""A year of the sample company: its amounts by day, with what is planted, and a run of every room on each day.

What belongs here: amounts, plans, and walking the days. What does not: what must be true of the messages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from statistics import median

import numpy as np

from tests.bench.forecast_series import Daily
from twinledger.alerts import evaluate_on, load_rules, tend
from twinledger.anomalies import Anomaly, anomalies
from twinledger.anomalies.causes import Why
from twinledger.anomalies.detect import Bounds
from twinledger.anomalies.found import look
from twinledger.anomalies.record import Run, identity, write
from twinledger.anomalies.rhythm import DAILY
from twinledger.anomalies.sources import Key, Series
from twinledger.budgets import Position
from twinledger.clock import FixedClock
from twinledger.forecast import Floats, History, forecast_many
from twinledger.sample.company import TENANTS
from twinledger.store import Store
from twinledger.vocabulary.money import Money, exact_sum
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

FIRST, LAST = date(2025, 11, 1), date(2026, 10, 31)
"""The last twelve of the fifteen months; the three before them are history."""

BREACHES = {
    ("payments", Period(2025, 12)): 10,
    ("analytics", Period(2026, 1)): 14,
    ("storefront", Period(2026, 3)): 5,
    ("logistics", Period(2026, 5)): 16,
    ("data-science", Period(2026, 7)): 8,
    ("payments", Period(2026, 10)): 15,
}
"""(department, month) -> the day from which on all that the department has costs three times as much."""

SPIKES = {
    "logistics": date(2026, 1, 14),
    "data-science": date(2026, 2, 25),
    "payments": date(2026, 6, 10),
    "analytics": date(2026, 7, 18),
    "storefront": date(2026, 9, 3),
}
"""Department -> the day on which its largest steady series costs four times as much; one is a Saturday."""

SERIES_LOOKED_AT, STEADY = 4, 0.1
"""The largest of each department; steady is a series whose deviation is below a tenth of its mean."""

DEPARTMENTS = tuple(dict.fromkeys(tenant.department for tenant in TENANTS))


@dataclass(frozen=True)
class Desk:
    """What alerts need of a deployment."""

    settings: Settings
    store: Store
    clock: FixedClock


class Spending:
    """What each department's products cost by day, in USD, with all that is planted."""

    def __init__(self, sampled: Daily) -> None:
        """Add the sample's series up by department and product, and plant."""
        owners = {tenant.name: tenant.department for tenant in TENANTS}
        sums: dict[Key, Floats] = defaultdict(lambda: np.zeros(len(sampled.days)))
        for name, amounts in zip(sampled.names, sampled.amounts, strict=True):
            tenant, product, *_ = name.split(" / ")
            sums[Key("internal", owners[tenant], product)] += amounts
        self.days = sampled.days
        self.plans = {name: _plan(self.days, sums, name) for name in DEPARTMENTS}
        self.spiked = {name: _steady(sums, name) for name in SPIKES}
        self.series = {key: self._planted(key, amounts) for key, amounts in sums.items()}

    @cached_property
    def looked_at(self) -> dict[Key, dict[datetime, Decimal]]:
        """The largest series of each department, by the start of each day."""
        keys = [key for name in DEPARTMENTS for key in _ranked(self.series, name)[:SERIES_LOOKED_AT]]
        return {key: {_midnight(day): amount for day, amount in self.series[key].items()} for key in keys}

    @cached_property
    def totals(self) -> Mapping[str, dict[date, Decimal]]:
        """By department and day."""
        return {
            name: {
                day: exact_sum(one[day] for key, one in self.series.items() if key.scope == name) for day in self.days
            }
            for name in DEPARTMENTS
        }

    def spent(self, department: str, known: date) -> Decimal:
        """From the first of the month to the known day."""
        days = self.totals[department]
        return exact_sum(days[known.replace(day=number)] for number in range(1, known.day + 1))

    def _planted(self, key: Key, amounts: Floats) -> dict[date, Decimal]:
        return {day: _usd(float(one) * self._times(key, day)) for day, one in zip(self.days, amounts, strict=True)}

    def _times(self, key: Key, day: date) -> int:
        if self.spiked[key.scope] == key and SPIKES[key.scope] == day:
            return 4
        grown = BREACHES.get((key.scope, Period(day.year, day.month)), 32)
        return 3 if day.day >= grown else 1


def _usd(amount: float) -> Decimal:
    return Decimal(f"{amount:.2f}")


def _plan(days: Sequence[date], sums: Mapping[Key, Floats], department: str) -> Decimal:
    """15 % more than the usual month."""
    months: dict[Period, float] = defaultdict(float)
    for key in (one for one in sums if one.scope == department):
        for day, amount in zip(days, sums[key], strict=True):
            months[Period(day.year, day.month)] += float(amount)
    return _usd(1.15 * median(months.values()))


def _ranked(sums: Mapping[Key, Floats] | Mapping[Key, dict[date, Decimal]], department: str) -> list[Key]:
    def total(key: Key) -> float:
        found = sums[key]
        return float(sum(found.values()) if isinstance(found, dict) else found.sum())

    return sorted((key for key in sums if key.scope == department), key=lambda key: (-total(key), key.product))


def _steady(sums: Mapping[Key, Floats], department: str) -> Key:
    return next(key for key in _ranked(sums, department) if sums[key].std() < STEADY * sums[key].mean())


# --- a day ------------------------------------------------------------------------------------


def positions(spending: Spending, known: date) -> Iterator[Position]:
    """Every department's plan of the month, with the real forecast of what it knows."""
    month = Period(known.year, known.month)
    last = known.replace(day=month.days)
    histories = [History(name, "USD", spending.totals[name], known) for name in DEPARTMENTS]
    for said in forecast_many(histories, month):
        spent = Money(spending.spent(said.name, known), "USD")
        (end,) = said.totals or (None,)
        mean, lower, upper = (end.mean, end.lower, end.upper) if end else (spent.amount,) * 3
        yield Position(
            said.name, said.name, "internal", said.name, str(month), known.replace(day=1), last, known,
            Money(spending.plans[said.name], "USD"), spent, Money(Decimal(0), "USD"),
            Money(mean, "USD"), Money(lower, "USD"), Money(upper, "USD"),
        )  # fmt: skip


def unusual(desk: Desk, spending: Spending, known: date) -> list[Anomaly]:
    """Look with the real detector at what is final, keep it, and read what is open."""
    final = _midnight(known + timedelta(days=1))
    series = tuple(
        Series(key, DAILY, final, "USD", {at: one for at, one in amounts.items() if at < final})
        for key, amounts in spending.looked_at.items()
    )
    chosen = desk.settings.anomalies
    looked = look(series, Bounds(chosen.deviations, chosen.least_share, float(chosen.least_amount)), {})
    why = {identity(one): Why((), "unknown") for one in looked.found}
    with desk.store.transaction() as session:
        write(session, Run("internal", series, looked, {one.key: one.key.name for one in series}, why), final)
        return anomalies(session, state="open")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def live(desk: Desk, spending: Spending) -> Iterator[date]:
    """Each day at six the day before is evaluated, every second day twice; at eleven time does its own."""
    rules = load_rules(desk.settings.config)
    for number in range((LAST - FIRST).days + 1):
        known = FIRST + timedelta(days=number)
        desk.clock.instant = _midnight(known) + timedelta(days=1, hours=6)
        stand, found = list(positions(spending, known)), unusual(desk, spending, known)
        for _ in range(1 + number % 2):
            evaluate_on(desk, stand, found, file=rules)
        desk.clock.advance(timedelta(hours=5))
        tend(desk, file=rules)
        yield known
