"""The pages inside Airflow: its users, and sending at once what a decision there or in Slack leads to.

What belongs here: what Airflow knows and the pages do not. What does not: the pages (`web`).
"""

from __future__ import annotations

from functools import cache

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import FastAPI

from twinledger.deployment import open_books
from twinledger.outbox import ByKind, Outgoing, RetryableSendError, Sent, drain
from twinledger.slack.attachments import statement_pdf
from twinledger.slack.render import Links
from twinledger.slack.sender import SlackSender, slack_client
from twinledger.web import create_app

LEFT_FOR_S = 1.0


def airflow_user(user: GetUserDep) -> str:
    """The name of who is signed in to Airflow; without a valid token Airflow answers 401."""
    return user.get_name()


class LeftToTheWorker:
    """Leaves wake-ups to the DAG that delivers the outbox: the api-server does not call itself."""

    def send(self, item: Outgoing) -> Sent:
        """Put it back."""
        problem = f"{item.subject} is left to deliver_outbox"
        raise RetryableSendError(problem, LEFT_FOR_S)


def tell_people() -> None:
    """Send what is due to Slack, where there is a token; without one the worker marks it as told."""
    with open_books() as books:
        settings = books.settings.slack
        if settings.token.get_secret_value():
            links = Links(books.settings.public_url)
            people = SlackSender(books.store, slack_client(settings), links, statement_pdf(books))
            drain(books.store, ByKind({"wake": LeftToTheWorker()}, people), books.clock)


@cache
def app() -> FastAPI:
    """The one app of this process."""
    return create_app(open_books, airflow_user, tell_people)
