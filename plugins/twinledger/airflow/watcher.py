"""What waits for buckets' notifications, in Airflow's triggerer.

What belongs here: the trigger, and its life beside other triggers. What does not: the queue
(`cloud.queue`), and what an event leads to, which is in dags/route_deliveries.py.

Airflow 3.3 tells such a trigger when its event is in the database: only then are the messages deleted. One
that is not deleted comes again, and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

from twinledger.vocabulary.errors import TwinledgerError

if TYPE_CHECKING:
    from twinledger.cloud.queue import Batch

log = structlog.get_logger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0

Created = tuple[list[list[str]], tuple[str, ...]]
"""[bucket, key] of each object, and what deletes the messages that said so."""


class Queue(Protocol):
    """What messages come by; its methods block."""

    def receive(self) -> Batch:
        """Wait for messages; see `cloud.queue`."""
        ...

    def delete(self, receipts: Sequence[str]) -> None:
        """Delete messages."""
        ...


class DeliveryProducer(SharedStreamProducer):
    """Receives in a thread; a queue that does not answer is asked again, less and less often, for ever."""

    def __init__(self, open_queue: Callable[[], Queue | None], first_pause_s: float = FIRST_PAUSE_S) -> None:
        """Not opened yet: settings are read, and boto3 is imported, in the thread."""
        self._open = open_queue
        self._queue: Queue | None = None
        self._first_pause_s = first_pause_s

    async def open_stream(self) -> AsyncIterator[Created]:
        """What each answer of the queue says was created. Without a configured queue it waits, and asks nobody."""
        pause_s = self._first_pause_s
        while True:
            try:
                batch = await asyncio.to_thread(self._receive)
            except TwinledgerError as problem:
                log.warning("the queue is asked again", after_s=pause_s, problem=str(problem))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            if batch is None:
                log.info("no queue is configured: deliveries are found by the daily run")
                await asyncio.Event().wait()
            pause_s = self._first_pause_s
            if batch and batch.created:
                yield [[one.bucket, one.key] for one in batch.created], batch.receipts

    def _receive(self) -> Batch | None:
        self._queue = self._queue or self._open()
        return self._queue.receive() if self._queue else None

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Delete the messages whose events are in Airflow's database; the others come again."""
        await self.delete([receipt for item in batch if item.outcome.is_clean for receipt in item.broker_payload])

    async def delete(self, receipts: Sequence[str]) -> None:
        """Delete messages; a failure is told and passes."""
        try:
            if self._queue is not None:
                await asyncio.to_thread(self._queue.delete, receipts)
        except TwinledgerError as problem:
            log.warning("the messages will come again", problem=str(problem))


def configured_queue() -> Queue | None:
    """The queue of this process's settings, or None.

    Raises:
        TwinledgerError: the settings cannot be used.
    """
    from twinledger.vocabulary.settings import load_settings  # noqa: PLC0415 - read when it runs, not when it is parsed

    settings = load_settings().events
    if not settings.queue_url:
        return None
    from twinledger.cloud.queue import open_queue  # noqa: PLC0415 - boto3 takes long, and only this thread needs it

    return open_queue(settings)


class DeliveryTrigger(BaseEventTrigger):
    """Fires for each answer of the queue that names objects. It has no arguments: settings say which queue."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow keeps of it."""
        return "twinledger.airflow.watcher.DeliveryTrigger", {}

    def shared_stream_key(self) -> Hashable:
        """One stream for all: this is what makes Airflow confirm events."""
        return ("twinledger", "deliveries")

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        """The queue's side of the stream."""
        del kwargs
        return DeliveryProducer(configured_queue)

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """An event for each answer of the queue."""
        async for created in shared_stream:
            yield TriggerEvent({"created": created})  # type: ignore[no-untyped-call]  # Airflow's

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Where Airflow does not share streams: the messages are deleted when the event has been taken."""
        producer = DeliveryProducer(configured_queue)
        async for created, receipts in producer.open_stream():
            yield TriggerEvent({"created": created})  # type: ignore[no-untyped-call]  # Airflow's
            await producer.delete(receipts)
