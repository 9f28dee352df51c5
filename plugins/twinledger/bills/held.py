"""The slices that the ledger holds of a source: which of them are one unit, and what was said of it last.

What belongs here: reading the lake's states. What does not: writing slices (`ingest`, `adjustments`), and
which of two writers wins, which the lake decides in its commit.

A unit is what a delivery replaces: a whole billing period, or a day or file whose lines may be of several
periods. What was said of it stands in its slices, and in adjustments once a period is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from twinledger.bills.deliveries import WHOLE
from twinledger.lake import SliceState, partition_of

ADJUSTING = "restates-"
"""What the name of a slice of adjustments begins with."""


@dataclass(frozen=True, slots=True)
class Held:
    """A slice of the ledger, and what it was last written from."""

    partition: Mapping[str, str]
    state: SliceState

    @property
    def order(self) -> tuple[str, str]:
        """Sorts as what was said later; of two that were said at one instant, as the lake decides."""
        return self.state.version, self.state.digest

    @property
    def charged(self) -> str:
        """The period whose charges these are: its own, or the closed one that it adjusts."""
        return self.state.group.removeprefix(ADJUSTING) or self.partition["x_period"]


def of_source(states: Mapping[str, SliceState], source: str) -> Iterator[Held]:
    """The slices of a source, in order of their names."""
    for name, state in sorted(states.items()):
        partition = partition_of(name)
        if partition["x_source"] == source:
            yield Held(partition, state)


def adjusting(period: str, unit: str) -> str:
    """The name of the slices of adjustments of a unit of a closed period: all of it, or a day or file of it."""
    return f"{ADJUSTING}{period}" + (f"-{unit}" if unit != WHOLE else "")


def last(states: Mapping[str, SliceState], source: str, period: str, name: str) -> Held | None:
    """What a source said last of the unit that a slice is of, where that slice was booked or adjusted."""
    if name.startswith(ADJUSTING):
        adjusted = name.removeprefix(ADJUSTING)
        period, unit = adjusted[: len("YYYY-MM")], adjusted[len("YYYY-MM-") :] or WHOLE
    else:
        unit = name
    if unit == WHOLE:
        return _newest(_of_period(states, source, period))
    # Where the whole month stands for its days, it does not matter what was said of one.
    return _newest(
        one
        for one in of_unit(states, source, unit)
        if not any(whole.state.covers for whole in _of_period(states, source, one.charged))
    )


def _newest(said: Iterable[Held]) -> Held | None:
    return max(said, key=lambda one: one.order, default=None)


def _of_period(states: Mapping[str, SliceState], source: str, period: str) -> list[Held]:
    return [
        one
        for one in of_source(states, source)
        if (one.partition["x_period"], one.partition["x_slice"]) == (period, WHOLE)
        or one.partition["x_slice"] == adjusting(period, WHOLE)
    ]


def of_unit(states: Mapping[str, SliceState], source: str, unit: str) -> list[Held]:
    """The slices of a day or file, in whichever periods it has lines of, and their adjustments."""
    return [
        one for one in of_source(states, source) if one.partition["x_slice"] in {unit, adjusting(one.charged, unit)}
    ]
