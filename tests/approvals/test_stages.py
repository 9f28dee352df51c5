"""Requests that several people are asked for in turn, who stands in for whom, and requests that are put anew."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from twinledger.approvals import (
    AbsenceView,
    Answer,
    Decision,
    Desk,
    Outcome,
    RequestView,
    Submission,
    absences,
    amend,
    be_away,
    be_back,
    decide,
    escalate,
    expire,
    preview,
    request_view,
    submit,
    withdraw,
)
from twinledger.clock import FixedClock
from twinledger.outbox import entries
from twinledger.store.models import AuditEntry, Commitment, Department, Grant, Person, PolicyRule, Request
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    InvalidAbsenceError,
    NoApproverError,
    NotEntitledError,
    PolicyRefusedError,
    TwinledgerError,
    UnknownNameError,
)


def rule(desk: Desk, outcome: str, reason: str = "why") -> None:
    """The one rule of the policy."""
    with desk.store.transaction() as session:
        for row in session.scalars(select(PolicyRule)):
            session.delete(row)
        session.flush()
        session.add(PolicyRule(position=1, name="one", conditions={}, outcome=outcome, reason=reason))


def add(desk: Desk, *people: tuple[str, list[str]]) -> None:
    with desk.store.transaction() as session:
        for name, roles in people:
            title, user = name.title(), f"U-{name.upper()}"
            session.add(Person(name=name, title=title, slack_user=user, airflow_user=name, roles=roles))


def seen(desk: Desk, request: str) -> RequestView:
    with desk.store.reading() as session:
        return request_view(session, request)


def answer(
    desk: Desk, request: str, person: str, key: str, verdict: Answer = "approve", stage: int | None = None
) -> Outcome:
    return decide(desk, Decision(request, person, verdict, "slack", key, stage=stage))


def commitments(desk: Desk) -> dict[str, str]:
    with desk.store.reading() as session:
        return {one.request: one.state for one in session.scalars(select(Commitment))}


def audited(desk: Desk) -> list[tuple[str, str]]:
    with desk.store.reading() as session:
        return [(one.who, one.action) for one in session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))]


def test_the_manager_is_asked_first_and_then_finance(desk: Desk, wish: Submission, clock: FixedClock) -> None:
    rule(desk, "ask manager then finance")
    request = submit(desk, wish)
    asked = seen(desk, request)
    assert (asked.roles, asked.stage, asked.approvers) == (("manager", "finance"), 0, ("bob",))
    clock.advance(timedelta(hours=5))
    first = answer(desk, request, "bob", "1")
    assert (first.state, first.decided_by, first.grant) == ("pending", "bob", None)
    going = seen(desk, request)
    assert (going.stage, going.approvers, going.revision) == (1, ("ada",), 2)
    assert going.expires_at == clock.now() + timedelta(days=3), "each stage has as long to answer"
    assert commitments(desk) == {request: "pending"}
    assert [(one.kind, one.channel) for one in entries(desk.store)][:3] == [
        ("wake", f"airflow/{request}"), ("approval", "#shop"), ("approval", "#finance"),
    ]  # fmt: skip
    last = answer(desk, request, "ada", "2")
    assert (last.state, last.decided_by, commitments(desk)) == ("approved", "ada", {request: "posted"})
    assert [one["by"] for one in seen(desk, request).stages] == ["bob", "ada"]
    assert audited(desk) == [("cy", "request.submit"), ("bob", "request.approve"), ("ada", "request.approve")]


def test_a_denial_at_any_stage_ends_it(desk: Desk, wish: Submission) -> None:
    rule(desk, "ask manager then finance")
    request = submit(desk, wish)
    answer(desk, request, "bob", "1")
    assert answer(desk, request, "ada", "2", "deny").state == "denied"
    assert commitments(desk) == {request: "void"}


def test_an_answer_to_a_stage_that_is_over_is_told_who_answered_it(desk: Desk, wish: Submission) -> None:
    add(desk, ("mo", ["finance"]))
    rule(desk, "ask manager then finance")
    request = submit(desk, wish)
    answer(desk, request, "bob", "1", stage=0)
    with pytest.raises(AlreadyDecidedError, match=r"stage manager of .* was already approved by bob"):
        answer(desk, request, "bob", "2", "deny", stage=0)
    assert answer(desk, request, "bob", "1", stage=0).duplicate
    with pytest.raises(AlreadyDecidedError):
        answer(desk, request, "ada", "3", stage=0)
    assert answer(desk, request, "ada", "4", stage=1).state == "approved"


def test_nobody_answers_twice(desk: Desk, wish: Submission) -> None:
    rule(desk, "ask manager then budget holder")
    request = submit(desk, wish)
    answer(desk, request, "bob", "1")
    assert seen(desk, request).approvers == ("ada",), (
        "bob is the shop's manager and holds its budget: the group's is next"
    )
    with pytest.raises(NotEntitledError):
        answer(desk, request, "bob", "2")


def test_a_request_that_would_have_nobody_at_a_later_stage_is_not_made(desk: Desk, wish: Submission) -> None:
    rule(desk, "ask manager then budget holder then finance")
    with pytest.raises(NoApproverError, match="nobody else has the role finance"):
        submit(desk, wish)
    assert commitments(desk) == {}
    add(desk, ("mo", ["finance"]))
    request = submit(desk, wish)
    for number, person in enumerate(("bob", "ada", "mo")):
        outcome = answer(desk, request, person, str(number))
    assert outcome.state == "approved"


def test_where_nobody_is_left_for_the_next_stage_the_approval_is_refused(desk: Desk, wish: Submission) -> None:
    add(desk, ("mo", ["finance"]))
    rule(desk, "ask manager then finance")
    request = submit(desk, wish)
    with desk.store.transaction() as session:
        for name in ("ada", "mo"):
            session.get_one(Person, name).roles = []
    with pytest.raises(NoApproverError):
        answer(desk, request, "bob", "1")
    assert (seen(desk, request).state, seen(desk, request).stage) == ("pending", 0)
    assert answer(desk, request, "bob", "2", "deny").state == "denied"


def test_a_manager_whom_nobody_knows_is_told_of_and_finance_is_asked(desk: Desk, wish: Submission) -> None:
    with desk.store.transaction() as session:
        for name in ("shop", "group"):
            session.get_one(Department, name).owner = "zoe"
    rule(desk, "ask manager")
    request = submit(desk, wish)
    view = seen(desk, request)
    assert (view.approvers, view.facts["rule"]) == (("ada",), "finance, for want of a manager of shop, by rule one")
    (told, *_) = [one for one in entries(desk.store) if one.kind == "approver_missing"]
    assert (told.channel, told.facts["person"], told.facts["asked"]) == ("#twinledger-operators", "zoe", ["ada"])


# --- who stands in for whom --------------------------------------------------------------------


def away(desk: Desk, person: str, delegate: str | None, said_by: str = "", hours: int = 48) -> str:
    now = desk.clock.now()
    return be_away(desk, AbsenceView("", person, delegate, now, now + timedelta(hours=hours), said_by or person))


def test_a_delegate_is_asked_too_while_somebody_is_away(desk: Desk, wish: Submission, clock: FixedClock) -> None:
    add(desk, ("dan", []))
    away(desk, "bob", "dan")
    request = submit(desk, wish)
    assert seen(desk, request).approvers == ("bob", "dan")
    assert answer(desk, request, "dan", "1").decided_by == "dan"
    clock.advance(timedelta(hours=48))
    assert seen(desk, submit(desk, wish)).approvers == ("bob",)


def test_a_delegate_never_decides_what_they_asked_for(desk: Desk, wish: Submission) -> None:
    away(desk, "bob", "cy")
    assert seen(desk, submit(desk, wish)).approvers == ("bob",)


def test_without_a_delegate_the_next_above_is_asked(desk: Desk, wish: Submission) -> None:
    away(desk, "bob", None)
    assert seen(desk, submit(desk, wish)).approvers == ("ada",)


def test_absences_are_said_by_whom_they_concern_or_by_finance_and_taken_back(desk: Desk) -> None:
    with pytest.raises(NotEntitledError, match="they say so themselves"):
        away(desk, "bob", None, "cy")
    away(desk, "bob", "ada", "ada")
    with desk.store.reading() as session:
        assert [(one.person, one.delegate, one.said_by) for one in absences(session, desk.clock.now())] == [
            ("bob", "ada", "ada")
        ]
    assert (be_back(desk, "bob", "bob"), be_back(desk, "bob", "bob")) == (1, 0)
    assert audited(desk) == [("ada", "absence.say"), ("bob", "absence.end")]


def test_an_absence_that_cannot_be_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidAbsenceError, match=r"until is .* expected an instant after it begins"):
        away(desk, "bob", None, hours=0)
    with pytest.raises(InvalidAbsenceError, match="expected a year later at most"):
        away(desk, "bob", None, hours=9000)
    with pytest.raises(InvalidAbsenceError, match="somebody else than who is away"):
        away(desk, "bob", "bob")
    with pytest.raises(UnknownNameError, match="zoe"):
        away(desk, "bob", "zoe")


# --- put anew, and to more people --------------------------------------------------------------


def test_an_amended_request_takes_the_place_of_the_old_one(desk: Desk, wish: Submission) -> None:
    old = submit(desk, wish)
    new = amend(desk, old, replace(wish, quantity=Decimal(48)), surface="page")
    before, after = seen(desk, old), seen(desk, new)
    assert (before.state, after.state, after.supersedes, after.amount) == ("superseded", "pending", old, Decimal(24))
    assert commitments(desk) == {old: "void", new: "pending"}
    assert after.facts["available_before"] == before.facts["available_before"], "the old commitment is no more"
    with pytest.raises(AlreadyDecidedError, match="superseded by cy"):
        answer(desk, old, "bob", "1")
    assert answer(desk, new, "bob", "1").state == "approved"
    with pytest.raises(AlreadyDecidedError):
        amend(desk, new, wish, surface="page")


def test_an_amendment_that_the_policy_refuses_leaves_the_old_request(desk: Desk, wish: Submission) -> None:
    old = submit(desk, wish)
    rule(desk, "refuse", "no more")
    with pytest.raises(PolicyRefusedError) as told:
        amend(desk, old, replace(wish, quantity=Decimal(48)), surface="page")
    with pytest.raises(NotEntitledError, match="only its requester, cy"):
        amend(desk, old, replace(wish, requester="bob"), surface="page")
    assert (seen(desk, old).state, commitments(desk)) == ("pending", {old: "pending"})
    refused = "request.amend.refused"
    assert audited(desk) == [("cy", "request.submit"), ("cy", refused), ("bob", refused)]
    with desk.store.reading() as session:
        by_policy, by_person = session.scalars(select(AuditEntry).where(AuditEntry.action == refused))
    assert (by_policy.subject, by_policy.facts["quantity"], by_policy.facts["surface"]) == (old, "48.00", "page")
    assert (by_policy.facts["policy"]["outcome"], by_policy.facts["reason"]) == ("refuse", str(told.value))
    assert "only its requester, cy" in by_person.facts["reason"]


def test_an_amendment_and_an_approval_at_once_leave_one_of_them(desk: Desk, wish: Submission) -> None:
    for _ in range(4):
        old = submit(desk, wish)
        barrier = threading.Barrier(2)

        def change(request: str = old, barrier: threading.Barrier = barrier) -> str:
            barrier.wait()
            return amend(desk, request, wish, surface="page")

        def approve(request: str = old, barrier: threading.Barrier = barrier) -> str:
            barrier.wait()
            return answer(desk, request, "bob", "1").state

        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(change), pool.submit(approve)]
        failed = [future.exception() for future in futures if future.exception()]
        assert [type(one) for one in failed] == [AlreadyDecidedError]
        assert seen(desk, old).state in ("superseded", "approved")


def test_an_escalated_request_may_be_decided_by_the_next_above_too(desk: Desk, wish: Submission) -> None:
    request = submit(desk, wish)
    with pytest.raises(NotEntitledError, match="its requester asks for that, or finance"):
        escalate(desk, request, "bob")
    assert escalate(desk, request, "cy") == ("bob", "ada")
    before = seen(desk, request)
    with pytest.raises(NoApproverError):
        escalate(desk, request, "cy")
    assert seen(desk, request) == before
    assert answer(desk, request, "ada", "1").state == "approved"
    with pytest.raises(AlreadyDecidedError):
        escalate(desk, request, "cy")
    assert ("approval", "U-ADA") in [(one.kind, one.channel) for one in entries(desk.store)]


def test_a_preview_says_what_a_request_would_come_to_and_writes_nothing(desk: Desk, wish: Submission) -> None:
    rule(desk, "ask manager then finance", "because")
    found = preview(desk, wish)
    assert (found.price, found.amount, found.currency) == (Decimal("0.05"), Decimal(12), "USD")
    assert (found.available_before, found.available_after) == (Decimal("699.50"), Decimal("687.50"))
    assert (found.outcome, found.reason, found.asked) == ("ask manager then finance", "because", ("Bob",))
    rule(desk, "refuse", "too much")
    assert (preview(desk, wish).outcome, preview(desk, wish).asked) == ("refuse", ())
    with desk.store.reading() as session:
        for table in (Request, AuditEntry, Commitment):
            assert session.scalar(select(func.count()).select_from(table)) == 0


@pytest.mark.parametrize("repeat", range(2))
def test_twenty_people_at_two_stages_leave_one_outcome_and_one_grant(desk: Desk, wish: Submission, repeat: int) -> None:
    crowd = [f"p{number}" for number in range(10)]
    add(desk, *((name, ["finance"]) for name in crowd))
    rule(desk, "ask manager then finance")
    request = submit(desk, wish, identify=lambda prefix: f"{prefix}-{repeat}")
    answer(desk, request, "bob", "0")
    barrier = threading.Barrier(20)

    def click(person: str, verdict: Answer) -> Outcome | TwinledgerError:
        barrier.wait()
        try:
            return answer(desk, request, person, f"{person}-{verdict}", verdict, stage=1)
        except TwinledgerError as error:
            return error

    clicks: Sequence[tuple[str, Answer]] = [(name, verdict) for name in crowd for verdict in ("approve", "deny")]
    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda one: click(*one), clicks))
    won = [one for one in results if isinstance(one, Outcome)]
    assert len(won) == 1
    assert all(
        isinstance(one, AlreadyDecidedError) and one.who == won[0].decided_by for one in results if one not in won
    )
    with desk.store.reading() as session:
        grants = session.scalar(select(func.count()).select_from(Grant))
    assert (grants, commitments(desk)[request]) == ((1, "posted") if won[0].state == "approved" else (0, "void"))


def test_an_expiry_at_a_later_stage_ends_it_and_withdrawing_too(
    desk: Desk, wish: Submission, clock: FixedClock
) -> None:
    rule(desk, "ask manager then finance")
    request, other = submit(desk, wish), submit(desk, wish)
    for one in (request, other):
        answer(desk, one, "bob", f"1-{one}")
    assert withdraw(desk, other, "cy", surface="page", interaction_key="w").state == "withdrawn"
    assert (expire(desk, request).state, expire(desk, request).duplicate) == ("pending", True), (
        "an earlier stage's timer"
    )
    clock.advance(timedelta(days=3))
    with pytest.raises(AlreadyDecidedError, match="expired"):
        answer(desk, request, "ada", "2")
    assert expire(desk, request).state == "expired"
