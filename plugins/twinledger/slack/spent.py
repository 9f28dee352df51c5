"""What a department has spent in a period, and how well its GPU cards are used: the figures that a form asks with.

What belongs here: reading it once, and carrying it in the form. What does not: what is left of the budget, which
`approvals` knows.

It is read from the lake, which may take longer than Slack waits. So it is read after the acknowledgement, and kept in
the form's own metadata: what is submitted is judged on the figure that was shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from twinledger.approvals import Desk
from twinledger.books import Books
from twinledger.metering import CardUse, card_use
from twinledger.rating import statement
from twinledger.vocabulary.money import Money, plain
from twinledger.vocabulary.periods import Period

Spent = Callable[[str, Period], Money]
"""What a department, by name, has spent in a period; raises UnknownNameError where there is no such department."""

HOLDS = timedelta(hours=1)
"""For how long a figure that was read is good enough to ask with."""

MOST_METERS = 8
"""Of so many meters the use of cards is carried: a form's metadata have 3,000 characters."""

_CARD_USES = TypeAdapter(tuple[CardUse, ...])


@dataclass(frozen=True, slots=True)
class Position:
    """What a department had spent in a period when it was read."""

    department: str
    period: str
    spent: Money
    read_at: datetime
    card_uses: tuple[CardUse, ...] = ()

    def fits(self, department: str, period: Period, now: datetime) -> bool:
        """Whether a request of the department may be judged on it."""
        return (self.department, self.period) == (department, str(period)) and now - self.read_at <= HOLDS

    def as_json(self) -> str:
        """For a form's metadata; the amount is a decimal string."""
        return json.dumps(
            {
                "department": self.department,
                "period": self.period,
                "amount": plain(self.spent.amount),
                "currency": self.spent.currency,
                "read_at": self.read_at.isoformat(),
                "card_uses": _CARD_USES.dump_python(self.card_uses[:MOST_METERS], mode="json"),
            }
        )


def position_of(metadata: str) -> Position | None:
    """The position in a form's metadata, which comes back from Slack as it was sent; None in a form without."""
    if not metadata:
        return None
    said: dict[str, Any] = json.loads(metadata)
    spent = Money(Decimal(said["amount"]), said["currency"])
    uses = _CARD_USES.validate_python(said.get("card_uses", ()))
    return Position(said["department"], said["period"], spent, datetime.fromisoformat(said["read_at"]), uses)


def spent_of(desk: Desk) -> Spent | None:
    """Reads the internal ledger where the desk is a whole deployment's books; None where it has no ledger."""
    return partial(_from_ledger, desk) if isinstance(desk, Books) else None


def _from_ledger(books: Books, department: str, period: Period) -> Money:
    return statement(books, department, period).total


def card_uses_of(desk: Desk, department: str) -> tuple[CardUse, ...]:
    """How well a department's cards are used, where the desk is a whole deployment's books; nothing where it is not."""
    return card_use(desk, department) if isinstance(desk, Books) else ()
