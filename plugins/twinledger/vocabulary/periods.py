"""Accounting months.

What belongs here: the name of a period and its bounds. What does not: whether it is open or closed,
which the store knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from twinledger.vocabulary.errors import InvalidPeriodError

_FORM = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_LONGER = re.compile(r"([0-9]{4})(?:-Q([1-4]))?")
_QUARTER, _YEAR = 3, 12


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """One accounting month, written YYYY-MM."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read YYYY-MM; raises InvalidPeriodError otherwise."""
        match = _FORM.fullmatch(text)
        if not match or match[1] == "0000":
            raise InvalidPeriodError(text)
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, instant: datetime, zone: str = "UTC") -> Period:
        """The period that an aware instant falls in, in the company's accounting time zone."""
        local = instant.astimezone(ZoneInfo(zone))
        return cls(local.year, local.month)

    def shift(self, months: int) -> Period:
        """The period so many months later (earlier when negative)."""
        index = self.year * 12 + self.month - 1 + months
        return Period(index // 12, index % 12 + 1)

    @property
    def first_day(self) -> date:
        """The first day of the month."""
        return date(self.year, self.month, 1)

    @property
    def days(self) -> int:
        """How many days the month has."""
        return (self.shift(1).first_day - self.first_day).days

    def start(self, zone: str = "UTC") -> datetime:
        """The first instant of the period, as UTC."""
        return datetime(self.year, self.month, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)

    def end(self, zone: str = "UTC") -> datetime:
        """The first instant after the period, as UTC."""
        return self.shift(1).start(zone)

    def __str__(self) -> str:
        """YYYY-MM."""
        return f"{self.year:04d}-{self.month:02d}"


def months_of(text: str) -> tuple[Period, ...]:
    """The months of a month (2026-10), a quarter (2026-Q4) or a year (2026); raises InvalidPeriodError otherwise."""
    match = _LONGER.fullmatch(text)
    if not match or match[1] == "0000":
        return (Period.parse(text),)
    first, count = (1, _YEAR) if match[2] is None else (_QUARTER * int(match[2]) - _QUARTER + 1, _QUARTER)
    return tuple(Period(int(match[1]), first).shift(months) for months in range(count))


def span_name(months: tuple[Period, ...]) -> str:
    """What the months of a month, a quarter or a year are called: 2026-10, 2026-Q4 or 2026; as `months_of` reads it."""
    first = months[0]
    longer = {_QUARTER: f"{first.year:04d}-Q{(first.month + 2) // _QUARTER}", _YEAR: f"{first.year:04d}"}
    return longer.get(len(months), str(first))
