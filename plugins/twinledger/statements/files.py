"""The files of a statement, by format.

What belongs here: which formats there are, what a file is called, and JSON. What does not: CSV and XLSX
(`sheets`), PDF (`pdf`), which are loaded when one is asked for: they take a second that pages need not spend.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from twinledger.documents import File
from twinledger.statements.document import Document, DocumentLine
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.money import Money, plain


def statement_file(document: Document, kind: str) -> File:
    """A document in one format.

    Raises:
        UnknownNameError: a format that is none of FORMATS.
    """
    if kind not in FORMATS:
        raise UnknownNameError("statement format", kind, FORMATS)
    media_type, write = _WRITERS[kind]
    name = f"statement-{document.department}-{document.period}.{kind}"
    return File(name, media_type, write(document))


def document_json(document: Document) -> dict[str, Any]:
    """A document as JSON: amounts and quantities as decimal strings, percentages null where last month was nothing."""
    return {
        "department": document.department,
        "title": document.title,
        "cost_centre": document.cost_centre,
        "period": str(document.period),
        "closed": document.closed,
        "currency": document.total.currency,
        "total": plain(document.total.amount),
        "last_month": plain(document.before.amount),
        "change": plain(document.change.amount),
        "change_percent": _digits(document.percent),
        "lines": [_line(line) for line in document.lines],
        "top_movers": [{"product": one.product, "meter": one.meter, "kind": one.kind} for one in document.movers],
        "months": [
            {
                "period": str(month.period),
                "total": plain(month.total.amount),
                "products": {title: plain(money.amount) for title, money in month.products},
            }
            for month in document.history
        ],
    }


def _line(line: DocumentLine) -> dict[str, Any]:
    amounts = ("amount", "change", "price_effect", "quantity_effect")
    return {
        "product": line.product,
        "product_title": line.product_title,
        "meter": line.meter,
        "meter_title": line.meter_title,
        "kind": line.kind,
        "quantity": plain(line.quantity),
        "unit": line.unit,
        "price": _digits(line.price),
        "last_month": plain(line.before.amount),
        **{name: _money(getattr(line, name)) for name in amounts},
        "change_percent": _digits(line.percent),
        "cause": line.cause,
    }


def _money(money: Money) -> str:
    return plain(money.amount)


def _digits(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _json(document: Document) -> bytes:
    return (json.dumps(document_json(document), indent=2, ensure_ascii=False) + "\n").encode()


def _csv(document: Document) -> bytes:
    from twinledger.statements.sheets import csv_bytes  # noqa: PLC0415 - see the module's docstring

    return csv_bytes(document)


def _xlsx(document: Document) -> bytes:
    from twinledger.statements.sheets import xlsx_bytes  # noqa: PLC0415 - likewise

    return xlsx_bytes(document)


def _pdf(document: Document) -> bytes:
    from twinledger.statements.pdf import pdf_bytes  # noqa: PLC0415 - likewise

    return pdf_bytes(document)


_WRITERS: dict[str, tuple[str, Callable[[Document], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", _csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx),
    "pdf": ("application/pdf", _pdf),
    "json": ("application/json", _json),
}

FORMATS = tuple(_WRITERS)
