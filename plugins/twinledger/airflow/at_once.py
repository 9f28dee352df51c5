"""Sending at once what a decision leads to, from the process that heard of it: Airflow's api-server.

What belongs here: one thread that drains the outbox when it is told to, and again when Airflow was not ready. What
does not: who gets what (`senders`), and what was left, which the DAG `deliver_outbox` delivers each minute.

Nobody waits for this thread: draining speaks to Slack and to the REST API of this very process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock, Timer

from twinledger.airflow.senders import open_senders
from twinledger.airflow.wake import next_look
from twinledger.deployment import open_books
from twinledger.outbox import drain
from twinledger.slack.delivery import LeftToTheWorker

FOLLOWED_FOR_S = 60.0
"""What is to be looked at later than this is left to `deliver_outbox`, which runs each minute."""

log = logging.getLogger(__name__)


def deliver() -> float | None:
    """Send all that is due; the seconds after which Airflow is to be looked at again, if it is soon.

    Where this process has no service account, wake-ups are left to `deliver_outbox`.
    """
    with open_books() as books, open_senders(books, LeftToTheWorker()) as sender:
        began = books.clock.now()
        drain(books.store, sender, books.clock)
        due = next_look(books.store, began) if sender.wakes else None
        if due is None:
            return None
        again_s = max(0.0, (due - books.clock.now()).total_seconds())
    return again_s if again_s <= FOLLOWED_FOR_S else None


class AtOnce:
    """Delivers whenever it is told to, one delivery at a time; one that has not begun yet stands for all."""

    def __init__(self, deliver: Callable[[], float | None]) -> None:
        """Take what delivers, and says after how many seconds it wants to be called again; it may fail."""
        self._deliver = deliver
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._lock = Lock()
        self._waits = False
        self._alarm: Timer | None = None

    def nudge(self) -> None:
        """Have it delivered soon; returns at once."""
        with self._lock:
            if self._waits:
                return
            self._waits = True
        self._thread.submit(self._next)

    def close(self) -> None:
        """Wait for what is under way; nothing is looked at again."""
        self._thread.shutdown(wait=True)
        if self._alarm:
            self._alarm.cancel()

    def _next(self) -> None:
        with self._lock:
            self._waits = False
        if self._alarm:
            self._alarm.cancel()  # this delivery says anew when the next one is wanted
        try:
            again_s = self._deliver()
        except Exception as error:  # noqa: BLE001 - what was decided stands; `deliver_outbox` delivers it
            log.warning("what follows a decision is left to deliver_outbox: %s", type(error).__name__)
            return
        if again_s is not None:
            self._alarm = Timer(again_s, self.nudge)
            self._alarm.daemon = True
            self._alarm.start()
