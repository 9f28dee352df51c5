from __future__ import annotations

import pytest

from twinledger.approvals import by_airflow_user, by_slack_user
from twinledger.store import Store
from twinledger.store.models import Person
from twinledger.vocabulary.errors import AmbiguousPersonError, UnknownPersonError


@pytest.fixture
def peopled(store: Store) -> Store:
    with store.transaction() as session:
        session.add(Person(name="ada", title="Ada", slack_user="U1", airflow_user="ada", roles=[]))
        session.add(Person(name="bob", title="Bob", slack_user="U2", airflow_user="shared", roles=[]))
        session.add(Person(name="cy", title="Cy", slack_user="U2", airflow_user=None, roles=[]))
    return store


def test_a_user_is_the_person_who_has_it(peopled: Store) -> None:
    with peopled.reading() as session:
        assert by_slack_user(session, "U1") == "ada"
        assert by_airflow_user(session, "shared") == "bob"


@pytest.mark.parametrize("user", ["U9", "", "u1"])
def test_a_user_of_nobody_is_refused(peopled: Store, user: str) -> None:
    with pytest.raises(UnknownPersonError, match=f"Slack user '{user}'"), peopled.reading() as session:
        by_slack_user(session, user)


def test_a_user_of_two_people_is_refused(peopled: Store) -> None:
    with pytest.raises(AmbiguousPersonError, match="bob, cy"), peopled.reading() as session:
        by_slack_user(session, "U2")
