"""Evaluations and people at once, on each database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest

from tests.alerts.conftest import Desk
from tests.alerts.made import anomaly, position
from twinledger.alerts import WantedAlerts, acknowledge, alert_history, alert_list, evaluate_on, tend
from twinledger.deeds import Act
from twinledger.outbox import entries
from twinledger.vocabulary.errors import AlreadyDecidedError, NotEntitledError


def test_of_two_evaluations_at_once_one_tells(desk: Desk) -> None:
    together = Barrier(3)

    def evaluated(_: int) -> int:
        together.wait()
        return len(evaluate_on(desk, [position(1100)], [anomaly(90)]).messages)

    with ThreadPoolExecutor(3) as threads:
        told = sorted(threads.map(evaluated, range(3)))
    assert told == [0, 0, 2]
    assert len(entries(desk.store)) == 2


def test_of_those_who_tend_at_once_one_sends_the_digest(desk: Desk) -> None:
    evaluate_on(desk, [position(900)], [])
    desk.clock.advance(timedelta(days=1))
    together = Barrier(3)

    def tended(_: int) -> int:
        together.wait()
        return len(tend(desk).messages)

    with ThreadPoolExecutor(3) as threads:
        assert sorted(threads.map(tended, range(3))) == [0, 0, 1]


def test_of_those_who_click_at_once_one_moves_the_alert(desk: Desk) -> None:
    alert = evaluate_on(desk, [position(1100)], []).messages[0].subject
    people = ("bob", "hugo", "ada", "fay")
    together = Barrier(len(people))

    def click(who: str) -> str:
        together.wait()
        try:
            return acknowledge(desk, Act(alert, who, "slack", who)).state
        except AlreadyDecidedError as error:
            return error.outcome

    with ThreadPoolExecutor(len(people)) as threads:
        assert set(threads.map(click, people)) == {"acknowledged"}
    done = [one.action for one in alert_history(desk, alert).history]
    assert done == ["alert.opened", "alert.acknowledge"]


def test_one_click_that_is_refused_and_arrives_several_times_is_refused_each_time_and_recorded_once(desk: Desk) -> None:
    alert = evaluate_on(desk, [position(1100)], []).messages[0].subject
    together = Barrier(4)

    def click(_: int) -> str:
        together.wait()
        with pytest.raises(NotEntitledError) as refused:
            acknowledge(desk, Act(alert, "eve", "slack", "click"))
        return refused.value.reason

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(click, range(4)))) == 1
    done = [one.action for one in alert_history(desk, alert).history]
    assert done == ["alert.opened", "alert.acknowledge.refused"]


def test_a_click_while_rules_are_evaluated_is_neither_lost_nor_told_over(desk: Desk) -> None:
    alert = evaluate_on(desk, [position(1100)], []).messages[0].subject
    desk.clock.advance(timedelta(days=1))
    together = Barrier(2)

    def evaluated() -> None:
        together.wait()
        evaluate_on(desk, [position(1300)], [])

    def click() -> None:
        together.wait()
        acknowledge(desk, Act(alert, "bob", "slack", "click"))

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(evaluated), threads.submit(click)]:
            done.result()
    (kept,) = [one for one in alert_list(desk, WantedAlerts("")) if one.id == alert]
    assert (kept.state, kept.acted_by, kept.told, kept.impact) == ("acknowledged", "bob", 2, Decimal(300))
