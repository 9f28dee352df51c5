"""Reviews that were sent, and their items, as they are now.

What belongs here: reading them. What does not: changing them (`keep`, `answer`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.reviews.review import COMPANY
from twinledger.store.models import Person, ReviewItem, ReviewState
from twinledger.vocabulary.audiences import ForEveryone, ForFinance
from twinledger.vocabulary.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class ItemView(ForEveryone):
    """One question of a department's review, and its answer where there is one; `answered_by` is a title."""

    id: str
    question: str
    state: str
    revision: int
    said: str = ""
    answered_by: str = ""
    answered_at: datetime | None = None
    answered_on: str = ""


@dataclass(frozen=True, slots=True)
class FinanceItemView(ForFinance):
    """As `ItemView`, of the company's review."""

    id: str
    question: str
    state: str
    revision: int
    said: str = ""
    answered_by: str = ""
    answered_at: datetime | None = None
    answered_on: str = ""


def department_items(session: Session, period: str, department: str) -> tuple[ItemView, ...]:
    """What a department's review asks, in its order; none where it was not sent."""
    return tuple(ItemView(**_values(session, row)) for row in _rows(session, period, department))


def company_items(session: Session, period: str) -> tuple[FinanceItemView, ...]:
    """What the company's review asks finance."""
    return tuple(FinanceItemView(**_values(session, row)) for row in _rows(session, period, COMPANY))


def sent_reviews(session: Session, period: str) -> Sequence[ReviewState]:
    """Those of a month, the company's first."""
    query = select(ReviewState).where(ReviewState.period == period).order_by(ReviewState.department)
    return session.scalars(query).all()


def found_review(session: Session, period: str, department: str, *, lock: bool = False) -> ReviewState:
    """The row as it is in the database now, held until the transaction ends where `lock` says so.

    Raises:
        UnknownNameError: the review was not sent.
    """
    row = session.get(ReviewState, (period, department), populate_existing=True, with_for_update=lock)
    if row is None:
        known = [one.department or "the company's" for one in sent_reviews(session, period)]
        raise UnknownNameError(f"review of {period} that was sent", department or "the company's", known)
    return row


def found_item(session: Session, period: str, department: str, item: str) -> ReviewItem:
    """Likewise of an item; raises UnknownNameError."""
    row = session.get(ReviewItem, (period, department, item), populate_existing=True)
    if row is None:
        known = [one.item for one in _rows(session, period, department)]
        raise UnknownNameError(f"item of the review of {period}", item[:120], known)
    return row


def _rows(session: Session, period: str, department: str) -> Iterable[ReviewItem]:
    """Those that are asked, and those that were answered before they no longer were."""
    where = (ReviewItem.period == period, ReviewItem.department == department)
    query = select(ReviewItem).where(*where).order_by(ReviewItem.position, ReviewItem.item)
    return [row for row in session.scalars(query) if row.asked or row.state != "open"]


def _values(session: Session, row: ReviewItem) -> dict[str, Any]:
    person = session.get(Person, row.answered_by) if row.answered_by else None
    return {
        "id": row.item,
        "question": row.question,
        "state": row.state,
        "revision": row.revision,
        "said": row.said,
        "answered_by": person.title if person else row.answered_by or "",
        "answered_at": row.answered_at,
        "answered_on": row.answered_on or "",
    }
