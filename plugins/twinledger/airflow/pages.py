"""The pages inside Airflow: its users, and sending at once what a decision there or in Slack leads to.

What belongs here: what Airflow knows and the pages do not. What does not: the pages (`web`).
"""

from __future__ import annotations

from functools import cache

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import FastAPI

from twinledger.airflow.at_once import AtOnce, deliver
from twinledger.deployment import open_books
from twinledger.web import create_app


def airflow_user(user: GetUserDep) -> str:
    """The name of who is signed in to Airflow; without a valid token Airflow answers 401."""
    return user.get_name()


@cache
def app() -> FastAPI:
    """The one app of this process."""
    return create_app(open_books, airflow_user, AtOnce(deliver).nudge)
