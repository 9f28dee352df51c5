"""The gateway: events of reporters become lines on disk, and are acknowledged then and not before.

What belongs here: which events are new, the order in which they are kept, and when a file is closed. What does
not: HTTP (`web.metering_route`), reading events (`events`), and bytes on disk (`spool`).

One thread writes for all requests of its process. It takes what is waiting, and in one transaction of the store
notes the events' identities, writes and syncs the lines of those that nobody had, and commits. A process that dies
before the sync has acknowledged nothing; one that dies between sync and commit leaves lines that nobody was told of:
sent again they are written once more, and ingestion, which knows events by (source, id) too, books one of both.
See docs/decisions/0015-events-spool.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Thread
from typing import cast

import structlog
from sqlalchemy import Table, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.metering.events import Event
from twinledger.metering.reporters import Sender
from twinledger.metering.spool import SpoolFile, close_abandoned
from twinledger.store.models import ReceivedEvent
from twinledger.vocabulary.errors import EventsNotKeptError

log = structlog.get_logger(__name__)

_RECEIVED = cast("Table", ReceivedEvent.__table__)
_MOST_WAITING = 1000
_MOST_AT_ONCE = 5000
_Key = tuple[str, str]


@dataclass(frozen=True)
class _Waiting:
    """One request's events, and where its answer is awaited."""

    sender: Sender
    events: tuple[Event, ...]
    accepted: Future[int] = field(default_factory=Future)


class Gateway:
    """Takes events for all requests of this process; made at the first one, closed with the app."""

    def __init__(self, books: Books) -> None:
        """Start its thread."""
        self._books = books
        self._settings = books.settings.metering
        self._queue: Queue[_Waiting | None] = Queue(_MOST_WAITING)
        self._files: dict[Path, SpoolFile] = {}
        self._looked_at: set[Path] = set()
        self._forgot_on: date | None = None
        self._thread = Thread(target=self._run, name="metering-gateway", daemon=True)
        self._thread.start()

    def submit(self, sender: Sender, events: Sequence[Event]) -> Future[int]:
        """How many of a request's events are new, as soon as they are on disk; the others are known already.

        The future raises EventsNotKeptError where they are not; send them again.

        Raises:
            EventsNotKeptError: more requests are waiting than are taken.
        """
        waiting = _Waiting(sender, tuple(events))
        try:
            self._queue.put_nowait(waiting)
        except Full:
            raise EventsNotKeptError("too many requests are waiting") from None
        return waiting.accepted

    def close(self) -> None:
        """Keep what is waiting, and close the files."""
        self._queue.put(None)
        self._thread.join()

    # --- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        ended = False
        while not ended:
            group, ended = self._next_group()
            if group:
                self._answer(group)
            self._close_files(everything=ended)
        while True:  # whoever came after the end
            try:
                late = self._queue.get_nowait()
            except Empty:
                return
            if late is not None and late.accepted.set_running_or_notify_cancel():
                late.accepted.set_exception(EventsNotKeptError("the server is being shut down"))

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        """What is waiting, up to a bound, or nothing when a file is due to be closed; and whether it is the end."""
        group: list[_Waiting] = []
        size = 0
        try:
            found = self._queue.get(timeout=self._due())
            while found is not None:
                if found.accepted.set_running_or_notify_cancel():  # else its client has gone, unanswered
                    group.append(found)
                    size += len(found.events)
                if size >= _MOST_AT_ONCE:
                    return group, False
                found = self._queue.get_nowait()
        except Empty:
            return group, False
        return group, True

    def _due(self) -> float | None:
        """Seconds until a file has been open for as long as it may; None where none is open."""
        ages = [time.monotonic() - file.opened_at for file in self._files.values()]
        return max(0.0, self._settings.close_seconds - max(ages)) if ages else None

    def _answer(self, group: Sequence[_Waiting]) -> None:
        owners: dict[_Key, tuple[_Waiting, Event]] = {}
        for waiting in group:
            for event in waiting.events:
                owners.setdefault((waiting.sender.feed, event.identity), (waiting, event))
        try:
            with self._books.store.transaction() as session:
                fresh = self._noted(session, owners)
                self._write(owners[key] for key in sorted(fresh))
        except Exception as error:  # noqa: BLE001 - whatever it is, everybody who waits is to be told
            log.warning("events.not_kept", error=type(error).__name__)
            for waiting in group:
                waiting.accepted.set_exception(EventsNotKeptError(f"{type(error).__name__} while writing"))
            return
        counts = dict.fromkeys(map(id, group), 0)
        for key in fresh:
            counts[id(owners[key][0])] += 1
        for waiting in group:
            waiting.accepted.set_result(counts[id(waiting)])

    def _noted(self, session: Session, keys: Iterable[_Key]) -> set[_Key]:
        """Note identities that nobody had; returns them.

        In one order, so that no two processes wait for each other. One that another process is about to
        commit is waited for: it is called known when it is on disk, and not before.
        """
        today = self._books.clock.now().date()
        rows = [{"feed": feed, "event": event, "received_on": today} for feed, event in sorted(keys)]
        if not rows:
            return set()
        on_postgresql = session.get_bind().dialect.name == "postgresql"
        insert = postgresql.insert(_RECEIVED) if on_postgresql else sqlite.insert(_RECEIVED)
        statement = insert.on_conflict_do_nothing().returning(_RECEIVED.c.feed, _RECEIVED.c.event)
        return {(feed, event) for feed, event in session.connection().execute(statement, rows)}

    def _write(self, chosen: Iterable[tuple[_Waiting, Event]]) -> None:
        """Append each feed's lines to its file, and sync it."""
        lines: dict[Path, list[bytes]] = {}
        for waiting, event in chosen:
            lines.setdefault(waiting.sender.folder, []).append(event.line)
        for folder, content in lines.items():
            if folder not in self._looked_at:
                close_abandoned(str(folder))
                self._looked_at.add(folder)
            if folder not in self._files:
                self._files[folder] = SpoolFile(folder)
            try:
                self._files[folder].append(content)
            except OSError:
                # What it has stays; a file whose sync has failed once is not written again.
                self._files.pop(folder).close()
                raise

    def _close_files(self, *, everything: bool) -> None:
        for folder, file in list(self._files.items()):
            old = time.monotonic() - file.opened_at >= self._settings.close_seconds
            if everything or old or file.size >= self._settings.close_bytes:
                self._files.pop(folder).close()
                self._looked_at.discard(folder)
                self._forget()

    def _forget(self) -> None:
        """Once a day, identities that are older than any retry."""
        today = self._books.clock.now().date()
        if self._forgot_on == today:
            return
        oldest = today - timedelta(days=self._settings.remember_days)
        try:
            with self._books.store.transaction() as session:
                session.execute(delete(ReceivedEvent).where(ReceivedEvent.received_on < oldest))
        except SQLAlchemyError as error:
            log.warning("events.not_forgotten", error=type(error).__name__)
        self._forgot_on = today
