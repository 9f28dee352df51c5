"""The queue that buckets' notifications come by: SQS.

What belongs here: receiving and deleting. What does not: what a message says (`notifications`), and what is
done about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from twinledger.cloud.notifications import CreatedObject, created_objects
from twinledger.vocabulary.errors import QueueUnreachableError, UnreadableNotificationError
from twinledger.vocabulary.settings import EventSettings

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

log = structlog.get_logger(__name__)

BATCH = 10
"""Messages that SQS hands out, and takes back, at once."""

WAIT_S = 10
"""So long does the queue hold an empty answer back. At most 20; a process that ends waits for it."""

HIDDEN_S = 120
"""So long does nobody else get a message. One that is not deleted meanwhile comes again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What some messages said, and what deletes them."""

    created: tuple[CreatedObject, ...] = ()
    receipts: tuple[str, ...] = ()


class DeliveryQueue:
    """One queue. Its methods block: call them from a thread where others must not wait."""

    def __init__(self, client: SQSClient, url: str, wait_s: int = WAIT_S) -> None:
        """Open; nothing is asked yet."""
        self._client = client
        self._url = url
        self._wait_s = wait_s

    def receive(self) -> Batch:
        """Wait for messages. Those that name no object, or that nobody understands, are deleted at once.

        Raises:
            QueueUnreachableError: the queue does not answer, or refuses.
        """
        try:
            messages = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=self._wait_s, VisibilityTimeout=HIDDEN_S
            ).get("Messages", [])
        except (BotoCoreError, ClientError) as problem:
            raise QueueUnreachableError(self._url, str(problem)) from None
        created: dict[CreatedObject, None] = {}
        kept: list[str] = []
        useless: list[str] = []
        for message in messages:
            said = _said(message.get("MessageId", ""), message.get("Body", ""))
            (kept if said else useless).append(message["ReceiptHandle"])
            created |= dict.fromkeys(said)
        self.delete(useless)
        return Batch(tuple(created), tuple(kept))

    def delete(self, receipts: Sequence[str]) -> None:
        """Delete messages. One that cannot be deleted comes again, which changes nothing.

        Raises:
            QueueUnreachableError: the queue does not answer, or refuses.
        """
        for start in range(0, len(receipts), BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt}
                for number, receipt in enumerate(receipts[start : start + BATCH])
            ]
            try:
                answer = self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]  # plain dicts
            except (BotoCoreError, ClientError) as problem:
                raise QueueUnreachableError(self._url, str(problem)) from None
            if failed := answer.get("Failed"):
                log.warning("notification.kept", messages=len(failed), code=failed[0].get("Code"))


def _said(message: str, body: str) -> list[CreatedObject]:
    try:
        return created_objects(body)
    except UnreadableNotificationError as problem:
        log.warning("notification.refused", message=message, problem=str(problem))
        return []


def open_queue(settings: EventSettings) -> DeliveryQueue:
    """The configured queue; credentials come from boto3's own chain.

    Raises:
        QueueUnreachableError: boto3 cannot make a client of the settings.
    """
    try:
        session = boto3.Session(profile_name=settings.profile or None, region_name=settings.region or None)
        config = Config(connect_timeout=10, read_timeout=2 * WAIT_S, retries={"mode": "standard"})
        client = session.client("sqs", endpoint_url=settings.endpoint or None, config=config)
    except (BotoCoreError, ValueError) as problem:
        raise QueueUnreachableError(settings.queue_url, str(problem)) from None
    return DeliveryQueue(client, settings.queue_url)
