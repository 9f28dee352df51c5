"""Who a user of Slack or Airflow is, and who decides.

What belongs here: from users to people, and who they are that the policy asks. What does not: the policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from twinledger.approvals.desk import Desk
from twinledger.catalog import with_those_above
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


Role = Literal["manager", "budget holder", "finance"]


def stage_for(session: Session, desk: Desk, requester: str, department: Department, role: Role) -> Stage:
    """Who decides: never the requester.

    The manager is the owner of the department, else of the nearest one above it; the budget holder likewise. Of
    finance, whoever answers first decides, in finance's channel.

    Raises:
        NoApproverError: there is nobody but the requester or unknown people.
    """
    if role == "finance":
        people = session.scalars(select(Person).order_by(Person.name)).all()
        names = tuple(one.name for one in people if "finance" in one.roles and one.name != requester)
        if not names:
            raise NoApproverError(requester, department.name, role)
        return Stage("finance", names, desk.settings.slack.finance_channel)
    for asked in with_those_above(session, department):
        name = asked.owner if role == "manager" else asked.budget_holder
        if name != requester and session.get(Person, name) is not None:
            return Stage(f"{role} of {asked.name}", (name,), asked.channel)
    raise NoApproverError(requester, department.name, role)
