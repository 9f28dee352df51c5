"""Who is away, and who stands in for them.

What belongs here: saying so, taking it back, and the list. What does not: who is asked because of it (`people`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals.desk import Desk
from twinledger.store import audit
from twinledger.store.models import Absence, Person
from twinledger.vocabulary.errors import InvalidAbsenceError, NotEntitledError, UnknownNameError
from twinledger.vocabulary.identities import new_identity

LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class AbsenceView:
    """One absence; instants are aware, the end is excluded."""

    id: str
    person: str
    delegate: str | None
    starts_at: datetime
    ends_at: datetime
    said_by: str


def be_away(desk: Desk, absence: AbsenceView, identify: Callable[[str], str] = new_identity) -> str:
    """Say that somebody is away; returns the absence's identity, whatever `absence.id` is.

    Questions that are put from then on go to the delegate too; those that wait already, when they are put to more
    people. Who is away says so, or finance for them.

    Raises:
        UnknownNameError: no such person or delegate.
        NotEntitledError: somebody else than the person and finance says so.
        InvalidAbsenceError: it ends before it starts, is over, lasts longer than a year, or is of their own delegate.
    """
    now = desk.clock.now()
    _check(absence, now)
    with desk.store.transaction() as session:
        for name in filter(None, (absence.person, absence.delegate, absence.said_by)):
            _known(session, name)
        _check_entitled(session, absence.said_by, absence.person)
        made = identify("away")
        row = Absence(
            id=made,
            person=absence.person,
            delegate=absence.delegate,
            starts_at=absence.starts_at,
            ends_at=absence.ends_at,
            said_by=absence.said_by,
            said_at=now,
        )
        session.add(row)
        facts = {
            "delegate": absence.delegate,
            "starts_at": absence.starts_at.isoformat(),
            "ends_at": absence.ends_at.isoformat(),
        }
        audit.append(session, desk.clock, who=row.said_by, action="absence.say", subject=row.person, facts=facts)
    return made


def be_back(desk: Desk, person: str, said_by: str) -> int:
    """End every absence that somebody is in or has ahead of them; how many. Raises as `be_away`."""
    now = desk.clock.now()
    with desk.store.transaction() as session:
        _known(session, person)
        _check_entitled(session, said_by, person)
        rows = session.scalars(select(Absence).where(Absence.person == person, Absence.ends_at > now)).all()
        for row in rows:
            session.delete(row)
            facts = {"absence": row.id, "delegate": row.delegate}
            audit.append(session, desk.clock, who=said_by, action="absence.end", subject=person, facts=facts)
    return len(rows)


def absences(session: Session, now: datetime) -> list[AbsenceView]:
    """Every absence that is not over, the soonest first."""
    query = select(Absence).where(Absence.ends_at > now).order_by(Absence.starts_at, Absence.person, Absence.id)
    return [
        AbsenceView(one.id, one.person, one.delegate, one.starts_at, one.ends_at, one.said_by)
        for one in session.scalars(query)
    ]


def _check(absence: AbsenceView, now: datetime) -> None:
    rules = (
        ("until", absence.ends_at.isoformat(), absence.ends_at > absence.starts_at, "an instant after it begins"),
        ("until", absence.ends_at.isoformat(), absence.ends_at > now, "an instant that is still to come"),
        ("until", absence.ends_at.isoformat(), absence.ends_at - absence.starts_at <= LONGEST, "a year later at most"),
        ("delegate", str(absence.delegate), absence.delegate != absence.person, "somebody else than who is away"),
    )
    for field, found, holds, expected in rules:
        if not holds:
            raise InvalidAbsenceError(field, found, expected)


def _check_entitled(session: Session, who: str, person: str) -> None:
    if who != person and "finance" not in session.get_one(Person, who).roles:
        raise NotEntitledError(who, f"the absence of {person}", "they say so themselves, or finance does")


def _known(session: Session, name: str) -> None:
    if session.get(Person, name) is None:
        raise UnknownNameError("person", name, session.scalars(select(Person.name)))
