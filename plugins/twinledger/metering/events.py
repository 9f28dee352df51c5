"""CloudEvents as reporters send them over HTTP: from headers and bytes to lines of a spool file.

What belongs here: which of an event's attributes are read, and why one is refused. What does not: who sends
(`reporters`), keeping what is accepted (`gateway`), and the catalog: a meter or tenant that it does not have is
refused when the delivery is ingested, by row, as in every feed.

Source of the format: CloudEvents 1.0.2, JSON format, and HTTP protocol binding (structured, batched and binary
content mode).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from twinledger.vocabulary.errors import (
    EventsTooLargeError,
    InvalidAmountError,
    UnknownMediaTypeError,
    UnreadableEventsError,
)
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.money import QUANTITY_SCALE, parse_amount, plain

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LARGEST_BODY = 4 << 20
"""Bytes of one request."""
LONGEST_BATCH = 1000
"""Events of one request."""
LARGEST_EVENT = 64 << 10
"""Bytes of one event: what CloudEvents lets every intermediary refuse above."""
_LONGEST_TEXT = 1024
_MOST = Decimal(10) ** 10
_YEARS = range(2001, 2099)


@dataclass(frozen=True, slots=True)
class Event:
    """One event that the ledger can book: known by (source, id), and the line that is kept of it."""

    identity: str
    line: bytes


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """One event that is not kept: its place in the request, from 0, and why."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What one request holds; `alone` where it is a single event, which is refused with its request."""

    events: tuple[Event, ...]
    refused: tuple[RefusedEvent, ...]
    alone: bool


class _RefusedError(Exception):
    """Why one event is not kept."""


def read_events(headers: Mapping[str, str], body: bytes, reporter: str) -> Sent:
    """The events of a request, in structured, batched or binary mode.

    Args:
        headers: of the request, names in lower case.
        body: its bytes.
        reporter: who sends; kept with each event as its extension attribute `reporter`.

    Raises:
        UnknownMediaTypeError: it is sent as something else.
        UnreadableEventsError: it is no JSON, or not of the form that its mode has.
        EventsTooLargeError: the body, the batch or a single event is beyond its limit.
    """
    if len(body) > LARGEST_BODY:
        raise EventsTooLargeError("body", f"{LARGEST_BODY} bytes")
    mode = _mode(headers)
    if mode != BATCH and len(body) > LARGEST_EVENT:
        raise EventsTooLargeError("event", f"{LARGEST_EVENT} bytes")
    content = _json(body)
    if mode != BATCH:
        found = content if mode == SINGLE else {**_attributes(headers), "data": content}
        return _sent([found], reporter, alone=True)
    if not isinstance(content, list):
        raise UnreadableEventsError("expected an array of events")
    if len(content) > LONGEST_BATCH:
        raise EventsTooLargeError("batch", f"{LONGEST_BATCH} events")
    return _sent(content, reporter, alone=False)


def _mode(headers: Mapping[str, str]) -> str:
    """SINGLE, BATCH or, in binary mode, nothing."""
    if (encoding := headers.get("content-encoding", "identity")) != "identity":
        raise UnknownMediaTypeError(f"content encoding {encoding}", "none")
    media, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and value.strip('"') not in ("utf-8", "us-ascii"):
            raise UnknownMediaTypeError(f"charset {value}", "UTF-8")
    if media in (SINGLE, BATCH):
        return media
    if "ce-specversion" in headers and (media == "application/json" or media.endswith("+json")):
        return ""
    raise UnknownMediaTypeError(media or "nothing", f"{SINGLE}, {BATCH}, or application/json with ce- headers")


