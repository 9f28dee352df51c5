"""Words of a statement that its page and its PDF share.

What belongs here: what kinds and causes are called, how figures are written, which chart is shown. What does
not: layout.
"""

from __future__ import annotations

from decimal import Decimal

from twinledger.statements.chart import Chart, columns
from twinledger.statements.document import Document, DocumentLine
from twinledger.vocabulary.money import plain, short_number

KINDS = {"usage": "used", "direct": "own resource", "allocated": "share of a pool", "minimum": "minimum"}
"""What the internal ledger's kinds are called; one that is not here goes by its own name."""

CAUSES = {
    "new": "new this month",
    "gone": "no longer used",
    "price": "price",
    "quantity": "quantity",
    "both": "price and quantity",
    "": "nothing",
}


def number_text(number: Decimal) -> str:
    """A quantity or price with thousands separated, without needless zeros."""
    whole, _, fraction = plain(number).partition(".")
    digits = fraction.rstrip("0")
    return f"{int(whole):,}" + (f".{digits}" if digits else "") if whole != "-0" else f"-0.{digits}"


def price_text(line: DocumentLine) -> str:
    """The price, `several` where a meter had more than one; nothing where there is none, as for a share of a pool."""
    if line.price is not None:
        return number_text(line.price)
    return "several" if line.quantity and line.kind in ("usage", "direct") else ""


def percent_text(percent: Decimal | None) -> str:
    """` (+12.5 %)`, or nothing where there is none."""
    return "" if percent is None else f" ({percent:+,f} %)"


def history_chart(document: Document) -> Chart:
    """The months of a document, by product."""
    months = [
        (str(month.period), [(title, money.amount) for title, money in month.products]) for month in document.history
    ]
    return columns(months, short_number)
