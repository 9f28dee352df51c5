"""What a forecast is made from, and what it says.

What belongs here: histories, what is known in advance, forecasts. What does not: any statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from twinledger.vocabulary.periods import Period


@dataclass(frozen=True, slots=True)
class Planned:
    """An amount known to come on one day, on top of what the history goes on with: a commitment, a purchase."""

    day: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Monthly:
    """A charge that comes once a month.

    `day` is 1 to 31 as a calendar counts, or -1 to -3 from the month's end: -1 is the last day. A month without that
    day has no such charge.
    """

    day: int
    amount: Decimal

    def __post_init__(self) -> None:
        """Refuse a day that no month has."""
        if not (1 <= self.day <= 31 or -3 <= self.day <= -1):  # noqa: PLR2004 - days of a month
            message = f"a charge on day {self.day} of the month: expected 1 to 31, or -3 to -1 from its end"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class History:
    """Daily amounts of one series in one currency, up to the last day that is final.

    It begins with its first amount; a day that is missing after that cost nothing. Amounts of later days than
    `final_through` are not read.

    Attributes:
        name: of the series, as the caller knows it.
        currency: ISO 4217; forecasts are rounded to its smallest unit.
        amounts: by day, in the company's accounting time zone.
        final_through: the last day whose amount will not change.
        planned: amounts that are known of days to come.
        monthly: once-a-month charges that are known; others are recognised.
    """

    name: str
    currency: str
    amounts: Mapping[date, Decimal]
    final_through: date
    planned: tuple[Planned, ...] = ()
    monthly: tuple[Monthly, ...] = ()


@dataclass(frozen=True, slots=True)
class DayForecast:
    """One day to come: its expected amount, and what it lies between in four cases of five."""

    day: date
    mean: Decimal
    lower: Decimal
    upper: Decimal


@dataclass(frozen=True, slots=True)
class MonthTotal:
    """What a month ends at: `actual` of its final days and the forecast of the rest, in `mean`, `lower` and `upper`."""

    period: Period
    actual: Decimal
    mean: Decimal
    lower: Decimal
    upper: Decimal


@dataclass(frozen=True, slots=True)
class Forecast:
    """One series' days to come, in order, and the months that they belong to.

    `method` says what the history was long enough for, `monthly` which once-a-month charges are in the days.
    """

    name: str
    currency: str
    days: tuple[DayForecast, ...]
    totals: tuple[MonthTotal, ...]
    method: str
    history_days: int
    monthly: tuple[Monthly, ...]
