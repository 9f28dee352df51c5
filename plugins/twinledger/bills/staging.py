"""Staging: one delivery's files become ledger rows, not yet committed.

What belongs here: from local files to Parquet files of the external ledger, with what was refused.
What does not: whether the ledger takes them, which is `ingest`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from twinledger.bills.files import BillFile
from twinledger.bills.formats import Format, detect, header_currency
from twinledger.engine import Engine
from twinledger.lake.tables import EXTERNAL_CHARGES, Column
from twinledger.vocabulary.errors import (
    InvalidAmountError,
    SiblingExportError,
    TotalMismatchError,
    UnknownColumnsError,
    UnreadableFileError,
)
from twinledger.vocabulary.money import parse_amount

_PARAMETERS = tuple(
    Column(name, "VARCHAR") for name in ("source", "delivery", "slice", "account", "currency", "period")
)
MOST_REFUSED = Decimal("0.01")
"""Share of a delivery's rows that may be refused before the delivery is."""
ALWAYS_TOLERATED = 100
"""Refused rows that never sink a delivery, however small it is."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """What the lines of a delivery are told apart by, and what is known of them without reading them.

    `slice` is the part of a billing period that they are; `account`, `currency` and `period` (YYYY-MM)
    are what the source's entry or the delivery's name says, for formats that do not write them.
    """

    source: str
    delivery: str
    slice: str = "all"
    account: str | None = None
    currency: str | None = None
    period: str | None = None


@dataclass(frozen=True, slots=True)
class SliceTotal:
    """Rows and billed cost of one billing period, provider, account and currency of a delivery."""

    period: str
    provider: str
    account: str
    currency: str
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
    """A delivery as ledger rows in files, each file of one billing period.

    `rows_in` = rows that are charges + `refused` + `aside`, rows that are rightly no charge of their own.
    """

    format: Format
    files: Mapping[str, tuple[str, ...]]
    rows_in: int
    totals: tuple[SliceTotal, ...]
    refused: tuple[RefusedRow, ...]
    aside: int = 0

    @property
    def rows_ledger(self) -> int:
        """Rows that are charges."""
        return sum(total.rows for total in self.totals)

    @property
    def periods(self) -> tuple[str, ...]:
        """The billing periods that the delivery has rows of."""
        return tuple(sorted(self.files))

    @property
    def all_files(self) -> tuple[str, ...]:
        """The files of every period."""
        return tuple(path for period in self.periods for path in self.files[period])


def stage(engine: Engine, files: Sequence[BillFile], form: Format | None, lineage: Lineage, folder: Path) -> Staged:
    """Turn a delivery's files into Parquet files of `finance.external_charges` below a folder.

    `form` is the source's format, or None to recognise it. A delivery without a line is staged as no files.

    Raises:
        UnknownColumnsError: the files have not the columns of the format.
        UnreadableFileError: a file is truncated or corrupt.
        TotalMismatchError: so many rows are refused that the delivery cannot be trusted.
    """
    known = form or detect(files[0].name, files[0].header)
    for file in files:
        _check_columns(file, known)
    files = [file for file in files if file.rows]
    if not files:
        return Staged(known, {}, 0, (), ())
    currency = lineage.currency or header_currency(files[0].header)
    row = (lineage.source, lineage.delivery, lineage.slice, lineage.account, currency, lineage.period)
    engine.view_rows("parameters", _PARAMETERS, [row])
    written = _write(engine, files, known, folder / "all")
    engine.view_files("staged", EXTERNAL_CHARGES, written)
    totals = slice_totals(engine, "staged")
    rows_in = int(engine.query("SELECT COUNT(*) FROM bill")[0][0])
    not_charged = rows_in - sum(total.rows for total in totals)
    aside = _aside(engine) if not_charged else 0
    refused = _refused(engine, files[0].name, rows_in, not_charged - aside)
    return Staged(known, _split(engine, written, totals, folder), rows_in, totals, refused, aside)


def _check_columns(file: BillFile, known: Format) -> None:
    """Refuse a file that is of another format, and say so when it is the vendor's other export of the same charges."""
    lacking = known.missing(file.header)
    if not lacking:
        return
    try:
        other = detect(file.name, file.header)
    except UnknownColumnsError:
        if file.encoding != "UTF-8":
            problem = f"it is not UTF-8, and read as {file.encoding} it has the columns of no bill format"
            raise UnreadableFileError(file.name, problem) from None
        raise UnknownColumnsError(file.name, lacking, known.name) from None
    if other.provider and other.provider == known.provider:
        raise SiblingExportError(file.name, other.title, known.title)
    raise UnknownColumnsError(file.name, lacking, known.name)


