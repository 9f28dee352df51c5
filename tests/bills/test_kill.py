"""A process killed at any instant leaves the ledger as it was or as it is after, and a re-run completes it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bills.bill_files import line, report, write_assembly
from tests.bills.conftest import Configure
from twinledger.bills import ingest_source
from twinledger.books import Books
from twinledger.engine.duck import DuckEngine
from twinledger.lake import Lake
from twinledger.lake.tables import EXTERNAL_CHARGES, QUARANTINE
from twinledger.vocabulary.settings import ROOT

SCRIPT = Path(__file__).with_name("killed_ingestion.py")
POINTS = 20
BEFORE = [("2026-10", 2, Decimal("0.30"))]
AFTER = [("2026-10", 3, Decimal("1.50"))]


def run(home: Path, fatal: int) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TWINLEDGER_")}
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(home), "aws", str(fatal)],
        capture_output=True, text=True, check=False, cwd=ROOT, env=environment,
    )  # fmt: skip


def books_in(home: Path) -> tuple[list[tuple[str, int, Decimal]], int]:
    """(external ledger by period, rows in quarantine) as they lie in a home."""
    lake = Lake(f"sqlite:///{home / 'store.db'}", str(home / "lake"))
    with DuckEngine("1GiB", 1, str(home / "spill")) as engine:
        engine.view_files("ledger", EXTERNAL_CHARGES, lake.files(EXTERNAL_CHARGES))
        engine.view_files("refused", QUARANTINE, lake.files(QUARANTINE))
        totals = engine.query('SELECT "x_period", COUNT(*), SUM("BilledCost") FROM ledger GROUP BY 1 ORDER BY 1')
        refused = engine.query("SELECT COUNT(*) FROM refused")[0][0]
    lake.close()
    return [(row[0], row[1], row[2]) for row in totals], refused


@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_kill_at_twenty_points_leaves_the_ledger_as_before_or_as_after(
    books: Books, source: Configure, bills_folder: Path, tmp_path: Path, ledger: Callable[[], object]
) -> None:
    source()
    write_assembly(bills_folder, [report([line("0.10"), line("0.20")])], modified=datetime(2026, 10, 3, tzinfo=UTC))
    ingest_source(books, "aws")
    assert ledger() == BEFORE
    newer = report([line("0.50")] * 3 + [line("NaN")])
    write_assembly(bills_folder, [newer], assembly="a2", modified=datetime(2026, 10, 5, tzinfo=UTC))
    books.store.close()
    books.lake.close()
    # The lake's files are named by their absolute path: every trial works in this home and puts it back after.
    home, kept = books.settings.home, tmp_path / "kept"
    shutil.copytree(home, kept)
    events = int(run(home, 0).stdout.split()[-1])
    assert books_in(home) == (AFTER, 1)
    left_before = left_after = 0
    for point in range(POINTS):
        shutil.rmtree(home)
        shutil.copytree(kept, home)
        killed = run(home, 1 + point * (events - 1) // (POINTS - 1))
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        found, _ = books_in(home)
        assert found in (BEFORE, AFTER)
        left_before, left_after = left_before + (found == BEFORE), left_after + (found == AFTER)
        ingest_source(books, "aws")
        books.store.close()
        books.lake.close()
        assert books_in(home) == (AFTER, 1)
    assert left_before
    assert left_after
