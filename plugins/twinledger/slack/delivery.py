"""Sending at once what a decision leads to, from the process that heard of it.

What belongs here: draining the outbox to Slack, where there is no account of Airflow's. What does not: waking Airflow,
which its own api-server (`airflow.at_once`) and the worker of the outbox do.
"""

from __future__ import annotations

from slack_sdk import WebClient

from twinledger.approvals import WAKE
from twinledger.books import Books
from twinledger.outbox import ByKind, DrainResult, Outgoing, RetryableSendError, Sent, drain
from twinledger.slack.alert_pictures import BooksCurves, alert_pictures
from twinledger.slack.attachments import every_file
from twinledger.slack.render import Links
from twinledger.slack.sender import SlackSender

LEFT_FOR_S = 1.0


class LeftToTheWorker:
    """Leaves wake-ups to the DAG that delivers the outbox, which has Airflow's account."""

    def send(self, item: Outgoing) -> Sent:
        """Put it back."""
        problem = f"{item.subject} is left to deliver_outbox"
        raise RetryableSendError(problem, LEFT_FOR_S)


def people_sender(books: Books, client: WebClient) -> SlackSender:
    """Sends messages to people by Slack."""
    links, pictures = Links(books.settings.public_url), alert_pictures(BooksCurves(books))
    return SlackSender(books.store, client, links, every_file(books), pictures)


def tell_people(books: Books, client: WebClient) -> DrainResult:
    """Send what is due to people."""
    return drain(books.store, ByKind({WAKE: LeftToTheWorker()}, people_sender(books, client)), books.clock)
