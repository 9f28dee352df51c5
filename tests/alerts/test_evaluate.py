"""Evaluating the rules on a store: one transaction, once for the same evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.alerts.conftest import Desk
from tests.alerts.made import anomaly, position
from twinledger.alerts import WantedAlerts, alert_history, alert_list, evaluate_on, tend
from twinledger.clock import FixedClock
from twinledger.outbox import entries
from twinledger.slack.alert_facts import AlertFacts, DigestFacts, FinanceAlertFacts, FinanceDigestFacts
from twinledger.slack.facts import EveryoneFacts, FinanceFacts, read_facts
from twinledger.vocabulary.errors import SendError

FACTS: dict[tuple[str, str], type[EveryoneFacts | FinanceFacts]] = {
    ("alert", "everyone"): AlertFacts,
    ("alert", "finance"): FinanceAlertFacts,
    ("alert_digest", "everyone"): DigestFacts,
    ("alert_digest", "finance"): FinanceDigestFacts,
}


pytestmark = pytest.mark.parametrize("backend", ["sqlite"])


def test_what_is_found_is_kept_told_and_in_the_audit_trail(desk: Desk) -> None:
    found = evaluate_on(desk, [position(1100)], [anomaly(90)])
    assert sorted(one.rule for one in alert_list(desk)) == ["nearly", "unusual", "used"]
    assert sorted((one.kind, one.channel) for one in found.messages) == [
        ("alert", "#shop"),
        ("alert", "#shop"),
    ]
    desk.clock.advance(timedelta(days=1))
    assert [(one.kind, one.channel, one.facts["count"]) for one in tend(desk).messages if "count" in one.facts] == [
        ("alert_digest", "#shop", 1)
    ]
    (used,) = [one for one in alert_list(desk) if one.rule == "used"]
    history = alert_history(desk, used.id)
    assert [(one.action, one.facts["impact"]) for one in history.history] == [
        ("alert.opened", "100.00"),
        ("alert.escalated", "100.00"),
    ]
    assert [(one.channel, one.said) for one in history.told] == [("#shop", "told"), ("U0BOB", "told")]
    assert used.causes[0] == ("m5.large", position(0).causes[0].amount.amount)


def test_messages_have_the_facts_of_their_cards(desk: Desk) -> None:
    subjects = [position(1100), position(900, budget="other"), position(1100, view="effective")]
    evaluate_on(desk, subjects, [anomaly(90), anomaly(90, view="effective")])
    desk.clock.advance(timedelta(days=2))
    evaluate_on(desk, [position(100), *subjects[1:]], [])
    kinds = {(one.kind, one.audience) for one in entries(desk.store)}
    assert kinds == FACTS.keys()
    for one in entries(desk.store):
        read_facts(FACTS[one.kind, one.audience], one.facts)


def test_the_same_evaluation_again_writes_nothing(desk: Desk) -> None:
    evaluate_on(desk, [position(1100)], [anomaly(90)])
    before = (alert_list(desk, WantedAlerts("")), entries(desk.store))
    again = evaluate_on(desk, [position(1100)], [anomaly(90)])
    assert (again.decided.changed, again.messages) == ((), ())
    assert (alert_list(desk, WantedAlerts("")), entries(desk.store)) == before


def test_a_dry_run_says_what_would_be_told_and_writes_nothing(desk: Desk) -> None:
    found = evaluate_on(desk, [position(1100)], [], dry_run=True)
    assert [one.kind for one in found.messages] == ["alert"]
    assert (alert_list(desk), entries(desk.store)) == ([], [])


def test_alerts_are_the_same_after_they_were_kept(desk: Desk) -> None:
    (opened,) = evaluate_on(desk, [position("900.000000000000000001")], []).decided.opened
    assert alert_list(desk) == [opened]


def test_lists_are_of_a_department_and_those_below_it(desk: Desk) -> None:
    evaluate_on(desk, [position(900), position(950, budget="all", department="group")], [])
    listed = [
        [one.subject for one in alert_list(desk, WantedAlerts(department=name))] for name in ("group", "shop", "none")
    ]
    assert listed == [["shop", "all"], ["shop"], []]


def test_an_alert_of_last_month_is_open_until_its_span_is_long_over(desk: Desk) -> None:
    evaluate_on(desk, [position(1100)], [])
    desk.clock.instant = datetime(2026, 12, 9, 9, tzinfo=UTC)
    evaluate_on(desk, [], [])
    assert {one.state for one in alert_list(desk, WantedAlerts(""))} == {"new"}
    desk.clock.instant = datetime(2026, 12, 11, 9, tzinfo=UTC)
    evaluate_on(desk, [], [])
    assert {one.resolution for one in alert_list(desk, WantedAlerts("resolved"))} == {"ended"}


@dataclass
class FaultyClock(FixedClock):
    """Stops after it was asked so many times: an evaluation that ends half way."""

    left: int = 0

    def now(self) -> datetime:
        self.left -= 1
        if self.left < 0:
            raise SendError
        return super().now()


def test_an_evaluation_that_ends_half_way_leaves_nothing(desk: Desk) -> None:
    for asked in range(1, 4):
        faulty = Desk(desk.settings, desk.store, FaultyClock(desk.clock.now(), left=asked))
        with pytest.raises(SendError):
            evaluate_on(faulty, [position(1100)], [])
        assert (alert_list(desk), entries(desk.store)) == ([], [])
    assert len(evaluate_on(desk, [position(1100)], []).messages) == 1
