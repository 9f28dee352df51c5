"""The files of a statement: JSON, CSV, XLSX, PDF, and the manifest that names them with their SHA-256.

What belongs here: which files there are, their columns, and checking a folder of them. What does not: what a
statement says (`statement`), its rows (`statement_rows`), its paper (`statement_paper`), and how cells and workbooks
are written (`documents`). Finance only.

Equal statements give equal bytes in every file; the statement's own JSON is the canonical one, so its SHA-256 is the
statement's digest, which signatures are on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from twinledger.documents import File, Value, csv_text
from twinledger.reconciliation.statement import PeriodStatement, statement_digest, statement_text
from twinledger.reconciliation.statement_rows import Opened
from twinledger.vocabulary.canonical import canonical_json

MANIFEST = "manifest.json"
BRIDGE_COLUMNS = (
    "component", "amount", "rows", "tolerance_above", "tolerance_below", "within", "listed", "not_listed",
    "not_listed_amount",
)  # fmt: skip
BREAK_COLUMNS = ("id", "rule", "subject", "amount", "tolerance", "owner", "opened_at")
_MONEY = frozenset({"amount", "of", "tolerance", "tolerance_above", "tolerance_below", "not_listed_amount"})
_SHEET_ROWS = 1_000
"""Of a component in the workbook, which is held in memory as a whole; the CSV files have ten thousand."""

_CSV = "text/csv; charset=utf-8"
_JSON = "application/json"


def folder_name(statement: PeriodStatement) -> str:
    """The folder that a statement's files go to, as in 2026-10/pool-kubernetes."""
    return f"{statement.period}/{statement.kind}-{statement.subject}"


def statement_files(statement: PeriodStatement, opened: Mapping[str, Opened]) -> tuple[File, ...]:
    """Every file of a statement, the manifest last.

    Args:
        statement: what they say.
        opened: the rows of each of its components, as `open_components` gives them.
    """
    rows = [opened[one.name] for one in statement.components]
    files = [
        File("statement.json", _JSON, statement_text(statement).encode()),
        File("bridge.csv", _CSV, csv_text(BRIDGE_COLUMNS, bridge_rows(statement, rows), _MONEY).encode()),
        File("breaks.csv", _CSV, csv_text(BREAK_COLUMNS, break_rows(statement), _MONEY).encode()),
        *(File(f"rows-{one.component}.csv", _CSV, csv_text(one.columns, one.rows, _MONEY).encode()) for one in rows),
        _workbook(statement, rows),
        _paper(statement, rows),
    ]
    return (*files, File(MANIFEST, _JSON, canonical_json(manifest(statement, files)).encode()))


def manifest(statement: PeriodStatement, files: Sequence[File]) -> dict[str, Any]:
    """What the files are of, and each with its size in bytes and its SHA-256."""
    return {
        "kind": statement.kind,
        "subject": statement.subject,
        "period": str(statement.period),
        "run": statement.run,
        "external_cut": statement.external_cut,
        "internal_cut": statement.internal_cut,
        "statement_digest": statement_digest(statement),
        "files": [{"name": one.name, "bytes": len(one.content), "sha256": one.sha256} for one in files],
    }


def bridge_rows(statement: PeriodStatement, opened: Sequence[Opened]) -> list[tuple[Value, ...]]:
    """The bridge, in BRIDGE_COLUMNS; a tolerance of any distance is `any`."""
    return [
        (one.name, one.amount, one.rows, _bound(one.above), _bound(one.below), "yes" if one.within else "no",
         len(rows.rows), rows.unlisted, rows.unlisted_amount)
        for one, rows in zip(statement.components, opened, strict=True)
    ]  # fmt: skip


def break_rows(statement: PeriodStatement) -> list[tuple[Value, ...]]:
    """The open breaks, in BREAK_COLUMNS."""
    return [
        (one.id, one.rule, one.subject, one.amount, one.tolerance, one.owner, one.opened_at.isoformat())
        for one in statement.breaks
    ]


def said(statement: PeriodStatement) -> list[tuple[str, Value]]:
    """Name and value of everything about a statement but its tables."""
    roll = statement.roll_forward
    tallies = (("opening", roll.opening), ("new", roll.new), ("resolved", roll.resolved), ("closing", roll.closing))
    return [
        (statement.kind, statement.subject),
        ("period", str(statement.period)),
        ("currency", statement.currency),
        ("verdict", statement.verdict),
        ("certified", statement.reason_code or "yes"),
        *(("reason", one) for one in statement.reasons),
        ("internal", statement.internal),
        ("external", statement.external),
        ("deviation", statement.deviation),
        *((f"{name} breaks", tally.count) for name, tally in tallies),
        *((f"{name} breaks, amount", tally.amount) for name, tally in tallies),
        *(("missing", one) for one in statement.missing),
        *(("warning", one) for one in statement.warnings),
        *((f"claim {one.card}", one.amount) for one in statement.claims),
        ("external cut", statement.external_cut),
        ("internal cut", statement.internal_cut),
        ("run", statement.run),
        *((f"checked: {one.table}", f"{one.expectations} expectations, {one.docs}") for one in statement.checks),
        ("digest", statement_digest(statement)),
    ]


def _bound(limit: Decimal | None) -> Value:
    return "any" if limit is None else limit


def _workbook(statement: PeriodStatement, opened: Sequence[Opened]) -> File:
    from twinledger.documents import workbook  # noqa: PLC0415 - openpyxl takes a second to import

    title = f"{statement.subject} {statement.period}"
    money = dict.fromkeys(_MONEY, workbook.MONEY)
    book, sheet = workbook.new_workbook(title, "statement")
    workbook.put_table(sheet, title, ("name", "value"), said(statement), {"value": workbook.MONEY})
    tables = [
        ("bridge", BRIDGE_COLUMNS, bridge_rows(statement, opened), title),
        ("breaks", BREAK_COLUMNS, break_rows(statement), title),
    ]
    for one in (full.first(_SHEET_ROWS) for full in opened):
        rest = one.rest(statement.currency)
        tables.append((one.component, one.columns, list(one.rows), f"{title} {one.component}. {rest}".rstrip(". ")))
    for name, columns, rows, heading in tables:
        workbook.put_table(book.create_sheet(name), heading, columns, rows, money)
    return File("statement.xlsx", workbook.MEDIA_TYPE, workbook.workbook_bytes(book, statement.period.end()))


def _paper(statement: PeriodStatement, opened: Sequence[Opened]) -> File:
    from twinledger.reconciliation import statement_paper  # noqa: PLC0415 - reportlab takes a second to import

    return File("statement.pdf", "application/pdf", statement_paper.pdf_bytes(statement, opened))
