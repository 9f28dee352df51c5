"""Which receiver an outbox item goes to.

What belongs here: putting the senders of a deployment together. What does not: what they send.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from twinledger.airflow.rest import CONNECTION, AirflowApi
from twinledger.airflow.wake import AirflowWaker
from twinledger.approvals import WAKE
from twinledger.books import Books
from twinledger.outbox import ByKind, LocalSender, Outgoing, PermanentSendError, Sender, Sent

if TYPE_CHECKING:
    from slack_sdk import WebClient


class NoAccount:
    """Refuses wake-ups where no service account is configured."""

    def send(self, item: Outgoing) -> Sent:
        """Say what is missing."""
        problem = f"{item.subject}: Airflow connection {CONNECTION} is missing; add it with a service account"
        raise PermanentSendError(problem)


@dataclass(frozen=True, slots=True)
class Senders(ByKind):
    """All of a deployment's."""

    wakes: bool = False
    """Whether Airflow can be woken from here."""


@contextmanager
def open_senders(books: Books, without_account: Sender | None = None) -> Iterator[Senders]:
    """Airflow for wake-ups; for people, Slack where there is a token, else the outbox itself.

    Without a service account, `without_account` gets the wake-ups; by default they are refused.
    """
    people = _people(books)
    account = _account()
    if account is None:
        yield Senders({WAKE: without_account or NoAccount()}, people)
        return
    with account as api:
        yield Senders({WAKE: AirflowWaker(books.store, api, books.clock)}, people, wakes=True)


def slack_of(books: Books) -> WebClient | None:
    """The workspace, where there is a token for it."""
    settings = books.settings.slack
    if not settings.token.get_secret_value():
        return None
    from twinledger.slack.sender import slack_client  # noqa: PLC0415 - only where there is a token

    return slack_client(settings)


def _people(books: Books) -> Sender:
    client = slack_of(books)
    if client is None:
        return LocalSender()
    from twinledger.slack.delivery import people_sender  # noqa: PLC0415 - only where there is a token

    return people_sender(books, client)


def _account() -> AirflowApi | None:
    try:
        found = BaseHook.get_connection(CONNECTION)
    except AirflowNotFoundException:
        return None
    address = f"{found.schema or 'http'}://{found.host}:{found.port or 8080}"
    return AirflowApi(address, found.login or "", found.password or "")
