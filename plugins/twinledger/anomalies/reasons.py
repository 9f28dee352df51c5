"""What usually explains an anomaly, told from what its charges are made of.

What belongs here: the parts of a change, and the rules that name a reason, in one table. What does not: where parts
come from (`causes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Literal

from twinledger.vocabulary.money import exact_sum

UNKNOWN = "unknown"
RESTATED = "restatement"
_EXACT = Context(prec=120)


@dataclass(frozen=True, slots=True)
class Part:
    """What was charged under one price: in the stretch (`after`), and in the spans before it; in one currency."""

    mark: Literal["", "restated", "commitment"]
    seen: Literal["kept", "new", "gone"]
    before_quantity: Decimal
    after_quantity: Decimal
    before_amount: Decimal
    after_amount: Decimal

    @property
    def change(self) -> Decimal:
        """How much more it is than before."""
        return self.after_amount - self.before_amount

    @property
    def repriced(self) -> Decimal:
        """What the quantity of now would have cost at the price before; where a quantity tells nothing, as before."""
        if self.before_quantity <= 0:
            return self.before_amount
        with localcontext(_EXACT):
            return self.before_amount * self.after_quantity / self.before_quantity


def _restated(part: Part) -> Decimal:
    return part.change if part.mark == "restated" else Decimal(0)


def _committed(part: Part) -> Decimal:
    """What a commitment covers or costs that there was not before: its amount, whether the whole rose or fell."""
    return part.after_amount if part.mark == "commitment" and part.seen == "new" else Decimal(0)


def _resources(part: Part) -> Decimal:
    return part.change if part.seen == "new" and part.mark == "" else Decimal(0)


def _priced(part: Part) -> Decimal:
    return part.after_amount - part.repriced if part.seen == "kept" and part.mark != "restated" else Decimal(0)


def _used(part: Part) -> Decimal:
    if part.mark == "restated" or part.seen == "new":
        return Decimal(0)
    return part.change - _priced(part)


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason holds where what it explains is at least half of the change, and of its sign unless `either` is said."""

    rising: str
    falling: str
    explains: Callable[[Part], Decimal]
    either: bool = False


RULES = (
    Rule(RESTATED, RESTATED, _restated),
    Rule("new commitment", "new commitment", _committed, either=True),
    Rule("new resource", "new resource", _resources),
    Rule("price change", "price change", _priced),
    Rule("more usage", "less usage", _used),
)
"""The first that holds is the reason."""


def reason_of(parts: Iterable[Part]) -> str:
    """What usually explains a change that is made of these parts; `unknown` where no rule holds."""
    given = list(parts)
    change = exact_sum(part.change for part in given)
    if not change:
        return UNKNOWN
    for rule in RULES:
        explained = exact_sum(rule.explains(part) for part in given)
        share = abs(explained) if rule.either else explained.copy_sign(explained * change)
        if 2 * share >= abs(change):
            return rule.rising if change > 0 else rule.falling
    return UNKNOWN
