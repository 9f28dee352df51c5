"""Ingests one source and is killed by SIGKILL at the so-manieth file or database event; run by `tests.killing`.

    python killed_ingestion.py HOME SOURCE EVENT

EVENT 0 kills never and prints how many events there were.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

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


def main(home: Path, source: str, fatal: int) -> int:
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
    ingest = bills.ingest_source if kind == "bill" else metering.ingest_feed
    ingest(books, source)
    lake.close()
    store.close()
    return seen


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))  # noqa: T201 - read by the test
