"""What is said of one anomaly.

What belongs here: anomalies as values. What does not: how they are found (`detect`), and who is told (`alerts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.money import Money

Shape = Literal["spike", "level shift"]
State = Literal["open", "over", "dismissed"]
"""`over` once the series is as expected again; `dismissed` by an answer: no, or planned."""


@dataclass(frozen=True, slots=True)
class AnomalyCause:
    """What grew or shrank most: a dimension (service, account, region, resource, sku, product, meter), name, money."""

    dimension: str
    name: str
    change: Money


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A stretch of a series that is not as it was expected, in the reporting currency.

    Attributes:
        id: of (series, view, start): the same one from run to run while it goes on.
        series: its name, as `storefront / kubernetes`.
        title: how people call the series.
        view: whose amounts these are; what is `effective` is for finance alone.
        department: whose series it is; empty where it is nobody's alone.
        shape: a spike ends by itself; a level shift stays.
        start: of the first bucket that is not as expected, UTC.
        end: of the last such bucket that is final, UTC; it grows while the anomaly goes on.
        actual: of all buckets from start to end.
        expected: of the same buckets.
        causes: the largest contributors to the impact, by money, at most three.
        reason: what usually explains it: price change | restatement | new commitment | new resource | more usage |
            less usage | unknown.
        state: open, over, or dismissed.
        answer: what somebody said of it: yes | no | planned; empty while nobody did.
        known_through: the last final instant of the series that it was found in, UTC.
    """

    id: str
    series: str
    title: str
    view: View
    department: str
    shape: Shape
    start: datetime
    end: datetime
    actual: Money
    expected: Money
    causes: tuple[AnomalyCause, ...]
    reason: str
    state: State
    answer: str
    known_through: datetime

    @property
    def impact(self) -> Money:
        """What it costs: actual - expected; below 0 where less was spent."""
        return self.actual - self.expected
