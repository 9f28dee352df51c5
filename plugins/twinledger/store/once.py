"""Rows that are written or changed once, however many try at the same time.

What belongs here: the one statement that both databases have for it. What does not: which rows, and what makes a row
unchanged.

A savepoint around an insert that may fail comes to the same in four statements: those who wait for an
acknowledgement would wait for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from twinledger.store.models import Base


def insert_once(session: Session, model: type[Base], key: str, values: Mapping[str, Any]) -> bool:
    """Insert a row unless there is one with the same `key` column; whether it was inserted.

    Somebody else's row that is not committed yet is waited for.
    """
    return _is_one(session, _insert(session, model).values(**values).on_conflict_do_nothing(index_elements=[key]))


def insert_or_fill(
    session: Session, model: type[Base], key: str, values: Mapping[str, Any], empty: ColumnElement[bool]
) -> bool:
    """Insert a row, or give its values to the one with the same `key` column if that is still `empty`; whether so."""
    changed = {name: value for name, value in values.items() if name != key}
    statement = _insert(session, model).values(**values)
    return _is_one(session, statement.on_conflict_do_update(index_elements=[key], set_=changed, where=empty))


def change_once(session: Session, statement: Update) -> bool:
    """Change the one row that a compare-and-swap names, if it is still as it was read; whether it was.

    What the session holds of the row is not brought up to date: refresh it.
    """
    result = session.execute(statement.execution_options(synchronize_session=False))
    return isinstance(result, CursorResult) and result.rowcount == 1


def _insert(session: Session, model: type[Base]) -> postgresql.Insert:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement: postgresql.Insert = dialect.insert(model.__table__)  # SQLite's has the same methods
    return statement


def _is_one(session: Session, statement: postgresql.Insert) -> bool:
    session.flush()  # what the caller has not written yet comes first
    result = session.execute(statement.execution_options(preserve_rowcount=True))
    return isinstance(result, CursorResult) and result.rowcount == 1
