"""Metering: what the platforms saw, some days a file for each feed.

What belongs here: the feeds, their formats and their files. What does not: how much was used, which
is what was bought, but for planted facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

from twinledger.sample import company, fleet
from twinledger.sample.bills import Bill
from twinledger.sample.fleet import Line, Segment
from twinledger.sample.layouts import stamp_file
from twinledger.sample.studio import Studio
from twinledger.vocabulary.periods import Period

Format = Literal["parquet", "csv", "jsonl", "cloudevents"]


LINES_A_FILE = 2_000_000
"""Most lines of the fleet that one file reports on, however large the company is."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One metering feed; a file covers up to `days` days of one month."""

    name: str
    format: Format
    suffix: str
    days: int = 31


@dataclass(frozen=True, slots=True)
class Span:
    """What one file reports: a feed's usage from `first` to `last`, both inclusive."""

    feed: Feed
    first: date
    last: date

    def __str__(self) -> str:
        """As people say it."""
        return f"usage of {self.feed.name} from {self.first} to {self.last}"


FEEDS = (
    Feed("kubernetes", "parquet", ".parquet"),
    Feed("gpu", "parquet", ".parquet"),
    Feed("gpu-events", "cloudevents", ".jsonl", days=7),
    Feed("gpu-small", "jsonl", ".jsonl"),
    Feed("storage", "csv", ".csv"),
)


def _lines(feed: Feed, bills: Sequence[Bill]) -> list[Line]:
    return [line for bill in bills for line in bill.lines if line.feed == feed.name]


def _feeds(bills: Sequence[Bill]) -> list[Feed]:
    return [feed for feed in FEEDS if _lines(feed, bills)]


def _segments(span: Span, bills: Sequence[Bill], scale: Decimal) -> list[Segment]:
    is_last_month = Period(span.first.year, span.first.month) == company.LAST_PERIOD
    return fleet.segments(_lines(span.feed, bills), span.first, span.last, scale, is_last_month=is_last_month)


def spans(bills: Sequence[Bill], periods: Sequence[Period], scale: Decimal) -> Iterator[Span]:
    """Every file of every feed that reports on lines of some bills."""
    for period in periods:
        for feed in _feeds(bills):
            day = Span(feed, period.first_day, period.first_day)
            a_day = sum(one.rows for one in _segments(day, bills, scale))
            days = max(1, min(feed.days, LINES_A_FILE // a_day))
            for number in range(0, period.days, days):
                last = min(number + days, period.days) - 1
                yield Span(feed, period.first_day + timedelta(days=number), period.first_day + timedelta(days=last))


def write_span(studio: Studio, folder: Path, span: Span, bills: Sequence[Bill], scale: Decimal) -> None:
    """Write one file, left early on the day after its last."""
    feed = span.feed
    path = folder / feed.name / f"{span.first}_{span.last}{feed.suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    segments = _segments(span, bills, scale)
    if feed.format == "parquet":
        studio.parquet("usage_files", segments, path)
    elif feed.format == "csv":
        studio.csv("usage_texts", segments, path)
    else:
        studio.json_lines("usage_events" if feed.format == "cloudevents" else "usage_texts", segments, path)
    left_at = span.last + timedelta(days=1)
    stamp_file(path, datetime(left_at.year, left_at.month, left_at.day, 6, tzinfo=UTC))


def sources(bills: Sequence[Bill]) -> list[dict[str, object]]:
    """The metering sources that report on lines of some bills, as sources.yaml has them."""
    return [
        {"name": feed.name, "kind": "usage", "format": feed.format, "place": f"../usage/{feed.name}", "slice": "day"}
        for feed in _feeds(bills)
    ]
