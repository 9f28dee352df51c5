"""What buckets say: each shape, and that anything else is a named error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.documents import changed_anywhere
from twinledger.cloud.notifications import CreatedObject, covering, created_objects
from twinledger.vocabulary.errors import UnreadableNotificationError


def s3_event(key: str = "exports/a.csv", name: str = "ObjectCreated:Put", bucket: str = "bills") -> dict[str, Any]:
    """As S3 sends it to a queue; the key is encoded as in a form."""
    described = {"bucket": {"name": bucket}, "object": {"key": key, "size": 5, "eTag": "abc"}}
    return {"Records": [{"eventVersion": "2.3", "eventSource": "aws:s3", "eventName": name, "s3": described}]}


def bridge_event(key: str = "exports/a.csv", kind: str = "Object Created") -> dict[str, Any]:
    """As EventBridge passes it on; the key is not encoded."""
    detail = {"version": "0", "bucket": {"name": "bills"}, "object": {"key": key, "size": 5}}
    return {"version": "0", "detail-type": kind, "source": "aws.s3", "detail": detail}


def in_sns(inner: object) -> dict[str, Any]:
    """As SNS hands it to a queue without raw delivery."""
    text = inner if isinstance(inner, str) else json.dumps(inner)
    return {"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": text}


def read(message: object) -> list[tuple[str, str]]:
    return [(one.bucket, one.key) for one in created_objects(json.dumps(message))]


@pytest.mark.parametrize("wrap", [lambda event: event, in_sns, lambda event: in_sns(in_sns(event))])
@pytest.mark.parametrize(
    "event", [s3_event(), s3_event(name="s3:ObjectCreated:CompleteMultipartUpload"), bridge_event()]
)
def test_every_shape_names_the_object(event: dict[str, Any], wrap: Callable[[Any], Any]) -> None:
    assert read(wrap(event)) == [("bills", "exports/a.csv")]


def test_the_key_of_an_s3_event_is_decoded_and_that_of_eventbridge_is_not() -> None:
    assert read(s3_event("exports/Oct+2026%2B%C3%BC.csv")) == [("bills", "exports/Oct 2026+ü.csv")]
    assert read(bridge_event("exports/Oct+2026%2B.csv")) == [("bills", "exports/Oct+2026%2B.csv")]


@given(st.text(min_size=1).filter(lambda key: "\x00" not in key and len(key.encode("utf-8", "replace")) <= 1024))
@example("a b+c%2F/ü")
def test_any_key_comes_out_as_it_was(key: str) -> None:
    try:
        key.encode()
    except UnicodeEncodeError:
        return
    assert read(s3_event(quote_plus(key))) == [("bills", key)]
    assert read(bridge_event(key)) == [("bills", key)]


@pytest.mark.parametrize(
    "event",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "bills", "RequestId": "1"},
        s3_event(name="ObjectRemoved:Delete"),
        s3_event(name="s3:ObjectRestore:Post"),
        bridge_event(kind="Object Deleted"),
        {"detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2", "detail": {}},
        {"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:us-east-1:1:t", "SubscribeURL": "https://x"},
        {"Records": []},
    ],
)
def test_a_test_event_and_other_kinds_of_events_name_nothing(event: dict[str, Any]) -> None:
    assert read(event) == []


def test_an_object_that_is_named_twice_is_one_object() -> None:
    event = {"Records": s3_event()["Records"] * 2 + s3_event("b.csv")["Records"]}
    assert read(event) == [("bills", "exports/a.csv"), ("bills", "b.csv")]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "expected JSON"),
        (b"\xff\xfe\xfd", "expected JSON"),
        ("[" * 100_000, "expected JSON"),
        ("[]", "expected a JSON object"),
        ("{}", "expected Records"),
        (json.dumps({"Records": [{}]}), "a record without eventName"),
        (json.dumps(s3_event(key="")), "a name that no object has"),
        (json.dumps(s3_event(key="a%00b")), "a name that no object has"),
        (json.dumps(s3_event(key="x" * 1025)), "a name that no object has"),
        (json.dumps(s3_event(key="%ff")), "a name that is no UTF-8"),
        (json.dumps(bridge_event(key="\ud800")), "a name that is no UTF-8"),
        (json.dumps(in_sns(in_sns(in_sns(s3_event())))), "too many envelopes"),
        (json.dumps({"TopicArn": "a", "Type": "Notification", "Message": 7}), "expected text"),
    ],
)
def test_what_is_no_notification_is_an_error_that_says_why(body: str | bytes, problem: str) -> None:
    with pytest.raises(UnreadableNotificationError, match=problem):
        created_objects(body)


def test_the_error_does_not_repeat_the_message() -> None:
    with pytest.raises(UnreadableNotificationError) as refused:
        created_objects("secret words")
    assert "secret" not in str(refused.value)


def checked(body: str | bytes) -> None:
    """A list of names that can be stored, or the named error."""
    try:
        found = created_objects(body)
    except UnreadableNotificationError:
        return
    for one in found:
        assert json.loads(json.dumps([one.bucket, one.key])) == [one.bucket, one.key]
        assert one.bucket.encode()
        assert one.key.encode()


@given(st.binary() | st.text())
def test_any_bytes_are_a_list_or_a_named_error(body: str | bytes) -> None:
    checked(body)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(ANYTHING)
def test_any_json_is_a_list_or_a_named_error(document: object) -> None:
    checked(json.dumps(document))
    checked(json.dumps(in_sns(document)))


@given(st.sampled_from([s3_event(), bridge_event(), in_sns(s3_event())]), st.data())
def test_a_notification_with_anything_at_any_place_is_a_list_or_a_named_error(
    event: dict[str, Any], data: st.DataObject
) -> None:
    checked(json.dumps(changed_anywhere(event, data, ANYTHING)))


PLACES = {
    "aws": "s3://bills/exports/aws/",
    "whole": "s3://bills",
    "other": "s3://bills/exports/aws-old",
    "elsewhere": "s3://metering/exports/aws",
    "folder": "/bills/exports/aws",
    "azure": "az://bills/exports/aws",
    "broken": "s3://",
}


def test_the_places_that_cover_an_object_are_those_of_its_bucket_and_prefix() -> None:
    assert covering(PLACES, [CreatedObject("bills", "exports/aws/2026/a.csv")]) == ["aws", "whole"]
    assert covering(PLACES, [CreatedObject("bills", "exports/aws-old/a"), CreatedObject("metering", "x")]) == [
        "other",
        "whole",
    ]
    assert covering(PLACES, []) == []
