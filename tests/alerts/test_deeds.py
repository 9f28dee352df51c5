"""What people do with an alert."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.alerts.conftest import Desk
from tests.alerts.made import position
from twinledger.alerts import (
    AlertHistory,
    acknowledge,
    alert_history,
    alert_list,
    alert_view,
    assign,
    comment,
    evaluate_on,
    find_alert,
    snooze,
    tend,
)
from twinledger.deeds import Act
from twinledger.outbox import entries
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ConcurrentChangeError,
    InvalidActError,
    NotEntitledError,
    UnknownNameError,
    UnknownPersonError,
)

DAY = timedelta(days=1)

pytestmark = pytest.mark.parametrize("backend", ["sqlite"])


@pytest.fixture
def alert(desk: Desk) -> str:
    """The shop is over its plan, and its channel was told."""
    return _over(desk)


def _over(desk: Desk, **changes: str) -> str:
    found = evaluate_on(desk, [position(1100, **changes)], [])
    return next(one.id for one in found.decided.opened if one.rule == "used")


def _act(alert: str, who: str = "bob", key: str = "click", seen: int | None = None) -> Act:
    return Act(alert, who, "slack", key, seen)


def _history(desk: Desk, alert: str) -> AlertHistory:
    return alert_history(desk, alert)


def test_an_acknowledged_alert_shows_who_and_when_and_its_message_is_brought_up_to_date(desk: Desk, alert: str) -> None:
    done = acknowledge(desk, _act(alert))
    with desk.store.reading() as session:
        view = alert_view(session, alert)
    assert view is not None
    assert (view.state, view.acted_by, view.acted_at, view.revision) == ("acknowledged", "bob", desk.clock.now(), 3)
    assert (done.state, done.duplicate) == ("acknowledged", False)
    shown = next(one for one in entries(desk.store) if one.subject == alert)
    assert (shown.facts["quiet"], shown.facts["state"], shown.channel) == (True, "acknowledged", "#shop")


def test_the_same_click_again_is_a_duplicate(desk: Desk, alert: str) -> None:
    first, second = acknowledge(desk, _act(alert)), acknowledge(desk, _act(alert))
    assert (second.duplicate, second.revision, second.at) == (True, first.revision, first.at)
    assert len([one for one in _history(desk, alert).history if one.action == "alert.acknowledge"]) == 1


def test_the_second_to_acknowledge_is_told_who_was_first(desk: Desk, alert: str) -> None:
    acknowledge(desk, _act(alert))
    with pytest.raises(AlreadyDecidedError, match="already acknowledged by Bob"):
        acknowledge(desk, _act(alert, "hugo", "other"))


@pytest.mark.parametrize("who", ["bob", "hugo", "ada", "fay"])
def test_owner_budget_holder_those_above_and_finance_may(desk: Desk, alert: str, who: str) -> None:
    assert acknowledge(desk, _act(alert, who)).who == who


def test_others_may_not_and_the_refusal_is_recorded(desk: Desk, alert: str) -> None:
    for _ in range(2):  # a replay of the click is refused as it was
        with pytest.raises(NotEntitledError, match=r"eve may not .* finance, its assignee \(nobody\)"):
            acknowledge(desk, _act(alert, "eve"))
    assert [one.action for one in _history(desk, alert).history] == ["alert.opened", "alert.acknowledge.refused"]
    with pytest.raises(UnknownPersonError):
        acknowledge(desk, _act(alert, "zoe", "other"))


def test_what_vendors_charged_is_for_finance_alone(desk: Desk) -> None:
    alert = _over(desk, view="effective")
    with pytest.raises(NotEntitledError):
        acknowledge(desk, _act(alert, "bob"))
    with pytest.raises(NotEntitledError, match="finance alone"):
        assign(desk, _act(alert, "fay"), "bob")
    assert assign(desk, _act(alert, "fay", "again"), "fay").state == "new"


def test_whoever_it_is_given_to_is_told_and_may_work_on_it(desk: Desk, alert: str) -> None:
    assign(desk, _act(alert), "eve")
    (card,) = [one for one in entries(desk.store) if one.channel == "U0EVE"]
    assert (card.kind, card.subject, card.facts["assignee"]) == ("alert", alert, "eve")
    assert acknowledge(desk, _act(alert, "eve")).state == "acknowledged"


def test_nothing_is_done_where_the_alert_has_moved_on(desk: Desk, alert: str) -> None:
    with pytest.raises(ConcurrentChangeError):
        acknowledge(desk, _act(alert, seen=1))
    assert acknowledge(desk, _act(alert, key="other", seen=2)).revision == 3


def test_a_snooze_is_over_at_its_instant(desk: Desk, alert: str) -> None:
    until = desk.clock.now() + DAY
    assert snooze(desk, _act(alert), until).state == "snoozed"
    desk.clock.advance(DAY)
    assert acknowledge(desk, _act(alert, key="later")).state == "acknowledged"  # before an evaluation woke it


@pytest.mark.parametrize("days", [0, 367])
def test_a_snooze_ends_within_a_year(desk: Desk, alert: str, days: int) -> None:
    with pytest.raises(InvalidActError, match="366 days"):
        snooze(desk, _act(alert), desk.clock.now() + days * DAY)


def test_what_was_said_is_kept_also_of_what_is_resolved(desk: Desk, alert: str) -> None:
    evaluate_on(desk, [position(100)], [])
    comment(desk, _act(alert), " <!channel> the sale ")
    with pytest.raises(InvalidActError, match="some words"):
        comment(desk, _act(alert, key="other"), "  ")
    with pytest.raises(AlreadyDecidedError, match="already resolved by alerts"):
        acknowledge(desk, _act(alert))
    assert [(one.who, one.text) for one in _history(desk, alert).comments] == [("bob", "<!channel> the sale")]


def test_who_acknowledges_before_the_digest_is_not_told_by_it(desk: Desk) -> None:
    evaluate_on(desk, [position(900)], [])
    (waiting,) = alert_list(desk)
    assert waiting.digest_due == desk.clock.now()
    acknowledge(desk, _act(waiting.id))
    desk.clock.advance(DAY)
    assert tend(desk).messages == ()


def test_a_deed_at_night_changes_the_card_after_it_was_sent(desk: Desk) -> None:
    desk.clock.advance(timedelta(hours=11))  # 22:00 in Berlin
    alert = _over(desk)
    acknowledge(desk, _act(alert))
    shown, told = [one for one in entries(desk.store) if one.kind == "alert"]
    assert (told.facts.get("quiet"), shown.facts["quiet"]) == (None, True)
    assert shown.not_before == told.not_before > desk.clock.now()


def test_an_alert_is_found_by_its_beginning(desk: Desk, alert: str) -> None:
    assert find_alert(desk, alert[:8]) == alert
    for start in ("ffffffff", alert[:5], "%%%%%%"):
        with pytest.raises(UnknownNameError):
            find_alert(desk, start)
    with desk.store.reading() as session:
        assert alert_view(session, "none") is None
