from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from twinledger.clock import FixedClock
from twinledger.outbox import (
    ByKind,
    DrainResult,
    LocalSender,
    Message,
    Outgoing,
    PermanentSendError,
    RetryableSendError,
    Sent,
    drain,
    enqueue,
    entries,
)
from twinledger.outbox.drain import CLAIM_HOLDS
from twinledger.store import Store


class KilledError(BaseException):
    """The process ends here."""


@dataclass
class FakeSlack:
    """Keeps messages by (channel, ts), updates in place, and knows its messages' keys."""

    faults: list[BaseException | None] = field(default_factory=list)
    """What each call in turn ends with; None, and when there is none left, goes well."""
    lost_answers: bool = False
    """Whether a fault comes after the message has arrived."""
    messages: dict[Sent, list[str]] = field(default_factory=dict)
    calls: list[Outgoing] = field(default_factory=list)
    arrived: dict[str, Sent] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, item: Outgoing) -> Sent:
        with self.lock:
            self.calls.append(item)
            fault = self.faults.pop(0) if self.faults else None
            if fault and not self.lost_answers:
                raise fault
            place = item.update or self.arrived.get(item.key) or Sent(item.channel, str(len(self.messages)))
            self.arrived[item.key] = place
            self.messages.setdefault(place, []).append(item.facts["text"])
            if fault:
                raise fault
            return place


def _tell(store: Store, clock: FixedClock, channel: str, subject: str, text: str, *, kind: str = "note") -> None:
    with store.transaction() as session:
        enqueue(session, Message(kind, subject, channel, "everyone", {"text": text}), clock)


def _states(store: Store) -> list[str]:
    return [item.state for item in reversed(entries(store))]


def test_what_is_due_is_sent_in_order_and_only_once(store: Store, clock: FixedClock) -> None:
    for number in range(3):
        _tell(store, clock, "#shop", f"s{number}", f"text {number}")
    slack = FakeSlack()
    assert drain(store, slack, clock) == DrainResult(sent=3)
    assert drain(store, slack, clock) == DrainResult()
    assert [item.subject for item in slack.calls] == ["s0", "s1", "s2"]
    assert _states(store) == ["sent", "sent", "sent"]


def test_an_item_waits_for_its_time(store: Store, clock: FixedClock) -> None:
    later = clock.now() + timedelta(hours=1)
    with store.transaction() as session:
        enqueue(session, Message("note", "s", "#shop", "everyone", {"text": "x"}, not_before=later), clock)
    assert drain(store, FakeSlack(), clock).sent == 0
    clock.advance(timedelta(hours=1))
    assert drain(store, FakeSlack(), clock).sent == 1


def test_an_item_whose_time_has_not_come_holds_back_nothing(store: Store, clock: FixedClock) -> None:
    morning = clock.now() + timedelta(hours=12)
    with store.transaction() as session:
        for text in ("first", "second"):
            message = Message("note", text, "#shop", "everyone", {"text": text}, not_before=morning)
            enqueue(session, message, clock)
    _tell(store, clock, "#shop", "now", "at once")
    slack = FakeSlack()
    assert drain(store, slack, clock) == DrainResult(sent=1)
    clock.advance(timedelta(hours=12))
    drain(store, slack, clock)
    assert [item.subject for item in slack.calls] == ["now", "first", "second"]


def test_a_later_message_of_the_same_place_updates_the_earlier(store: Store, clock: FixedClock) -> None:
    slack = FakeSlack()
    _tell(store, clock, "#shop", "req-1", "pending")
    drain(store, slack, clock)
    _tell(store, clock, "#shop", "req-1", "approved")
    _tell(store, clock, "#shop", "req-2", "pending")
    drain(store, slack, clock)
    assert list(slack.messages.values()) == [["pending", "approved"], ["pending"]]


