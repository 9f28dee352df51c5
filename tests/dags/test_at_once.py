"""One thread that delivers what decisions lead to: told often, it delivers seldom; asked for more, it comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from threading import Event

import pytest

from tests.slack.fake_slack import wait_until
from twinledger.airflow.at_once import AtOnce
from twinledger.airflow.wake import next_look
from twinledger.clock import FixedClock
from twinledger.outbox import Message, RetryableSendError, Sent, drain, enqueue
from twinledger.outbox.drain import Outgoing
from twinledger.store import Store


class Deliveries:
    """Delivers when it may, and says when it wants to be called again."""

    def __init__(self, *again_s: float | None) -> None:
        self.made = 0
        self.may = Event()
        self._again_s = iter(again_s)

    def __call__(self) -> float | None:
        self.may.wait(10)
        self.made += 1
        return next(self._again_s, None)


@pytest.fixture
def held() -> Iterator[tuple[Deliveries, AtOnce]]:
    deliveries = Deliveries()
    with closing(AtOnce(deliveries)) as at_once:
        yield deliveries, at_once
        deliveries.may.set()


def test_a_hundred_decisions_during_a_delivery_lead_to_one_more(held: tuple[Deliveries, AtOnce]) -> None:
    deliveries, at_once = held
    for _ in range(100):
        at_once.nudge()
    deliveries.may.set()
    at_once.close()
    assert 1 <= deliveries.made <= 2


def test_what_airflow_was_not_ready_for_is_looked_at_again_until_it_is() -> None:
    deliveries = Deliveries(0.01, 0.01, None)
    deliveries.may.set()
    with closing(AtOnce(deliveries)) as at_once:
        at_once.nudge()
        wait_until(lambda: deliveries.made == 3, "it is delivered three times")
    assert deliveries.made == 3


def test_a_delivery_that_fails_is_no_reason_to_stop() -> None:
    made: list[str] = []

    def fail() -> None:
        made.append("delivery")
        raise OSError

    with closing(AtOnce(fail)) as at_once:
        at_once.nudge()
        wait_until(lambda: len(made) == 1, "it failed once")
        at_once.nudge()
        wait_until(lambda: len(made) == 2, "it failed again")


class NotReady:
    """Wants to be asked again after so many seconds."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s

    def send(self, item: Outgoing) -> Sent:
        raise RetryableSendError(item.subject, self._after_s)


def test_the_next_look_is_at_the_wake_up_that_was_put_off_for_the_shortest_time(
    store: Store, clock: FixedClock
) -> None:
    now = clock.now()
    assert next_look(store, now) is None
    with store.transaction() as session:
        for kind, request in (("wake", "req-1"), ("approval", "req-2")):
            enqueue(session, Message(kind, request, f"airflow/{request}", "everyone"), clock)
    drain(store, NotReady(3), clock)
    assert next_look(store, now) == now + timedelta(seconds=3)
    assert next_look(store, now + timedelta(seconds=3)) is None, "what is due already waits for something else"
