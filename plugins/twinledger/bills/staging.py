"""Staging: one delivery's files become ledger rows, not yet committed.

What belongs here: from local files to Parquet files of the external ledger, with what was refused.
What does not: whether the ledger takes them, which is `ingest`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from twinledger.bills.files import BillFile
from twinledger.bills.formats import Format, detect
from twinledger.engine import Engine
from twinledger.lake.tables import EXTERNAL_CHARGES, Column
from twinledger.vocabulary.errors import EmptyFileError, InvalidAmountError, TotalMismatchError, UnreadableFileError
from twinledger.vocabulary.money import parse_amount

_PARAMETERS = (Column("source", "VARCHAR"), Column("delivery", "VARCHAR"), Column("account", "VARCHAR"))
MOST_REFUSED = Decimal("0.01")
"""Share of a delivery's rows that may be refused before the delivery is."""
ALWAYS_TOLERATED = 100
"""Refused rows that never sink a delivery, however small it is."""


@dataclass(frozen=True, slots=True)
class SliceTotal:
    """Rows and billed cost of one currency in one billing period of a delivery."""

    period: str
    currency: str
    account: str
    rows: int
    billed_cost: Decimal


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row that is no charge: its number in the delivery, why, and what it says."""

    row: int
    code: str
    reason: str
    content: str


@dataclass(frozen=True, slots=True)
class Staged:
    """A delivery as ledger rows in files, each file of one billing period."""

    format: Format
    files: tuple[str, ...]
    rows_in: int
    totals: tuple[SliceTotal, ...]
    refused: tuple[RefusedRow, ...]

    @property
    def rows_ledger(self) -> int:
        """Rows that are charges."""
        return sum(total.rows for total in self.totals)

    @property
    def periods(self) -> tuple[str, ...]:
        """The billing periods that the delivery has rows of."""
        return tuple(sorted({total.period for total in self.totals}))


def stage(
    engine: Engine, files: Sequence[BillFile], form: Format | None, lineage: tuple[str, str, str | None], folder: Path
) -> Staged:
    """Turn a delivery's files into Parquet files of `finance.external_charges` below a folder.

    `form` is the source's format, or None to recognise it; `lineage` is (source, delivery, account).

    Raises:
        UnknownColumnsError: the files have not the columns of the format.
        UnreadableFileError: a file is truncated or corrupt.
        EmptyFileError: there is not one row.
        TotalMismatchError: so many rows are refused that the delivery cannot be trusted.
    """
    known = form or detect(files[0].name, files[0].header)
    for file in files:
        detect(file.name, file.header, among=[known.name])
    engine.view_rows("parameters", _PARAMETERS, [lineage])
    _view_bill(engine, files, known)
    engine.view_model(known.model)
    engine.union("bill_charges", [known.model.rpartition("/")[2]])
    engine.view_model("focus/charges")
    written = _write(engine, files, folder / "all")
    if not written:
        raise EmptyFileError(files[0].name)
    engine.view_files("staged", EXTERNAL_CHARGES, written)
    totals, refused_rows = _totals(engine)
    rows_in = sum(total.rows for total in totals) + refused_rows
    refused = _refused(engine, files[0].name, rows_in, refused_rows)
    return Staged(known, tuple(_split(engine, written, totals, refused, folder)), rows_in, totals, refused)


def _write(engine: Engine, files: Sequence[BillFile], folder: Path) -> list[str]:
    try:
        return engine.copy_unsplit("charges", EXTERNAL_CHARGES, folder)
    except UnreadableFileError as error:
        # The engine reads all files as one relation and does not say which of them it stumbled on.
        raise UnreadableFileError(", ".join(file.name for file in files[:5]), error.problem) from error


def _view_bill(engine: Engine, files: Sequence[BillFile], known: Format) -> None:
    groups: dict[tuple[str, tuple[str, ...], bool], list[str]] = defaultdict(list)
    for file in files:
        groups[file.kind, file.header, file.name.endswith(".gz")].append(str(file.path))
    if len(groups) == 1:
        _view_group(engine, "bill", *next(iter(groups.items())), known)
        return
    for number, (shape, paths) in enumerate(groups.items()):
        _view_group(engine, f"bill_{number}", shape, paths, known)
    engine.union("bill", [f"bill_{number}" for number in range(len(groups))], renumber=True)


def _view_group(
    engine: Engine, name: str, shape: tuple[str, tuple[str, ...], bool], paths: Sequence[str], known: Format
) -> None:
    kind, header, _packed = shape
    if kind == "parquet":
        engine.view_parquet(name, paths, known.bind(header))
    else:
        engine.view_csv(name, paths, known.bind(header), header)


def _totals(engine: Engine) -> tuple[tuple[SliceTotal, ...], int]:
    rows = engine.query(
        'SELECT "x_period", "BillingCurrency", "BillingAccountId", COUNT(*), SUM("BilledCost") FROM staged '
        "GROUP BY ALL ORDER BY ALL"
    )
    good = tuple(SliceTotal(*row) for row in rows if row[0] is not None)
    return good, sum(row[3] for row in rows if row[0] is None)


def _split(
    engine: Engine, written: Sequence[str], totals: Sequence[SliceTotal], refused: Sequence[RefusedRow], folder: Path
) -> Sequence[str]:
    """One billing period a file, and no refused row in any."""
    periods = sorted({total.period for total in totals})
    if not refused and len(periods) == 1:
        return written
    split: list[str] = []
    for period in periods:
        # One pass a period costs less than one PARTITION BY over all of them, and a delivery has one or two.
        engine.view_rows("wanted", (Column("period", "VARCHAR"),), [(period,)])
        engine.view_files("of_period", EXTERNAL_CHARGES, written, where='"x_period" = (SELECT period FROM wanted)')
        split += engine.copy_unsplit("of_period", EXTERNAL_CHARGES, folder / period)
    for path in written:
        Path(path).unlink()
    return split


def _refused(engine: Engine, name: str, rows_in: int, count: int) -> tuple[RefusedRow, ...]:
    if not count:
        return ()
    if count > max(Decimal(ALWAYS_TOLERATED), MOST_REFUSED * rows_in) or count == rows_in:
        first = engine.query('SELECT "refusal" FROM charges WHERE "refusal" IS NOT NULL LIMIT 1')[0][0]
        expected = f"at most {MOST_REFUSED:%} refused rows"
        raise TotalMismatchError(name, expected, f"{count} of {rows_in}", f"the first: {first}")
    rows = engine.query(
        'SELECT "x_row", "refusal" FROM charges WHERE "refusal" IS NOT NULL ORDER BY "x_row"',
    )
    contents = _contents(engine, [row for row, _ in rows])
    return tuple(RefusedRow(row, *_sentence(refusal), contents[row]) for row, refusal in rows)


def _contents(engine: Engine, rows: Sequence[int]) -> dict[int, str]:
    columns, found = engine.select("bill", "row_number", rows)
    return {values[-1]: json.dumps(dict(zip(columns[:-1], values[:-1], strict=True))) for values in found}


def _sentence(refusal: str) -> tuple[str, str]:
    """(code, reason): an amount's reason is what the exact reader says of it."""
    code, _, problem = refusal.partition(": ")
    if code != "amount" or problem.startswith("no "):
        return code, problem
    column, _, digits = problem.partition(" ")
    try:
        parse_amount(digits)
    except InvalidAmountError as error:
        return code, f"{column}: {error}"
    return code, problem


def quarantine_rows(
    source: str, delivery: str, slice_name: str, refused: Sequence[RefusedRow]
) -> list[tuple[Any, ...]]:
    """Refused rows as rows of `finance.quarantine`."""
    return [(source, slice_name, delivery, row.row, row.code, row.reason, row.content) for row in refused]