def test_retry_after_is_honoured_and_holds_back_its_channel_only(store: Store, clock: FixedClock) -> None:
    _tell(store, clock, "#shop", "s0", "first")
    _tell(store, clock, "#shop", "s1", "second")
    _tell(store, clock, "#data", "s2", "other")
    slack = FakeSlack(faults=[RetryableSendError("ratelimited", retry_after_s=30)])
    assert drain(store, slack, clock) == DrainResult(sent=1, retried=1)
    clock.advance(timedelta(seconds=29))
    assert drain(store, slack, clock) == DrainResult()
    clock.advance(timedelta(seconds=1))
    assert drain(store, slack, clock) == DrainResult(sent=2)
    assert [item.subject for item in slack.calls] == ["s0", "s2", "s0", "s1"]


def test_a_receiver_that_is_away_for_an_hour_gets_everything_once_and_in_order(store: Store, clock: FixedClock) -> None:
    for number in range(3):
        _tell(store, clock, "#shop", f"s{number}", f"text {number}")
    away = FakeSlack(faults=[RetryableSendError("connection refused")] * 100)
    for _ in range(60):
        drain(store, away, clock)
        clock.advance(timedelta(minutes=1))
    assert len(away.calls) < 20  # it was asked less and less often
    clock.advance(timedelta(minutes=15))
    slack = FakeSlack()
    assert drain(store, slack, clock) == DrainResult(sent=3)
    assert list(slack.messages.values()) == [["text 0"], ["text 1"], ["text 2"]]


def test_what_is_refused_for_good_fails_after_three_attempts_and_lets_others_pass(
    store: Store, clock: FixedClock
) -> None:
    _tell(store, clock, "#gone", "s0", "first")
    _tell(store, clock, "#gone", "s1", "second")
    slack = FakeSlack(faults=[PermanentSendError("channel_not_found")] * 3)
    results = []
    for _ in range(3):
        results.append(drain(store, slack, clock))
        clock.advance(timedelta(minutes=1))
    assert results == [DrainResult(retried=1), DrainResult(retried=1), DrainResult(failed=1, sent=1)]
    assert _states(store) == ["failed", "sent"]
    assert entries(store, "failed")[0].error == "refused by the receiver: channel_not_found"


def test_a_fault_of_the_sender_is_raised_and_the_item_is_tried_again(store: Store, clock: FixedClock) -> None:
    _tell(store, clock, "#shop", "s0", "first")
    slack = FakeSlack(faults=[ZeroDivisionError("secret")])
    with pytest.raises(ZeroDivisionError):
        drain(store, slack, clock)
    assert entries(store)[0].error == "ZeroDivisionError"
    clock.advance(timedelta(minutes=1))
    assert drain(store, slack, clock) == DrainResult(sent=1)


@pytest.mark.parametrize("arrived", [False, True], ids=["killed-before-it-arrived", "killed-after-it-arrived"])
def test_a_worker_that_dies_while_sending_leaves_one_message(store: Store, clock: FixedClock, *, arrived: bool) -> None:
    _tell(store, clock, "#shop", "s0", "first")
    slack = FakeSlack(faults=[KilledError()], lost_answers=arrived)
    with pytest.raises(KilledError):
        drain(store, slack, clock)
    assert _states(store) == ["sending"]
    assert drain(store, slack, clock) == DrainResult()  # its claim still holds
    clock.advance(CLAIM_HOLDS)
    assert drain(store, slack, clock) == DrainResult(sent=1)
    assert [(item.key, item.attempt) for item in slack.calls] == [(slack.calls[0].key, 1), (slack.calls[0].key, 2)]
    assert len(slack.messages) == 1


def test_a_worker_whose_claim_ran_out_does_not_mark_over_the_next_one(store: Store, clock: FixedClock) -> None:
    _tell(store, clock, "#shop", "s0", "first")
    slack = FakeSlack()

    class SlowSender:
        def send(self, item: Outgoing) -> Sent:
            del item
            clock.advance(CLAIM_HOLDS)
            assert drain(store, slack, clock) == DrainResult(sent=1)
            return Sent("#shop", "too late")

    assert drain(store, SlowSender(), clock) == DrainResult()
    _tell(store, clock, "#shop", "s0", "second")
    drain(store, slack, clock)
    assert list(slack.messages.values()) == [["first", "second"]]


