"""A process killed at any instant leaves usage as it was or as it is after, and a re-run completes it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.killing import Content, content, kill_everywhere
from tests.metering.test_ingest import HEADER, line
from twinledger.books import Books
from twinledger.lake.tables import USAGE
from twinledger.metering import ingest_feed

SUMMARY = "SELECT day, COUNT(*), SUM(quantity) FROM ledger GROUP BY 1 ORDER BY 1"
BEFORE = [("2026-10-17", 1, Decimal("1.5"))]
AFTER = [("2026-10-17", 2, Decimal("3.5")), ("2026-10-18", 1, Decimal(4))]


def in_home(home: Path) -> Content:
    return content(home, USAGE, SUMMARY)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_kill_at_twenty_points_leaves_usage_as_before_or_as_after(
    books: Books, feed: Callable[[str], str], inbox: Path, tmp_path: Path
) -> None:
    name = feed("csv")
    (inbox / "a.csv").write_text(HEADER + line("1.5"))
    ingest_feed(books, name)
    assert in_home(books.settings.home) == (BEFORE, 0)
    (inbox / "b.csv").write_text(HEADER + line("2") + line("4", "2026-10-18") + line("NaN"))

    *left, after = kill_everywhere(books, name, in_home, tmp_path / "kept")

    assert after == (AFTER, 1)
    usages = [rows for rows, _ in left]
    assert all(rows in (BEFORE, AFTER) for rows in usages)
    assert BEFORE in usages
    assert AFTER in usages
