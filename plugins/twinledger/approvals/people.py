"""Who a user of Slack or Airflow is, and who decides.

What belongs here: from users to people, who they are that the policy asks, and who stands in for them. What does not:
the policy, and when more people are asked (`remind`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from twinledger.approvals.desk import Desk
from twinledger.catalog import Role, with_those_above
from twinledger.store.models import Absence, Department, Person, Request
from twinledger.vocabulary.errors import AmbiguousPersonError, NoApproverError, UnknownPersonError


def by_slack_user(session: Session, user: str) -> str:
    """The name of the person with a Slack user id.

    Raises:
        UnknownPersonError: nobody has it.
        AmbiguousPersonError: several people have it.
    """
    return _only(session, Person.slack_user, "Slack", user)


def by_airflow_user(session: Session, user: str) -> str:
    """The name of the person with an Airflow user name; raises as `by_slack_user`."""
    return _only(session, Person.airflow_user, "Airflow", user)


def _only(session: Session, column: InstrumentedAttribute[str | None], surface: str, user: str) -> str:
    found = session.scalars(select(Person.name).where(column == user)).all() if user else []
    if not found:
        raise UnknownPersonError(surface, user)
    if len(found) > 1:
        raise AmbiguousPersonError(surface, user, found)
    return found[0]


@dataclass(frozen=True, slots=True)
class Stage:
    """Who is asked, where, and by which rule; `missing`: people of departments.yaml whom people.yaml lacks."""

    role: str
    rule: str
    approvers: tuple[str, ...]
    channel: str
    missing: tuple[str, ...] = ()


def stage_for(
    session: Session, desk: Desk, requester: str, department: Department, role: Role, but: Collection[str] = ()
) -> Stage:
    """Who decides at a stage: never the requester, nor anybody of `but`.

    The manager is the owner of the department, else of the nearest one above it; the budget holder likewise. Somebody
    who is away is asked together with their delegate; without one, it is as if they were not there. Where that leaves
    nobody, finance decides: whoever of them answers first.

    Raises:
        NoApproverError: there is nobody left in finance either.
    """
    excluded = {requester, *but}
    missing: list[str] = []
    if role != "finance":
        for asked in with_those_above(session, department):
            name = asked.owner if role == "manager" else asked.budget_holder
            if session.get(Person, name) is None:
                missing.append(name)
            elif found := _present(session, name, desk.clock.now(), excluded):
                return Stage(role, f"{role} of {asked.name}", found, asked.channel, tuple(missing))
    people = session.scalars(select(Person).order_by(Person.name)).all()
    names = tuple(one.name for one in people if "finance" in one.roles and one.name not in excluded)
    if not names:
        raise NoApproverError(requester, department.name, role)
    rule = role if role == "finance" else f"finance, for want of a {role} of {department.name}"
    return Stage(role, rule, names, desk.settings.slack.finance_channel, tuple(missing))


def _present(session: Session, name: str, now: datetime, excluded: Collection[str]) -> tuple[str, ...]:
    """Somebody with whoever stands in for them now; nobody where they are away without a delegate, or excluded."""
    away = absence_of(session, name, now)
    delegate = away.delegate if away else None
    found = [name] if away is None or delegate else []
    return tuple(one for one in (*found, *([delegate] if delegate else [])) if one not in excluded)


def is_still_asked(session: Session, request: Request, role: Role, person: str, now: datetime) -> bool:
    """Whether somebody who was asked at a stage of this role would be now: people change while a request waits.

    Who holds the role there or above, who is of finance, and who stood in for somebody when they were asked.
    """
    found = session.get(Person, person, populate_existing=True)
    if person not in request.approvers or found is None:
        return False
    if "finance" in found.roles:
        return True
    department = session.get_one(Department, request.department, populate_existing=True)
    above = with_those_above(session, department)
    holders = {one.owner if role == "manager" else one.budget_holder for one in above} if role != "finance" else set()
    if person in holders:
        return True
    stood_in = select(Absence.id).where(Absence.delegate == person, Absence.person.in_(request.approvers))
    return session.scalar(stood_in.where(Absence.starts_at <= now).limit(1)) is not None


def absence_of(session: Session, person: str, now: datetime) -> Absence | None:
    """The absence that somebody is in, the one said last where there are several."""
    query = select(Absence).where(Absence.person == person, Absence.starts_at <= now, Absence.ends_at > now)
    return session.scalars(query.order_by(Absence.said_at.desc(), Absence.id).limit(1)).first()
