"""A process killed at any instant leaves the ledger as it was or as it is after, and a re-run completes it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bills.bill_files import line, report, write_assembly, write_file
from tests.bills.conftest import Configure
from tests.bills.test_arrivals import huawei as spelt_as_huawei
from tests.bills.test_invariants import close
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


DAYS = 'SELECT "x_period" || \' \' || "x_slice", COUNT(*), SUM("BilledCost") FROM ledger GROUP BY 1 ORDER BY 1'
FEW = 4
"""Points of a kill where a path differs from the one above in its last steps only."""


def by_slice(home: Path) -> Content:
    return content(home, EXTERNAL_CHARGES, DAYS)


def huawei(folder: Path, covered: str, costs: Sequence[int], hour: int) -> None:
    """A detail bill of 2101: of a day (YYYYMMDD), or of the whole month at last."""
    lines = spelt_as_huawei(2101, [(10, cost) for cost in costs])
    path = write_file(folder, f"{covered}/nimbus_PriceFactorBillDetail_{covered}.csv", lines)
    left = datetime(2101, 11, 3, hour, tzinfo=UTC).timestamp()
    os.utime(path, (left, left))


def days_of(source: Configure, folder: Path, books: Books) -> None:
    """October of a source of days, with two of them in the ledger."""
    source("huawei", "huawei_detail", account=None, currency=None, slice="day")
    huawei(folder, "21011001", [1, 2], 1)
    huawei(folder, "21011002", [3], 2)
    ingest_source(books, "huawei")


FIRST_DAY, SECOND_DAY = ("2101-10 day-21011001", 2, Decimal(3)), ("2101-10 day-21011002", 1, Decimal(3))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("covered", "costs", "after"),
    [
        ("21011003", [5], [FIRST_DAY, SECOND_DAY, ("2101-10 day-21011003", 1, Decimal(5))]),
        ("21011001-21011031", [1, 2, 2], [("2101-10 all", 3, Decimal(5))]),
    ],
    ids=["a day", "the final month that covers the days"],
)
def test_a_kill_leaves_the_days_as_before_or_as_after(
    books: Books, source: Configure, bills_folder: Path, tmp_path: Path, covered: str, costs: list[int], after: object
) -> None:
    days_of(source, bills_folder, books)
    huawei(bills_folder, covered, costs, 5)

    *left, ledger = kill_everywhere(books, "huawei", by_slice, tmp_path / "kept", points=FEW)

    assert ledger[0] == after
    assert all(rows in ([FIRST_DAY, SECOND_DAY], after) for rows, _ in left)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_kill_posts_the_adjustments_of_a_closed_period_whole_or_not_at_all_and_once(
    books: Books, source: Configure, bills_folder: Path, tmp_path: Path
) -> None:
    days_of(source, bills_folder, books)
    close(books, "2101-10")
    before = [FIRST_DAY, SECOND_DAY]
    posted = ("2101-11 restates-2101-10", 2, Decimal(-1))
    huawei(bills_folder, "21011001-21011031", [1, 2, 2], 5)

    *left, after = kill_everywhere(books, "huawei", by_slice, tmp_path / "kept", points=FEW)

    assert after[0] == [*before, posted]
    assert all(rows in (before, [*before, posted]) for rows, _ in left)
