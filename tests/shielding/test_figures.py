"""However a figure is written, it is read as what it is."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from twinledger.shielding.figures import FEWEST_DIGITS, figures_in

AMOUNTS = st.decimals("1000", "99999999", places=9).filter(lambda one: len(str(one).rstrip("0")) > 8)
ROUNDINGS = st.sampled_from([ROUND_HALF_UP, ROUND_HALF_EVEN])


def grouped(text: str, thousands: str, point: str) -> str:
    return text.replace(",", "\0").replace(".", point).replace("\0", thousands)


WAYS: dict[str, Callable[[Decimal], str]] = {
    "plain": str,
    "english": lambda one: f"{one:,}",
    "german": lambda one: grouped(f"{one:,}", ".", ","),
    "french": lambda one: grouped(f"{one:,}", "\N{NARROW NO-BREAK SPACE}", ","),
    "spaced": lambda one: grouped(f"{one:,}", " ", "."),
    "swiss": lambda one: grouped(f"{one:,}", "\N{RIGHT SINGLE QUOTATION MARK}", "."),
    "python": lambda one: grouped(f"{one:,}", "_", "."),
    "exponent": lambda one: f"{one:E}",
    "negative": lambda one: f"-{one}",
    "brackets": lambda one: f"({one:,})",
    "currency": lambda one: f"{one}USD",
    "sign": lambda one: f"${one:,}",
    "quoted": lambda one: f'{{"amount": "{one}"}}',
    "list": lambda one: f"[1,{one},22]",
    "assigned": lambda one: f"amount={one};",
    "wide": lambda one: str(one).translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}),
}


@given(AMOUNTS, st.integers(2, 9), ROUNDINGS, st.sampled_from(sorted(WAYS)))
def test_a_rounded_figure_is_read_in_every_common_way_of_writing(
    amount: Decimal, decimals: int, rounding: str, way: str
) -> None:
    rounded = amount.quantize(Decimal(1).scaleb(-decimals), rounding)
    assume(len(rounded.normalize().as_tuple().digits) >= FEWEST_DIGITS)

    assert rounded in [value for _, value in figures_in(f"before {WAYS[way](rounded)} after")], WAYS[way](rounded)


@given(AMOUNTS)
def test_smallest_units_are_read_as_an_amount_too(amount: Decimal) -> None:
    cents = amount.quantize(Decimal("0.01"))
    assume(len(cents.normalize().as_tuple().digits) >= FEWEST_DIGITS)

    assert cents in [value for _, value in figures_in(f"{int(cents * 100)}")]


@given(st.decimals("1000", "99999", places=9))  # fifteen digits at most, which a float has
def test_the_digits_of_a_binary_float_are_taken_off(amount: Decimal) -> None:
    assume(len(amount.normalize().as_tuple().digits) >= FEWEST_DIGITS)

    assert amount.quantize(Decimal("0.000000001")) in [value for _, value in figures_in(f"{float(amount):.17f}")]


@pytest.mark.parametrize(
    "text",
    ["i-0a12345", "01a1ff77-1d9a-7473-9964-58c96bd01234",
     "2026-10-17", "2026-10-17T09:00:00.123456+00:00", "09:00:00,123", "abc", "12.5", "x86",
     "datetime.datetime(2026, 11, 21, 18, 57, 8, 895958, tzinfo=UTC)", "sha:9f1234567e", "", "0.05"],
)  # fmt: skip
def test_names_instants_and_short_numbers_are_no_figures(text: str) -> None:
    assert list(figures_in(text)) == []


@given(st.uuids())
def test_groups_of_a_uuid_are_no_figures(one: UUID) -> None:
    assert list(figures_in(f"ti_id={one} correlation_id={str(one).upper()}")) == []


@given(st.text(max_size=200))
def test_no_text_stops_the_reader(text: str) -> None:
    assert all(value > 0 for _, value in figures_in(text))
