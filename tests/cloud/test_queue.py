"""The queue of notifications, through boto3, from a real server of the protocol on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from mypy_boto3_sqs import SQSClient
from mypy_boto3_sqs.literals import QueueAttributeNameType

from tests.cloud.servers import Aws
from tests.cloud.test_notifications import s3_event
from twinledger.cloud.notifications import CreatedObject
from twinledger.cloud.queue import Batch, DeliveryQueue, open_queue
from twinledger.vocabulary.errors import QueueUnreachableError
from twinledger.vocabulary.settings import EventSettings

A = CreatedObject("bills", "a.csv")


@pytest.fixture
def client(aws: Aws) -> Iterator[SQSClient]:
    made = aws.sqs()
    yield made
    made.close()


@pytest.fixture
def url(client: SQSClient) -> str:
    return client.create_queue(QueueName="deliveries")["QueueUrl"]


@pytest.fixture
def queue(client: SQSClient, url: str) -> DeliveryQueue:
    return DeliveryQueue(client, url, wait_s=0)


def left(client: SQSClient, url: str) -> tuple[int, int]:
    """Messages that wait, and those that somebody has and did not delete."""
    names: list[QueueAttributeNameType] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(attributes[names[0]]), int(attributes[names[1]])


def test_an_empty_queue_says_nothing(queue: DeliveryQueue) -> None:
    assert queue.receive() == Batch()


def test_a_message_is_hidden_from_others_until_it_is_deleted(client: SQSClient, url: str, queue: DeliveryQueue) -> None:
    client.send_message(QueueUrl=url, MessageBody=json.dumps(s3_event("a.csv")))
    batch = queue.receive()
    assert batch.created == (A,)
    assert left(client, url) == (0, 1)
    assert queue.receive() == Batch()
    queue.delete(batch.receipts)
    assert left(client, url) == (0, 0)


def test_the_same_object_in_several_messages_is_one_object(client: SQSClient, url: str, queue: DeliveryQueue) -> None:
    for _ in range(3):
        client.send_message(QueueUrl=url, MessageBody=json.dumps(s3_event("a.csv")))
    batch = queue.receive()
    assert (batch.created, len(batch.receipts)) == ((A,), 3)


def test_what_nobody_understands_or_needs_is_deleted_at_once_and_holds_up_nothing(
    client: SQSClient, url: str, queue: DeliveryQueue
) -> None:
    useless = ["poison", "{}", json.dumps({"Event": "s3:TestEvent"}), json.dumps(s3_event(name="ObjectRemoved:Delete"))]
    for body in [*useless, json.dumps(s3_event("a.csv"))]:
        client.send_message(QueueUrl=url, MessageBody=body)
    batch = queue.receive()
    assert (batch.created, len(batch.receipts)) == ((A,), 1)
    assert left(client, url) == (0, 1)


def test_more_messages_than_one_call_takes_are_deleted(client: SQSClient, url: str, queue: DeliveryQueue) -> None:
    for number in range(25):
        client.send_message(QueueUrl=url, MessageBody=json.dumps(s3_event(f"{number}.csv")))
    receipts: list[str] = []
    while batch := queue.receive().receipts:
        receipts += batch
    queue.delete(receipts)
    assert (len(receipts), left(client, url)) == (25, (0, 0))


def test_deleting_a_message_twice_is_no_mistake(client: SQSClient, url: str, queue: DeliveryQueue) -> None:
    client.send_message(QueueUrl=url, MessageBody=json.dumps(s3_event("a.csv")))
    receipts = queue.receive().receipts
    queue.delete(receipts)
    queue.delete([*receipts, "made up"])


def test_a_queue_that_is_not_there_is_named(aws: Aws) -> None:
    settings = EventSettings(queue_url=f"{aws.url}/123456789012/nothing", region="us-east-1", endpoint=aws.url)
    with pytest.raises(QueueUnreachableError, match="nothing cannot be read"):
        open_queue(settings).receive()


def test_settings_that_boto3_cannot_use_are_named() -> None:
    with pytest.raises(QueueUnreachableError, match="nobody"):
        open_queue(EventSettings(queue_url="https://sqs.example.com/1/q", profile="nobody"))
    with pytest.raises(QueueUnreachableError, match="not a url"):
        open_queue(EventSettings(queue_url="q", region="us-east-1", endpoint="not a url"))
