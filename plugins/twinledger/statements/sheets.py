"""Statements as tables: CSV (RFC 4180) and XLSX (ECMA-376, by openpyxl).

What belongs here: columns, cells, and keeping spreadsheets from running what people wrote. What does not: what
the figures are (`document`).

Text comes from catalogs, tenants and vendors. A spreadsheet takes a cell that begins with = + - @ or a tab as a
formula, so `cell_text` is what every text passes through; numbers stay numbers. See OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from twinledger.statements.document import Document, DocumentLine
from twinledger.vocabulary.money import plain

COLUMNS = (
    "period", "department", "product", "meter", "kind", "quantity", "unit", "price", "amount", "currency",
    "last_month", "change", "change_percent", "price_effect", "quantity_effect", "cause",
)  # fmt: skip

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LONGEST = 32_000
"""Letters; a cell of a spreadsheet holds 32,767."""

_MONEY, _QUANTITY = "#,##0.00", "#,##0.######"
_HEAD = Font(bold=True)
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

Value = str | Decimal | None

_FORMATS: dict[str, str] = {
    "quantity": _QUANTITY,
    "price": "#,##0.00#######",
    "change_percent": "+0.0;-0.0;0.0",
    **dict.fromkeys(("amount", "last_month", "change", "price_effect", "quantity_effect"), _MONEY),
}
"""How a spreadsheet writes a column; the others hold text."""


def cell_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula: what would begin one has an apostrophe before it.

    Control characters, tabs and line ends among them, become spaces; what is harmless stays as it is.
    """
    cleaned = _CONTROLS.sub(" ", text)[:_LONGEST]
    return f"'{cleaned}" if cleaned.lstrip().startswith(_FORMULA) else cleaned


def csv_bytes(document: Document) -> bytes:
    """One row a line and a last one of kind `total`; UTF-8, amounts as digits with all their decimals."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in (*(_row(document, line) for line in document.lines), _total_row(document)):
        writer.writerow([_csv_cell(name, value) for name, value in zip(COLUMNS, row, strict=True)])
    return text.getvalue().encode()


def _csv_cell(name: str, value: Value) -> str:
    if isinstance(value, Decimal):
        return plain(value) if _FORMATS.get(name) == _MONEY else _digits(value)
    return cell_text(value or "")


def _digits(number: Decimal) -> str:
    """All digits, without zeros that say nothing."""
    return plain(number).rstrip("0").rstrip(".")


def _row(document: Document, line: DocumentLine) -> list[Value]:
    return [
        str(document.period), document.department, line.product, line.meter, line.kind,
        line.quantity, line.unit, line.price, line.amount.amount, line.amount.currency,
        line.before.amount, line.change.amount, line.percent,
        line.price_effect.amount, line.quantity_effect.amount, line.cause,
    ]  # fmt: skip


def _total_row(document: Document) -> list[Value]:
    said: list[Value] = [str(document.period), document.department, "", "", "total", None, "", None]
    said += [document.total.amount, document.total.currency, document.before.amount]
    return [*said, document.change.amount, document.percent, None, None, ""]


# --- XLSX --------------------------------------------------------------------------------------


def xlsx_bytes(document: Document) -> bytes:
    """A workbook of three sheets: the statement, what moved, and the months with their chart.

    Equal documents give equal bytes: what would say when it was written says the period's end.
    """
    book = Workbook()
    statement = book.active
    if not isinstance(statement, Worksheet):  # a new workbook has one sheet
        message = f"expected a new workbook to have a sheet, found {type(statement).__name__}"
        raise TypeError(message)
    statement.title = "Statement"
    rows = [*(_row(document, line) for line in document.lines), _total_row(document)]
    _table(statement, COLUMNS, rows, document)
    for cell in statement[statement.max_row]:
        cell.font = _HEAD
    names = ("product", "meter", "kind", "last_month", "amount", "change", "price_effect", "quantity_effect", "cause")
    moved = [_row(document, line) for line in document.movers]
    picked = [[row[COLUMNS.index(name)] for name in names] for row in moved]
    _table(book.create_sheet("Top movers"), names, picked, document)
    _months(book.create_sheet("Months"), document)
    book.properties.title = cell_text(f"{document.title} {document.period}")
    book.properties.creator = "Twinledger"
    written = io.BytesIO()
    book.save(written)
    return _repeatable(written.getvalue(), document.period.end())


def _table(sheet: Worksheet, names: Sequence[str], rows: Sequence[Sequence[Value]], document: Document) -> None:
    """A heading, an empty row, the columns' names and the rows below them."""
    state = "closed" if document.closed else "open: may still change"
    heading = f"{document.title}, {document.period} ({state}), cost centre {document.cost_centre or 'none'}"
    _set(sheet.cell(1, 1), heading, "").font = Font(bold=True, size=14)
    for column, name in enumerate(names, start=1):
        _set(sheet.cell(3, column), name.replace("_", " "), "").font = _HEAD
        for number, row in enumerate(rows, start=4):
            _set(sheet.cell(number, column), row[column - 1], _FORMATS.get(name, "General"))
        texts = [name, *(str(row[column - 1] or "") for row in rows)]
        sheet.column_dimensions[get_column_letter(column)].width = min(max(map(len, texts)) + 3, 40)
    sheet.freeze_panes = "A4"


def _set(cell: Cell | object, value: Value, number_format: str) -> Cell:
    if not isinstance(cell, Cell):  # only merged cells are none, and nothing here is merged
        message = f"expected a cell, found {type(cell).__name__}"
        raise TypeError(message)
    if isinstance(value, str):
        cell.value = cell_text(value)
        cell.data_type = "s"
    elif value is not None:
        cell.value = value
        cell.number_format = number_format
    return cell


def _months(sheet: Worksheet, document: Document) -> None:
    products = sorted({title for month in document.history for title, _ in month.products})
    rows: list[list[Value]] = []
    for month in document.history:
        sums = {title: money.amount for title, money in month.products}
        rows.append([str(month.period), *(sums.get(title, Decimal(0)) for title in products), month.total.amount])
    _table(sheet, ("month", *products, "total"), rows, document)
    for row in sheet.iter_rows(min_row=4, min_col=2):
        for cell in row:
            cell.number_format = _MONEY
    if products:
        _add_chart(sheet, len(rows), len(products), document.total.currency)


def _add_chart(sheet: Worksheet, months: int, products: int, currency: str) -> None:
    chart = BarChart()
    chart.type, chart.grouping, chart.overlap = "col", "stacked", 100
    chart.title = f"Internal charges by month, {currency}"
    data = Reference(sheet, min_col=2, max_col=1 + products, min_row=3, max_row=3 + months)
    chart.add_data(data, titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=4, max_row=3 + months))
    chart.x_axis.delete = chart.y_axis.delete = False
    sheet.add_chart(chart, f"A{months + 7}")


def _repeatable(book: bytes, at: datetime) -> bytes:
    """The same workbook without the instant at which it was written, in its entries and in its properties."""
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return out.getvalue()
