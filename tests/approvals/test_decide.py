from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from twinledger.approvals import (
    Decision,
    Desk,
    Outcome,
    Submission,
    decide,
    expire,
    expire_due,
    submit,
    waiting_for,
    withdraw,
)
from twinledger.clock import FixedClock
from twinledger.outbox import LocalSender, Outgoing, Sent, drain, entries
from twinledger.store.models import AuditEntry, Commitment, Grant, Interaction, Request
from twinledger.vocabulary.errors import AlreadyDecidedError, NotEntitledError, UnknownRequestError


@pytest.fixture
def request_id(desk: Desk, wish: Submission) -> str:
    return submit(desk, wish, identify=lambda prefix: f"{prefix}-1")


def _approve(request: str, person: str = "bob", key: str = "click-1") -> Decision:
    return Decision(request, person, "approve", "slack", key, "go ahead")


def _commitment(desk: Desk) -> str:
    with desk.store.reading() as session:
        return session.scalars(select(Commitment.state)).one()


def _audited(desk: Desk) -> list[tuple[str, str]]:
    with desk.store.reading() as session:
        return [(one.who, one.action) for one in session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))]


def test_an_approval_grants_posts_tells_and_is_recorded(desk: Desk, request_id: str) -> None:
    outcome = decide(desk, _approve(request_id))
    assert outcome == Outcome(
        request_id, "approved", 2, "bob", desk.clock.now(), "slack", "go ahead", grant="grant-1", duplicate=False
    )
    assert _commitment(desk) == "posted"
    with desk.store.reading() as session:
        grant = session.scalars(select(Grant)).one()
    assert (grant.product, grant.meter, grant.quantity, grant.region) == ("vm", "core-hours", Decimal(24), "eu-west-1")
    assert grant.ends_at - grant.starts_at == timedelta(days=10)
    told = [(item.kind, item.channel) for item in reversed(entries(desk.store))]
    assert told == [
        ("approval", "#shop"),
        ("wake", "airflow/req-1"),
        ("approval", "#shop"),
        ("approval_reply", "U-CY"),
        ("wake", "airflow/req-1"),
    ]
    assert _audited(desk) == [("cy", "request.submit"), ("bob", "request.approve")]


def test_a_denial_grants_nothing_and_frees_the_budget(desk: Desk, request_id: str) -> None:
    outcome = decide(desk, Decision(request_id, "bob", "deny", "airflow", "answer-1", "too much"))
    assert (outcome.state, outcome.grant, outcome.comment) == ("denied", None, "too much")
    assert _commitment(desk) == "void"
    assert entries(desk.store)[0].facts["state"] == "denied"


def test_a_second_click_sees_who_decided(desk: Desk, request_id: str) -> None:
    decide(desk, _approve(request_id))
    with pytest.raises(AlreadyDecidedError, match="already approved by bob at 2026-10-20T09:00:00") as told:
        decide(desk, Decision(request_id, "bob", "deny", "page", "click-2"))
    assert (told.value.outcome, told.value.who) == ("approved", "bob")
    assert _commitment(desk) == "posted"


def test_a_replay_of_a_decision_gets_its_first_result(desk: Desk, request_id: str) -> None:
    first = decide(desk, _approve(request_id))
    messages = entries(desk.store)
    assert decide(desk, _approve(request_id)) == replace(first, duplicate=True)
    assert entries(desk.store) == messages
    assert _audited(desk) == [("cy", "request.submit"), ("bob", "request.approve")]


def test_a_replay_of_a_refusal_is_refused_again(desk: Desk, request_id: str) -> None:
    for _ in range(2):
        with pytest.raises(NotEntitledError, match="it is for bob to decide"):
            decide(desk, _approve(request_id, "ada"))
    assert _audited(desk) == [("cy", "request.submit"), ("ada", "request.approve.refused")]
    decide(desk, _approve(request_id, "bob", "click-2"))
    for _ in range(2):
        with pytest.raises(AlreadyDecidedError):
            decide(desk, _approve(request_id, "bob", "click-3"))
    with desk.store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Interaction)) == 3


def test_the_requester_never_decides_even_as_an_approver(desk: Desk, request_id: str) -> None:
    with desk.store.transaction() as session:
        session.get_one(Request, request_id).approvers = ["bob", "cy"]
    with pytest.raises(NotEntitledError, match="the requester never decides"):
        decide(desk, _approve(request_id, "cy"))
    assert _commitment(desk) == "pending"


def test_somebody_without_a_say_is_refused_also_when_it_is_decided(desk: Desk, request_id: str) -> None:
    decide(desk, _approve(request_id))
    with pytest.raises(NotEntitledError):
        decide(desk, _approve(request_id, "ada", "click-2"))


def test_only_the_requester_withdraws(desk: Desk, request_id: str) -> None:
    with pytest.raises(NotEntitledError, match="only its requester, cy"):
        withdraw(desk, request_id, "bob", surface="page", interaction_key="1")
    assert withdraw(desk, request_id, "cy", surface="page", interaction_key="2").state == "withdrawn"
    assert _commitment(desk) == "void"
    with pytest.raises(AlreadyDecidedError, match="withdrawn by cy"):
        decide(desk, _approve(request_id))


def test_an_unanswered_request_expires_once(desk: Desk, request_id: str) -> None:
    first = expire(desk, request_id)
    assert (first.state, first.decided_by, first.duplicate) == ("expired", "timer", False)
    assert _commitment(desk) == "expired"
    messages = entries(desk.store)
    assert expire(desk, request_id) == replace(first, duplicate=True)
    assert entries(desk.store) == messages


def test_an_expiry_after_an_approval_changes_nothing(desk: Desk, request_id: str) -> None:
    decided = decide(desk, _approve(request_id))
    assert expire(desk, request_id) == replace(decided, duplicate=True)
    assert _commitment(desk) == "posted"


