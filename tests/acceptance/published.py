"""Everything that a role other than finance can read of a company's books."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from twinledger.books import Books
from twinledger.outbox import entries
from twinledger.reviews import FORMATS as REVIEW_FORMATS
from twinledger.reviews import month_reviews, review_file
from twinledger.shielding import Record, Unread, read_database, read_place
from twinledger.slack.render import CARDS, Links, render
from twinledger.slack.terminal import as_lines
from twinledger.statements import FORMATS, documents, statement_file
from twinledger.vocabulary.periods import Period


def published(books: Books, periods: tuple[Period, ...]) -> Iterator[tuple[str, Record] | Unread]:
    """(place, record) of the shared lake, Data Docs, statements, reviews, messages, and the store as all read it."""
    yield from read_place(str(books.lake.root("shared")))
    yield from read_place(str(books.settings.home / "data_docs" / "everyone"))
    yield from read_database(books.store.url)
    with books.store.reading() as session:
        for item in entries(books.store, audience="everyone", limit=10_000):
            if item.kind in CARDS:
                text = as_lines(render(session, item, Links("http://localhost")))
                yield f"message {item.id}", Record("", (("", text),))
    with tempfile.TemporaryDirectory() as folder:
        for one in (one for period in periods for one in documents(books, period)):
            for file in (statement_file(one, kind) for kind in FORMATS):
                Path(folder, file.name).write_bytes(file.content)
        for found in (month_reviews(books, period) for period in periods):
            for review in (*found.departments, found.company.shared):
                for file in (review_file(review, kind) for kind in REVIEW_FORMATS):
                    Path(folder, file.name).write_bytes(file.content)
        yield from read_place(folder)
