"""Bills and their deliveries: which rows a vendor hands over, when, and in which files.

What belongs here: the words for a bill, and ways of delivering that several vendors share. What does
not: any one vendor's bill, which is in `vendors`, and the rows, which are SQL. Source of the ways of
delivering: reference/vendor_bill_formats.md, section 0.
"""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

from twinledger.sample import company, fleet
from twinledger.sample.fleet import Line, Segment
from twinledger.sample.studio import Studio
from twinledger.vocabulary.periods import Period

ROWS_A_FILE = 500_000

Covers = Literal["month", "month_to_date", "day", "file"]


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one file, or of one CSV in a zip, and which of its bill's datasets they are written as."""

    segments: tuple[Segment, ...]
    dataset: str = ""

    @property
    def rows(self) -> int:
        """How many rows the file has below its header."""
        return sum(segment.rows for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One hand-over of some days of one month, both inclusive.

    `preliminary`: the whole month, as it was before it was restated. `superseded`: a later delivery of the
    sample takes its place in the ledger. `segments` are its charges, each once; `parts` are its files.
    """

    bill: Bill
    period: Period
    delivered_at: datetime
    first: date
    last: date
    covers: Covers
    segments: tuple[Segment, ...]
    parts: tuple[Part, ...]
    preliminary: bool = False
    superseded: bool = False

    @property
    def rows(self) -> int:
        """How many charges it brings to the ledger."""
        return sum(segment.rows for segment in self.segments if not segment.line.aside)

    @property
    def stamp(self) -> str:
        """The time of delivery, as vendors put it into folder names."""
        return self.delivered_at.strftime("%Y%m%dT%H%M%SZ")

    @property
    def words(self) -> dict[str, object]:
        """What a template of a file's name may say of its delivery; `stamp` is YYYYMMDD, or YYYYMM of a month."""
        return {
            "account": self.bill.account,
            "name": self.bill.name,
            "period": str(self.period),
            "month": f"{self.first:%Y%m}",
            "first": f"{self.first:%Y%m%d}",
            "last": f"{self.last:%Y%m%d}",
            "stamp": f"{self.first:%Y%m}" if self.covers == "month" else f"{self.last:%Y%m%d}",
            "delivered": self.delivered_at,
        }


Plan = Callable[["Bill", Period, Decimal], Iterator[Delivery]]
Write = Callable[[Studio, Path, Delivery, int], Path]
Manifest = Callable[[Studio, Path, Delivery], None]
Count = Callable[[Delivery], int]


def one_file_a_part(delivery: Delivery) -> int:
    """How many files a delivery has whose parts are a file each."""
    return len(delivery.parts)


def no_manifest(studio: Studio, root: Path, delivery: Delivery) -> None:
    """Most vendors announce nothing."""
    del studio, root, delivery


@dataclass(frozen=True, slots=True)
class Layout:
    """How the files of a delivery lie below their bill's folder.

    `write` writes file `number`, counted from 1, below a root and returns its path; files are written side
    by side, in any order. `manifest` follows when all are there.
    """

    write: Write
    manifest: Manifest = no_manifest
    files: Count = one_file_a_part


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One bill of one vendor in one format: a source of the sample, and a folder below `bills`.

    `model` is the file sql/<model>.sql that makes the view `view` over `charges`. `last_months` is in how
    many of the sample's last months it bills; None: in all of them.
    """

    name: str
    provider: str  # as the ledger's ProviderName has it
    format: str
    account: str  # as the ledger's BillingAccountId has it; no two bills of one provider share it
    currency: str
    model: str
    view: str
    lines: tuple[Line, ...]
    plan: Plan
    layout: Layout
    slice: Literal["period", "day", "file"] = "period"
    options: Mapping[str, object] = field(default_factory=dict)  # of its entry in sources.yaml
    datasets: tuple[str, ...] = ("",)  # what each delivery consists of; the view asks GETVARIABLE('dataset')
    last_months: int | None = 2
    least_parts: int = 1
    restates: bool = False
    first_number: int | None = None  # of its lines' chance; None: follows from their names

    def __post_init__(self) -> None:
        """Tell each line whose it is, and what its chance is drawn from, whatever other bills there are."""
        own = tuple(
            replace(line, bill=self.name, number=self._number(place, line)) for place, line in enumerate(self.lines)
        )
        object.__setattr__(self, "lines", own)

    def _number(self, place: int, line: Line) -> int:
        if self.first_number is not None:
            return self.first_number + place
        return 100 + zlib.crc32(f"{self.name}/{line.name}".encode()) % 8900  # times 10^15 it must fit 64 bits

    def deliver(
        self,
        scale: Decimal,
        days: tuple[date, date],
        at: datetime,
        covers: Covers = "month",
        *,
        preliminary: bool = False,
        superseded: bool = False,
    ) -> Delivery:
        """A delivery of the rows of some days, cut into parts."""
        first, last = days
        period = Period(first.year, first.month)
        is_last_month = period == company.LAST_PERIOD
        segments = fleet.segments(self.lines, first, last, scale, is_last_month=is_last_month, preliminary=preliminary)
        parts = tuple(part for dataset in self.datasets for part in self._parts(dataset, segments))
        return Delivery(
            self, period, at, first, last, covers, tuple(segments), parts, preliminary, superseded or preliminary
        )

    def _parts(self, dataset: str, segments: Sequence[Segment]) -> Iterator[Part]:
        own = [one for one in segments if not one.line.datasets or dataset in one.line.datasets]
        rows = sum(segment.rows for segment in own)
        size = max(1, min(ROWS_A_FILE, -(-rows // self.least_parts)))
        return (Part(tuple(part), dataset) for part in fleet.parts(own, size))

    def source(self) -> dict[str, object]:
        """Its entry in sources.yaml; the place is relative to the configuration's folder."""
        entry: dict[str, object] = {
            "name": self.name,
            "kind": "bill",
            "format": self.format,
            "place": f"../bills/{self.name}",
            "slice": self.slice,
            "account": self.account,
            "currency": self.currency,
        }
        return {**entry, "options": dict(self.options)} if self.options else entry


# --- ways of delivering ------------------------------------------------------------------------


def _whole(period: Period) -> tuple[date, date]:
    return period.first_day, period.shift(1).first_day - timedelta(days=1)


def restated_period(months: Sequence[Period]) -> Period:
    """The month that a restating bill delivers twice: the last but one, where there is one."""
    return months[-2] if len(months) > 1 else months[-1]


def monthly(after: timedelta = timedelta(days=4, hours=6)) -> Plan:
    """One delivery a month, so long after its end."""

    def plan(bill: Bill, period: Period, scale: Decimal) -> Iterator[Delivery]:
        yield bill.deliver(scale, _whole(period), period.end() + after)

    return plan


def daily(
    covers: Literal["month_to_date", "day"],
    days: tuple[int, ...] = (29, 30),
    after: timedelta = timedelta(days=3, hours=8),
) -> Plan:
    """A file on the day after some days of the last month, and the final one of each month.

    Args:
        covers: whether such a file has the one day's rows, or all from the first of the month.
        days: of the last month. None is the month's last day: what is delivered once a month is over and
            said otherwise by the final file would be a restatement.
        after: how long after the month's end the final file is left.
    """

    def plan(bill: Bill, period: Period, scale: Decimal) -> Iterator[Delivery]:
        for number in days if period == company.LAST_PERIOD else ():
            day = company.day_of(period, number)
            since = day if covers == "day" else period.first_day
            at = period.start() + timedelta(days=number, hours=4)
            yield bill.deliver(scale, (since, day), at, covers, superseded=True)
        yield bill.deliver(scale, _whole(period), period.end() + after)

    return plan


def appended(files: int = 4, after: timedelta = timedelta(hours=6)) -> Plan:
    """Some files a month, each with the rows of some days and of no other file, left so long after its last day."""

    def plan(bill: Bill, period: Period, scale: Decimal) -> Iterator[Delivery]:
        for number in range(files):
            first, last = (period.days * edge // files for edge in (number, number + 1))
            days = (period.first_day + timedelta(days=first), period.first_day + timedelta(days=last - 1))
            yield bill.deliver(scale, days, period.start() + timedelta(days=last) + after, "file")

    return plan


# --- all bills of a company ----------------------------------------------------------------------


def deliveries(bills: Sequence[Bill], periods: Sequence[Period], scale: Decimal) -> Iterator[Delivery]:
    """Every delivery of some bills; a restated month comes before and after."""
    for period in periods:
        for bill in bills:
            months = periods[-(bill.last_months or len(periods)) :]
            if period not in months:
                continue
            if bill.restates and period == restated_period(months):
                early = period.end() + timedelta(hours=30)
                yield bill.deliver(scale, _whole(period), early, preliminary=True)
            yield from bill.plan(bill, period, scale)


def clear(folder: Path) -> None:
    """Remove what an earlier sample left, so that equal seeds give equal folders."""
    for name in ("bills", "usage", "config"):
        shutil.rmtree(folder / name, ignore_errors=True)
