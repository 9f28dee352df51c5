"""What departments are told when a period is closed.

What belongs here: the facts of one outbox message for each department with charges. What does not: words and
layout, which are the card's (`slack`), and when it is said (`closing`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from twinledger.books import Books
from twinledger.outbox import Message
from twinledger.statements.document import Document, DocumentLine, documents
from twinledger.store.models import Department
from twinledger.vocabulary.money import Money, plain
from twinledger.vocabulary.periods import Period

KIND = "statement"
_TOLD_MOVERS = 3


def statement_messages(books: Books, period: Period) -> list[Message]:
    """One message to the channel of each department that has charges in the period, in order of name.

    Charges that nobody's tenant or tag claims are in no department's message. Everybody may read them: they
    hold internal charges at published prices and nothing else.
    """
    with books.store.reading() as session:
        channels = {one.name: one.channel for one in session.scalars(select(Department))}
    return [
        Message(KIND, f"{one.department} {period}", channels[one.department], "everyone", _facts(one))
        for one in documents(books, period)
        if one.department in channels
    ]


def _facts(document: Document) -> dict[str, Any]:
    """JSON; `before` is null where there was nothing to compare with."""
    return {
        "department": document.department,
        "title": document.title,
        "period": str(document.period),
        "total": _money(document.total),
        "before": _money(document.before) if document.comparable else None,
        "movers": [_mover(line) for line in document.movers[:_TOLD_MOVERS]],
    }


def _mover(line: DocumentLine) -> dict[str, Any]:
    return {
        "product": line.product_title,
        "meter": line.meter_title,
        "change": _money(line.change),
        "by_price": _money(line.price_effect),
        "by_quantity": _money(line.quantity_effect),
        "cause": line.cause,
    }


def _money(money: Money) -> dict[str, str]:
    return {"amount": plain(money.amount), "currency": money.currency}
