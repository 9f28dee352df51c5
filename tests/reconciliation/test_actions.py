"""What slipped past is tagged or stopped by a rule or an approval: once, within a bound, and recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.slack.company import FakeDesk
from twinledger.clock import FixedClock
from twinledger.reconciliation import (
    TAG,
    DetectionFile,
    Proposal,
    Target,
    Ungranted,
    act,
    approve_action,
)
from twinledger.reconciliation.actions import proposals_for
from twinledger.store import Store, models
from twinledger.store.chain import Wanted, entries
from twinledger.vocabulary.errors import (
    ActionFailedError,
    InvalidActError,
    NotEntitledError,
    UnknownNameError,
    UnknownPersonError,
)
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

OCTOBER = Period(2026, 10)

pytestmark = pytest.mark.parametrize("backend", ["sqlite"])

DATABASE = "arn:aws:rds:eu-west-1:111122223333:db:forgotten"
MACHINE = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0"
TAG_ALL = DetectionFile.model_validate({"rules": [{"name": "tag-all", "vendor": "aws", "then": "tag"}]})
NO_RULES = DetectionFile()


@dataclass
class FakeHands:
    """Remembers what was done, and fails where it is told to."""

    fails: set[str] = field(default_factory=set)
    done: list[tuple[str, str]] = field(default_factory=list)

    def tag(self, target: Target, key: str, value: str) -> None:
        assert (key, len(value)) == (TAG, 64)
        self._do("tag", target)

    def stop(self, target: Target) -> str:
        self._do("stop", target)
        return "stopping"

    def _do(self, action: str, target: Target) -> None:
        if target.id in self.fails:
            raise ActionFailedError(action, target.arn, "AWS answers UnauthorizedOperation")
        self.done.append((action, target.id))


def ungranted(resource: str, amount: int) -> Ungranted:
    """A resource that appeared without a grant."""
    return Ungranted(
        product="vm", meter="core", resource=resource, side="metered", pool="cluster", department="shop", provider="",
        account=None, region=None, grant_id=None, first_day=date(2026, 10, 15), days=1, reason="no grant",
        amount=Decimal(amount),
    )  # fmt: skip


FOUND = (ungranted(DATABASE, 6), ungranted(MACHINE, 4), ungranted("n-1", 2))
"""A database of 6, a machine of 4 and something else of 2 USD."""


def break_of(resource: str) -> str:
    """The identity of a resource's break."""
    return digest("ungranted", "cluster", "2026-10", f"vm/core {resource}")


@pytest.fixture
def slipped(store: Store, settings: Settings, clock: FixedClock) -> FakeDesk:
    """What was found has been breaks for a week."""
    with store.transaction() as session:
        for name, roles in (("mary", ["finance"]), ("oz", ["operator"]), ("sue", [])):
            session.add(models.Person(name=name, title=name, roles=roles))
        for one in FOUND:
            session.add(
                models.Break(
                    id=break_of(one.resource), rule="ungranted", pool="cluster", period="2026-10", subject=one.subject,
                    amount=one.amount, currency="USD", tolerance=Decimal(0), owner="sue", state="new",
                    opened_at=clock.now() - timedelta(days=7), run="run-1", revision=1,
                )
            )  # fmt: skip
    return FakeDesk(settings, store, clock)


def due(desk: FakeDesk, file: DetectionFile) -> tuple[Proposal, ...]:
    return proposals_for(desk, OCTOBER, file, FOUND)


def listed(desk: FakeDesk, file: DetectionFile) -> list[tuple[str, str, str]]:
    return [(one.found.resource, one.action, one.state) for one in due(desk, file)]


def run(desk: FakeDesk, file: DetectionFile, hands: FakeHands, most: int = 20) -> list[Proposal]:
    return act(desk, hands, due(desk, file), most)


def trail(desk: FakeDesk, action: str) -> list[tuple[str, object]]:
    with desk.store.reading() as session:
        found = entries(session, Wanted(action=action))
        return [(one.who, one.facts.get("because", one.facts.get("why"))) for one in found]


def test_without_a_rule_or_an_approval_nothing_is_due(slipped: FakeDesk) -> None:
    assert listed(slipped, NO_RULES) == []
    assert run(slipped, NO_RULES, FakeHands()) == []


