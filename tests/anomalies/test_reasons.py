"""What usually explains a change, told from its parts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.anomalies.reasons import RULES, UNKNOWN, Part, reason_of


def part(before: str, after: str, amounts: str, mark: Any = "", seen: Any = "kept") -> Part:  # noqa: ANN401 - Literals
    """Quantities before and after, and amounts as `before>after`."""
    first, _, last = amounts.partition(">")
    return Part(mark, seen, Decimal(before), Decimal(after), Decimal(first), Decimal(last))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([part("10", "30", "1>3")], "more usage"),
        ([part("30", "10", "3>1")], "less usage"),
        ([part("30", "0", "3>0", seen="gone")], "less usage"),
        ([part("10", "10", "1>3")], "price change"),
        ([part("10", "10", "3>1")], "price change"),
        ([part("10", "12", "1>1.2"), part("0", "5", "0>5", seen="new")], "new resource"),
        ([part("10", "10", "1>1"), part("0", "0", "0>-8", "restated", "new")], "restatement"),
        ([part("24", "0", "100>0", seen="gone"), part("0", "24", "0>60", "commitment", "new")], "new commitment"),
        ([part("0", "0", "0>500", "commitment", "new")], "new commitment"),
        ([part("10", "20", "1>2"), part("0", "1", "0>0.9", seen="new"), part("1", "1", "1>1.9")], UNKNOWN),
        ([part("10", "10", "1>1")], UNKNOWN),
        ([], UNKNOWN),
    ],
)
def test_the_reason_is_the_first_rule_that_explains_half_of_the_change(parts: list[Part], reason: str) -> None:
    assert reason_of(parts) == reason


quantities, amounts = st.decimals(0, 1000, places=3), st.decimals(-1000, 1000, places=3)


@given(st.builds(Part, st.just(""), st.just("kept"), quantities, quantities, amounts, amounts))
def test_price_and_usage_of_what_stayed_are_all_of_its_change(one: Part) -> None:
    price, usage = (rule.explains(one) for rule in RULES[-2:])
    assert abs(price + usage - one.change) < Decimal("1e-20")
