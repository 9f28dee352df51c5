"""What was said and done of a thing, and finding one by the start of its identity.

What belongs here: reading. What does not: figures, and who may read them, which each room knows of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.deeds.kept import Kept, Row
from twinledger.store.models import AuditEntry
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.errors import AmbiguousNameError, UnknownNameError

_SHORTEST, _LISTED = 6, 10


@dataclass(frozen=True, slots=True)
class Comment(ForFinance):
    """What somebody said."""

    who: str
    at: datetime
    surface: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry(ForFinance):
    """One entry of a thing's history; amounts in the facts are decimal strings."""

    at: datetime
    who: str
    action: str
    facts: Mapping[str, Any]


def comments(session: Session, kept: Kept[Row], identity: str) -> tuple[Comment, ...]:
    """What was said of one, the earliest first."""
    query = select(kept.comments).filter_by(**{kept.comment_of: identity}).order_by(kept.comments.id)
    said: Iterable[Any] = session.scalars(query)  # of either model, which have the same columns
    return tuple(Comment(one.who, one.at, one.surface, one.text) for one in said)


def history(session: Session, identity: str) -> tuple[Entry, ...]:
    """What was done with one, of the audit trail, the earliest first."""
    query = select(AuditEntry).where(AuditEntry.subject == identity).order_by(AuditEntry.sequence)
    return tuple(Entry(one.at, one.who, one.action, one.facts) for one in session.scalars(query))


def find(session: Session, kept: Kept[Row], start: str) -> str:
    """The identity of the only one whose identity begins so: at least six characters of it.

    Raises:
        UnknownNameError: none does.
        AmbiguousNameError: several do.
    """
    identity = kept.model.id
    query = select(identity).where(identity.startswith(start, autoescape=True)).order_by(identity)
    ids = session.scalars(query.limit(_LISTED)).all() if len(start) >= _SHORTEST else []
    if not ids:
        raise UnknownNameError(kept.name, start[:64], (f"the identities that `twinledger {kept.name}s list` shows",))
    if len(ids) > 1:
        raise AmbiguousNameError(kept.name, start, ids)
    return ids[0]
