"""Files that go with a message: a department's statement on paper.

What belongs here: which messages have a file, and what is in it. What does not: uploading it (`sender`).
"""

from __future__ import annotations

from collections.abc import Callable

from twinledger.books import Books
from twinledger.documents import File
from twinledger.outbox import Outgoing
from twinledger.slack.facts import StatementFacts, read_facts
from twinledger.statements import document, statement_file
from twinledger.vocabulary.periods import Period

Attach = Callable[[Outgoing], File | None]
"""The file that goes with an outbox item, if any."""


def no_file(item: Outgoing) -> None:
    """Messages without files."""
    del item


def statement_pdf(books: Books) -> Attach:
    """The PDF of a statement with the message that it is there; other messages have no file."""

    def attach(item: Outgoing) -> File | None:
        if item.kind != "statement" or item.audience != "everyone":
            return None
        facts = read_facts(StatementFacts, item.facts)
        return statement_file(document(books, facts.department, Period.parse(facts.period)), "pdf")

    return attach