def test_an_answer_after_the_time_ran_out_comes_too_late(desk: Desk, clock: FixedClock, request_id: str) -> None:
    clock.advance(timedelta(days=3))
    with pytest.raises(AlreadyDecidedError, match="already expired by timer"):
        decide(desk, _approve(request_id))
    assert _commitment(desk) == "expired"


def test_requests_whose_time_ran_out_are_swept(desk: Desk, clock: FixedClock, wish: Submission) -> None:
    short = submit(desk, replace(wish, expires_in=timedelta(hours=1)))
    submit(desk, wish)
    clock.advance(timedelta(hours=2))
    assert [outcome.request for outcome in expire_due(desk)] == [short]
    assert expire_due(desk) == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda desk: decide(desk, _approve("req-9")),
        lambda desk: withdraw(desk, "req-9", "cy", surface="page", interaction_key="1"),
        lambda desk: expire(desk, "req-9"),
    ],
    ids=["decide", "withdraw", "expire"],
)
def test_a_request_that_was_never_made_cannot_end(desk: Desk, ask: Callable[[Desk], Outcome]) -> None:
    with pytest.raises(UnknownRequestError, match="req-9"):
        ask(desk)


def test_what_waits_for_a_person_is_listed_soonest_first(desk: Desk, wish: Submission) -> None:
    late = submit(desk, wish)
    soon = submit(desk, replace(wish, expires_in=timedelta(hours=1)))
    decided = submit(desk, wish)
    decide(desk, _approve(decided))
    with desk.store.reading() as session:
        assert [view.id for view in waiting_for(session, "bob")] == [soon, late]
        assert waiting_for(session, "ada") == []


def test_every_card_of_a_request_is_rendered_again_in_its_place(desk: Desk, request_id: str) -> None:
    sent: list[Outgoing] = []

    class Slack:
        def send(self, item: Outgoing) -> Sent:
            sent.append(item)
            return item.update or Sent(item.channel, str(len(sent)))

    drain(desk.store, Slack(), desk.clock)
    decide(desk, _approve(request_id))
    drain(desk.store, Slack(), desk.clock)
    cards = [(item.channel, item.update, item.facts["state"]) for item in sent if item.kind == "approval"]
    assert cards == [("#shop", None, "pending"), ("#shop", Sent("#shop", "1"), "approved")]


def _race(desk: Desk, decisions: list[Decision]) -> list[Outcome | AlreadyDecidedError]:
    """All at the same moment, each in a thread of its own."""
    start = threading.Barrier(len(decisions))

    def answer(decision: Decision) -> Outcome | AlreadyDecidedError:
        start.wait()
        try:
            return decide(desk, decision)
        except AlreadyDecidedError as told:
            return told

    with ThreadPoolExecutor(len(decisions)) as people:
        return list(people.map(answer, decisions))


def test_of_sixteen_who_answer_at_once_one_decides_and_fifteen_are_told(desk: Desk, request_id: str) -> None:
    with desk.store.transaction() as session:
        session.get_one(Request, request_id).approvers = ["ada", "bob"]
    answers = [
        Decision(request_id, "ada" if n % 2 else "bob", "approve" if n % 4 < 2 else "deny", "slack", f"click-{n}", "")
        for n in range(16)
    ]
    results = _race(desk, answers)
    (won,) = [one for one in results if isinstance(one, Outcome)]
    told = [one for one in results if isinstance(one, AlreadyDecidedError)]
    assert [(one.outcome, one.who) for one in told] == [(won.state, won.decided_by)] * 15
    with desk.store.reading() as session:
        grants = session.scalars(select(Grant)).all()
    assert len(grants) == (won.state == "approved")
    assert _commitment(desk) == ("posted" if won.state == "approved" else "void")
    drain(desk.store, LocalSender(), desk.clock)
    assert [item.kind for item in reversed(entries(desk.store))] == [
        "approval",
        "wake",
        "approval",
        "approval_reply",
        "wake",
    ]
    assert [action for _, action in _audited(desk) if not action.endswith(".refused")][1:] == [
        "request.approve" if won.state == "approved" else "request.deny"
    ]


def test_one_click_that_arrives_sixteen_times_at_once_is_one_decision(desk: Desk, request_id: str) -> None:
    results = _race(desk, [_approve(request_id)] * 16)
    outcomes = [one for one in results if isinstance(one, Outcome)]
    assert len(outcomes) == 16
    assert sum(not one.duplicate for one in outcomes) == 1
    assert {one.grant for one in outcomes} == {"grant-1"}


def test_an_approval_and_an_expiry_at_once_have_one_outcome(desk: Desk, wish: Submission) -> None:
    for number in range(5):
        request = submit(desk, wish, identify=lambda prefix, number=number: f"{prefix}-{number}")  # type: ignore[misc]  # binds the number
        start = threading.Barrier(2)

        def lapse(request: str = request, start: threading.Barrier = start) -> Outcome:
            start.wait()
            return expire(desk, request)

        def approve(request: str = request, start: threading.Barrier = start) -> str:
            start.wait()
            try:
                return decide(desk, _approve(request)).state
            except AlreadyDecidedError as told:
                return told.outcome

        with ThreadPoolExecutor(2) as racing:
            lapsed, approved = racing.submit(lapse), racing.submit(approve)
        assert lapsed.result().state == approved.result()
        with desk.store.reading() as session:
            granted = session.scalars(select(Grant).where(Grant.request == request)).all()
            commitment = session.get_one(Commitment, request)
        assert (len(granted), commitment.state) == (
            (1, "posted") if approved.result() == "approved" else (0, "expired")
        )
