from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES, QUARANTINE
from twinledger.store.models import Source

Configure = Callable[..., Source]


@pytest.fixture
def bills_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bills"
    folder.mkdir()
    return folder


@pytest.fixture
def source(books: Books, bills_folder: Path) -> Configure:
    """Configures a bill source; without arguments an AWS one, account 111122223333, in USD."""

    def configure(name: str = "aws", form: str = "aws_cur_legacy", **changes: str | None) -> Source:
        settings: dict[str, str | None] = {
            "account": "111122223333", "currency": "USD", "place": str(bills_folder), "slice": "period",
        }  # fmt: skip
        row = Source(name=name, kind="bill", format=form, options={}, **(settings | changes))
        with books.store.transaction() as session:
            session.add(row)
        return row

    return configure


@pytest.fixture
def ledger(books: Books) -> Callable[[], list[tuple[str, int, Decimal]]]:
    """(period, rows, billed cost) of the external ledger."""

    def totals() -> list[tuple[str, int, Decimal]]:
        with books.engine() as engine:
            engine.view_files("ledger", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES))
            return [
                (row[0], row[1], row[2])
                for row in engine.query(
                    'SELECT "x_period", COUNT(*), SUM("BilledCost") FROM ledger GROUP BY 1 ORDER BY 1'
                )
            ]

    return totals


@pytest.fixture
def refused(books: Books) -> Callable[[], list[tuple[int, str, str]]]:
    """(row, code, reason) of the quarantine."""

    def rows() -> list[tuple[int, str, str]]:
        with books.engine() as engine:
            engine.view_files("refused", QUARANTINE, books.lake.files(QUARANTINE))
            return [
                (row[0], row[1], row[2]) for row in engine.query("SELECT row, code, reason FROM refused ORDER BY 1")
            ]

    return rows
