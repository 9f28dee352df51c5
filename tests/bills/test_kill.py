"""A process killed at any instant leaves the ledger as it was or as it is after, and a re-run completes it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bills.bill_files import line, report, write_assembly
from tests.bills.conftest import Configure
from tests.killing import Content, content, kill_everywhere
from twinledger.bills import ingest_source
from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES

SUMMARY = 'SELECT "x_period", COUNT(*), SUM("BilledCost") FROM ledger GROUP BY 1 ORDER BY 1'
BEFORE = [("2026-10", 2, Decimal("0.30"))]
AFTER = [("2026-10", 3, Decimal("1.50"))]


def in_home(home: Path) -> Content:
    return content(home, EXTERNAL_CHARGES, SUMMARY)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_kill_at_twenty_points_leaves_the_external_ledger_as_before_or_as_after(
    books: Books, source: Configure, bills_folder: Path, tmp_path: Path
) -> None:
    source()
    write_assembly(bills_folder, [report([line("0.10"), line("0.20")])], modified=datetime(2026, 10, 3, tzinfo=UTC))
    ingest_source(books, "aws")
    assert in_home(books.settings.home) == (BEFORE, 0)
    newer = report([line("0.50")] * 3 + [line("NaN")])
    write_assembly(bills_folder, [newer], assembly="a2", modified=datetime(2026, 10, 5, tzinfo=UTC))

    *left, after = kill_everywhere(books, "aws", in_home, tmp_path / "kept")

    assert after == (AFTER, 1)
    ledgers = [rows for rows, _ in left]
    assert all(rows in (BEFORE, AFTER) for rows in ledgers)
    assert BEFORE in ledgers
    assert AFTER in ledgers
