"""The books as a task opens them: what goes wrong is told to finance, and to the log only as far as everybody may read.

What belongs here: which exceptions may reach Airflow's log. What does not: opening the books
(`deployment`), and what an error says (`vocabulary.errors`).

A task's exception ends in its log, which everybody with access to Airflow reads; the text of some cites
what a vendor billed: a row that was refused, a value that could not be cast.
"""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowException
from sqlalchemy.exc import SQLAlchemyError

from twinledger.books import Books
from twinledger.deployment import open_books as opened
from twinledger.store import audit
from twinledger.vocabulary.audiences import sentence_for_everyone
from twinledger.vocabulary.errors import HiddenError, TwinledgerError


@contextmanager
def open_books() -> Iterator[Books]:
    """As `deployment.open_books`; an error that may cite a vendor's figure is written to the audit and replaced.

    Raises:
        HiddenError: in place of such an error, with the audit's subject that has it in full.
    """
    with opened() as books:
        try:
            yield books
        except AirflowException:
            raise
        except Exception as error:
            if isinstance(error, TwinledgerError) and not error.for_finance:
                raise
            # `from None`: the log prints causes too.
            raise HiddenError(sentence_for_everyone(error), _audited(books, error)) from None


def _audited(books: Books, error: Exception) -> str:
    """The subject of the audit entry with the error's text; empty where the store does not take it."""
    subject = f"error-{uuid.uuid4().hex[:12]}"
    said = "".join(traceback.format_exception(error))
    try:
        with books.store.transaction() as session:
            audit.append(
                session, books.clock, who="airflow", action="task.fail", subject=subject, facts={"error": said}
            )
    except SQLAlchemyError:
        return ""
    return subject
