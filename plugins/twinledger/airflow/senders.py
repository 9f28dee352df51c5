"""Which receiver an outbox item goes to.

What belongs here: putting the senders of a deployment together. What does not: what they send.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from twinledger.airflow.rest import CONNECTION, AirflowApi
from twinledger.airflow.wake import AirflowWaker
from twinledger.books import Books
from twinledger.outbox import ByKind, LocalSender, Outgoing, PermanentSendError, Sender, Sent


class NoAccount:
    """Refuses wake-ups where no service account is configured."""

    def send(self, item: Outgoing) -> Sent:
        """Say what is missing."""
        problem = f"{item.subject}: Airflow connection {CONNECTION} is missing; add it with a service account"
        raise PermanentSendError(problem)


@contextmanager
def open_senders(books: Books) -> Iterator[Sender]:
    """Airflow for wake-ups; for people, Slack where there is a token, else the outbox itself."""
    people = _people(books)
    account = _account()
    if account is None:
        yield ByKind({"wake": NoAccount()}, people)
        return
    with account as api:
        yield ByKind({"wake": AirflowWaker(books.store, api, books.clock)}, people)


def _people(books: Books) -> Sender:
    settings = books.settings.slack
    if not settings.token.get_secret_value():
        return LocalSender()
    from twinledger.slack.delivery import people_sender  # noqa: PLC0415 - only where there is a token
    from twinledger.slack.sender import slack_client  # noqa: PLC0415 - likewise

    return people_sender(books, slack_client(settings))


def _account() -> AirflowApi | None:
    try:
        found = BaseHook.get_connection(CONNECTION)
    except AirflowNotFoundException:
        return None
    address = f"{found.schema or 'http'}://{found.host}:{found.port or 8080}"
    return AirflowApi(address, found.login or "", found.password or "")
