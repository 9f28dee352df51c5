"""A series of daily amounts, as a chart is drawn from it.

What belongs here: the days, amounts and marks of one chart, as values. What does not: where they are read from (whoever
asks for a chart), and how they are drawn (`budget`, `series`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from twinledger.vocabulary.audiences import View

LONGEST = 1100
"""Days of a chart: three years; more of them are fewer than a pixel wide."""

Amounts = tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """One series of daily amounts, none of them cumulative, in one currency; all its tuples are of one length.

    Attributes:
        title: how people call what it shows.
        currency: ISO 4217, of every amount.
        view: whose amounts these are; what is `effective` is for finance alone.
        days: one after the other, in the company's accounting time zone.
        actual: what was spent on each day; None on a day whose amount is not final.
        expected: what each day was or is expected to be, of days to come their forecast; None where that is unknown.
        lower: the lower end of the 80 % interval: of a series that of each day; of a budget what adds up, over the days
            to come until any of them, to that of their sum; None where that is unknown.
        upper: the upper end, likewise.
        plan: what may be spent in all these days together; None where there is no budget.
        marked: the first and last day that are not as expected; None where no stretch is.
        committed: what requests reserve and have not spent: part of no day.
    """

    title: str
    currency: str
    view: View
    days: tuple[date, ...]
    actual: Amounts
    expected: Amounts
    lower: Amounts
    upper: Amounts
    plan: Decimal | None = None
    marked: tuple[date, date] | None = None
    committed: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse what no chart can be drawn of: ValueError."""
        count = len(self.days)
        if {count} != {len(one) for one in (self.actual, self.expected, self.lower, self.upper)}:
            message = f"{self.title}: expected {count} amounts in each series, one a day"
            raise ValueError(message)
        if not 1 <= count <= LONGEST or self.days[-1] - self.days[0] != timedelta(days=count - 1):
            message = f"{self.title}: expected 1 to {LONGEST} days one after the other, found {count}"
            raise ValueError(message)

    @property
    def known(self) -> int:
        """How many days from the first one on are final."""
        return next((place for place, amount in enumerate(self.actual) if amount is None), len(self.actual))
