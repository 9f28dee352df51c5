"""Statements as tables: CSV and XLSX.

What belongs here: columns, sheets and the chart. What does not: what the figures are (`document`), and how cells and
workbooks are written (`documents`).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from openpyxl.chart import BarChart, Reference
from openpyxl.worksheet.worksheet import Worksheet

from twinledger.documents import Value, csv_text
from twinledger.documents.workbook import HEAD, MONEY, QUANTITY, new_workbook, put_table, workbook_bytes
from twinledger.statements.document import Document, DocumentLine

COLUMNS = (
    "period", "department", "product", "meter", "kind", "quantity", "unit", "price", "amount", "currency",
    "last_month", "change", "change_percent", "price_effect", "quantity_effect", "cause",
)  # fmt: skip

_FORMATS: dict[str, str] = {
    "quantity": QUANTITY,
    "price": "#,##0.00#######",
    "change_percent": "+0.0;-0.0;0.0",
    **dict.fromkeys(("amount", "last_month", "change", "price_effect", "quantity_effect"), MONEY),
}
"""How a spreadsheet writes a column; the others hold text."""


def csv_bytes(document: Document) -> bytes:
    """One row a line and a last one of kind `total`; UTF-8, amounts as digits with all their decimals."""
    rows = (*(_row(document, line) for line in document.lines), _total_row(document))
    money = frozenset(name for name, written in _FORMATS.items() if written == MONEY)
    return csv_text(COLUMNS, rows, money).encode()


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
    book, statement = new_workbook(f"{document.title} {document.period}", "Statement")
    rows = [*(_row(document, line) for line in document.lines), _total_row(document)]
    _table(statement, COLUMNS, rows, document)
    for cell in statement[statement.max_row]:
        cell.font = HEAD
    names = ("product", "meter", "kind", "last_month", "amount", "change", "price_effect", "quantity_effect", "cause")
    moved = [_row(document, line) for line in document.movers]
    picked = [[row[COLUMNS.index(name)] for name in names] for row in moved]
    _table(book.create_sheet("Top movers"), names, picked, document)
    _months(book.create_sheet("Months"), document)
    return workbook_bytes(book, document.period.end())


def _table(sheet: Worksheet, names: Sequence[str], rows: Sequence[Sequence[Value]], document: Document) -> None:
    """A heading, an empty row, the columns' names and the rows below them."""
    state = "closed" if document.closed else "open: may still change"
    heading = f"{document.title}, {document.period} ({state}), cost centre {document.cost_centre or 'none'}"
    put_table(sheet, heading, names, rows, _FORMATS)


def _months(sheet: Worksheet, document: Document) -> None:
    products = sorted({title for month in document.history for title, _ in month.products})
    rows: list[list[Value]] = []
    for month in document.history:
        sums = {title: money.amount for title, money in month.products}
        rows.append([str(month.period), *(sums.get(title, Decimal(0)) for title in products), month.total.amount])
    _table(sheet, ("month", *products, "total"), rows, document)
    for row in sheet.iter_rows(min_row=4, min_col=2):
        for cell in row:
            cell.number_format = MONEY
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
