"""The one way in which people answer an item of a review, from whatever surface.

What belongs here: who may answer, the claim, and what follows from it, in one transaction. What does not: buttons and
forms (`slack`, `web`, `cli`).

    open ── done | explained, in words | not applicable      once; a question that changed is open again
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import update
from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.catalog import with_those_above
from twinledger.reviews.keep import queue_card, subject
from twinledger.reviews.review import COMPANY
from twinledger.reviews.view import found_item, found_review
from twinledger.store import audit
from twinledger.store.models import Department, Person, ReviewItem, ReviewState
from twinledger.store.once import change_once
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ConcurrentChangeError,
    InvalidAnswerError,
    NotEntitledError,
    TwinledgerError,
    UnknownPersonError,
)

Outcome = Literal["done", "explained", "not applicable"]

LONGEST_TEXT = 1000
"""Characters of an explanation."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody answers to one item; `shown` is the item's revision that they saw, 0 where none was shown."""

    period: str
    department: str
    item: str
    outcome: Outcome
    who: str
    surface: str
    """slack | page | command line"""
    text: str = ""
    shown: int = 0


def answer(desk: Desk, reply: Reply) -> None:
    """Answer an item, once; its review's message is brought up to date.

    Raises:
        UnknownNameError: no such review was sent, or it has no such item.
        UnknownPersonError: there is no such person.
        NotEntitledError: neither owner nor budget holder of the department or of one above it, nor of finance.
        InvalidAnswerError: an explanation without words, or with too many.
        AlreadyDecidedError: somebody came first; says who and when.
        ConcurrentChangeError: the question is another one since it was shown.
    """
    if reply.outcome == "explained" and not reply.text.strip():
        raise InvalidAnswerError(reply.item, "an explanation needs some words")
    if len(reply.text) > LONGEST_TEXT:
        raise InvalidAnswerError(reply.item, f"{len(reply.text)} characters are more than {LONGEST_TEXT}")
    with desk.store.transaction() as session:
        refusal = _settle(session, desk, reply)
    if refusal is not None:
        raise refusal


def may_answer(session: Session, person: Person, department: str) -> bool:
    """Whether somebody answers for a department, or for the company: its people, those above them, finance."""
    if "finance" in person.roles:
        return True
    found = session.get(Department, department) if department != COMPANY else None
    if found is None:
        return False
    return any(person.name in (one.owner, one.budget_holder) for one in with_those_above(session, found))


def _settle(session: Session, desk: Desk, reply: Reply) -> TwinledgerError | None:
    """One transaction, also for a refusal: it is recorded, then raised."""
    review = found_review(session, reply.period, reply.department, lock=True)
    row = found_item(session, reply.period, reply.department, reply.item)
    refusal = _not_allowed(session, row, reply)
    if refusal is None and _claimed(session, desk, row, reply):
        _recorded(session, desk, review, row, reply)
        return None
    refusal = refusal or _moved_on(session, row, reply)
    facts = {"item": row.item, "surface": reply.surface, "reason": str(refusal)}
    _audit(session, desk, row, reply, "review.answer.refused", facts)
    return refusal


def _not_allowed(session: Session, row: ReviewItem, reply: Reply) -> TwinledgerError | None:
    person = session.get(Person, reply.who)
    if person is None:
        return UnknownPersonError("Twinledger", reply.who)
    if not may_answer(session, person, row.department):
        whose = f"{row.department}'s people, those above them and finance" if row.department else "finance"
        return NotEntitledError(reply.who, f"{row.item} of {subject(row)}", f"{whose} answer it")
    if row.state != "open":
        return _decided(row)
    if reply.shown not in (0, row.revision):
        return ConcurrentChangeError(f"item {row.item}", f"at revision {reply.shown}", f"at {row.revision}")
    return None


def _claimed(session: Session, desk: Desk, row: ReviewItem, reply: Reply) -> bool:
    """Answer the item if it is still as it was read; whether it was."""
    unchanged = (
        ReviewItem.period == row.period,
        ReviewItem.department == row.department,
        ReviewItem.item == row.item,
        ReviewItem.state == "open",
        ReviewItem.revision == row.revision,
    )
    values = {
        "state": reply.outcome,
        "revision": row.revision + 1,
        "said": reply.text.strip(),
        "answered_by": reply.who,
        "answered_at": desk.clock.now(),
        "answered_on": reply.surface,
    }
    return change_once(session, update(ReviewItem).where(*unchanged).values(**values))


def _recorded(session: Session, desk: Desk, review: ReviewState, row: ReviewItem, reply: Reply) -> None:
    session.refresh(row)
    review.revision += 1
    queue_card(session, desk, review)
    facts = {"item": row.item, "question": row.question, "outcome": reply.outcome, "text": row.said,
             "surface": reply.surface}  # fmt: skip
    _audit(session, desk, row, reply, "review.answer", facts)


def _moved_on(session: Session, row: ReviewItem, reply: Reply) -> TwinledgerError:
    now = found_item(session, row.period, row.department, row.item)
    if now.state != "open":
        return _decided(now)
    return ConcurrentChangeError(f"item {now.item}", f"at revision {reply.shown}", f"at {now.revision}")


def _decided(row: ReviewItem) -> AlreadyDecidedError:
    at = row.answered_at.isoformat(timespec="seconds") if row.answered_at else ""
    return AlreadyDecidedError(f"item {row.item} of {subject(row)}", row.state, row.answered_by or "", at)


def _audit(session: Session, desk: Desk, row: ReviewItem, reply: Reply, action: str, facts: Mapping[str, Any]) -> None:
    audit.append(session, desk.clock, who=reply.who, action=action, subject=subject(row), facts=facts)
