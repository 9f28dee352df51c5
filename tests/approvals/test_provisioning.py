"""Invariants 8 and 9 of domain.md over the whole life of provisioning: from asking to spending what was granted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

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
from pydantic import SecretStr
from sqlalchemy import select

from tests.examples import sequences
from twinledger.approvals import (
    AbsenceView,
    Answer,
    Credentials,
    Decision,
    Desk,
    GrantView,
    Said,
    Submission,
    amend,
    be_away,
    carry_out,
    decide,
    escalate,
    expire,
    headroom,
    left,
    left_behind,
    redeem,
    remind_due,
    revoke,
    submit,
    withdraw,
    write_down,
)
from twinledger.budgets import count_spent
from twinledger.clock import FixedClock
from twinledger.plans import Measured, Reading, Use, gate
from twinledger.store import Store
from twinledger.store.models import AuditEntry, Commitment, Grant, GrantDraw, Person, PolicyRule, Request
from twinledger.vocabulary.errors import TwinledgerError
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
PLAN, BEFORE = Decimal(1000), Decimal("300.50")
PEOPLE = ("ada", "bob", "cy", "dan", "mo")
ENDS = ("approved", "denied", "withdrawn", "expired", "superseded")
COMMITMENT_OF = {
    "pending": "pending",
    "approved": "posted",
    "denied": "void",
    "withdrawn": "void",
    "superseded": "void",
    "expired": "expired",
}
OUTCOMES = (
    "ask budget holder",
    "ask manager then finance",
    "ask manager then budget holder then finance",
    "allow",
    "refuse",
)
ANY = st.integers(0, 30)
WHO = st.sampled_from(PEOPLE)
USERS = st.sampled_from([*(f"U0{name.upper()}" for name in PEOPLE), "U0NOBODY"])


@dataclass
class CountingBroker:
    """Gives credentials, or fails; remembers whom it gave any."""

    fails: bool = False
    given: list[str] = field(default_factory=list)

    def credentials(self, grant: GrantView, session_name: str, seconds: int) -> Credentials:
        assert seconds > 0, session_name
        if self.fails:
            raise TwinledgerError("the broker is away")
        self.given.append(grant.id)
        return Credentials("AKIA", SecretStr("s"), SecretStr("t"), grant.ends_at)


class Provisioning(RuleBasedStateMachine):
    """Everything that anybody may try, in any order; what is refused changes nothing that counts."""

    desk: Desk
    clock: FixedClock
    wish: Submission
    start: Callable[[], None]

    def __init__(self) -> None:
        super().__init__()
        self.broker = CountingBroker()
        self.spent: dict[int, Decimal] = defaultdict(Decimal)
        self.ended: dict[str, tuple[str, str]] = {}
        self.settled: dict[str, str] = {}
        self.keys = 0

    @initialize(outcome=st.sampled_from(OUTCOMES))
    def begin(self, outcome: str) -> None:
        self.start()
        self.the_policy_changes(outcome)

    def attempt(self, act: Callable[[], object]) -> None:
        try:
            act()
        except TwinledgerError as error:
            self.refused = str(error)

    def key(self) -> str:
        self.keys += 1
        return f"{self.keys:04}"

    def identity(self, prefix: str) -> str:
        """In the order in which they are made, so that an example can be tried again."""
        return f"{prefix}-{self.key()}"

    def one(self, number: int) -> str:
        with self.desk.store.reading() as session:
            found = session.scalars(select(Request.id).order_by(Request.created_at, Request.id)).all()
        return found[number % len(found)] if found else "req-none"

    def one_grant(self, number: int) -> str:
        with self.desk.store.reading() as session:
            found = session.scalars(select(Grant.id).order_by(Grant.id)).all()
        return found[number % len(found)] if found else "grant-none"

    @rule(outcome=st.sampled_from(OUTCOMES))
    def the_policy_changes(self, outcome: str) -> None:
        with self.desk.store.transaction() as session:
            for row in session.scalars(select(PolicyRule)):
                session.delete(row)
            session.flush()
            session.add(PolicyRule(position=1, name="one", conditions={}, outcome=outcome, reason="because"))

    @rule(requester=WHO, quantity=st.integers(1, 200), approvals=st.integers(0, 3))
    def somebody_asks(self, requester: str, quantity: int, approvals: int) -> None:
        wish = replace(self.wish, requester=requester, quantity=Decimal(quantity), actual=BEFORE)
        made: list[str] = []
        self.attempt(lambda: made.append(submit(self.desk, wish, self.identity)))
        for request in made * approvals:
            self.whoever_is_asked_approves(request)

    @rule(
        number=ANY,
        person=WHO,
        answer=st.sampled_from(["approve", "approve", "deny"]),
        stage=st.sampled_from([None, 0, 1]),
    )
    def somebody_answers(self, number: int, person: str, answer: Answer, stage: int | None) -> None:
        decision = Decision(self.one(number), person, answer, "slack", self.key(), stage=stage)
        for _ in range(2):  # the second time it is a replay
            self.attempt(lambda: decide(self.desk, decision))

    @rule(number=ANY, user=USERS, event=st.sampled_from(["approve", "approve", "deny", "withdraw"]), dies=st.booleans())
    def somebody_presses_in_slack(
        self, number: int, user: str, event: Literal["approve", "deny", "withdraw"], *, dies: bool
    ) -> None:
        """The process that hears of it acknowledges it; some die before they carry it out."""
        said = Said(self.one(number), event, user, self.key())
        assert write_down(self.desk, said)
        assert not write_down(self.desk, said), "a replay is not new"
        for _ in range(0 if dies else 2):
            self.attempt(lambda: carry_out(self.desk, said))

    @rule()
    def what_was_left_behind_is_carried_out(self) -> None:
        for said in left_behind(self.desk):
            self.attempt(lambda said=said: carry_out(self.desk, said))  # type: ignore[misc]
        assert left_behind(self.desk) == []

    def whoever_is_asked_approves(self, request: str) -> None:
        with self.desk.store.reading() as session:
            asked = list(session.get_one(Request, request).approvers)
        if asked:
            self.attempt(lambda: decide(self.desk, Decision(request, asked[0], "approve", "page", self.key())))

    @rule(number=ANY, person=WHO)
    def somebody_withdraws(self, number: int, person: str) -> None:
        self.attempt(lambda: withdraw(self.desk, self.one(number), person, surface="page", interaction_key=self.key()))

    @rule(number=ANY, person=WHO, quantity=st.integers(1, 200))
    def somebody_amends(self, number: int, person: str, quantity: int) -> None:
        wish = replace(self.wish, requester=person, quantity=Decimal(quantity), actual=BEFORE)
        self.attempt(lambda: amend(self.desk, self.one(number), wish, surface="page", identify=self.identity))

    @rule(number=ANY, person=WHO)
    def somebody_escalates(self, number: int, person: str) -> None:
        self.attempt(lambda: escalate(self.desk, self.one(number), person))

    @rule(number=ANY)
    def the_timer_fires(self, number: int) -> None:
        self.attempt(lambda: expire(self.desk, self.one(number)))

    @rule()
    def reminders_are_sent(self) -> None:
        remind_due(self.desk)

    @rule(person=WHO, delegate=st.sampled_from([*PEOPLE, None]), hours=st.integers(1, 60))
    def somebody_goes_away(self, person: str, delegate: str | None, hours: int) -> None:
        now = self.clock.now()
        said = AbsenceView("", person, delegate, now, now + timedelta(hours=hours), person)
        self.attempt(lambda: be_away(self.desk, said))

    @rule(number=ANY, person=WHO)
    def somebody_revokes(self, number: int, person: str) -> None:
        self.attempt(lambda: revoke(self.desk, self.one_grant(number), person, "no more", "page"))

    @rule(number=ANY, person=WHO, fails=st.booleans())
    def somebody_redeems(self, number: int, person: str, *, fails: bool) -> None:
        self.broker.fails = fails
        self.attempt(lambda: redeem(self.desk, self.one_grant(number), person, self.broker))

    @rule(address=st.sampled_from("abc"), quantity=st.integers(1, 300), gone=st.booleans())
    def a_plan_is_judged(self, address: str, quantity: int, *, gone: bool) -> None:
        use = Use("vm", "core-hours", Decimal(quantity), f"1 x {quantity}")
        resource = Measured(
            f"aws_instance.{address}", "aws_instance", "m5.large", Decimal(1), "eu-west-1", None, "created", (use,)
        )
        reading = Reading(
            plan="plan.json", digest=f"plan-{self.key()}", counted=() if gone else (resource,), unmeasured=(),
            reduced=(), free=0, gone=(resource.address,) if gone else (), moved={},
        )  # fmt: skip
        self.attempt(lambda: gate(self.desk, reading, departments=("shop",), workspace="shop/prod", who="ci"))

    @rule(cents=st.integers(1, 20_000))
    def something_is_spent(self, cents: int) -> None:
        self.spent[self.clock.now().day] += Decimal(cents).scaleb(-2)
        names = {"department": "shop", "product": "vm", "meter": "core-hours", "currency": "USD"}
        charges = [
            {**names, "product": "db", "day": datetime(2026, 10, 1, tzinfo=UTC).date(), "amount": BEFORE},
            *(
                {**names, "day": datetime(2026, 10, day, tzinfo=UTC).date(), "amount": amount}
                for day, amount in sorted(self.spent.items())
            ),
        ]
        count_spent(self.desk.store, OCTOBER, charges)

    @precondition(lambda self: self.clock.now() < datetime(2026, 10, 29, tzinfo=UTC))
    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    @invariant()
    def budget_is_spent_once(self) -> None:
        """Invariant 8."""
        with self.desk.store.transaction() as session:
            states = dict(session.execute(select(Request.id, Request.state)).all())
            grants = {one.request: one for one in session.scalars(select(Grant))}
            rows = session.scalars(select(Commitment)).all()
            assert {one.request: one.state for one in rows} == {key: COMMITMENT_OF[one] for key, one in states.items()}
            for one in rows:
                assert self.settled.setdefault(one.request, one.state) in ("pending", one.state), "settled once"
                self.settled[one.request] = one.state
                assert 0 <= one.spent <= one.amount
            now = self.clock.now()
            living = [one for one in rows if one.request not in grants or _lives(grants[one.request], now)]
            held = [left(one) for one in living if one.state in ("pending", "posted")]
            counted = max([BEFORE, *(one.actual for one in living if one.state in ("pending", "posted"))])
            available = headroom(session, "shop", "2026-10", BEFORE, "USD", now).available
        assert available == PLAN - counted - sum(held, Decimal(0))

    @invariant()
    def one_outcome_made_by_somebody_entitled(self) -> None:
        """Invariant 9."""
        ends = {f"request.{event}" for event in ("approve", "deny", "withdraw", "expire", "supersede")}
        with self.desk.store.reading() as session:
            rows = session.scalars(select(Request)).all()
            granted = sorted(session.scalars(select(Grant.request)))
            audited = [one for one in session.scalars(select(AuditEntry)) if one.action in ends]
        assert granted == sorted(one.id for one in rows if one.state == "approved")
        for one in rows:
            if one.state in ENDS:
                outcome = (one.state, one.decided_by or "")
                assert self.ended.setdefault(one.id, outcome) == outcome, "an outcome stays"
            else:
                assert one.id not in self.ended
            answered = [stage["by"] for stage in one.stages if "by" in stage]
            assert len(set(answered)) == len(answered), "nobody answers twice"
            assert one.requester not in answered, "the requester never decides"
            assert all(stage["by"] in stage["approvers"] for stage in one.stages if "by" in stage)
            mine = [entry for entry in audited if entry.subject == one.id]
            advanced = len([stage for stage in one.stages[: one.stage] if "by" in stage])
            assert len(mine) == advanced + (one.state in ENDS), "each step is recorded once"

    @invariant()
    def grants_are_used_within_their_bounds(self) -> None:
        with self.desk.store.reading() as session:
            grants = session.scalars(select(Grant)).all()
            draws = session.scalars(select(GrantDraw)).all()
        for grant in grants:
            drawn = sum((one.quantity for one in draws if one.grant == grant.id), Decimal(0))
            assert drawn <= grant.quantity
            given = self.broker.given.count(grant.id)
            assert given <= 1, "exchanged once"
            assert (grant.redeemed_at is not None) == bool(given)


def _lives(grant: Grant, now: datetime) -> bool:
    return grant.ends_at > now


@pytest.mark.hypothesis
def test_whatever_is_tried_budget_is_spent_once_and_every_request_has_one_outcome(
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
        with desk.store.transaction() as session:
            for name, roles in (("dan", []), ("mo", ["finance"])):
                slack_user = f"U0{name.upper()}"
                session.add(Person(name=name, title=name, slack_user=slack_user, airflow_user=name, roles=list(roles)))
        clock.instant = begun

    values = {"desk": desk, "clock": clock, "wish": wish, "start": staticmethod(start)}
    run_state_machine_as_test(
        type("Machine", (Provisioning,), values),
        settings=sequences(12, 25),
    )
