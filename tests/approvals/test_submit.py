from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select

from tests.approvals.conftest import JULY
from tests.conftest import NOW
from twinledger.approvals import Desk, Submission, headroom, request_view, revision_of, submit
from twinledger.clock import FixedClock
from twinledger.outbox import entries
from twinledger.store.models import Agreement, AuditEntry, Budget, Commitment, Department, Person, Request
from twinledger.vocabulary.errors import (
    CurrencyMismatchError,
    InvalidSubmissionError,
    MissingPriceError,
    NoApproverError,
    TwinledgerError,
    UnknownNameError,
    UnknownRequestError,
)


def test_a_request_is_estimated_committed_told_and_recorded(desk: Desk, wish: Submission) -> None:
    request = submit(desk, wish, identify=lambda prefix: f"{prefix}-1")
    assert request == "req-1"
    with desk.store.reading() as session:
        view = request_view(session, request)
        commitment = session.get_one(Commitment, request)
        audited = session.scalars(select(AuditEntry)).one()
    assert (view.amount, view.currency, view.period, view.state) == (Decimal(12), "USD", "2026-10", "pending")
    assert view.approvers == ("bob",)
    assert view.expires_at == desk.clock.now() + timedelta(days=3)
    assert (commitment.amount, commitment.state, commitment.period) == (Decimal(12), "pending", "2026-10")
    assert (audited.who, audited.action, audited.subject) == ("cy", "request.submit", "req-1")
    told = [(item.kind, item.channel, item.subject, item.audience) for item in reversed(entries(desk.store))]
    assert told == [("approval", "#shop", "req-1", "everyone"), ("wake", "airflow/req-1", "req-1", "everyone")]


def test_the_facts_of_a_decision_are_kept_with_the_request(desk: Desk, wish: Submission) -> None:
    submit(desk, wish)
    second = submit(desk, replace(wish, quantity=Decimal(48)))
    with desk.store.reading() as session:
        facts = request_view(session, second).facts
    assert facts == {
        "rule": "budget holder of shop",
        "channel": "#shop",
        "price": "0.05",
        "price_from": "2026-07-01T00:00:00+00:00",
        "agreed_with": "",
        "unit": "core-hour",
        "amount": "24.00",
        "currency": "USD",
        "plan": "1000.00",
        "actual": "300.50",
        "committed": "12.00",
        "available_before": "687.50",
        "available_after": "663.50",
        "policy": {
            "rule": "",
            "outcome": "ask budget holder",
            "reason": "no rule of policy.yaml holds",
            "tried": [],
            "revision": revision_of([]),
        },
    }


@pytest.mark.parametrize(
    ("agreements", "amount", "agreed_with"),
    [
        ([("group", JULY, None, "0.04")], "9.60", "group"),
        ([("group", JULY, None, "0.04"), ("shop", JULY, None, "0.03")], "7.20", "shop"),
        ([("shop", JULY, NOW, "0.03")], "12.00", ""),
        ([("shop", NOW + timedelta(seconds=1), None, "0.03")], "12.00", ""),
        ([("shop", JULY, NOW, "0.03"), ("shop", NOW, None, "0.02")], "4.80", "shop"),
    ],
    ids=["above", "nearest", "ended", "not yet", "the later one"],
)
def test_the_estimate_is_at_the_price_that_the_department_pays(
    agreements: list[tuple[str, datetime, datetime | None, str]],
    amount: str,
    agreed_with: str,
    desk: Desk,
    wish: Submission,
) -> None:
    with desk.store.transaction() as session:
        for department, start, end, price in agreements:
            terms = {"amount": Decimal(price), "currency": "USD", "recorded_at": JULY}
            session.add(
                Agreement(
                    department=department,
                    product="vm",
                    meter="core-hours",
                    effective_from=start,
                    effective_to=end,
                    **terms,
                )
            )
    request = submit(desk, wish)
    with desk.store.reading() as session:
        facts = request_view(session, request).facts
    assert (facts["amount"], facts["agreed_with"]) == (amount, agreed_with)


