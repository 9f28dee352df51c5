"""The trigger that waits for notifications: Airflow's own machinery for it, and a queue that is a fake with memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow.triggers.shared_stream import SharedStreamManager

from twinledger.airflow.watcher import DeliveryProducer, DeliveryTrigger, Queue, configured_queue
from twinledger.cloud.notifications import CreatedObject
from twinledger.cloud.queue import Batch, DeliveryQueue
from twinledger.vocabulary.errors import QueueUnreachableError, TwinledgerError

KEY, TRIGGER = ("queue",), 7


@dataclass
class FakeQueue:
    """Messages by receipt; `outages` calls are refused first."""

    messages: dict[str, CreatedObject] = field(default_factory=dict)
    outages: int = 0
    asked: int = 0
    hidden: set[str] = field(default_factory=set)

    def receive(self) -> Batch:
        self.asked += 1
        self._answer()
        shown = {receipt: one for receipt, one in self.messages.items() if receipt not in self.hidden}
        self.hidden |= set(shown)
        return Batch(tuple(shown.values()), tuple(shown))

    def delete(self, receipts: Sequence[str]) -> None:
        self._answer()
        for receipt in receipts:
            del self.messages[receipt]

    def _answer(self) -> None:
        if self.outages:
            self.outages -= 1
            raise QueueUnreachableError("q", "away")


class ProducingTrigger(DeliveryTrigger):
    """The trigger, with a queue of the test's."""

    queue: FakeQueue

    def shared_stream_key(self) -> tuple[str, ...]:
        return KEY

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> DeliveryProducer:
        del kwargs
        return DeliveryProducer(lambda: cls.queue, first_pause_s=0.01)


def trigger_of(queue: FakeQueue) -> ProducingTrigger:
    kind = type("TestTrigger", (ProducingTrigger,), {"queue": queue})
    made: ProducingTrigger = kind()
    return made


def waiting() -> FakeQueue:
    return FakeQueue({"r1": CreatedObject("bills", "a.csv"), "r2": CreatedObject("bills", "b.csv")})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a fake has no event to wait for
            await asyncio.sleep(0.01)


async def first_event(manager: SharedStreamManager, trigger: ProducingTrigger) -> tuple[Any, AsyncIterator[Any]]:
    """As Airflow's triggerer takes it; the next one is asked for at once, which says that this one is dealt with."""
    events = trigger.filter_shared_stream(manager.subscribe(trigger_id=TRIGGER, trigger=trigger, key=KEY))
    return await anext(events), events


def test_messages_are_deleted_when_their_event_is_in_airflows_database_and_not_before() -> None:
    async def played(queue: FakeQueue) -> None:
        manager = SharedStreamManager()
        event, events = await first_event(manager, trigger_of(queue))
        assert event.payload == {"created": [["bills", "a.csv"], ["bills", "b.csv"]]}
        stored = manager.bind_pending_event(trigger_id=TRIGGER, key=KEY)
        following = asyncio.ensure_future(anext(events))
        await until(lambda: queue.asked > 3)
        assert set(queue.messages) == {"r1", "r2"}, "Airflow has not stored the event yet"
        assert stored is not None
        manager.confirm_persisted([stored])
        await until(lambda: not queue.messages)
        following.cancel()
        await manager.stop_all()

    asyncio.run(played(waiting()))


def test_messages_whose_event_airflow_never_stores_stay_in_the_queue() -> None:
    async def played(queue: FakeQueue) -> None:
        manager = SharedStreamManager()
        _, events = await first_event(manager, trigger_of(queue))
        manager.bind_pending_event(trigger_id=TRIGGER, key=KEY)
        following = asyncio.ensure_future(anext(events))
        await until(lambda: queue.asked > 3)
        following.cancel()
        await manager.stop_all()
        assert set(queue.messages) == {"r1", "r2"}

    asyncio.run(played(waiting()))


def test_a_queue_that_does_not_answer_is_asked_again_and_the_trigger_lives_on() -> None:
    async def played(queue: FakeQueue) -> None:
        queue.outages = 3
        stream = DeliveryProducer(lambda: queue, first_pause_s=0.01).open_stream()
        created, receipts = await anext(stream)
        assert (len(created), receipts, queue.asked) == (2, ("r1", "r2"), 4)

    asyncio.run(played(waiting()))


def test_messages_that_cannot_be_deleted_do_not_end_the_stream() -> None:
    async def played(queue: FakeQueue) -> None:
        producer = DeliveryProducer(lambda: queue)
        _, receipts = await anext(producer.open_stream())
        queue.outages = 1
        await producer.delete(receipts)
        assert set(queue.messages) == {"r1", "r2"}

    asyncio.run(played(waiting()))


def test_settings_that_cannot_be_used_are_read_again() -> None:
    opened: list[int] = []

    def open_queue() -> Queue:
        opened.append(1)
        if len(opened) < 3:
            raise TwinledgerError("no such setting")
        return waiting()

    async def played() -> None:
        created, _ = await anext(DeliveryProducer(open_queue, first_pause_s=0.01).open_stream())
        assert (len(created), len(opened)) == (2, 3)

    asyncio.run(played())


def test_without_a_queue_the_trigger_waits_and_asks_nobody() -> None:
    opened: list[int] = []

    def no_queue() -> None:
        opened.append(1)

    async def played() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(DeliveryProducer(no_queue).open_stream()), 0.3)

    asyncio.run(played())
    assert len(opened) == 1


def test_where_airflow_does_not_share_streams_messages_are_deleted_when_their_event_was_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = waiting()
    monkeypatch.setattr("twinledger.airflow.watcher.configured_queue", lambda: queue)

    async def played() -> None:
        events = DeliveryTrigger().run()  # type: ignore[no-untyped-call]  # Airflow's
        event = await anext(events)
        assert event.payload["created"][0] == ["bills", "a.csv"]
        assert queue.messages
        following = asyncio.ensure_future(anext(events))
        await until(lambda: not queue.messages)
        following.cancel()

    asyncio.run(played())


def test_which_queue_it_is_stands_in_the_settings_and_not_in_the_trigger(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    trigger = DeliveryTrigger()  # type: ignore[no-untyped-call]  # Airflow's
    path, arguments = trigger.serialize()
    assert (path, arguments) == (f"{DeliveryTrigger.__module__}.DeliveryTrigger", {})
    assert configured_queue() is None
    monkeypatch.setenv("TWINLEDGER_EVENTS__QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/1/deliveries")
    monkeypatch.setenv("TWINLEDGER_EVENTS__REGION", "us-east-1")
    assert isinstance(configured_queue(), DeliveryQueue)
