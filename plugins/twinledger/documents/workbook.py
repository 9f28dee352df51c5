"""Workbooks: XLSX (ECMA-376, by openpyxl).

What belongs here: sheets of tables, and a workbook's bytes without the instant at which it was written. What does
not: which sheets there are.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from twinledger.documents.cells import Value, cell_text
from twinledger.vocabulary.money import plain

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MONEY, QUANTITY = "#,##0.00", "#,##0.######"
HEAD = Font(bold=True)
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_WIDEST = 40
_FIRST = 4
"""The row below the columns' names."""


def new_workbook(title: str, first_sheet: str) -> tuple[Workbook, Worksheet]:
    """A workbook with one empty sheet."""
    book = Workbook()
    sheet = book.active
    if not isinstance(sheet, Worksheet):  # a new workbook has one sheet
        message = f"expected a new workbook to have a sheet, found {type(sheet).__name__}"
        raise TypeError(message)
    sheet.title = first_sheet
    book.properties.title = cell_text(title)
    book.properties.creator = "Twinledger"
    return book, sheet


def put_table(
    sheet: Worksheet,
    heading: str,
    names: Sequence[str],
    rows: Sequence[Sequence[Value]],
    formats: Mapping[str, str],
) -> None:
    """A heading, an empty row, the columns' names and the rows below them; `formats` is by column, else text."""
    rows = [[_digits(value) for value in row] for row in rows]
    _put(sheet.cell(1, 1), heading, "").font = Font(bold=True, size=14)
    for column, name in enumerate(names, start=1):
        _put(sheet.cell(_FIRST - 1, column), name.replace("_", " "), "").font = HEAD
        for number, row in enumerate(rows, start=_FIRST):
            _put(sheet.cell(number, column), row[column - 1], formats.get(name, "General"))
        texts = [name, *(str(row[column - 1] or "") for row in rows)]
        sheet.column_dimensions[get_column_letter(column)].width = min(max(map(len, texts)) + 3, _WIDEST)
    sheet.freeze_panes = f"A{_FIRST}"


def _digits(value: Value) -> Value:
    """The same number has the same digits, however many zeros it came with."""
    return Decimal(plain(value)) if isinstance(value, Decimal) else value


def _put(cell: Cell | object, value: Value, number_format: str) -> Cell:
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


def workbook_bytes(book: Workbook, at: datetime) -> bytes:
    """The workbook's file; what would say when it was written says `at`, so that equal books are equal bytes."""
    written = io.BytesIO()
    book.save(written)
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return out.getvalue()
