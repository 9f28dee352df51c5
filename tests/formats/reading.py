"""Reads one bill file as ingestion would, and shows the ledger rows that it becomes."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from twinledger.bills.deliveries import Feed, Found, discover
from twinledger.bills.files import open_bills
from twinledger.bills.formats import FilePattern, format_named
from twinledger.bills.staging import Lineage, Staged, stage
from twinledger.engine.duck import DuckEngine
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.places import open_folder
from twinledger.vocabulary.errors import DeliveryRefusedError
from twinledger.vocabulary.money import exact_sum


@dataclass(frozen=True, slots=True)
class Read:
    """What became of a file: its staging, and its charges in order."""

    staged: Staged
    charges: list[dict[str, Any]]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Rows in the file, in the ledger, refused, and set aside."""
        return self.staged.rows_in, self.staged.rows_ledger, len(self.staged.refused), self.staged.aside

    @property
    def billed(self) -> Decimal:
        """The sum of BilledCost."""
        return exact_sum(row["BilledCost"] for row in self.charges)


def read(path: Path, folder: Path, form: str = "", period: str | None = None, account: str | None = None) -> Read:
    """Stage a file; its format is recognised unless it is named."""
    known = format_named(form) if form else None
    with DuckEngine("512MiB", 1, str(folder / "spill")) as engine:
        lineage = Lineage("inspected", "inspected", account=account, period=period)
        staged = stage(engine, open_bills(path, path.name, folder / "spool"), known, lineage, folder / "staged")
        engine.view_files("ledger", EXTERNAL_CHARGES, staged.all_files)
        charges = sorted(engine.rows("ledger"), key=lambda row: int(row["x_row"]))
    return Read(staged, charges)


def names(header: str) -> list[str]:
    """The columns of a header."""
    return header.split(",")


def csv_text(header: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    """A CSV of a header, in its order; cells that a row does not name are empty."""
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, header, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue()


def first_match(form: str, name: str) -> tuple[FilePattern, dict[str, str]]:
    """The pattern of a format that a file's name is of, and what the name says by it."""
    for pattern in format_named(form).files:
        if match := pattern.pattern.fullmatch(name):
            return pattern, {key: value for key, value in match.groupdict().items() if value is not None}
    message = f"{form} has no pattern for {name}"
    raise AssertionError(message)


def delivered(folder: Path, form: str, files: Sequence[str]) -> list[Found]:
    """The deliveries that files of these names are, older ones first; the files are empty."""
    known = format_named(form)
    for number, name in enumerate(files):
        path = folder / "bills" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        os.utime(path, (number, number))
    return discover(Feed(known, known.slice), open_folder(str(folder / "bills")), folder / "spool")


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, Decimal | None]:
    """A cell of an amount as vendors and spreadsheets write it, and its value; None where it is none."""
    junk = draw(
        st.one_of(st.none(), st.sampled_from(["", "-", "--", "\t", "1.2.3", "NaN", "Infinity", "1,2", "0x10", "1 2"]))
    )
    if junk is not None:
        return junk, None
    value = draw(st.decimals(-(10**12), 10**12, places=draw(st.integers(0, 8)), allow_nan=False, allow_infinity=False))
    plain = f"{value:f}"
    spelt = draw(st.sampled_from([plain, plain + "\t", f" {plain} ", f"{value:,f}", f'="{plain}"', "'" + plain]))
    return spelt, value


def refused_or_right(folder: Path, form: str, text: str, values: Sequence[Decimal | None]) -> None:
    """Stage a bill; assert that it is refused by name, or that every line is refused or has its own amount.

    `values` are the amounts of its lines as they were meant; None for a line without a readable one.
    """
    path = folder / "bill.csv"
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    try:
        found = read(path, folder, form, period="2026-10")
    except DeliveryRefusedError as refusal:
        if not refusal.code:
            raise
        return
    rows_in, in_ledger, refused, aside = found.counts
    assert rows_in == in_ledger + refused + aside == len(values)
    assert {row.row: row.reason for row in found.staged.refused if not row.reason} == {}
    billed = {int(row["x_row"]): row["BilledCost"] for row in found.charges}
    assert billed == {row: values[row - 1] for row in billed}
