"""Why a month costs more than another one: the effects are what they say, and add up whatever the amounts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from twinledger.books import Books
from twinledger.budgets import internal_effects
from twinledger.budgets.effects import Effects, Item, effects
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.vocabulary.periods import Period

SEPTEMBER, OCTOBER = Period(2026, 9), Period(2026, 10)


def kept(before: str, after: str, old_price: str, new_price: str) -> Item:
    quantities = Decimal(before), Decimal(after)
    return Item("kept", *quantities, quantities[0] * Decimal(old_price), quantities[1] * Decimal(new_price))


def split(*items: Item, currency: str = "USD") -> Effects:
    return effects("shop", "vm", "h", currency, items)


def parts(found: Effects) -> dict[str, str]:
    names = ("price", "volume", "mix", "new", "gone")
    return {name: str(getattr(found, name).amount) for name in names if getattr(found, name).amount}


def test_a_higher_price_is_the_price_s_and_more_hours_are_the_volume_s() -> None:
    assert parts(split(kept("100", "100", "0.10", "0.12"))) == {"price": "2.00"}
    assert parts(split(kept("100", "150", "0.10", "0.10"))) == {"volume": "5.00"}
    assert parts(split(kept("100", "150", "0.10", "0.12"))) == {"price": "3.00", "volume": "5.00"}


def test_the_same_hours_on_dearer_machines_are_the_mix_s() -> None:
    small, large = kept("100", "50", "0.10", "0.10"), kept("100", "150", "0.30", "0.30")
    assert parts(split(small, large)) == {"mix": "10.00"}


def test_what_came_and_what_went_is_apart_from_what_stayed() -> None:
    came = Item("new", Decimal(0), Decimal(5), Decimal(0), Decimal("1.50"))
    went = Item("gone", Decimal(7), Decimal(0), Decimal("0.70"), Decimal(0))
    assert parts(split(kept("10", "20", "0.10", "0.10"), came, went)) == {
        "volume": "1.00",
        "new": "1.50",
        "gone": "-0.70",
    }


def test_what_has_no_quantity_changed_its_price() -> None:
    fee = Item("kept", Decimal(0), Decimal(0), Decimal("30.00"), Decimal("45.00"))
    assert parts(split(fee)) == {"price": "15.00"}


amounts = st.decimals(-(10**9), 10**9, places=18)
quantities = st.decimals(0, 10**6, places=9)
items = st.one_of(
    st.builds(Item, st.just("kept"), quantities, quantities, amounts, amounts),
    st.builds(Item, st.just("new"), st.just(Decimal(0)), quantities, st.just(Decimal(0)), amounts),
    st.builds(Item, st.just("gone"), quantities, st.just(Decimal(0)), amounts, st.just(Decimal(0))),
)


@given(st.lists(items, max_size=8), st.sampled_from(["USD", "JPY", "KWD"]))
def test_the_effects_add_up_to_the_change_to_the_last_digit(found: list[Item], currency: str) -> None:
    one = split(*found, currency=currency)
    assert one.price + one.volume + one.mix + one.new + one.gone == one.change
    assert one.before + one.change == one.after


@given(st.lists(st.builds(Item, st.just("kept"), quantities, quantities, amounts, amounts), max_size=5))
def test_a_month_against_itself_has_no_effects(found: list[Item]) -> None:
    same = [replace(one, after_quantity=one.before_quantity, after_amount=one.before_amount) for one in found]
    assert parts(split(*same)) == {}


def charge(books: Books, period: Period, *charges: tuple[str, str, str, str]) -> None:
    """A month of the internal ledger: (department, resource, quantity, amount)."""
    start = datetime(period.year, period.month, 3, tzinfo=UTC)
    rows = [
        (str(period), department, "t", "pool", "vm", "hours", resource, start, Decimal(quantity), "h", Decimal("0.1"),
         Decimal(amount), "USD", "usage", False)
        for department, resource, quantity, amount in charges
    ]  # fmt: skip
    with books.engine() as engine:
        engine.view_rows("charges", INTERNAL_CHARGES.columns, rows)
        files = engine.copy("charges", INTERNAL_CHARGES, books.lake.staging(INTERNAL_CHARGES))
    books.lake.replace(INTERNAL_CHARGES, {"period": str(period)}, files, repr(charges))


def test_two_months_of_the_internal_ledger_are_compared_the_largest_change_first(books: Books) -> None:
    charge(books, SEPTEMBER, ("shop", "i-1", "10", "1.00"), ("data", "i-9", "10", "1.00"))
    charge(books, OCTOBER, ("shop", "i-1", "10", "1.50"), ("data", "i-9", "30", "3.00"), ("data", "i-8", "90", "9.00"))
    found = internal_effects(books, SEPTEMBER, OCTOBER)
    assert [(one.scope, parts(one)) for one in found] == [
        ("data", {"volume": "2.00", "new": "9.00"}),
        ("shop", {"price": "0.50"}),
    ]