def _write(engine: Engine, files: Sequence[BillFile], known: Format, folder: Path) -> list[str]:
    try:
        _view_bill(engine, files, known)
        engine.view_model(known.model, "bill_charges")
        # Planning a vendor's hundreds of expressions takes longer than reading a small bill: once, then.
        return engine.copy_model("focus/charges", EXTERNAL_CHARGES, folder, where='"x_period" IS NOT NULL')
    except UnreadableFileError as error:
        # The engine reads all files as one relation and does not say which of them it stumbled on.
        raise UnreadableFileError(", ".join(file.name for file in files[:5]), error.problem) from error


_Shape = tuple[str, tuple[str, ...], bool, str]


def _view_bill(engine: Engine, files: Sequence[BillFile], known: Format) -> None:
    groups: dict[_Shape, list[str]] = defaultdict(list)
    for file in files:
        groups[file.kind, file.header, file.path.suffix == ".gz", file.dataset].append(str(file.path))
    if len(groups) == 1 and not known.datasets:
        _view_group(engine, "bill", *next(iter(groups.items())), known)
        return
    datasets = {}
    for number, (shape, paths) in enumerate(groups.items()):
        _view_group(engine, f"bill_{number}", shape, paths, known)
        datasets[f"bill_{number}"] = shape[-1]
    if known.datasets:
        engine.label("bill", datasets, column="dataset", renumber=True)
    else:
        engine.union("bill", list(datasets), renumber=True)


def _view_group(engine: Engine, name: str, shape: _Shape, paths: Sequence[str], known: Format) -> None:
    kind, header, _, _ = shape
    if kind == "parquet":
        engine.view_parquet(name, paths, known.bind(header))
    else:
        engine.view_csv(name, paths, known.bind(header), header)


# A line that says two things becomes two charges: the second one's number is the line's and this. Lines are counted.
_IS_LINE = '"x_row" < 1000000000000'


def slice_totals(engine: Engine, relation: str) -> tuple[SliceTotal, ...]:
    """Totals of a relation of charges, in lines of the bill."""
    lines = f"COUNT(*) FILTER (WHERE {_IS_LINE})"
    columns = f'"x_period", "ProviderName", "BillingAccountId", "BillingCurrency", {lines}, SUM("BilledCost")'
    rows = engine.query(f"SELECT {columns} FROM {relation} GROUP BY ALL ORDER BY ALL")  # noqa: S608 - relations of ours
    return tuple(SliceTotal(*row) for row in rows)


def _split(
    engine: Engine, written: Sequence[str], totals: Sequence[SliceTotal], folder: Path
) -> dict[str, tuple[str, ...]]:
    """One billing period a file."""
    periods = sorted({total.period for total in totals})
    if len(periods) == 1:
        return {periods[0]: tuple(written)}
    split: dict[str, tuple[str, ...]] = {}
    for period in periods:
        # One pass a period costs less than one PARTITION BY over all of them, and a delivery has one or two.
        engine.view_rows("wanted", (Column("period", "VARCHAR"),), [(period,)])
        engine.view_files("of_period", EXTERNAL_CHARGES, written, where='"x_period" = (SELECT period FROM wanted)')
        split[period] = tuple(engine.copy_unsplit("of_period", EXTERNAL_CHARGES, folder / period))
    for path in written:
        Path(path).unlink()
    return split


def _aside(engine: Engine) -> int:
    # Of the vendor's model alone: nothing else of the line has to be read for that.
    return int(engine.query('SELECT COUNT(*) FROM bill_charges WHERE "aside" IS NOT NULL')[0][0])


def _refused(engine: Engine, name: str, rows_in: int, count: int) -> tuple[RefusedRow, ...]:
    if not count:
        return ()
    engine.view_model("focus/charges")
    most = min(max(ALWAYS_TOLERATED, int(MOST_REFUSED * rows_in)), rows_in - 1)
    refused = f'SELECT "x_row", "refusal" FROM charges WHERE "refusal" IS NOT NULL AND {_IS_LINE}'  # noqa: S608 - our own condition
    rows = engine.query(f'{refused} ORDER BY "x_row" LIMIT {most + 1}')
    if len(rows) > most:
        expected = f"at most {MOST_REFUSED:%} refused rows"
        raise TotalMismatchError(name, expected, f"{count} of {rows_in}", f"the first: {rows[0][1]}")
    if len(rows) != count:
        raise TotalMismatchError(
            name, f"{count} lines that are no charge", str(len(rows)), "its model loses or adds some"
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