def test_what_a_rule_asks_for_is_listed_done_once_and_recorded(slipped: FakeDesk) -> None:
    hands = FakeHands()
    assert listed(slipped, TAG_ALL) == [
        (DATABASE, "tag", "to do"), (MACHINE, "tag", "to do"), ("n-1", "tag", "not possible"),
    ]  # fmt: skip
    assert [one.state for one in run(slipped, TAG_ALL, hands)] == ["done", "done"]
    assert hands.done == [("tag", "forgotten"), ("tag", "i-0123456789abcdef0")]
    assert run(slipped, TAG_ALL, hands) == []
    assert len(hands.done) == 2
    assert listed(slipped, TAG_ALL)[0] == (DATABASE, "tag", "done")
    assert trail(slipped, "detection.tag") == [("detection", "rule tag-all")] * 2


def test_a_run_does_no_more_than_it_may_and_the_most_money_first(slipped: FakeDesk) -> None:
    hands = FakeHands()
    assert len(run(slipped, TAG_ALL, hands, most=1)) == 1
    assert hands.done == [("tag", "forgotten")]
    assert len(run(slipped, TAG_ALL, hands, most=1)) == 1
    assert hands.done == [("tag", "forgotten"), ("tag", "i-0123456789abcdef0")]


def test_what_failed_is_recorded_and_tried_again_after_all_others(slipped: FakeDesk) -> None:
    hands = FakeHands(fails={"forgotten"})
    (failed,) = run(slipped, TAG_ALL, hands, most=1)
    assert (failed.state, failed.problem) == ("failed", "AWS answers UnauthorizedOperation")
    assert len(trail(slipped, "detection.tag.failed")) == 1
    run(slipped, TAG_ALL, hands, most=1)
    assert hands.done == [("tag", "i-0123456789abcdef0")]
    hands.fails.clear()
    assert [one.state for one in run(slipped, TAG_ALL, hands)] == ["done"]
    assert listed(slipped, TAG_ALL)[0] == (DATABASE, "tag", "done")


def test_somebody_of_finance_or_the_operators_may_approve_an_action(slipped: FakeDesk) -> None:
    machine = break_of(MACHINE)
    approve_action(slipped, machine, "stop", who="oz", why="nobody claims it", surface="command line")
    assert listed(slipped, NO_RULES) == [(MACHINE, "stop", "to do")]
    hands = FakeHands()
    (done,) = run(slipped, NO_RULES, hands)
    assert (done.state, done.because) == ("done", "approved by oz: nobody claims it")
    assert hands.done == [("tag", "i-0123456789abcdef0"), ("stop", "i-0123456789abcdef0")], "tagged, then stopped"
    assert trail(slipped, "detection.approve") == [("oz", "nobody claims it")]
    assert trail(slipped, "detection.stop") == [("detection", "approved by oz: nobody claims it")]


@pytest.mark.parametrize(
    ("who", "why", "error"),
    [("sue", "mine", NotEntitledError), ("nobody", "x", UnknownPersonError), ("mary", "  ", InvalidActError)],
)
def test_who_may_not_approve_is_refused_and_nothing_is_due(
    who: str, why: str, error: type[Exception], slipped: FakeDesk
) -> None:
    with pytest.raises(error):
        approve_action(slipped, break_of(MACHINE), "stop", who=who, why=why, surface="command line")
    assert listed(slipped, NO_RULES) == []
    assert len(trail(slipped, "detection.refused")) == (1 if error is NotEntitledError else 0)
    with pytest.raises(UnknownNameError):
        approve_action(slipped, "0" * 64, "stop", who="mary", why="x", surface="command line")


@pytest.mark.parametrize("state", ["resolved", "snoozed"])
def test_a_break_that_somebody_settled_after_it_was_listed_is_left_alone(state: str, slipped: FakeDesk) -> None:
    before, hands = due(slipped, TAG_ALL), FakeHands()
    with slipped.store.transaction() as session:
        row = session.get_one(models.Break, break_of(DATABASE))
        row.state, row.snoozed_until = state, slipped.clock.now() + timedelta(days=1)
    assert [one.found.resource for one in act(slipped, hands, before, 20)] == [MACHINE]
    assert DATABASE not in [resource for resource, _, _ in listed(slipped, TAG_ALL)]