def test_without_a_receiver_items_are_marked_and_stay_readable(store: Store, clock: FixedClock) -> None:
    _tell(store, clock, "#shop", "s0", "first")
    assert drain(store, LocalSender(), clock) == DrainResult(sent=1)
    assert [item.facts["text"] for item in entries(store, "sent")] == ["first"]


def test_each_kind_has_its_sender(store: Store, clock: FixedClock) -> None:
    _tell(store, clock, "airflow/req-1", "req-1", "approved", kind="wake")
    _tell(store, clock, "#shop", "req-1", "approved")
    airflow, slack = FakeSlack(), FakeSlack()
    drain(store, ByKind({"wake": airflow}, slack), clock)
    assert [item.kind for item in airflow.calls] == ["wake"]
    assert [item.kind for item in slack.calls] == ["note"]


def test_workers_that_race_send_each_item_once_and_in_order(store: Store, clock: FixedClock) -> None:
    for number in range(24):
        _tell(store, clock, f"#c{number % 3}", f"s{number:02}", "text")
    slack = FakeSlack()

    def work(_: int) -> int:
        sent = 0
        while any(item.state != "sent" for item in entries(store)):
            sent += drain(store, slack, clock).sent
        return sent

    with ThreadPoolExecutor(4) as workers:
        assert sum(workers.map(work, range(4))) == 24
    by_channel: dict[str, list[str]] = defaultdict(list)
    for item in slack.calls:
        by_channel[item.channel].append(item.subject)
    assert by_channel == {f"#c{c}": [f"s{number:02}" for number in range(c, 24, 3)] for c in range(3)}


FAULTS = st.sampled_from(["fine", "busy", "asks to wait", "refuses", "dies", "breaks"])
MAKE: dict[str, Callable[[], BaseException | None]] = {
    "fine": lambda: None,
    "busy": lambda: RetryableSendError("busy"),
    "asks to wait": lambda: RetryableSendError("ratelimited", retry_after_s=0),
    "refuses": lambda: PermanentSendError("not_in_channel"),
    "dies": KilledError,
    "breaks": ZeroDivisionError,
}


def _orders(calls: Iterable[Outgoing]) -> dict[str, list[str]]:
    """The subjects of each channel, repeated attempts taken out."""
    orders: dict[str, list[str]] = defaultdict(list)
    for item in calls:
        if item.subject not in orders[item.channel][-1:]:
            orders[item.channel].append(item.subject)
    return orders


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    channels=st.lists(st.sampled_from(["#a", "#b"]), max_size=6),
    faults=st.lists(FAULTS, max_size=8),
    lost=st.booleans(),
)
def test_whatever_goes_wrong_each_item_arrives_once_and_in_order_or_fails(
    store: Store,
    empty: Callable[[Store], None],
    clock: FixedClock,
    channels: list[str],
    faults: list[str],
    *,
    lost: bool,
) -> None:
    """Invariant 12, while the receiver is busy, refuses, or the worker dies before or after it arrived."""
    empty(store)
    for number, channel in enumerate(channels):
        _tell(store, clock, channel, f"s{number}", "text")
    slack = FakeSlack(faults=[MAKE[fault]() for fault in faults], lost_answers=lost)
    for _ in range(len(faults) + 2):
        with suppress(KilledError, ZeroDivisionError):
            drain(store, slack, clock)
        clock.advance(timedelta(hours=1))
    states = {item.subject: item.state for item in entries(store)}
    assert set(states.values()) <= {"sent", "failed"}
    assert {item.subject for item in slack.calls if item.key in slack.arrived} >= {
        s for s, v in states.items() if v == "sent"
    }
    assert len(slack.messages) == len(slack.arrived)
    expected = {c: [f"s{n}" for n, channel in enumerate(channels) if channel == c] for c in set(channels)}
    assert _orders(slack.calls) == expected
