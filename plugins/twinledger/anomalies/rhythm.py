"""How the buckets of a series come: days or hours, what they repeat by, and how long things take among them.

What belongs here: the numbers of each width, in one place. What does not: what is computed with them (`expected`,
`detect`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Width = Literal["day", "hour"]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """One width of buckets; every length is in buckets.

    Attributes:
        width: of a bucket.
        step: the same, as a time.
        levels: how many buckets before one its level is the median of; the window that erred least is taken.
        cycles: what amounts repeat by.
        repeats: how many turns of a cycle are looked back on.
        memory: how many buckets errors are remembered for.
        refreshed: every how many buckets errors are looked at anew.
        fewest: buckets of a series before anything is said of it.
        joined: unremarkable buckets that may lie within one stretch.
        settled: from how many buckets on a stretch is a level shift.
        calendar: whether days off and once-a-month charges are looked for.
    """

    width: Width
    step: timedelta
    levels: tuple[int, ...]
    cycles: tuple[int, ...]
    repeats: int
    memory: int
    refreshed: int
    fewest: int
    joined: int
    settled: int
    calendar: bool


DAILY = Rhythm(
    width="day", step=timedelta(days=1), levels=(7, 28), cycles=(7,), repeats=6, memory=84, refreshed=7,
    fewest=28, joined=2, settled=3, calendar=True,
)  # fmt: skip
"""A new level is the median after four days of a quick series and after two weeks of a slow one."""

HOURLY = Rhythm(
    width="hour", step=timedelta(hours=1), levels=(24, 72), cycles=(24, 168), repeats=4, memory=336, refreshed=24,
    fewest=168, joined=2, settled=24, calendar=False,
)  # fmt: skip
"""Fourteen days of errors are remembered; a week is followed once it has been seen twice."""

RHYTHMS: dict[Width, Rhythm] = {"day": DAILY, "hour": HOURLY}
