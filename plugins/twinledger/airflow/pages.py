"""The pages inside Airflow: its users, and sending at once what a decision there or in Slack leads to.

What belongs here: what Airflow knows and the pages do not. What does not: the pages (`web`).
"""

from __future__ import annotations

from functools import cache

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import FastAPI

from twinledger.deployment import open_books
from twinledger.slack import delivery
from twinledger.slack.sender import slack_client
from twinledger.web import create_app


def airflow_user(user: GetUserDep) -> str:
    """The name of who is signed in to Airflow; without a valid token Airflow answers 401."""
    return user.get_name()


def tell_people() -> None:
    """Send what is due to Slack, where there is a token; without one the worker marks it as told."""
    with open_books() as books:
        settings = books.settings.slack
        if settings.token.get_secret_value():
            delivery.tell_people(books, slack_client(settings))


@cache
def app() -> FastAPI:
    """The one app of this process."""
    return create_app(open_books, airflow_user, tell_people)
