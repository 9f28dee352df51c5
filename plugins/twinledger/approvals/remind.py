"""Asking once more: reminders within working hours, then more people.

What belongs here: when a pending request is put to its approvers once more, and to whom it is escalated. What does not:
its end, which `decide.expire_due` brings about.

The reminder is the request's own card, sent to each approver directly: it shows the truth like every other one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals.decide import swapped
from twinledger.approvals.desk import Desk
from twinledger.approvals.people import Stage, absence_of, stage_for
from twinledger.approvals.stages import present_role, replaced
from twinledger.approvals.view import found_request, queue_cards, queue_wake
from twinledger.store import audit
from twinledger.store.models import Department, Person, Request
from twinledger.vocabulary.errors import AlreadyDecidedError, NoApproverError, NotEntitledError

OPENS, CLOSES = time(9), time(18)
"""Of a working day, Monday to Friday, in the company's time zone."""
REMIND_AFTER, ESCALATE_AFTER = timedelta(hours=9), timedelta(hours=18)
"""Working time since a stage began: a day, and two."""


class Reminded(NamedTuple):
    """What was asked once more."""

    reminded: tuple[str, ...]
    escalated: tuple[str, ...]


def remind_due(desk: Desk) -> Reminded:
    """Put every request that has waited for a working day to its approvers directly; after two days, to more people.

    Nothing happens outside of working hours. Safe to repeat, and to run twice at once: each is done once a stage.
    """
    now, zone = desk.clock.now(), ZoneInfo(desk.settings.timezone)
    if not is_working(now.astimezone(zone)):
        return Reminded((), ())
    with desk.store.reading() as session:
        query = select(Request).where(Request.state == "pending", Request.expires_at > now).order_by(Request.id)
        waited = [
            (one.id, one.reminded, working_time(one.asked_at or one.created_at, now, zone))
            for one in session.scalars(query)
        ]
    due = [(request, times) for request, times, since in waited if times == 0 and since >= REMIND_AFTER]
    late = [request for request, times, since in waited if times == 1 and since >= ESCALATE_AFTER]
    reminded = tuple(request for request, _ in due if _remind(desk, request))
    return Reminded(reminded, tuple(request for request in late if _escalate(desk, request, "timer", 1)))


def escalate(desk: Desk, request: str, person: str) -> tuple[str, ...]:
    """Put a pending request to more people at once; returns who may decide it now.

    They are who stands in for an approver that is away, and whoever is next above them.

    Raises:
        UnknownRequestError: no such request.
        NotEntitledError: neither its requester nor finance asks for it.
        AlreadyDecidedError: it has ended.
        NoApproverError: there is nobody else.
    """
    with desk.store.reading() as session:
        row = found_request(session, request)
        if person != row.requester and "finance" not in (session.get_one(Person, person).roles):
            raise NotEntitledError(person, request, "its requester asks for that, or finance")
        if row.state != "pending":
            when = row.decided_at.isoformat(timespec="seconds") if row.decided_at else ""
            raise AlreadyDecidedError(request, row.state, row.decided_by or "", when)
    if not _escalate(desk, request, person, None):
        raise NoApproverError(person, row.department, present_role(row))
    with desk.store.reading() as session:
        return tuple(found_request(session, request).approvers)


def is_working(local: datetime) -> bool:
    """Whether an instant in the company's time zone is within working hours."""
    return local.isoweekday() <= 5 and OPENS <= local.time() < CLOSES  # noqa: PLR2004 - Friday


def working_time(start: datetime, end: datetime, zone: ZoneInfo) -> timedelta:
    """How much of the time from one instant to another is within working hours in a zone."""
    local, until = start.astimezone(zone), end.astimezone(zone)
    total = timedelta(0)
    for day in range((until.date() - local.date()).days + 1):
        date = local.date() + timedelta(days=day)
        opens, closes = (datetime.combine(date, at, zone) for at in (OPENS, CLOSES))
        if date.isoweekday() <= 5:  # noqa: PLR2004 - Friday
            total += max(timedelta(0), min(closes, until) - max(opens, local))
    return total


def _remind(desk: Desk, request: str) -> bool:
    with desk.store.transaction() as session:
        row = found_request(session, request)
        if row.state != "pending" or row.reminded or not swapped(session, row, {"reminded": 1}):
            return False
        queue_cards(session, row, desk.clock, *_direct(session, row.approvers))
        queue_wake(session, row, desk.clock)
        _record(session, desk, row, "request.remind", "timer", row.approvers)
    return True


def _escalate(desk: Desk, request: str, who: str, reminded: int | None) -> bool:
    """Ask more people, where there are any; `reminded` is how often it must have been put to them before."""
    with desk.store.transaction() as session:
        row = found_request(session, request)
        if row.state != "pending" or (reminded is not None and row.reminded != reminded):
            return False
        more = _more(session, desk, row)
        if not more.approvers and reminded is None:
            return False
        approvers = [*row.approvers, *(name for name in more.approvers if name not in row.approvers)]
        values = {"reminded": 2, "approvers": approvers}
        if row.stages:
            rule = f"{row.facts['rule']}; escalated to {more.rule}" if more.approvers else row.facts["rule"]
            values |= {
                "stages": replaced(row.stages, row.stage, {"approvers": approvers}),
                "facts": {**row.facts, "rule": rule},
            }
        if not swapped(session, row, values):
            return False
        queue_cards(session, row, desk.clock, *_direct(session, more.approvers))
        queue_wake(session, row, desk.clock)
        _record(session, desk, row, "request.escalate", who, more.approvers)
    return bool(more.approvers)


def _more(session: Session, desk: Desk, row: Request) -> Stage:
    """Who else may decide at the present stage: delegates, and the next above those who were asked."""
    department = session.get_one(Department, row.department)
    role = present_role(row)
    answered = [one["by"] for one in row.stages[: row.stage]]
    absent = (absence_of(session, name, desk.clock.now()) for name in row.approvers)
    delegates = {one.delegate for one in absent if one and one.delegate} - {row.requester, *answered, *row.approvers}
    try:
        above = stage_for(session, desk, row.requester, department, role, {*row.approvers, *answered, *delegates})
    except NoApproverError:
        return Stage(role, "who stands in", tuple(sorted(delegates)), "")
    return Stage(role, above.rule, tuple(sorted({*delegates, *above.approvers})), above.channel)


def _direct(session: Session, people: Iterable[str]) -> list[str]:
    """Where people are reached directly: their Slack users; who has none reads the channel."""
    users = (session.get_one(Person, name).slack_user for name in people)
    return [user for user in users if user]


def _record(session: Session, desk: Desk, row: Request, action: str, who: str, asked: Iterable[str]) -> None:
    facts = {"revision": row.revision, "asked": list(asked)}
    audit.append(session, desk.clock, who=who, action=action, subject=row.id, facts=facts)
