from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.vocabulary.errors import CurrencyMismatchError, InvalidAmountError
from twinledger.vocabulary.money import (
    Money,
    allocate,
    exact_sum,
    parse_amount,
    plain,
    round_to,
    short_number,
    smallest_unit,
)

amounts = st.decimals(min_value=Decimal("-1e15"), max_value=Decimal("1e15"), places=18, allow_nan=False)
weights = st.lists(st.decimals(min_value=0, max_value=Decimal("1e9"), places=9), min_size=1, max_size=20).filter(any)
units = st.sampled_from([Decimal(1), Decimal("0.01"), Decimal("0.001"), Decimal("0.000000001")])


@given(amounts, weights, units)
def test_the_parts_of_an_allocation_add_up_to_the_total(total: Decimal, shares: list[Decimal], unit: Decimal) -> None:
    assert exact_sum(allocate(total, shares, unit)) == total


@given(st.integers(-(10**12), 10**12), weights, units)
def test_parts_of_whole_units_are_whole_units_near_their_share(
    count: int, shares: list[Decimal], unit: Decimal
) -> None:
    parts = allocate(count * unit, shares, unit)
    assert all(part % unit == 0 for part in parts)
    whole = exact_sum(shares)
    assert all(
        abs(part * whole - count * unit * share) <= unit * whole for part, share in zip(parts, shares, strict=True)
    )


@pytest.mark.parametrize("shares", [[], [Decimal(0)], [Decimal(-1), Decimal(2)]])
def test_weights_that_divide_nothing_are_refused(shares: list[Decimal]) -> None:
    with pytest.raises(ValueError, match="cannot divide"):
        allocate(Decimal(1), shares, Decimal("0.01"))


@given(amounts)
def test_an_amount_survives_being_written_and_read(amount: Decimal) -> None:
    assert parse_amount(plain(amount)) == amount


@pytest.mark.parametrize(
    "text",
    ["NaN", "Infinity", "-inf", "", "1,000", "1_000", "0x1", "0." + "1" * 30, "1" + "0" * 20, "1E200", "-1e9999999"],
)
def test_what_is_no_exact_amount_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(InvalidAmountError, match="amount"):
        parse_amount(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1e-3", "0.001"), ("-0", "0"), (" 5. ", "5"), (".5", "0.5"), ("1.50000000000000000000", "1.5")],
)
def test_every_way_to_write_a_number_is_read_exactly(text: str, amount: str) -> None:
    assert parse_amount(text) == Decimal(amount)


def test_amounts_are_written_without_exponent_and_with_two_decimals() -> None:
    assert [plain(Decimal(text)) for text in ("1E+3", "-0", "0.1234500", "7")] == ["1000.00", "0.00", "0.12345", "7.00"]


def test_sums_lose_no_digit() -> None:
    assert exact_sum([Decimal("1e19"), Decimal("1e-18")]) == Decimal("10000000000000000000.000000000000000001")


def test_halves_are_rounded_away_from_zero() -> None:
    unit = smallest_unit("USD")
    assert [round_to(Decimal(text), unit) for text in ("0.005", "-0.005", "0.0049")] == [
        Decimal("0.01"),
        Decimal("-0.01"),
        Decimal("0.00"),
    ]


def test_the_smallest_unit_is_the_currency_s() -> None:
    assert [smallest_unit(code) for code in ("USD", "JPY", "KWD")] == [Decimal("0.01"), Decimal(1), Decimal("0.001")]


def test_two_currencies_are_never_combined() -> None:
    dollars, euros = Money(Decimal(1), "USD"), Money(Decimal(1), "EUR")
    with pytest.raises(CurrencyMismatchError, match="USD with EUR"):
        _ = dollars + euros
    with pytest.raises(CurrencyMismatchError):
        _ = dollars - euros
    with pytest.raises(CurrencyMismatchError):
        _ = dollars < euros


def test_money_reads_as_people_write_it() -> None:
    assert str(Money(Decimal("1234567.895"), "USD")) == "1,234,567.90 USD"
    assert str(-Money(Decimal("1234.5"), "JPY")) == "-1,235 JPY"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0"), ("-0.00", "0"), ("0.0424", "0.0424"), ("9.999", "10"), ("950", "950"), ("999.6", "1k"),
        ("12345", "12.3k"), ("-4500000", "-4.5M"), ("1250000000", "1.25B"), ("3e12", "3T"), ("1.25e18", "1.3e18"),
        ("120", "120"),
    ],
)  # fmt: skip
def test_money_in_few_letters(amount: str, text: str) -> None:
    assert short_number(Decimal(amount)) == text
