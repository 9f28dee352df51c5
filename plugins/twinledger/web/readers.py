"""Who looks at a page, and what that person may see.

What belongs here: from an Airflow user to a person of the company. What does not: checking a
password or token, which Airflow does before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from twinledger.approvals import by_airflow_user
from twinledger.store import Store
from twinledger.store.models import Person

FINANCE = "finance"


@dataclass(frozen=True, slots=True)
class Reader:
    """One person who is signed in."""

    name: str
    title: str
    roles: tuple[str, ...]

    @property
    def finance(self) -> bool:
        """Whether this person may see what was really paid."""
        return FINANCE in self.roles

    @property
    def audience(self) -> Literal["", "everyone"]:
        """The audience that the outbox is limited to; nothing is no limit."""
        return "" if self.finance else "everyone"


def reader_of(store: Store, airflow_user: str) -> Reader:
    """The one person with this Airflow user.

    Raises:
        PersonError: nobody has it, or more than one person does.
    """
    with store.reading() as session:
        person = session.get_one(Person, by_airflow_user(session, airflow_user))
    return Reader(person.name, person.title, tuple(str(role) for role in person.roles))
