from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway_workers import usage_event
from twinledger.metering.events import BATCH, LARGEST_EVENT, LONGEST_BATCH, SINGLE, Sent, read_events
from twinledger.vocabulary.errors import (
    EventsRefusedError,
    EventsTooLargeError,
    UnknownMediaTypeError,
    UnreadableEventsError,
)

GOOD = usage_event("/meter/a", 8)


def changed(**attributes: object) -> dict[str, Any]:
    """The good event with other attributes; None takes one away, and names with data_ stand in its data."""
    event: dict[str, Any] = json.loads(json.dumps(GOOD))
    for name, value in attributes.items():
        at = event["data"] if name.startswith("data_") else event
        key = name.removeprefix("data_")
        if value is None:
            del at[key]
        else:
            at[key] = value
    return event


def batch(*events: object) -> Sent:
    return read_events({"content-type": BATCH}, json.dumps(events).encode(), "eu")


def test_an_event_is_kept_as_the_ledger_reads_it_and_with_who_sent_it() -> None:
    body = json.dumps(changed(data_quantity=0, time="2026-10-17T10:00:00+02:00")).replace(" 0,", " 1234567890.10,")
    (event,) = read_events({"content-type": f"{SINGLE}; charset=utf-8"}, body.encode(), "eu").events
    line = json.loads(event.line)
    assert event.line.endswith(b"\n")
    assert line["reporter"] == "eu"
    assert line["data"] == {
        "quantity": "1234567890.10", "resource": "node-1",
        "started_at": "2026-10-17T08:00:00+00:00", "ended_at": "2026-10-17T08:00:00+00:00",
    }  # fmt: skip


def test_the_three_modes_of_the_binding_say_the_same_event() -> None:
    headers = {f"ce-{name}": value for name, value in GOOD.items() if name != "data"}
    headers |= {"content-type": "application/json", "ce-subject": "%73hop"}
    binary = read_events(headers, json.dumps(GOOD["data"]).encode(), "eu")
    single = read_events({"content-type": SINGLE}, json.dumps(GOOD).encode(), "eu")
    assert binary == single
    assert binary.alone
    assert batch(GOOD).events == single.events
    assert not batch(GOOD).alone


def test_the_same_source_and_id_is_the_same_event_whatever_else_it_says() -> None:
    same, other = batch(GOOD, changed(data_quantity="5")), batch(GOOD, changed(source="/meter/b"))
    assert len({event.identity for event in same.events}) == 1
    assert len({event.identity for event in other.events}) == 2


REFUSED = [
    ("text", "is no event"),
    (changed(source=None), "source"),
    (changed(source=""), "source"),
    (changed(id=7), "id"),
    (changed(id="a\x00b"), "control characters"),
    (changed(id="x" * 1025), "longer than 1024"),
    (changed(source="\ud800"), "no text in UTF-8"),
    (changed(specversion="0.3"), "specversion"),
    (changed(type="kube"), "product/meter"),
    (changed(type="/hours"), "product/meter"),
    (changed(subject=None), "subject"),
    (changed(data=[1]), "data"),
    (changed(data_quantity=None), "data.quantity: expected a number"),
    (changed(data_quantity=True), "data.quantity: expected a number"),
    (changed(data_quantity="12 hours"), "no finite decimal"),
    (changed(data_quantity=float("nan")), "no finite decimal"),
    (changed(data_quantity=float("-inf")), "no finite decimal"),
    (changed(data_quantity="1e999"), "digits before the point"),
    (changed(data_quantity="10000000000"), "10 digits"),
    (changed(data_quantity="-0.5"), "between 0"),
    (changed(data_quantity="0.1234567891"), "9 decimals"),
    (changed(time=None), "time: expected one"),
    (changed(time="2026-10-17"), "instant with its zone"),
    (changed(time="2026-10-17T08:00:00"), "instant with its zone"),
    (changed(time="1999-12-31T00:00:00Z"), "between 2001 and 2098"),
    (changed(time=["2026-10-17T08:00:00Z"]), "instant with its zone"),
    (changed(data_ended_at="2026-10-17T07:00:00Z"), "before the start"),
    (changed(data_resource=5), "resource"),
]


@pytest.mark.parametrize(("event", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_an_event_that_cannot_be_booked_is_refused_by_its_place_and_the_others_are_not(
    event: object, reason: str
) -> None:
    sent = batch(GOOD, event, changed(id="9"))
    assert len(sent.events) == 2
    assert [one.index for one in sent.refused] == [1]
    assert reason in sent.refused[0].reason


@pytest.mark.parametrize(
    ("headers", "body", "error", "sentence"),
    [
        ({"content-type": "text/csv"}, b"", UnknownMediaTypeError, "sent as text/csv"),
        ({}, b"{}", UnknownMediaTypeError, "sent as nothing"),
        ({"content-type": "application/json"}, b"{}", UnknownMediaTypeError, "ce- headers"),
        ({"content-type": f"{SINGLE}; charset=latin1"}, b"{}", UnknownMediaTypeError, "charset latin1"),
        ({"content-type": SINGLE, "content-encoding": "gzip"}, b"", UnknownMediaTypeError, "content encoding gzip"),
        ({"content-type": SINGLE}, b"{", UnreadableEventsError, "no JSON"),
        ({"content-type": SINGLE}, b"\xff{}", UnreadableEventsError, "no JSON"),
        ({"content-type": BATCH}, b"{}", UnreadableEventsError, "expected an array"),
        ({"content-type": BATCH}, b"[" * 200_000, UnreadableEventsError, "nested too deeply"),
        ({"content-type": BATCH}, b"[" + b"1," * LONGEST_BATCH + b"1]", EventsTooLargeError, "1000 events"),
        ({"content-type": SINGLE}, b" " * (LARGEST_EVENT + 1), EventsTooLargeError, "65536 bytes"),
    ],
)
def test_a_request_that_holds_no_events_is_refused_whole(
    headers: dict[str, str], body: bytes, error: type[EventsRefusedError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        read_events(headers, body, "eu")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*GOOD, *GOOD["data"]]) | st.text(), inner),
)


@given(st.lists(JSON | st.builds(lambda more: {**GOOD, **more}, st.dictionaries(st.sampled_from(list(GOOD)), JSON))))
def test_every_event_of_a_batch_is_kept_readable_or_refused(events: list[object]) -> None:
    sent = batch(*events)
    assert len(sent.events) + len(sent.refused) == len(events)
    for event in sent.events:
        line = json.loads(event.line)
        assert event.line.count(b"\n") == 1
        assert 0 <= Decimal(line["data"]["quantity"]) < 10**10
        assert all(line[name] for name in ("id", "source", "type", "subject"))


@given(st.binary(), st.sampled_from([BATCH, SINGLE, "application/json"]))
def test_no_bytes_make_anything_but_events_or_a_sentence(body: bytes, media: str) -> None:
    with contextlib.suppress(EventsRefusedError):
        sent = read_events({"content-type": media, "ce-specversion": "1.0"}, body, "eu")
        assert sent.events or sent.refused or json.loads(body) == []
