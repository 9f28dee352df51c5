"""What a room says of the things that people act on.

What belongs here: the questions that carrying out a deed asks of a kind of thing. What does not: the answers, which
`reconciliation` has of breaks and `alerts` of alerts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.deeds.act import Act, Step
from twinledger.store import models
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.identities import short

Row = TypeVar("Row", models.Break, models.Alert)


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be written."""

    act: Act
    verb: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """Of the row."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Of the audit entry."""
    text: str = ""
    """A comment."""


class Kept(ABC, Generic[Row]):
    """One kind of thing."""

    name: str
    """As sentences and audit entries have it: break, alert."""
    model: type[Row]
    actor: str
    """Who moves one that nobody has acted on: the runs that find them."""
    comments: type[models.BreakComment | models.AlertNote]
    comment_of: str
    """The column of its comments that says which one they are of."""
    steps: Mapping[str, Step]
    """By verb; what is not in here is not possible."""

    def hold(self, session: Session, row: Row) -> None:
        """Hold what has to be held before the row itself, in the order in which everybody takes it."""

    @abstractmethod
    def state(self, row: Row, now: datetime) -> str:
        """As it is at an instant: a snooze that has ended is over."""

    @abstractmethod
    def kept_from(self, session: Session, desk: Desk, row: Row, person: models.Person, /) -> str:
        """Why it is not for somebody, in words; empty where it is."""

    @abstractmethod
    def first(self, row: Row) -> tuple[str, str | None, datetime | None]:
        """What it came to before, by whom and when: for somebody who comes second."""

    @abstractmethod
    def values(self, row: Row, deed: Deed, now: datetime, /) -> Mapping[str, Any]:
        """What a verb writes beside state, revision, who and when."""

    @abstractmethod
    def tell(self, session: Session, desk: Desk, row: Row, deed: Deed) -> None:
        """Queue what follows, in the same transaction; the row is as the deed left it."""


def name_of(kept: Kept[Row], identity: str) -> str:
    """As a sentence names one."""
    return f"{kept.name} {short(identity)}"


def found(session: Session, kept: Kept[Row], identity: str, *, locked: bool = False) -> Row:
    """One of them, as it is now.

    Raises:
        UnknownNameError: there is no such thing.
    """
    row = session.get(kept.model, identity, populate_existing=True, with_for_update=locked or None)
    if row is None:
        raise UnknownNameError(kept.name, identity[:64], ())
    return row
