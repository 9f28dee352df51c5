"""Statements of both ledgers are finance's: in a place that everybody reads, each of their files is found."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from tests.reconciliation.test_held import OCTOBER
from tests.shielding.conftest import LIST_TOTAL, SECRET, Scan
from twinledger.pools import COMPONENTS
from twinledger.reconciliation import PeriodStatement, department_statement, pool_statement, write_files
from twinledger.reconciliation.result import BridgeRow, Charged, PoolTotal
from twinledger.reconciliation.statement_files import statement_files
from twinledger.reconciliation.statement_rows import POOL_COLUMNS, Opened

KEPT = LIST_TOTAL - SECRET
RESULT = replace(
    OCTOBER,
    totals=(PoolTotal("cluster", LIST_TOTAL, SECRET, KEPT),),
    bridge=(BridgeRow("cluster", "discount_kept", KEPT, "USD", 3),),
    charged=(Charged("cluster", "shop", LIST_TOTAL, LIST_TOTAL, 3),),
)


def _published(statement: PeriodStatement, folder: Path) -> None:
    nothing = {name: Opened(name, POOL_COLUMNS, (), 0, Decimal(0)) for name in COMPONENTS}
    write_files(statement_files(statement, nothing), folder)


def test_every_file_that_says_what_was_paid_is_found(scanned: Scan, tmp_path: Path) -> None:
    _published(pool_statement(RESULT, "cluster"), tmp_path / "pool")
    _published(department_statement(RESULT, "shop"), tmp_path / "department")

    found = {Path(leak.place.partition("!")[0]).relative_to(tmp_path).as_posix() for leak in scanned(tmp_path).leaks}

    for kind in ("pool", "department"):
        for name in ("statement.json", "statement.xlsx", "statement.pdf"):
            assert any(place.startswith(f"{kind}/{name}") for place in found), (kind, name, found)
