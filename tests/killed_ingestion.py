"""Ingests sources, each in a process that dies by SIGKILL at its so-manieth file or database event.

Run by `tests.killing`:

    python killed_ingestion.py

Reads lines of JSON, [HOME, SOURCE, EVENT], and answers each with [RETURN CODE, EVENTS]. EVENT 0 kills never; a
process that was killed could not say how many events there were. This process imports everything, once, and does
nothing else: every ingestion is a fork of it, and starts without a thread, a connection or an open file.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from twinledger import bills, metering
from twinledger.books import Books
from twinledger.catalog import sources
from twinledger.clock import SystemClock
from twinledger.engine.duck import DuckEngine
from twinledger.lake import Lake
from twinledger.places import open_folder
from twinledger.quality import Verdict
from twinledger.store import Store
from twinledger.vocabulary.settings import Settings

WATCHED = ("open", "os.rename", "os.remove", "os.mkdir", "sqlite3.connect", "os.rmdir")


class Passing:
    """Lets everything pass: what is tested here is the writing."""

    def warming_up(self) -> AbstractContextManager[None]:
        """Nothing to load."""
        return nullcontext()

    def check(self, gate: str, table: object, files: object, parameters: object = None) -> Verdict:
        """Nothing stops."""
        del table, files, parameters
        return Verdict(gate, evaluated=0)


def ingest(home: Path, source: str, fatal: int) -> int:
    """Ingest, and die at the fatal event; returns how many there were."""
    settings = Settings(home=home)
    store, lake = Store(settings.database_url), Lake(settings.database_url, settings.warehouse)
    books = Books(
        settings=settings,
        store=store,
        lake=lake,
        engine=lambda: DuckEngine("1GiB", 1, settings.spill),
        gate=Passing(),
        places=open_folder,
        clock=SystemClock(),
    )
    seen = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in WATCHED and (event != "open" or str(home) in str(arguments[0])):
            seen += 1
            if seen == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    ((_, kind),) = sources(store, source)
    (bills.ingest_source if kind == "bill" else metering.ingest_feed)(books, source)
    lake.close()
    store.close()
    return seen


def fork(home: Path, source: str, fatal: int) -> tuple[int, int]:
    """Ingest in a process of its own: (return code, events)."""
    reading, writing = os.pipe()
    victim = os.fork()
    if victim == 0:
        _end_with(writing, home, source, fatal)
    os.close(writing)
    _, status = os.waitpid(victim, 0)
    with os.fdopen(reading) as told:
        return os.waitstatus_to_exitcode(status), int(told.read() or 0)


def _end_with(writing: int, home: Path, source: str, fatal: int) -> NoReturn:
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what it logs is no answer
    try:
        os.write(writing, str(ingest(home, source, fatal)).encode())
    except BaseException:  # noqa: BLE001 - whatever it is, the fork must not go on as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    import_module("pandas")  # as DuckDB does at the first query of a process
    for line in sys.stdin:
        asked_home, asked_source, asked_fatal = json.loads(line)
        print(json.dumps(fork(Path(asked_home), asked_source, asked_fatal)), flush=True)  # noqa: T201 - read by the test
