"""Who a user of Slack or Airflow is, and who decides.

What belongs here: from users to people, and the first form of the policy: one stage, decided by the
budget holder. What does not: amounts.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from twinledger.store.models import Department, Person
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
    """Who is asked, where, and by which rule."""

    rule: str
    approvers: tuple[str, ...]
    channel: str


def stage_for(session: Session, requester: str, department: Department) -> Stage:
    """The budget holder of the department, else of the nearest one above it: never the requester.

    Raises:
        NoApproverError: up to the top there is nobody but the requester or unknown people.
    """
    asked: Department | None = department
    seen: set[str] = set()
    while asked is not None and asked.name not in seen:
        holder = asked.budget_holder
        if holder != requester and session.get(Person, holder) is not None:
            return Stage(f"budget holder of {asked.name}", (holder,), asked.channel)
        seen.add(asked.name)
        asked = session.get(Department, asked.parent) if asked.parent else None
    raise NoApproverError(requester, department.name)
