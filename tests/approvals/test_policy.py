"""The policy: which rule decides, on what, and what follows for a request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from tests.examples import examples
from twinledger.approvals import Asked, Decision, Desk, Submission, decide, judge, policy, request_view, submit
from twinledger.catalog import Conditions, RuleConfig
from twinledger.outbox import entries
from twinledger.store.models import AuditEntry, Base, Commitment, Grant, Person, PolicyRule, Request
from twinledger.vocabulary.errors import NoApproverError, NotEntitledError, PolicyRefusedError

MONDAY = datetime(2026, 10, 19, 9, 30, tzinfo=UTC)
ASKED = Asked(
    departments=("shop", "group"), product="vm", meter="core-hours", region="r1", roles=("engineer",),
    amount=Decimal("12.00"), headroom=Decimal("687.50"), days=10, at=MONDAY,
)  # fmt: skip


def rule(name: str, then: str, **when: Any) -> RuleConfig:  # noqa: ANN401 - conditions as policy.yaml has them
    return RuleConfig.model_validate({"name": name, "when": when, "then": then, "reason": f"why {name}"})


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ({"departments": ["group"]}, ""),
        ({"departments": ["lab"]}, "department is shop, group, expected lab"),
        ({"products": ["vm", "gpu"]}, ""),
        ({"products": ["gpu"]}, "product is vm, expected gpu"),
        ({"meters": ["vm/core-hours"]}, ""),
        ({"meters": ["vm/disk"]}, "meter is vm/core-hours, expected vm/disk"),
        ({"regions": ["r2", "r3"]}, "region is r1, expected r2 or r3"),
        ({"roles": ["engineer"]}, ""),
        ({"roles": ["finance"]}, "role is engineer, expected finance"),
        ({"amount": {"at_least": "12"}}, ""),
        ({"amount": {"below": "12"}}, "amount is 12.00, expected below 12"),
        ({"amount": {"at_least": "12.01", "below": "20"}}, "amount is 12.00, expected at least 12.01 and below 20"),
        ({"headroom": {"below": "687.51"}}, ""),
        ({"headroom": {"below": "0"}}, "headroom is 687.50, expected below 0"),
        ({"days": {"at_least": "10", "below": "11"}}, ""),
        ({"days": {"at_least": "11"}}, "days is 10, expected at least 11"),
        ({"weekdays": ["mon"]}, ""),
        ({"weekdays": ["sat", "sun"]}, "weekday is mon, expected sat or sun"),
        ({"hours": "09:30-18:00"}, ""),
        ({"hours": "00:00-09:30"}, "it is 09:30, expected 00:00-09:30"),
    ],
)
def test_a_condition_holds_or_says_what_it_found(when: dict[str, Any], problem: str) -> None:
    ruling = judge([rule("one", "ask finance", **when)], ASKED)
    if problem:
        assert (ruling.rule, ruling.outcome, ruling.tried) == ("", "ask budget holder", (("one", problem),))
    else:
        assert (ruling.rule, ruling.outcome, ruling.reason) == ("one", "ask finance", "why one")


_WHENS = st.fixed_dictionaries(
    {},
    optional={
        "products": st.lists(st.sampled_from(["vm", "gpu", "disk"]), min_size=1, max_size=2),
        "amount": st.sampled_from([{"below": "10"}, {"at_least": "10"}, {"at_least": "5", "below": "20"}]),
        "days": st.sampled_from([{"below": "7"}, {"at_least": "7"}]),
        "regions": st.lists(st.sampled_from(["r1", "r2"]), min_size=1, max_size=1),
    },
)


@given(
    rules=st.lists(st.tuples(_WHENS, st.sampled_from(["allow", "refuse", "ask manager", "ask finance"])), max_size=6),
    product=st.sampled_from(["vm", "gpu"]),
    amount=st.sampled_from([Decimal(4), Decimal(5), Decimal(10), Decimal(20)]),
    days=st.integers(1, 10),
)
@examples(200)
def test_the_first_rule_whose_conditions_all_hold_decides(
    rules: list[tuple[dict[str, Any], str]], product: str, amount: Decimal, days: int
) -> None:
    asked = replace(ASKED, product=product, amount=amount, days=days)
    found = judge([rule(f"r{number}", then, **when) for number, (when, then) in enumerate(rules)], asked)

    def inside(span: dict[str, str], number: Decimal) -> bool:
        return Decimal(span.get("at_least", "-1")) <= number < Decimal(span.get("below", "1000000"))

    holding = [
        (f"r{number}", then)
        for number, (when, then) in enumerate(rules)
        if product in when.get("products", [product])
        and "r1" in when.get("regions", ["r1"])
        and inside(when.get("amount", {}), amount)
        and inside(when.get("days", {}), Decimal(days))
    ]
    assert (found.rule, found.outcome) == (holding[0] if holding else ("", "ask budget holder"))
    assert len(found.tried) == (int(holding[0][0][1:]) if holding else len(rules))


# --- requests under a policy --------------------------------------------------------------------


def put(desk: Desk, *rules: RuleConfig) -> None:
    """The policy in force, as applying policy.yaml writes it."""
    with desk.store.transaction() as session:
        for position, one in enumerate(rules, start=1):
            conditions = one.when.model_dump(mode="json", exclude_defaults=True)
            session.add(
                PolicyRule(position=position, name=one.name, conditions=conditions, outcome=one.then, reason=one.reason)
            )


def count(desk: Desk, table: type[Base]) -> int:
    with desk.store.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_the_store_says_what_the_file_said(desk: Desk) -> None:
    rules = (
        rule("one", "refuse", departments=["shop"], amount={"below": "0.10"}, hours="08:00-24:00", weekdays=["mon"]),
        rule("two", "allow"),
    )
    put(desk, *rules)
    with desk.store.reading() as session:
        assert policy(session) == rules
    assert rules[1].when == Conditions()


def test_a_refused_request_leaves_its_record_and_nothing_else(desk: Desk, wish: Submission) -> None:
    put(desk, rule("no-long-ones", "refuse", days={"at_least": "10"}))
    with pytest.raises(PolicyRefusedError, match=r"rule no-long-ones of policy\.yaml: why no-long-ones"):
        submit(desk, wish)
    assert [count(desk, table) for table in (Request, Commitment, Grant)] == [0, 0, 0]
    assert entries(desk.store) == []
    with desk.store.reading() as session:
        (kept,) = session.scalars(select(AuditEntry)).all()
    assert (kept.who, kept.action, kept.subject) == ("cy", "request.refused", "shop")
    assert (kept.facts["policy"]["rule"], kept.facts["meter"]) == ("no-long-ones", "vm/core-hours")


def test_an_allowed_request_is_granted_at_once_and_its_budget_is_taken(desk: Desk, wish: Submission) -> None:
    put(desk, rule("small-change", "allow", amount={"below": "50"}))
    request = submit(desk, wish, identify=lambda prefix: f"{prefix}-1")
    with desk.store.reading() as session:
        view = request_view(session, request)
        commitment = session.get_one(Commitment, request)
        actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence)))
    assert (view.state, view.decided_by, view.decided_on, view.grant) == ("approved", "policy", "policy", "grant-1")
    assert (commitment.state, view.comment) == ("posted", "by rule small-change")
    assert actions == ["request.submit", "request.approve"]
    assert {(item.kind, item.channel) for item in entries(desk.store)} == {
        ("approval", "#shop"), ("approval_reply", "U-CY"), ("wake", "airflow/req-1"),
    }  # fmt: skip


def test_whoever_holds_every_budget_above_needs_nobody_where_the_policy_allows(desk: Desk, wish: Submission) -> None:
    asked = replace(wish, requester="ada", department="group")
    with pytest.raises(NoApproverError):
        submit(desk, asked)
    put(desk, rule("small-change", "allow"))
    assert submit(desk, asked)


def test_headroom_is_what_is_left_after_the_request(desk: Desk, wish: Submission) -> None:
    put(desk, rule("beyond", "refuse", headroom={"below": "0"}), rule("rest", "allow"))
    spent = replace(wish, actual=Decimal(988))
    assert submit(desk, spent)
    with pytest.raises(PolicyRefusedError, match="beyond"):
        submit(desk, spent)


@pytest.mark.parametrize(
    ("then", "approvers", "channel", "said"),
    [
        ("ask manager", ("bob",), "#shop", "manager of shop, by rule one"),
        ("ask budget holder", ("bob",), "#shop", "budget holder of shop, by rule one"),
        ("ask finance", ("ada", "mo"), "#finance", "finance, by rule one"),
    ],
)
def test_who_is_asked_is_who_the_rule_names(
    then: str, approvers: tuple[str, ...], channel: str, said: str, desk: Desk, wish: Submission
) -> None:
    with desk.store.transaction() as session:
        session.add(Person(name="mo", title="Mo", slack_user="U-MO", airflow_user="mo", roles=["finance"]))
    put(desk, rule("one", then))
    request = submit(desk, wish)
    with desk.store.reading() as session:
        view = request_view(session, request)
    assert (view.approvers, view.facts["channel"], view.facts["rule"]) == (approvers, channel, said)
    assert view.facts["policy"]["outcome"] == then
    with pytest.raises(NotEntitledError):
        decide(desk, Decision(request, "cy", "approve", "slack", "click-1"))
    assert decide(desk, Decision(request, approvers[-1], "approve", "slack", "click-2")).state == "approved"


def test_of_finance_the_requester_is_never_asked(desk: Desk, wish: Submission) -> None:
    put(desk, rule("one", "ask finance"))
    with pytest.raises(NoApproverError, match="nobody else has the role finance; give it to another person"):
        submit(desk, replace(wish, requester="ada"))
