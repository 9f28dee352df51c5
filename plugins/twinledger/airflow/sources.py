"""Which sources a DAG has a task for.

What belongs here: names out of the store. What does not: what a source is, which `bills` and
`metering` know.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select

from twinledger.books import Books
from twinledger.store.models import Source


def source_names(books: Books, kind: Literal["bill", "usage"]) -> list[str]:
    """Names of the configured sources of a kind, in order."""
    with books.store.transaction() as session:
        return list(session.scalars(select(Source.name).where(Source.kind == kind).order_by(Source.name)))
