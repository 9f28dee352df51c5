"""What the messages of alerts say, within Slack's limits, whatever people call things."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden import Golden
from tests.slack.fake_slack import mentions, problem_of
from twinledger.slack.alert_cards import Alert, Digest, alert_card, digest_card
from twinledger.slack.alert_facts import (
    AlertCauseFacts,
    AlertFacts,
    DigestFacts,
    DigestLineFacts,
    FinanceAlertCauseFacts,
    FinanceAlertFacts,
    FinanceDigestFacts,
    FinanceDigestLineFacts,
)
from twinledger.slack.blocks import Message, with_picture
from twinledger.slack.facts import facts_json, read_facts
from twinledger.vocabulary.money import Money

NINE = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)
PAGE = "https://airflow.example/twinledger/alerts"
ID = "3f2a9c" + "0" * 58


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


USED = AlertFacts(
    alert=ID,
    kind="used",
    rule="plan-used",
    subject="shop",
    title="电商 Shop",
    department="Shop",
    period="2026-10",
    actual=usd("10450.10"),
    expected=usd("10000"),
    impact=usd("450.10"),
    since=date(2026, 10, 19),
    causes=(
        AlertCauseFacts("Virtual machine", usd("600")),
        AlertCauseFacts("GPU cards", usd("9000.10")),
        AlertCauseFacts("Object storage", usd("800")),
        AlertCauseFacts("Network", usd("50")),
    ),
    reason="",
    data_as_of=NINE,
    owner="Bob Kahn",
)
FORECAST = replace(
    USED, kind="forecast", rule="ends-above-plan", actual=usd("12000"), impact=usd("2000"), since=None,
    evidence="Grown by 800.00 USD since it was told", escalated=True,
)  # fmt: skip
ACKNOWLEDGED = replace(
    FORECAST,
    state="acknowledged",
    assignee="Ada Lovelace",
    life="Acknowledged by Ada Lovelace at 20 Oct 2026, 09:00 UTC",
)
RESOLVED = replace(ACKNOWLEDGED, state="resolved", life="Gone by itself, on final data, 20 Oct 2026, 09:00 UTC")
ANOMALY = FinanceAlertFacts(
    alert=ID,
    kind="anomaly",
    rule="unusual-cost",
    subject="aws / compute",
    title="aws / compute",
    department="",
    period="2026-10-18",
    actual=usd("300.50"),
    expected=usd("0"),
    impact=usd("300.50"),
    since=date(2026, 10, 18),
    causes=(FinanceAlertCauseFacts("m5.24xlarge", usd("310")), FinanceAlertCauseFacts("m5.large", usd("-9.50"))),
    reason="new resource",
    data_as_of=NINE,
    owner="finance",
    anomaly="anomaly-1",
)
DIGEST = DigestFacts(
    channel="#shop",
    day=date(2026, 10, 20),
    count=2,
    lines=(
        DigestLineFacts(ID, "plan-nearly-used", "电商 Shop", "2026-10", usd("-1500"), "new"),
        DigestLineFacts(ID[::-1], "spends-too-fast", "Batch | <jobs>", "2026-10", usd("12.5"), "acknowledged"),
    ),
)
STORM = FinanceDigestFacts(
    channel="#finance",
    day=date(2026, 10, 20),
    count=412,
    lines=tuple(
        FinanceDigestLineFacts(f"{place:064x}", "unusual-cost", f"series {place}", "2026-10-18", usd("900"), "new")
        for place in range(30)
    ),
    storm=True,
)


def shown(facts: Alert | Digest) -> Message:
    if isinstance(facts, AlertFacts | FinanceAlertFacts):
        return alert_card(facts, f"{PAGE}/{facts.alert}")
    return digest_card(facts, lambda alert: f"{PAGE}/{alert}", PAGE)


CARDS: dict[str, Alert | Digest] = {
    "alert-used": USED,
    "alert-forecast": FORECAST,
    "alert-pace": replace(USED, kind="pace", rule="spends-too-fast"),
    "alert-acknowledged": ACKNOWLEDGED,
    "alert-resolved": RESOLVED,
    "alert-anomaly": ANOMALY,
    "alert-digest": DIGEST,
    "alert-storm": STORM,
}


def body(card: Message) -> dict[str, Any]:
    return {"text": card.text, "blocks": list(card.blocks)}


@pytest.mark.parametrize("name", sorted(CARDS))
def test_a_card_looks_as_agreed_and_slack_takes_it(name: str, golden: Golden) -> None:
    card = shown(CARDS[name])
    golden.check(f"{name}.json", json.dumps(body(card), indent=2, ensure_ascii=False))
    assert problem_of(body(card)) == ""


def test_a_percentage_is_told_only_of_what_is_not_nothing() -> None:
    assert "(+4.5 %)" in shown(USED).text
    assert "%" not in json.dumps(shown(ANOMALY).blocks)


def test_the_three_largest_causes_are_named_by_their_money() -> None:
    said = json.dumps(shown(USED).blocks)
    assert said.index("GPU cards") < said.index("Object storage") < said.index("Virtual machine")
    assert "Network" not in said


def actions_of(card: Message) -> list[str]:
    return [one["action_id"] for block in card.blocks if block["type"] == "actions" for one in block["elements"]]


def test_what_can_be_done_is_what_a_card_offers() -> None:
    always = ["alert_snooze", "alert_explain", "alert_details"]
    assert actions_of(shown(USED)) == ["alert_acknowledge", *always]
    assert actions_of(shown(ACKNOWLEDGED)) == always
    assert actions_of(shown(RESOLVED)) == []
    assert actions_of(shown(ANOMALY)) == ["alert_acknowledge", *always, "alert_right", "alert_wrong", "alert_planned"]


def test_a_storm_says_that_it_is_one_and_how_many_are_not_listed() -> None:
    said = json.dumps(shown(STORM).blocks)
    assert "412 alerts are new in one run: more than are told one by one" in said
    assert "and 392 more" in said
    assert said.count(f"{PAGE}/0") == 20


def test_every_line_of_a_digest_opens_its_alert() -> None:
    said = json.dumps(shown(DIGEST).blocks, ensure_ascii=False)
    assert f"<{PAGE}/{ID}|电商 Shop>" in said
    assert f"<{PAGE}/{ID[::-1]}|Batch | &lt;jobs&gt;>" in said


@pytest.mark.parametrize("facts", [USED, ACKNOWLEDGED, ANOMALY, DIGEST, STORM])
def test_facts_survive_their_json(facts: Alert | Digest) -> None:
    assert read_facts(type(facts), json.loads(json.dumps(facts_json(facts)))) == facts


HOSTILE = st.text(max_size=400) | st.sampled_from(["<!channel>" * 400, "&" * 4000, "\n" * 4000, "<@U0ADA>", "*`_~>|"])
AMOUNTS = st.integers(-(10**20), 10**20).map(lambda cents: Money(Decimal(cents) / 100, "USD"))


@settings(deadline=None, max_examples=40)
@given(HOSTILE, HOSTILE, AMOUNTS, st.sampled_from([USED, FORECAST, ACKNOWLEDGED, RESOLVED]))
def test_whatever_people_write_slack_takes_the_card_and_nobody_is_mentioned(
    name: str, said: str, amount: Money, facts: AlertFacts
) -> None:
    odd = replace(
        facts, title=name, department=name, period=said, rule=name, reason=said, owner=name, assignee=said, life=said,
        evidence=said, impact=amount, causes=(AlertCauseFacts(name, amount),) * 9, anomaly="anomaly-1",
    )  # fmt: skip
    with_chart = body(with_picture(shown(odd), "F00000001", said))
    assert problem_of(with_chart) == ""
    assert mentions(with_chart) == []
    assert [block["type"] for block in with_chart["blocks"]].count("image") == 1


@settings(deadline=None, max_examples=30)
@given(HOSTILE, AMOUNTS, st.integers(0, 60))
def test_a_digest_of_any_length_is_within_the_limits(name: str, amount: Money, count: int) -> None:
    lines = tuple(DigestLineFacts(f"{place:064x}", name, name, name, amount, name) for place in range(count))
    card = body(shown(replace(DIGEST, lines=lines, count=count * 3)))
    assert problem_of(card) == ""
    assert mentions(card) == []
