"""Invariants 8 and 9 of domain.md, over whatever people, retries and the timer do to requests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from tests.examples import sequences
from twinledger.approvals import Answer, Decision, Desk, Outcome, Submission, decide, expire, headroom, submit, withdraw
from twinledger.clock import FixedClock
from twinledger.outbox import LocalSender, drain
from twinledger.store import Store
from twinledger.store.models import AuditEntry, Commitment, Grant, OutboxItem, Request
from twinledger.vocabulary.errors import AlreadyDecidedError, NotEntitledError

PEOPLE = ("ada", "bob", "cy")
PLAN, ACTUAL = Decimal(1000), Decimal("300.50")
COMMITMENT_OF = {
    "pending": "pending",
    "approved": "posted",
    "denied": "void",
    "withdrawn": "void",
    "expired": "expired",
}


@dataclass
class Expected:
    """What a request must be, by a model that knows no database."""

    requester: str
    amount: Decimal
    expires_at: datetime
    state: str = "pending"
    decided_by: str | None = None
    answers: dict[str, str] = field(default_factory=dict)
    """Interaction -> what it came to: decided, refused or already."""

    @property
    def approver(self) -> str:
        return "ada" if self.requester == "bob" else "bob"

    def answer(self, person: str, answer: Answer, key: str, now: datetime) -> str:
        """What the answer must come to."""
        if key in self.answers:
            return self.answers[key]
        if person != self.approver:
            self.answers[key] = "refused"
        elif self.state != "pending" or self.expires_at <= now:
            self.lapse(now)
            self.answers[key] = "already"
        else:
            self.state, self.decided_by = ("approved" if answer == "approve" else "denied"), person
            self.answers[key] = "decided"
        return self.answers[key]

    def lapse(self, now: datetime) -> None:
        if self.state == "pending" and self.expires_at <= now:
            self.state, self.decided_by = "expired", "timer"


def _came_to(act: Callable[[], Outcome]) -> str:
    try:
        act()
    except NotEntitledError:
        return "refused"
    except AlreadyDecidedError:
        return "already"
    return "decided"


class Requests(RuleBasedStateMachine):
    """Submissions, answers, replays, withdrawals, expiries and the passing of time, in any order."""

    desk: Desk
    clock: FixedClock
    wish: Submission
    start: Callable[[], None]

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[str, Expected] = {}

    @initialize()
    def begin(self) -> None:
        self.start()

    @rule(requester=st.sampled_from(PEOPLE), quantity=st.decimals("0.000000001", "5000", places=9))
    def somebody_asks(self, requester: str, quantity: Decimal) -> None:
        request = submit(self.desk, replace(self.wish, requester=requester, quantity=quantity))
        amount = quantity * 10 * Decimal("0.05")
        self.expected[request] = Expected(requester, amount, self.clock.now() + timedelta(days=3))

    def _one(self, number: int) -> tuple[str, Expected]:
        return list(self.expected.items())[number % len(self.expected)]

    @precondition(lambda self: self.expected)
    @rule(
        number=st.integers(0, 20),
        person=st.sampled_from(PEOPLE),
        answer=st.sampled_from(["approve", "deny"]),
        key=st.sampled_from(["1", "2", "3"]),
    )
    def somebody_answers(self, number: int, person: str, answer: Answer, key: str) -> None:
        request, expected = self._one(number)
        must = expected.answer(person, answer, key, self.clock.now())
        assert _came_to(lambda: decide(self.desk, Decision(request, person, answer, "slack", key))) == must

    @precondition(lambda self: self.expected)
    @rule(number=st.integers(0, 20), person=st.sampled_from(PEOPLE))
    def somebody_withdraws(self, number: int, person: str) -> None:
        request, expected = self._one(number)
        key = f"withdraw-{number}-{person}-{len(expected.answers)}"
        if key in expected.answers:
            return
        now = self.clock.now()
        if person != expected.requester:
            must = "refused"
        elif expected.state != "pending" or expected.expires_at <= now:
            expected.lapse(now)
            must = "already"
        else:
            expected.state, expected.decided_by, must = "withdrawn", person, "decided"
        expected.answers[key] = must
        assert _came_to(lambda: withdraw(self.desk, request, person, surface="page", interaction_key=key)) == must

    @precondition(lambda self: self.expected)
    @rule(number=st.integers(0, 20))
    def the_timer_fires(self, number: int) -> None:
        request, expected = self._one(number)
        if expected.state == "pending":
            expected.state, expected.decided_by = "expired", "timer"
        assert expire(self.desk, request).state == expected.state

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        if self.clock.now() < datetime(2026, 10, 27, tzinfo=self.clock.now().tzinfo):
            self.clock.advance(timedelta(hours=hours))

    @rule()
    def the_outbox_is_drained(self) -> None:
        drain(self.desk.store, LocalSender(), self.clock)

    @invariant()
    def every_request_is_as_expected(self) -> None:
        with self.desk.store.reading() as session:
            found = {one.id: (one.state, one.decided_by) for one in session.scalars(select(Request))}
        assert found == {key: (one.state, one.decided_by) for key, one in self.expected.items()}

    @invariant()
    def budget_is_spent_once(self) -> None:
        """Invariant 8."""
        held = [one.amount for one in self.expected.values() if one.state in {"pending", "approved"}]
        with self.desk.store.transaction() as session:
            commitments = {one.request: (one.state, one.amount) for one in session.scalars(select(Commitment))}
            if self.expected:
                available = headroom(session, "shop", "2026-10", ACTUAL, "USD", self.clock.now()).available
                assert available == PLAN - ACTUAL - sum(held)
        assert commitments == {key: (COMMITMENT_OF[one.state], one.amount) for key, one in self.expected.items()}

    @invariant()
    def one_outcome_made_by_somebody_entitled(self) -> None:
        """Invariant 9."""
        ends = ("request.approve", "request.deny", "request.withdraw", "request.expire")
        with self.desk.store.reading() as session:
            granted = sorted(session.scalars(select(Grant.request)))
            query = select(AuditEntry.subject, AuditEntry.who).where(AuditEntry.action.in_(ends))
            audited = sorted(tuple(row) for row in session.execute(query))
        assert granted == sorted(key for key, one in self.expected.items() if one.state == "approved")
        assert audited == sorted((key, one.decided_by) for key, one in self.expected.items() if one.decided_by)
        for one in self.expected.values():
            if one.state in {"approved", "denied"}:
                assert one.decided_by not in {one.requester, "cy"}

    @invariant()
    def each_change_is_told_once(self) -> None:
        """Invariant 12: a card for the question and one for the outcome, and one reply."""
        query = select(OutboxItem.subject, OutboxItem.kind, func.count()).group_by(OutboxItem.subject, OutboxItem.kind)
        with self.desk.store.reading() as session:
            told = {(subject, kind): count for subject, kind, count in session.execute(query)}
        for request, one in self.expected.items():
            ended = one.state != "pending"
            assert told[request, "approval"] == 1 + ended
            assert told.get((request, "approval_reply"), 0) == ended


@pytest.mark.hypothesis
def test_whatever_happens_to_requests(
    desk: Desk,
    clock: FixedClock,
    wish: Submission,
    empty: Callable[[Store], None],
    populate: Callable[[Store], None],
) -> None:
    begun = clock.now()

    def start() -> None:
        empty(desk.store)
        populate(desk.store)
        clock.instant = begun

    machine = type("Machine", (Requests,), {"desk": desk, "clock": clock, "wish": wish, "start": staticmethod(start)})
    run_state_machine_as_test(
        machine,
        settings=sequences(15, 20),
    )


def test_commitments_made_at_once_see_each_other(desk: Desk, wish: Submission) -> None:
    with ThreadPoolExecutor(8) as people:
        requests = list(people.map(lambda _: submit(desk, wish), range(8)))
    with desk.store.reading() as session:
        seen = sorted(Decimal(session.get_one(Request, one).facts["committed"]) for one in requests)
    assert seen == [Decimal(12) * before for before in range(8)]
