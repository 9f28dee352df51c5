"""Samples of time series as usage: what a gauge or a counter comes to, hour by hour, and where nothing is known.

What belongs here: the arithmetic, exact. What does not: where samples come from (`cloud.prometheus`).

A gauge's sample holds until the next one, a counter's difference belongs to the hour in which it begins; a counter
that is smaller than before was reset and has grown by its whole value. Between two samples no more than
`bridge_steps` may be missing; of a longer gap a gauge's sample holds one step, a counter's growth is not
charged, and the rest is reported. Before its first and after its last sample of a day a series is taken not to have
been there; whether a tenant should have been is for coverage to say.

Times are seconds since 1970, UTC, and lie on the grid of the query's step, which divides the hour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from twinledger.catalog import MeterQuery
from twinledger.vocabulary.money import QUANTITY_SCALE

HOUR = 3600
_SMALLEST = 10**QUANTITY_SCALE

Labels = Mapping[str, str]


class Owner(NamedTuple):
    """Whose a series is; nothing where it has no such label."""

    tenant: str
    resource: str


class Gap(NamedTuple):
    """Where a series has no sample, and is not bridged."""

    owner: Owner
    start: int
    end: int


def parsed_value(text: str) -> Fraction | None:
    """A sample's value, exactly; None for NaN and infinities, which are no value."""
    try:
        return Fraction(text)
    except ValueError:
        return None


@dataclass
class SeriesUsage:
    """Usage of one meter in [start, end), from samples that come in order of time for each series."""

    query: MeterQuery
    start: int
    end: int
    _last: dict[tuple[tuple[str, str], ...], tuple[int, Fraction]] = field(default_factory=dict)
    _sums: dict[tuple[Owner, int], Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    _gaps: dict[Gap, int] = field(default_factory=lambda: defaultdict(int))
    has_samples: bool = False

    def observe(self, labels: Labels, at: int, value: Fraction | None) -> None:
        """The next sample of a series; those just outside of the time tell what is bridged at its ends."""
        if value is None:
            return
        self.has_samples = self.has_samples or self.start <= at < self.end
        series = tuple(sorted(labels.items()))
        before = self._last.get(series)
        self._last[series] = (at, value)
        if before is not None:
            self._between(self._owner(labels), *before, at, value)

    def lines(self) -> Iterator[dict[str, str | None]]:
        """Records in order of hour and owner, then gaps; `quantity` in the meter's unit, to 9 decimals."""
        if not self._counts:
            for series, (at, value) in self._last.items():
                self._hold(self._owner(dict(series)), at, at + self.query.step_seconds, value)
        self._last.clear()
        seconds = 1 if self._counts else HOUR
        for (owner, hour), total in sorted(self._sums.items(), key=lambda one: (one[0][1], one[0][0])):
            quantity = total / (seconds * Fraction(self.query.per_unit))
            yield {**self._line(owner, hour, hour + HOUR), "quantity": digits(quantity)}
        for gap, count in sorted(self._gaps.items()):
            reason = f"{count} series without a sample for {(gap.end - gap.start) // self.query.step_seconds} steps"
            yield {**self._line(gap.owner, gap.start, gap.end), "quantity": None, "gap": reason}

    @property
    def _counts(self) -> bool:
        """Whether samples count up; others hold for a time."""
        return self.query.kind == "counter"

    def _owner(self, labels: Labels) -> Owner:
        return Owner(labels.get(self.query.tenant, ""), labels.get(self.query.resource, ""))

    def _between(self, owner: Owner, at: int, value: Fraction, next_at: int, next_value: Fraction) -> None:
        step = self.query.step_seconds
        bridged = (next_at - at) // step - 1 <= self.query.bridge_steps
        if not self._counts:
            self._hold(owner, at, next_at if bridged else at + step, value)
        elif bridged and self.start <= at < self.end:
            grown = next_value - value if next_value >= value else next_value
            self._sums[owner, at - at % HOUR] += grown
        if not bridged:
            start = max(self.start, at if self._counts else at + step)
            if start < (end := min(self.end, next_at)):
                self._gaps[Gap(owner, start, end)] += 1

    def _hold(self, owner: Owner, start: int, end: int, value: Fraction) -> None:
        """A value over a time, split at the hours and cut at the ends."""
        start, end = max(start, self.start), min(end, self.end)
        while start < end:
            hour = start - start % HOUR
            until = min(end, hour + HOUR)
            self._sums[owner, hour] += value * (until - start)
            start = until

    def _line(self, owner: Owner, start: int, end: int) -> dict[str, str | None]:
        product, _, meter = self.query.meter.partition("/")
        return {
            "tenant": owner.tenant or None, "product": product, "meter": meter, "resource": owner.resource or None,
            "started_at": _instant(start), "ended_at": _instant(end),
        }  # fmt: skip


def digits(quantity: Fraction) -> str:
    """A quantity as text, rounded once, half to even, to the decimals of the usage table."""
    return f"{Decimal(round(quantity * _SMALLEST)).scaleb(-QUANTITY_SCALE):f}"


def _instant(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
