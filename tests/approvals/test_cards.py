"""GPU cards: what is asked for in cards x hours, what is shown of those that are held, and rules about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.approvals import Desk, Submission, counts_cards, request_view, submit, use_of_cards, wanted_cards
from twinledger.approvals.cards import card_facts
from twinledger.metering import CardUse
from twinledger.store.models import Meter, PolicyRule

KNOWN = datetime(2026, 10, 20, 8, tzinfo=UTC)


def used(percent: str | None, measured: str = "1200", held: str = "1200") -> CardUse:
    """Cards of the wish's meter."""
    share = None if percent is None else Decimal(percent)
    return CardUse("vm", "core-hours", Decimal(held), Decimal(measured), share, KNOWN)


@pytest.fixture
def cards(desk: Desk) -> Desk:
    """The wish's meter counts cards."""
    with desk.store.transaction() as session:
        session.get_one(Meter, ("vm", "core-hours")).unit = "card-hour"
    return desk


def said(desk: Desk, wish: Submission) -> tuple[str, str, str]:
    with desk.store.reading() as session:
        view = request_view(session, submit(desk, wish))
    return wanted_cards(view.facts), use_of_cards(view.facts), view.facts["policy"]["rule"]


def test_an_approver_sees_cards_hours_and_how_well_the_held_ones_are_used(cards: Desk, wish: Submission) -> None:
    asked = replace(wish, quantity=Decimal(96), card_uses=[used("37.5")])
    assert said(cards, asked) == (
        "4 cards x 240 hours = 960 card-hours",
        "37.5 % used over 1,200 card-hours of the last 7 days, as of 2026-10-20 08:00 UTC",
        "",
    )


def test_what_is_not_measured_is_said_to_be_so(cards: Desk, wish: Submission) -> None:
    assert said(cards, wish)[:2] == ("1 card x 240 hours = 240 card-hours", "not measured")
    assert said(cards, replace(wish, card_uses=[used(None, "0")]))[1] == "not measured: 1,200 card-hours held"
    other = replace(used("90"), meter="small-card-hours")
    assert said(cards, replace(wish, card_uses=[other]))[1] == "not measured"
    assert "over 600 of 1,200 card-hours" in said(cards, replace(wish, card_uses=[used("37.5", "600")]))[1]


def test_a_request_for_anything_else_says_nothing_of_cards(desk: Desk, wish: Submission) -> None:
    assert said(desk, replace(wish, card_uses=[used("37.5")]))[:2] == ("", "")


@pytest.mark.parametrize(
    ("percent", "rule"),
    [("39.9", "idle-cards"), ("40", "anything"), (None, "anything")],
    ids=["idle", "busy", "unmeasured"],
)
def test_a_rule_may_look_at_how_well_cards_are_used(
    percent: str | None, rule: str, cards: Desk, wish: Submission
) -> None:
    conditions = {"gpu_utilisation": {"below": "40"}}
    with cards.store.transaction() as session:
        session.add(PolicyRule(position=1, name="idle-cards", conditions=conditions, outcome="ask finance", reason=""))
        session.add(PolicyRule(position=2, name="anything", conditions={}, outcome="allow", reason=""))
    assert said(cards, replace(wish, card_uses=[used(percent)]))[2] == rule


@pytest.mark.parametrize(
    ("unit", "counts"), [("card-hour", True), ("GPU-hours", True), ("core-hour", False), ("gib-hour", False)]
)
def test_a_meters_unit_says_whether_it_counts_cards(unit: str, counts: bool) -> None:  # noqa: FBT001 - a row of the table
    assert counts_cards(unit) is counts


@given(st.decimals("0.01", "99999", places=2), st.integers(1, 366))
def test_as_few_cards_as_can_give_the_hours_are_counted(quantity: Decimal, days: int) -> None:
    facts = card_facts(quantity, days, None)
    number, hours, total = (Decimal(facts[name]) for name in ("cards", "hours", "card_hours"))
    assert total == quantity * days
    assert hours <= 24 * days
    assert (number - 1) * 24 < quantity <= number * 24
    assert abs(number * hours - total) <= number * Decimal("0.005")
