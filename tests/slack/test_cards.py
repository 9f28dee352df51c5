"""What each card says, within Slack's limits and its audience."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden import Golden
from tests.slack.fake_slack import mentions, problem_of
from twinledger.slack import facts as facts_module
from twinledger.slack.blocks import Message, escaped, quoted
from twinledger.slack.cards import (
    approval_card,
    approver_missing_card,
    failure_card,
    grant_revoked_card,
    quarantine_card,
    reconciliation_card,
    reply_card,
    statement_card,
)
from twinledger.slack.facts import (
    ApprovalFacts,
    ApproverFacts,
    ApproverMissingFacts,
    BreakFacts,
    ComponentFacts,
    DecisionFacts,
    EveryoneFacts,
    FailureFacts,
    FinanceFacts,
    GrantRevokedFacts,
    MoverFacts,
    QuarantineFacts,
    ReconciliationFacts,
    StageFacts,
    StatementFacts,
    facts_json,
    read_facts,
)
from twinledger.vocabulary.money import Money

NINE = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)
TEN = datetime(2026, 10, 20, 10, 0, tzinfo=UTC)
PAGE = "https://airflow.example/twinledger/page"


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


REQUEST = ApprovalFacts(
    request="req-1",
    revision=1,
    state="pending",
    requester="Cy Twombly",
    department="Shop",
    cost_centre="4711",
    product="Virtual machine",
    quantity=Decimal("24.000000000"),
    unit="core-hour",
    region="eu-west-1",
    days=10,
    period="2026-10",
    amount=usd("12.00"),
    justification="Load test before the sale",
    approvers=(ApproverFacts("Bob Kahn", "U0BOB"), ApproverFacts("Ada Lovelace")),
    expires_at=TEN,
    available_before=usd("699.50"),
    available_after=usd("687.50"),
    budget=usd("1000"),
    rule="budget holder of shop",
)
APPROVED = replace(
    REQUEST,
    state="approved",
    revision=2,
    decision=DecisionFacts("Bob Kahn", NINE, "slack", "go ahead", "grant-1"),
)
SECOND = replace(
    REQUEST,
    revision=2,
    approvers=(ApproverFacts("Mary <finance>", "U0MARY"),),
    rule="finance",
    stages=(StageFacts("manager", DecisionFacts("Bob Kahn", NINE, "slack", "")), StageFacts("finance")),
    stage=1,
    account="444455556666",
)
FOR_CARDS = replace(
    REQUEST,
    product="GPU cards",
    unit="card-hour",
    account="444455556666",
    cards="1 card x 240 hours = 240 card-hours",
    cards_used="37.5 % used over 1,200 card-hours of the last 7 days, as of 2026-10-20 08:00 UTC",
)
SUPERSEDED = replace(
    REQUEST, state="superseded", revision=2, decision=DecisionFacts("Cy Twombly", NINE, "page"), superseded_by="req-2"
)
MISSING = ApproverMissingFacts("req-1", "shop", "budget holder", "zoe", ("bob",))
EXPIRED = replace(REQUEST, state="expired", revision=2, decision=DecisionFacts("timer", TEN, "timer"))
REVOKED = GrantRevokedFacts(
    grant="grant-1",
    request="req-1",
    department="shop",
    product="vm",
    meter="core-hours",
    quantity=Decimal("24.00"),
    region="eu-west-1",
    ends_at=datetime(2026, 10, 30, 9, 0, tzinfo=UTC),
    who="Bob Kahn",
    at=TEN,
    why="the <!channel> sale is off",
)
RECONCILIATION = ReconciliationFacts(
    run="run-2026-10-1",
    period="2026-10",
    verdict="breaks",
    internal=usd("98765.43"),
    external=usd("100000"),
    deviation=usd("-1234.57"),
    components=(
        ComponentFacts("discount_kept", usd("2000")),
        ComponentFacts("unmetered", usd("-3234.56")),
        ComponentFacts("rounding", usd("-0.01")),
        ComponentFacts("currency", usd("0")),
    ),
    breaks=(BreakFacts("unmetered", "kubernetes", "kubernetes", usd("-3234.56"), usd("0.01"), "ada", NINE),),
    claims=2,
    claimed=usd("321.00"),
    data_as_of=NINE,
    docs="finance/page.html",
)
CLEAN = replace(RECONCILIATION, verdict="reconciled", components=(), breaks=(), claims=0, claimed=usd("0"))
QUARANTINE = QuarantineFacts(
    source="aws",
    key="cur/20261001-20261101/manifest.json",
    code="total",
    reason="cur-1.csv.gz: expected 120.00 USD, found 119.00 USD (1.00 too little)",
    delivered_at=NINE,
)


STATEMENT = StatementFacts(
    department="shop",
    title="电商 Shop",
    period="2026-10",
    total=usd("6640.38"),
    before=usd("6110.35"),
    movers=(
        MoverFacts("GPU cards", "Large cards", usd("741.23"), usd("120.25"), usd("620.98"), "both"),
        MoverFacts("Own resources", "RDS", usd("-150"), usd("0"), usd("-150"), "gone"),
        MoverFacts("Kubernetes", "Cores <requested>", usd("-62.40"), usd("0"), usd("-62.40"), "quantity"),
    ),
)


def _cards() -> dict[str, Message]:
    return {
        "approval-pending": approval_card(REQUEST, PAGE),
        "approval-approved": approval_card(APPROVED, PAGE),
        "approval-expired": approval_card(EXPIRED, PAGE),
        "approval-for-cards": approval_card(FOR_CARDS, PAGE),
        "approval-second-stage": approval_card(SECOND, PAGE),
        "approval-superseded": approval_card(SUPERSEDED, PAGE),
        "approver-missing": approver_missing_card(MISSING, PAGE),
        "reply-approved": reply_card(APPROVED, PAGE),
        "reply-expired": reply_card(EXPIRED, PAGE),
        "grant-revoked": grant_revoked_card(REVOKED, PAGE),
        "grant-revoked-redeemed": grant_revoked_card(replace(REVOKED, redeemed=True), PAGE),
        "statement": statement_card(STATEMENT, PAGE),
        "statement-first": statement_card(replace(STATEMENT, before=None, movers=()), PAGE),
        "reconciliation-breaks": reconciliation_card(RECONCILIATION, PAGE, [("Data Docs: bridge", PAGE + "/docs")]),
        "reconciliation-clean": reconciliation_card(CLEAN, PAGE),
        "quarantine": quarantine_card(QUARANTINE, "delivery-1"),
        "quarantine-settled": quarantine_card(replace(QUARANTINE, resolved="delivery-2"), "delivery-1"),
        "failure": failure_card(FailureFacts("rate_usage", "manual__1", "2026-10"), PAGE),
    }


@pytest.mark.parametrize("name", sorted(_cards()))
def test_a_card_looks_as_agreed(name: str, golden: Golden) -> None:
    card = _cards()[name]
    golden.check(f"{name}.json", json.dumps({"text": card.text, "blocks": card.blocks}, indent=2, ensure_ascii=False))


@pytest.mark.parametrize("name", sorted(_cards()))
def test_slack_takes_every_card(name: str) -> None:
    card = _cards()[name]
    assert problem_of({"text": card.text, "blocks": card.blocks}) == ""


def test_every_change_of_a_request_has_block_ids_of_its_own() -> None:
    first, second = approval_card(REQUEST, PAGE), approval_card(APPROVED, PAGE)
    assert {one["block_id"] for one in first.blocks}.isdisjoint(one["block_id"] for one in second.blocks)


def test_a_percentage_is_told_only_of_what_is_not_nothing() -> None:
    assert " %)" in statement_card(STATEMENT, PAGE).text
    assert "%" not in statement_card(replace(STATEMENT, before=usd("0")), PAGE).text


HOSTILE = st.text(max_size=5000) | st.sampled_from(["<!channel>" * 300, "&" * 4000, "\n" * 4000, "<@U0ADA>", "*`_~>|"])


@settings(deadline=None)
@given(HOSTILE, HOSTILE)
def test_whatever_people_write_slack_takes_the_card_and_nobody_is_mentioned(name: str, justification: str) -> None:
    wish = replace(
        APPROVED,
        request=name or "x",
        requester=name,
        product=name,
        department=name,
        region=name,
        justification=justification,
        decision=DecisionFacts(name, NINE, "slack", justification),
    )
    pending = replace(wish, state="pending")
    for card in (approval_card(wish, PAGE), reply_card(wish, PAGE), approval_card(pending, PAGE)):
        body = {"text": card.text, "blocks": card.blocks}
        assert problem_of(body) == ""
        assert [one for one in mentions(body) if one != "<@U0BOB>"] == []


@settings(deadline=None)
@given(st.text(), st.integers(min_value=1, max_value=60))
def test_escaped_text_fits_and_holds_whole_entities(text: str, limit: int) -> None:
    short = escaped(text, limit)
    assert len(short) <= limit
    assert "<" not in short
    assert all(part.startswith(("amp;", "lt;", "gt;")) for part in short.split("&")[1:])


@settings(deadline=None)
@given(st.text(max_size=4000))
def test_every_line_of_a_quotation_is_marked(text: str) -> None:
    quotation = quoted(text)
    assert len(quotation) <= 1600
    assert all(line.startswith("> ") for line in quotation.splitlines())


@settings(deadline=None)
@given(st.lists(st.integers(-(10**15), 10**15), max_size=400))
def test_a_bridge_of_any_length_is_within_the_limits(amounts: list[int]) -> None:
    components = tuple(ComponentFacts(f"component_{i}", usd(str(one)), "p" * 60) for i, one in enumerate(amounts))
    breaks = tuple(BreakFacts("idle", "p", "s" * 500, usd(str(one)), usd("1"), "o", NINE) for one in amounts)
    card = reconciliation_card(
        replace(RECONCILIATION, components=components, breaks=breaks), PAGE, [("Data Docs", PAGE)]
    )
    assert problem_of({"text": card.text, "blocks": card.blocks}) == ""


@pytest.mark.parametrize("facts", [REQUEST, APPROVED, REVOKED, STATEMENT, RECONCILIATION, QUARANTINE])
def test_facts_survive_their_json(facts: EveryoneFacts | FinanceFacts) -> None:
    written = json.loads(json.dumps(facts_json(facts)))
    assert read_facts(type(facts), written) == facts


def test_facts_for_everyone_have_no_field_that_finance_alone_may_read() -> None:
    kinds = [
        kind
        for kind in vars(facts_module).values()
        if isinstance(kind, type) and issubclass(kind, EveryoneFacts) and dataclasses.is_dataclass(kind)
    ]
    names = {field.name for kind in kinds for field in dataclasses.fields(kind)}
    secret = ("billed", "effective", "contract", "external", "discount", "claim", "deviation", "list_", "vendor")
    assert len(kinds) >= 6
    assert [name for name in names if name.startswith(secret)] == []
    assert not any(issubclass(kind, FinanceFacts) for kind in kinds)
