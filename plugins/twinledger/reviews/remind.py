"""Asking once more: the owner of a review that has waited for five working days.

What belongs here: when, whom, and that it is done once. What does not: words and layout (`slack`).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.outbox import Message, enqueue
from twinledger.reviews.keep import place, subject
from twinledger.reviews.review import COMPANY
from twinledger.reviews.told import REMINDER
from twinledger.reviews.view import company_items, department_items, sent_reviews
from twinledger.store import audit
from twinledger.store.models import Department, Person, ReviewState
from twinledger.store.once import change_once
from twinledger.vocabulary.periods import Period

AFTER_DAYS = 5
"""Working days, Monday to Friday, in the company's time zone."""

_SATURDAY = 6


def remind_due(desk: Desk, period: Period) -> tuple[str, ...]:
    """Remind whoever owns a review of the month that has waited; the departments' names, `company` for finance.

    Safe to repeat, and to run twice at once: each is reminded once.
    """
    now, zone = desk.clock.now(), desk.settings.timezone
    with desk.store.reading() as session:
        waiting = [
            one.department
            for one in sent_reviews(session, str(period))
            if one.reminded_at is None and _open(session, one) and is_due(one.sent_at, now, zone)
        ]
    return tuple(name or "company" for name in waiting if _remind(desk, period, name))


def is_due(sent: datetime, now: datetime, zone: str) -> bool:
    """Whether five working days lie between two instants."""
    start, end = (one.astimezone(ZoneInfo(zone)).date() for one in (sent, now))
    return working_days(start, end) >= AFTER_DAYS


def working_days(start: date, end: date) -> int:
    """The days from Monday to Friday after one day, up to another and with it."""
    days = (start + timedelta(days=number) for number in range(1, (end - start).days + 1))
    return sum(day.isoweekday() < _SATURDAY for day in days)


def _open(session: Session, row: ReviewState) -> int:
    items = (
        company_items(session, row.period)
        if row.department == COMPANY
        else department_items(session, row.period, row.department)
    )
    return sum(one.state == "open" for one in items)


def _remind(desk: Desk, period: Period, department: str) -> bool:
    key = (ReviewState.period == str(period), ReviewState.department == department)
    first = update(ReviewState).where(*key, ReviewState.reminded_at.is_(None)).values(reminded_at=desk.clock.now())
    with desk.store.transaction() as session:
        if not change_once(session, first):
            return False
        row = session.get_one(ReviewState, (str(period), department), populate_existing=True)
        waiting = _open(session, row)
        if waiting:
            enqueue(session, _message(session, desk, row, waiting), desk.clock)
            facts = {"open": waiting}
            audit.append(session, desk.clock, who="timer", action="review.remind", subject=subject(row), facts=facts)
    return bool(waiting)


def _message(session: Session, desk: Desk, row: ReviewState, waiting: int) -> Message:
    """To the owner in person, where Slack knows them; else to where the review is."""
    channel, audience, _ = place(session, desk, row.department)
    found = session.get(Department, row.department) if row.department != COMPANY else None
    owner = session.get(Person, found.owner) if found else None
    title = found.title if found else "the whole company"
    facts = {"period": row.period, "department": row.department, "title": title, "waiting": waiting}
    user = owner.slack_user if owner else None
    return Message(REMINDER, subject(row), user or channel, audience, facts, evidence="once")
