"""Sending reviews: what was sent is kept, with what it asks, and told once.

What belongs here: keeping a review with its items, and queueing its message in the same transaction. What does not:
answers (`answer`), and what a message looks like (`slack`).

A review that says what it said is not told again. One whose figures changed brings its message up to date, and says
what changed; a question that changed is asked again, and its earlier answer stays in the audit trail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.outbox import Message, enqueue
from twinledger.outbox.messages import Audience
from twinledger.reviews.checklist import FinanceItem, Item, checklist, company_checklist
from twinledger.reviews.company import CompanyReview
from twinledger.reviews.review import COMPANY, Review
from twinledger.reviews.told import CARD, COMPANY_CARD, company_facts_of, company_figures_of, facts_of, figures_of
from twinledger.store import audit
from twinledger.store.models import Department, ReviewItem, ReviewState
from twinledger.vocabulary.canonical import canonical_digest
from twinledger.vocabulary.periods import Period

_MOST_CHANGES = 10


@dataclass(frozen=True, slots=True)
class Sending:
    """One review as it is to be kept: where it goes, what it says and what it asks."""

    period: Period
    department: str
    facts: Mapping[str, Any]
    figures: Mapping[str, str]
    items: tuple[Item | FinanceItem, ...]

    @property
    def digest(self) -> str:
        """Equal for reviews that say and ask the same."""
        return canonical_digest([dict(self.facts), [[one.id, one.question, one.about] for one in self.items]])


def sending_of(review: Review | CompanyReview) -> Sending:
    """A review with what it says and asks."""
    if isinstance(review, CompanyReview):
        facts, figures = company_facts_of(review), company_figures_of(review)
        return Sending(review.shared.period, COMPANY, facts, figures, company_checklist(review))
    return Sending(review.period, review.department, facts_of(review), figures_of(review), checklist(review))


def keep(desk: Desk, sending: Sending, who: str) -> bool:
    """Keep a review and queue its message; whether it says anything new."""
    try:
        return _kept(desk, sending, who)
    except IntegrityError:  # somebody else sent it for the first time at the same moment: now it is there
        return _kept(desk, sending, who)


def subject(row: ReviewState | ReviewItem) -> str:
    """`2026-10 storefront`, or `2026-10 company`."""
    return f"{row.period} {row.department or 'company'}"


def queue_card(session: Session, desk: Desk, row: ReviewState) -> None:
    """The message of a review as it is now; an update of it calls nobody."""
    channel, audience, kind = place(session, desk, row.department)
    facts = {**row.facts, "revision": row.revision, "quiet": row.revision > 1}
    message = Message(kind, subject(row), channel, audience, facts, evidence=str(row.revision))
    enqueue(session, message, desk.clock)


def place(session: Session, desk: Desk, department: str) -> tuple[str, Audience, str]:
    """Where a review is told, to whom, and by which card."""
    if department == COMPANY:
        return desk.settings.slack.finance_channel, "finance", COMPANY_CARD
    return session.get_one(Department, department).channel, "everyone", CARD


# --- inside ----------------------------------------------------------------------------------


def _kept(desk: Desk, sending: Sending, who: str) -> bool:
    with desk.store.transaction() as session:
        row = session.get(ReviewState, (str(sending.period), sending.department), with_for_update=True)
        if row is not None and row.digest == sending.digest:
            return False
        row = _changed(row, sending) if row else _new(session, desk, sending)
        asked = _ask(session, sending)
        queue_card(session, desk, row)
        facts = {"revision": row.revision, "digest": row.digest, "asked": asked}
        audit.append(session, desk.clock, who=who, action="review.send", subject=subject(row), facts=facts)
    return True


def _new(session: Session, desk: Desk, sending: Sending) -> ReviewState:
    row = ReviewState(
        period=str(sending.period),
        department=sending.department,
        digest=sending.digest,
        facts={**sending.facts, "changes": []},
        figures=dict(sending.figures),
        revision=1,
        sent_at=desk.clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def _changed(row: ReviewState, sending: Sending) -> ReviewState:
    told = {name: text for name, text in row.figures.items() if sending.figures.get(name) != text}
    names = [*sending.figures, *(name for name in told if name not in sending.figures)]
    changes = [
        f"{name}: {row.figures.get(name, 'none')} → {sending.figures.get(name, 'none')}"
        for name in names
        if row.figures.get(name) != sending.figures.get(name)
    ]
    row.facts = {**sending.facts, "changes": changes[:_MOST_CHANGES] or list(row.facts["changes"])}
    row.figures, row.digest, row.revision = dict(sending.figures), sending.digest, row.revision + 1
    return row


def _ask(session: Session, sending: Sending) -> list[str]:
    """Bring the items up to date; names of those that are asked now and were not."""
    where = (ReviewItem.period == str(sending.period), ReviewItem.department == sending.department)
    rows = {row.item: row for row in session.scalars(select(ReviewItem).where(*where).with_for_update())}
    for row in rows.values():
        row.asked = False
    return [
        item.id
        for position, item in enumerate(sending.items)
        if _is_new(session, rows.get(item.id), _item(sending, position, item))
    ]


def _is_new(session: Session, row: ReviewItem | None, wanted: ReviewItem) -> bool:
    """Ask an item; whether its question is another one than before."""
    if row is None:
        session.add(wanted)
        return True
    row.asked, row.position = True, wanted.position
    if row.about == wanted.about:
        row.question = wanted.question if row.state == "open" else row.question
        return False
    row.question, row.about, row.state, row.said = wanted.question, wanted.about, "open", ""
    row.revision += 1
    row.answered_by = row.answered_at = row.answered_on = None
    return True


def _item(sending: Sending, position: int, item: Item | FinanceItem) -> ReviewItem:
    return ReviewItem(
        period=str(sending.period),
        department=sending.department,
        item=item.id,
        position=position,
        question=item.question,
        about=item.about,
        asked=True,
        state="open",
        revision=1,
        said="",
    )
