"""What moved between two months, split exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.statements.example import side, usd
from twinledger.statements.moves import Side, split
from twinledger.vocabulary.money import Money, round_to, smallest_unit

AMOUNTS = st.decimals(min_value=-(10**15), max_value=10**15, places=2)
QUANTITIES = st.decimals(min_value=0, max_value=10**10, places=9)
PRICES = st.none() | st.decimals(min_value=0, max_value=10**9, places=9)
SIDES = st.none() | st.builds(
    Side, QUANTITIES, st.sampled_from(["h", "GiB", "various"]), PRICES, AMOUNTS.map(lambda one: Money(one, "USD"))
)


@given(SIDES, SIDES)
def test_price_and_quantity_effects_are_the_change_to_the_last_cent(before: Side | None, after: Side | None) -> None:
    if before is None and after is None:
        return
    move = split(before, after)
    change = (after.amount.amount if after else Decimal(0)) - (before.amount.amount if before else Decimal(0))

    assert move.price.amount + move.quantity.amount == change
    for effect in (move.price.amount, move.quantity.amount):
        assert effect == round_to(effect, smallest_unit("USD"))


@given(QUANTITIES, QUANTITIES, st.decimals(min_value=0, max_value=10**6, places=9))
def test_at_one_price_all_of_a_change_is_the_quantity_s(before: Decimal, after: Decimal, price: Decimal) -> None:
    def at(quantity: Decimal) -> Side:
        return Side(quantity, "h", price, Money(round_to(quantity * price, Decimal("0.01")), "USD"))

    assert split(at(before), at(after)).price.amount == 0


@given(QUANTITIES, AMOUNTS, AMOUNTS)
def test_of_one_quantity_all_of_a_change_is_the_price_s(quantity: Decimal, before: Decimal, after: Decimal) -> None:
    move = split(Side(quantity, "h", None, Money(before, "USD")), Side(quantity, "h", None, Money(after, "USD")))

    assert (move.quantity.amount, move.price.amount) == (Decimal(0), after - before)


@pytest.mark.parametrize(
    ("before", "after", "price", "quantity", "cause"),
    [
        (side("10", "h", "2", "20.00"), side("15", "h", "3", "45.00"), "15.00", "10.00", "both"),
        (side("10", "h", "2", "20.00"), side("10", "h", "3", "30.00"), "10.00", "0", "price"),
        (side("10", "h", "2", "20.00"), side("15", "h", "2", "30.00"), "0.00", "10.00", "quantity"),
        (side("3", "h", None, "10.00"), side("4", "h", None, "13.33"), "0.00", "3.33", "quantity"),
        (None, side("1", "h", "2", "2.00"), "0", "2.00", "new"),
        (side("1", "h", "2", "2.00"), None, "0", "-2.00", "gone"),
        (side("1", "h", "2", "2.00"), side("2", "h", "1", "2.00"), "0", "0", ""),
        # An average price of mixed units, or of another unit, says nothing.
        (side("3", "various", None, "9.00"), side("4", "various", None, "20.00"), "0.00", "11.00", "quantity"),
        (side("3", "h", "3", "9.00"), side("4", "GiB", "5", "20.00"), "0.00", "11.00", "quantity"),
    ],
)
def test_what_moved_is_named(before: Side | None, after: Side | None, price: str, quantity: str, cause: str) -> None:
    move = split(before, after)

    assert (move.price, move.quantity, move.cause) == (usd(price), usd(quantity), cause)
