"""What moved between two months: the price, the quantity, or both, in exact parts.

What belongs here: splitting one change. What does not: which months are compared (`document`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from twinledger.vocabulary.money import Money, round_to, smallest_unit

_EXACT = Context(prec=120)
MIXED = "various"
"""The unit of a line whose charges have several."""


@dataclass(frozen=True, slots=True)
class Side:
    """One meter in one month; `price` is None where it had several."""

    quantity: Decimal
    unit: str
    price: Decimal | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Move:
    """How an amount changed: `price` + `quantity` is the change, to the smallest unit of the currency.

    `cause` is new | gone | price | quantity | both, or nothing where no amount changed.
    """

    price: Money
    quantity: Money
    cause: str


def split(before: Side | None, after: Side | None) -> Move:
    """The change from one month to the next, as the effect of the quantity and that of the price.

    The quantity's effect is the difference of the quantities at the average price of the month before
    (amount / quantity), rounded half away from zero; the price's is the rest, so nothing is lost. It is all
    the quantity's where the price stayed as it was, and where quantities of several units cannot be compared.

    Raises:
        ValueError: there is neither a month before nor one after.
        CurrencyMismatchError: the months are in two currencies.
    """
    if before is None or after is None:
        return _one_sided(before, after)
    change = after.amount - before.amount
    nothing = Money(Decimal(0), change.currency)
    if not change.amount:
        return Move(nothing, nothing, "")
    quantity = _quantity_effect(before, after, change)
    price = change - quantity
    cause = "both" if price.amount and quantity.amount else ("price" if price.amount else "quantity")
    return Move(price, quantity, cause)


def _one_sided(before: Side | None, after: Side | None) -> Move:
    side = after or before
    if side is None:
        message = "expected a month before or one after, found neither"
        raise ValueError(message)
    nothing = Money(Decimal(0), side.amount.currency)
    return Move(nothing, side.amount, "new") if after else Move(nothing, -side.amount, "gone")


def _quantity_effect(before: Side, after: Side, change: Money) -> Money:
    if before.quantity == after.quantity:
        return Money(Decimal(0), change.currency)
    steady = before.price is not None and before.price == after.price
    if steady or not before.quantity or before.unit != after.unit or before.unit == MIXED:
        return change
    with localcontext(_EXACT):
        amount = (after.quantity - before.quantity) * before.amount.amount / before.quantity
    return Money(round_to(amount, smallest_unit(change.currency)), change.currency)
