"""What a bill is made of: lines of resources, what they cost, and the rows that they become.

What belongs here: the words for a line's prices, quantities and place in bill and metering; how many
rows a month or day of it has. What does not: any vendor's lines, which are in `vendors`, and how a row
is spelt in a vendor's format, which is SQL.

Rates are in the currency of the line's bill for one unit of the SKU. They have at most six decimals and
quantities at most four, so that every cost is exact at ten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from twinledger.vocabulary.money import round_to
from twinledger.vocabulary.periods import Period

Kind = Literal[
    "usage",
    "covered",  # usage that a commitment pays for
    "unused",  # what was committed to and not used: a usage charge without usage
    "negation",  # the other side of `covered` in a bill that shows both
    "fee",  # the month's instalment of a commitment
    "purchase",  # a commitment or subscription bought once
    "tax",
    "refund",  # money back for an earlier charge
    "credit",  # money back as a favour or a promotion
    "adjustment",  # what the vendor puts right by hand
]

USAGE: frozenset[Kind] = frozenset({"usage", "covered", "unused"})
"""Kinds that departments are charged for where their pool is direct; the others are `non_usage`."""


@dataclass(frozen=True, slots=True)
class Line:
    """Resources of one kind and one SKU.

    A row covers `hours` of one resource (0: the whole month). Its quantity is `full`, but in
    `partial` of 20 rows it is drawn: up to `span` times `quantum`.
    """

    name: str  # within its bill
    service: str  # as the ledger's ServiceName has it
    sku: str  # as the ledger's SkuMeter has it
    sku_id: str
    region: str
    account: str  # the sub-account
    prefix: str  # of its resources' names; empty: no resource
    resources: int
    list_rate: Decimal
    billed_rate: Decimal
    unit: str
    pool: str = "direct"
    kind: Kind = "usage"
    effective_rate: Decimal | None = None  # None: as billed
    commitment: str = ""  # the identity of the commitment that it is bought by, covered by, or unused of
    scales: bool = True
    hours: int = 24
    full: Decimal = Decimal(24)
    partial: int = 3
    quantum: Decimal = Decimal("0.001")
    span: int = 24000
    meters: tuple[tuple[str, Decimal], ...] = ()  # of the pool's product
    feed: str = ""  # empty: never metered
    card: str = ""  # the identity of the contract card that agrees on `billed_rate`
    last_month_only: bool = False
    early_rate: Decimal | None = None  # billed before the month was restated
    wrong_rate: Decimal | None = None  # billed on `wrong_days` of the last month
    wrong_days: tuple[int, int] = (0, 0)
    datasets: tuple[str, ...] = ()  # of its bill's datasets, those that have the line; empty: all
    aside: bool = False  # in the files and, rightly, in no ledger
    bill: str = ""  # the name of its bill, which sets it
    number: int = 0  # what its chance is drawn from, which its bill sets

    @property
    def key(self) -> str:
        """The line's name among those of all bills."""
        return f"{self.bill}/{self.name}"

    def count(self, scale: Decimal) -> int:
        """How many resources there are at a scale; planted lines stay as they are."""
        return max(1, int(round_to(self.resources * scale, Decimal(1)))) if self.scales else self.resources


def steady(line: Line, **changes: Any) -> Line:  # noqa: ANN401 - `replace` checks names, not types
    """A copy of a line that stays the same at every scale, runs around the clock, and is in no contract card."""
    return replace(line, **{"scales": False, "partial": 0, "card": "", **changes})


def once(line: Line, **changes: Any) -> Line:  # noqa: ANN401 - `replace` checks names, not types
    """A copy of a line that is one row a month of quantity 1, for one resource or none: a purchase, a refund, a tax."""
    monthly = {"resources": 1, "hours": 0, "full": Decimal(1), "meters": (), "feed": ""}
    return steady(line, **{**monthly, **changes})


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows `first` (inclusive) to `last` (exclusive) of one line in one period."""

    line: Line
    period: Period
    resources: int
    hours: int
    first: int
    last: int
    preliminary: bool = False

    @property
    def rows(self) -> int:
        """How many rows it is."""
        return self.last - self.first


def segments(
    lines: Sequence[Line],
    first: date,
    last: date,
    scale: Decimal,
    *,
    is_last_month: bool,
    preliminary: bool = False,
) -> list[Segment]:
    """The lines' rows of some days of one month, both inclusive; a row of a whole month is of its first day.

    Args:
        lines: whose rows.
        first: the first of the days.
        last: the last of the days, of the same month.
        scale: of the company.
        is_last_month: whether it is the sample's last month, which alone has some lines.
        preliminary: as they were before the month was restated.
    """
    period = Period(first.year, first.month)
    found = []
    for line in lines:
        if line.last_month_only and not is_last_month:
            continue
        resources = line.count(scale)
        if line.hours:
            a_day = resources * (24 // line.hours)
            rows = ((first.day - 1) * a_day, last.day * a_day)
        else:
            rows = (0, resources if first.day == 1 else 0)
        if rows[0] < rows[1]:
            found.append(Segment(line, period, resources, line.hours or period.days * 24, *rows, preliminary))
    return found


def parts(segments: Sequence[Segment], rows: int) -> Iterator[list[Segment]]:
    """The same rows cut into files of at most so many rows each."""
    part: list[Segment] = []
    room = rows
    for segment in segments:
        first = segment.first
        while first < segment.last:
            last = min(segment.last, first + room)
            part.append(replace(segment, first=first, last=last))
            room -= last - first
            first = last
            if not room:
                yield part
                part, room = [], rows
    if part:
        yield part
