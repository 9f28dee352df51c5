"""Notifications: which objects a bucket says were created.

What belongs here: the shapes that such a message comes in, and which addresses cover an object. What does
not: the queue (`queue`), and what a source is. A notification is only a hint to look: nothing is decided
by what it says.

Shapes: "Event message structure" and "EventBridge event message structure" in Amazon's S3 user guide, and
either of them in an SNS notification.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from twinledger.cloud.addresses import bucket_and_prefix
from twinledger.vocabulary.errors import InvalidConfigError, UnreadableNotificationError

_LONGEST_BUCKET, _LONGEST_KEY = 255, 1024
_ENVELOPES = 3


@dataclass(frozen=True, slots=True, order=True)
class CreatedObject:
    """One object of a bucket; `key` as it is, not as it is encoded."""

    bucket: str
    key: str


def created_objects(body: str | bytes) -> list[CreatedObject]:
    """The objects that a message says were created, each once; none for a test event or another kind of event.

    Raises:
        UnreadableNotificationError: the message is none of the known shapes, or names no possible object.
    """
    content: str | bytes | Mapping[str, Any] = body
    for _ in range(_ENVELOPES):
        event = _object(content)
        if "TopicArn" not in event:
            return list(dict.fromkeys(_created(event)))
        if event.get("Type") != "Notification":
            return []
        content = event.get("Message", "")
    raise UnreadableNotificationError("too many envelopes")


def covering(places: Mapping[str, str], created: Iterable[CreatedObject]) -> list[str]:
    """Names of the places, by their addresses, in whose bucket and prefix an object was created; in order."""
    found = set()
    objects = list(created)
    for name, address in places.items():
        if not address.startswith("s3://"):
            continue
        try:
            bucket, prefix = bucket_and_prefix(address)
        except InvalidConfigError:
            continue  # ingestion says so; it must not keep the others from being looked at
        if any(one.bucket == bucket and one.key.startswith(prefix) for one in objects):
            found.add(name)
    return sorted(found)


def _object(content: object) -> Mapping[str, Any]:
    if isinstance(content, Mapping):
        return content
    if not isinstance(content, str | bytes):
        raise UnreadableNotificationError("expected text")
    try:
        loaded = json.loads(content)
    except (ValueError, RecursionError):
        raise UnreadableNotificationError("expected JSON") from None
    if not isinstance(loaded, dict):
        raise UnreadableNotificationError("expected a JSON object")
    return loaded


def _created(event: Mapping[str, Any]) -> Iterable[CreatedObject]:
    if event.get("Event") == "s3:TestEvent":
        return
    if isinstance(records := event.get("Records"), list):
        for record in records:
            yield from _of_record(record)
    elif "detail-type" in event:
        if event.get("source") == "aws.s3" and event["detail-type"] == "Object Created":
            yield _named(event.get("detail"), encoded=False)
    else:
        raise UnreadableNotificationError("expected Records, detail-type or a test event")


def _of_record(record: object) -> Iterable[CreatedObject]:
    if not isinstance(record, Mapping) or not isinstance(name := record.get("eventName"), str):
        raise UnreadableNotificationError("a record without eventName")
    if name.removeprefix("s3:").startswith("ObjectCreated:"):
        yield _named(record.get("s3"), encoded=True)


def _named(said: object, *, encoded: bool) -> CreatedObject:
    """The object of {"bucket": {"name": ...}, "object": {"key": ...}}."""
    bucket, key = _text(said, "bucket", "name"), _text(said, "object", "key")
    try:
        if encoded:
            key = unquote_plus(key, errors="strict")
        length = len(key.encode())
        bucket.encode("ascii")
    except UnicodeError:
        raise UnreadableNotificationError("a name that is no UTF-8") from None
    if not 0 < length <= _LONGEST_KEY or not 0 < len(bucket) <= _LONGEST_BUCKET or "\x00" in bucket + key:
        raise UnreadableNotificationError("a name that no object has")
    return CreatedObject(bucket, key)


def _text(said: object, part: str, name: str) -> str:
    inner = said.get(part) if isinstance(said, Mapping) else None
    value = inner.get(name) if isinstance(inner, Mapping) else None
    if not isinstance(value, str):
        raise UnreadableNotificationError(f"no {part}.{name}")
    return value
