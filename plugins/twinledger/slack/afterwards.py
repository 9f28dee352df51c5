"""What is done once Slack has its acknowledgement, on threads of its own.

What belongs here: that nothing which waits for Slack or for the outbox keeps a thread that acknowledges, and that a
burst of decisions leads to no more work than its last one needs. What does not: what is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

CALLERS = 4
"""Threads for what somebody waits for: forms, which Slack lets open for three seconds, and private words."""

PAUSE_S = 0.6
"""Between two tabs that nobody waits for: Slack takes about a hundred a minute, and a tab costs more than a decision.
https://docs.slack.dev/reference/methods/views.publish"""

log = logging.getLogger(__name__)

Do = Callable[[], object]


class Afterwards:
    """Lanes that never wait for each other: for whoever waits, for decisions, for the outbox, for App Home."""

    def __init__(self, drain: Do) -> None:
        """Take what drains the outbox; it may fail, for the next run of the outbox sends what it left."""
        self._drain = drain
        self._callers = ThreadPoolExecutor(CALLERS, thread_name_prefix="slack-call")
        self._decisions = ThreadPoolExecutor(1, thread_name_prefix="slack-decide")
        self._outbox = _Lane("slack-drain", 0)
        self._homes = _Lane("slack-home", PAUSE_S)

    def call(self, what: str, do: Do) -> None:
        """Do it at once; that it failed is logged under its name, by the kind of the error alone."""
        self._callers.submit(_logged, what, do)

    def decide(self, what: str, do: Do) -> None:
        """Do it after all that was to be decided before it: who came first is heard first."""
        self._decisions.submit(_logged, what, do)

    def nudge(self) -> None:
        """Have the outbox drained; a drain that has not begun yet takes this one's messages too."""
        self._outbox.put("", "sending what follows a decision", self._drain)

    def refresh(self, key: str, what: str, do: Do) -> None:
        """Do it in its turn; of those with a key that have not begun yet, the last one stands for all."""
        self._homes.put(key, what, do)

    def close(self) -> None:
        """Wait for what is under way, and for what decisions lead to."""
        self._decisions.shutdown(wait=True)
        self._callers.shutdown(wait=True)
        self._outbox.close()
        self._homes.close()


class _Lane:
    """One thread with a pause after each thing, and at most one thing that waits for it under each key."""

    def __init__(self, name: str, pause_s: float) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._pause_s = pause_s
        self._closing = Event()
        self._lock = Lock()
        self._waiting: dict[str, Do] = {}

    def put(self, key: str, what: str, do: Do) -> None:
        with self._lock:
            waits = key in self._waiting
            self._waiting[key] = do
        if not waits:
            self._thread.submit(self._next, key, what)

    def _next(self, key: str, what: str) -> None:
        with self._lock:
            do = self._waiting.pop(key)
        _logged(what, do)
        self._closing.wait(self._pause_s)

    def close(self) -> None:
        """Do what waits, without pauses."""
        self._closing.set()
        self._thread.shutdown(wait=True)


def _logged(what: str, do: Do) -> None:
    try:
        do()
    except Exception as error:  # noqa: BLE001 - what was decided stands; whatever it is, nobody waits for it
        log.warning("%s failed: %s", what, type(error).__name__)