def test_a_wish_beyond_the_budget_is_asked_and_says_so(desk: Desk, wish: Submission) -> None:
    request = submit(desk, replace(wish, actual=Decimal(995)))
    with desk.store.reading() as session:
        assert request_view(session, request).facts["available_after"] == "-7.00"


def test_the_estimate_is_exact(desk: Desk, wish: Submission) -> None:
    request = submit(desk, replace(wish, quantity=Decimal("9999999999.999999999"), days=366))
    with desk.store.reading() as session:
        assert request_view(session, request).amount == Decimal("182999999999.9999999817")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"quantity": Decimal(0)}, "quantity"),
        ({"quantity": Decimal(-1)}, "quantity"),
        ({"quantity": Decimal("NaN")}, "quantity"),
        ({"quantity": Decimal("Infinity")}, "quantity"),
        ({"quantity": Decimal("1.0000000001")}, "quantity"),
        ({"quantity": Decimal(10) ** 10}, "quantity"),
        ({"days": 0}, "days"),
        ({"days": 367}, "days"),
        ({"region": ""}, "region"),
        ({"region": "r" * 256}, "region"),
        ({"justification": " \n"}, "justification"),
        ({"expires_in": timedelta(0)}, "expires_in"),
        ({"product": "old"}, "product"),
    ],
)
def test_a_submission_that_cannot_be_is_refused_by_name(
    desk: Desk, wish: Submission, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidSubmissionError) as refusal:
        submit(desk, replace(wish, **change))
    assert refusal.value.field == named
    assert entries(desk.store) == []


@pytest.mark.parametrize("change", [{"requester": "zoe"}, {"department": "x"}, {"product": "x"}, {"meter": "x"}])
def test_a_submission_of_unknown_names_is_refused(desk: Desk, wish: Submission, change: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError, match=next(iter(change.values()))):
        submit(desk, replace(wish, **change))


def test_a_meter_without_a_price_cannot_be_asked_for(desk: Desk, clock: FixedClock, wish: Submission) -> None:
    clock.advance(timedelta(days=-365))
    with pytest.raises(MissingPriceError):
        submit(desk, wish)


def test_a_budget_in_another_currency_is_refused(desk: Desk, wish: Submission) -> None:
    with desk.store.transaction() as session:
        session.get_one(Budget, ("shop", "2026-10")).currency = "EUR"
    with pytest.raises(CurrencyMismatchError):
        submit(desk, wish)


def test_the_budget_holders_own_request_goes_to_the_department_above(desk: Desk, wish: Submission) -> None:
    request = submit(desk, replace(wish, requester="bob"))
    with desk.store.reading() as session:
        view = request_view(session, request)
    assert (view.approvers, view.facts["rule"]) == (("ada",), "budget holder of group")
    assert [item.channel for item in entries(desk.store) if item.kind == "approval"] == ["#group"]


def test_a_budget_holder_who_is_gone_is_passed_over(desk: Desk, wish: Submission) -> None:
    with desk.store.transaction() as session:
        session.execute(delete(Person).where(Person.name == "bob"))
    request = submit(desk, wish)
    with desk.store.reading() as session:
        assert request_view(session, request).approvers == ("ada",)


def test_a_request_that_only_its_requester_could_decide_is_refused(desk: Desk, wish: Submission) -> None:
    with desk.store.transaction() as session:
        session.get_one(Department, "shop").budget_holder = "ada"
    with pytest.raises(NoApproverError, match="ada"):
        submit(desk, replace(wish, requester="ada"))
    with desk.store.reading() as session:
        assert session.scalars(select(Request)).all() == []


def test_a_department_without_a_plan_has_none_to_spend(desk: Desk, wish: Submission) -> None:
    request = submit(desk, replace(wish, department="group", actual=Decimal(0)))
    with desk.store.transaction() as session:
        assert request_view(session, request).facts["available_before"] == "0.00"
        assert headroom(session, "group", "2026-10", Decimal(0), "USD", desk.clock.now()).available == Decimal(-12)


def test_a_request_that_was_never_made_is_named(desk: Desk) -> None:
    with pytest.raises(UnknownRequestError, match="req-9"), desk.store.reading() as session:
        request_view(session, "req-9")
    assert issubclass(UnknownRequestError, TwinledgerError)