def _attributes(headers: Mapping[str, str]) -> dict[str, str]:
    """An event's attributes in binary mode; the binding percent-encodes what is no printable ASCII."""
    return {name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")}


def _json(body: bytes) -> Any:  # noqa: ANN401 - whatever it is
    """The body's JSON with every number as the digits that were written: a float would not be the quantity."""
    try:
        return json.loads(body.decode("utf-8"), parse_float=_Digits, parse_int=_Digits, parse_constant=_Digits)
    except (ValueError, RecursionError) as error:
        problem = "nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0][:200]
        raise UnreadableEventsError(f"no JSON in UTF-8 ({problem})") from None


class _Digits(str):
    """A number of a JSON document, as it was written."""

    __slots__ = ()


def _sent(contents: list[Any], reporter: str, *, alone: bool) -> Sent:
    events, refused = [], []
    for index, content in enumerate(contents):
        try:
            events.append(_event(content, reporter))
        except _RefusedError as reason:
            refused.append(RefusedEvent(index, str(reason)))
    return Sent(tuple(events), tuple(refused), alone)


def _event(content: Any, reporter: str) -> Event:  # noqa: ANN401 - whatever it is
    """What the ledger reads of an event, and nothing else of it: what is kept is known to be readable."""
    if not isinstance(content, dict):
        raise _RefusedError("is no event: expected an object")
    source, identity = _text(content, "source"), _text(content, "id")
    if content.get("specversion") != "1.0":
        raise _RefusedError("specversion: expected the text 1.0")
    kind = _text(content, "type")
    if not all(kind.partition("/")):
        raise _RefusedError("type: expected product/meter, as in kubernetes/core-hours")
    data = content.get("data")
    if not isinstance(data, dict):
        raise _RefusedError("data: expected an object with quantity")
    started, ended = _times(content, data)
    line: dict[str, Any] = {
        "specversion": "1.0", "id": identity, "source": source, "type": kind, "subject": _text(content, "subject"),
        "reporter": reporter,
        "data": {
            "quantity": _quantity(data), "started_at": started, "ended_at": ended,
            **({} if data.get("resource") is None else {"resource": _text(data, "resource")}),
        },
    }  # fmt: skip
    kept = (json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
    if len(kept) > LARGEST_EVENT:
        raise _RefusedError(f"larger than {LARGEST_EVENT} bytes")
    return Event(digest(source, identity), kept)


def _text(of: Mapping[str, Any], name: str) -> str:
    value = of.get(name)
    if not isinstance(value, str) or isinstance(value, _Digits) or not value.strip():
        raise _RefusedError(f"{name}: expected a text that is not empty")
    if len(value) > _LONGEST_TEXT:
        raise _RefusedError(f"{name}: longer than {_LONGEST_TEXT} characters")
    if not all(character >= " " and character != "\x7f" for character in value):
        raise _RefusedError(f"{name}: has control characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _RefusedError(f"{name}: is no text in UTF-8") from None
    return value


def _quantity(data: Mapping[str, Any]) -> str:
    value = data.get("quantity")
    if not isinstance(value, str):
        raise _RefusedError("data.quantity: expected a number, or its digits as a text")
    try:
        quantity = parse_amount(value)
    except InvalidAmountError as error:
        raise _RefusedError(f"data.quantity: {value[:40]!r} {error.problem}") from None
    if not 0 <= quantity < _MOST:
        raise _RefusedError(f"data.quantity: {plain(quantity)} is not between 0 and 10 digits before the point")
    if quantity != quantity.quantize(Decimal(1).scaleb(-QUANTITY_SCALE)):
        raise _RefusedError(f"data.quantity: {plain(quantity)} has more than {QUANTITY_SCALE} decimals")
    return plain(quantity)


def _times(content: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[str, str]:
    """Start and end in UTC. Without a time of its own an event that is sent again would be of another day."""
    time = content.get("time")
    start = data.get("started_at") or time
    if start is None:
        raise _RefusedError("time: expected one, or data.started_at")
    started = _instant("data.started_at" if data.get("started_at") else "time", start)
    ended = _instant("data.ended_at", data.get("ended_at") or start)
    if ended < started:
        raise _RefusedError(f"data.ended_at: {ended.isoformat()} is before the start at {started.isoformat()}")
    return started.isoformat(), ended.isoformat()


def _instant(name: str, written: Any) -> datetime:  # noqa: ANN401 - whatever it is
    try:
        instant = datetime.fromisoformat(written).astimezone(UTC) if len(written) > len("2026-10-17T") else None
        aware = instant is not None and datetime.fromisoformat(written).tzinfo is not None
    except (TypeError, ValueError, OverflowError):
        instant, aware = None, False
    if instant is None or not aware or instant.year not in _YEARS:
        wanted = f"an instant with its zone between {_YEARS[0]} and {_YEARS[-1]}, as in 2026-10-17T08:00:00Z"
        raise _RefusedError(f"{name}: {str(written)[:40]!r} is none, expected {wanted}")
    return instant
