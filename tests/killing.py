"""Killing an ingestion at many points, each time from the same start."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from twinledger.books import Books
from twinledger.engine.duck import DuckEngine
from twinledger.lake import Lake
from twinledger.lake.tables import QUARANTINE, Table
from twinledger.vocabulary.settings import PREFIX, ROOT

SCRIPT = Path(__file__).with_name("killed_ingestion.py")
POINTS = 20
Content = tuple[list[tuple[object, ...]], int]
Ingest = Callable[[Path, str, int], int]
"""Ingest in a process of its own that is killed at its so-manieth event; 0 lets it live: how many there were."""


@contextmanager
def victims() -> Iterator[Ingest]:
    """Processes to be killed, which do not have to import everything first: forks of one that has."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    with (
        TemporaryFile("w+") as said,
        subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, cwd=ROOT, env=environment,
        ) as process,
    ):  # fmt: skip
        asked, answers = process.stdin, process.stdout
        assert asked is not None
        assert answers is not None

        def ingest(home: Path, source: str, fatal: int) -> int:
            asked.write(json.dumps([str(home), source, fatal]) + "\n")
            asked.flush()
            ended, events = json.loads(answers.readline() or "[null, 0]")
            said.seek(0)
            assert ended == (-signal.SIGKILL if fatal else 0), said.read()
            return int(events)

        yield ingest
        asked.close()


def content(home: Path, table: Table, summary: str) -> Content:
    """(rows of a query over `ledger`, rows in quarantine) as they lie in a home."""
    lake = Lake(f"sqlite:///{home / 'store.db'}", str(home / "lake"))
    with DuckEngine("1GiB", 1, str(home / "spill")) as engine:
        engine.view_files("ledger", table, lake.files(table))
        engine.view_files("refused", QUARANTINE, lake.files(QUARANTINE))
        found = engine.query(summary), engine.query("SELECT COUNT(*) FROM refused")[0][0]
    lake.close()
    return found


def kill_everywhere(
    books: Books, source: str, read: Callable[[Path], Content], kept: Path, points: int = POINTS
) -> list[Content]:
    """Kill at points spread over an ingestion, its end among them; what each left, once the next run has completed it.

    Asserts that every completed run ends in the same content, which stands last in the list.
    """
    books.store.close()
    books.lake.close()
    # The lake's files are named by their absolute path: every trial works in this home and puts it back after.
    home = books.settings.home
    shutil.copytree(home, kept)
    left = []
    with victims() as ingest:
        events = ingest(home, source, 0)
        after = read(home)
        for point in range(points):
            shutil.rmtree(home)
            shutil.copytree(kept, home)
            ingest(home, source, 1 + point * (events - 1) // (points - 1))
            left.append(read(home))
            ingest(home, source, 0)
            assert read(home) == after
    return [*left, after]
