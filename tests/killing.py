"""Killing an ingestion at many points, each time from the same start."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from twinledger.books import Books
from twinledger.engine.duck import DuckEngine
from twinledger.lake import Lake
from twinledger.lake.tables import QUARANTINE, Table
from twinledger.vocabulary.settings import PREFIX, ROOT

SCRIPT = Path(__file__).with_name("killed_ingestion.py")
POINTS = 20
Content = tuple[list[tuple[object, ...]], int]


def run(home: Path, source: str, fatal: int) -> subprocess.CompletedProcess[str]:
    """Ingest in a process of its own that is killed at its so-manieth event; 0 lets it live."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(home), source, str(fatal)],
        capture_output=True, text=True, check=False, cwd=ROOT, env=environment,
    )  # fmt: skip


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
    events = int(run(home, source, 0).stdout.split()[-1])
    after = read(home)
    left = []
    for point in range(points):
        shutil.rmtree(home)
        shutil.copytree(kept, home)
        killed = run(home, source, 1 + point * (events - 1) // (points - 1))
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        left.append(read(home))
        completed = run(home, source, 0)
        assert completed.returncode == 0, completed.stderr
        assert read(home) == after
    return [*left, after]
