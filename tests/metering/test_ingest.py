from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twinledger.books import Books
from twinledger.metering import ingest_feed
from twinledger.store import models
from twinledger.vocabulary.errors import UnknownNameError

HEADER = "tenant,product,meter,resource,started_at,ended_at,quantity\n"
Feed = Callable[[str], str]
Usage = Callable[[], list[tuple[str, str, Decimal, str, bool]]]
Refused = Callable[[], list[tuple[int, str, str]]]


def line(quantity: str, day: str = "2026-10-17", meter: str = "hours") -> str:
    return f"shop,kube,{meter},node-1,{day}T00:00:00Z,{day}T01:00:00Z,{quantity}\n"


def event(identity: str, quantity: object, day: str = "2026-10-17") -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": identity,
        "source": "/meter/a",
        "type": "kube/hours",
        "subject": "shop",
        "time": f"{day}T00:00:00Z",
        "data": {"quantity": quantity, "resource": "node-1"},
    }


def again(path: Path, text: str, seconds: int) -> None:
    """The same file with other content, modified so many seconds later."""
    before = path.stat().st_mtime
    path.write_text(text)
    os.utime(path, (before + seconds, before + seconds))


def test_a_csv_file_becomes_usage_once(books: Books, inbox: Path, feed: Feed, usage: Usage) -> None:
    (inbox / "a.csv").write_text(HEADER + line("1.5") + line("0.000000001", "2026-10-18", "gib"))
    (outcome,) = ingest_feed(books, feed("csv"))
    assert (outcome.state, outcome.rows_in, outcome.rows_ledger, outcome.rows_quarantined) == ("ingested", 2, 2, 0)
    assert (outcome.slices, outcome.periods) == (("2026-10-17", "2026-10-18"), ("2026-10",))
    assert usage() == [
        ("2026-10-17", "hours", Decimal("1.5"), "2026-10", False),
        ("2026-10-18", "gib", Decimal("1E-9"), "2026-10", False),
    ]
    assert [one.state for one in ingest_feed(books, "feed")] == ["unchanged"]


def test_the_same_content_under_another_name_adds_nothing(books: Books, inbox: Path, feed: Feed, usage: Usage) -> None:
    (inbox / "a.csv").write_text(HEADER + line("1"))
    (inbox / "b.csv").write_text(HEADER + line("1"))
    assert sorted(one.state for one in ingest_feed(books, feed("csv"))) == ["ingested", "unchanged"]
    assert len(usage()) == 1


def test_files_of_one_day_add_up_in_any_order(books: Books, inbox: Path, feed: Feed, usage: Usage) -> None:
    name = feed("csv")
    (inbox / "b.csv").write_text(HEADER + line("2"))
    ingest_feed(books, name)
    (inbox / "a.csv").write_text(HEADER + line("1"))
    ingest_feed(books, name)
    assert [record[2] for record in usage()] == [Decimal(1), Decimal(2)]


def test_a_file_that_comes_again_replaces_what_it_said(books: Books, inbox: Path, feed: Feed, usage: Usage) -> None:
    name = feed("csv")
    (inbox / "other.csv").write_text(HEADER + line("7"))
    (inbox / "a.csv").write_text(HEADER + line("1") + line("2", "2026-10-18"))
    ingest_feed(books, name)
    for seconds, quantity in ((10, "3"), (20, "1"), (30, "3")):
        again(inbox / "a.csv", HEADER + line(quantity), seconds)
        outcomes = ingest_feed(books, name)
        assert [one.state for one in outcomes if one.key == "a.csv"] == ["ingested"]
        assert [(record[0], record[2]) for record in usage()] == sorted(
            [("2026-10-17", Decimal(quantity)), ("2026-10-17", Decimal(7))]
        )


def test_usage_of_a_closed_period_is_late_in_the_next_open_one(
    books: Books, inbox: Path, feed: Feed, usage: Usage
) -> None:
    with books.store.transaction() as session:
        session.add_all([models.PeriodState(period=period, state="closed") for period in ("2026-08", "2026-09")])
    (inbox / "a.csv").write_text(HEADER + line("1", "2026-08-31") + line("2", "2026-10-01"))
    (outcome,) = ingest_feed(books, feed("csv"))
    assert [(record[0], record[3], record[4]) for record in usage()] == [
        ("2026-08-31", "2026-10", True),
        ("2026-10-01", "2026-10", False),
    ]
    assert outcome.periods == ("2026-10",)


def test_a_closed_period_keeps_its_records_when_their_file_comes_again(
    books: Books, inbox: Path, feed: Feed, usage: Usage
) -> None:
    name = feed("csv")
    (inbox / "a.csv").write_text(HEADER + line("5", "2026-09-30"))
    ingest_feed(books, name)
    with books.store.transaction() as session:
        session.add(models.PeriodState(period="2026-09", state="closed"))
    for seconds, quantity in ((10, "4"), (20, "6")):
        again(inbox / "a.csv", HEADER + line(quantity, "2026-09-30"), seconds)
        (outcome,) = ingest_feed(books, name)
        assert outcome.periods == ("2026-10",)
        assert [(record[2], record[3], record[4]) for record in usage()] == [
            (Decimal(-5), "2026-10", True),
            *sorted([(Decimal(5), "2026-09", False), (Decimal(quantity), "2026-10", True)]),
        ]


BAD_ROWS = [
    ("shop,kube,hours,n,2026-10-17T00:00:00Z,2026-10-17T01:00:00Z,NaN", "bad-number", "NaN is no finite decimal"),
    ("shop,kube,hours,n,2026-10-17T00:00:00Z,2026-10-17T01:00:00Z,-Infinity", "bad-number", "-Infinity is no finite"),
    ("shop,kube,hours,n,2026-10-17T00:00:00Z,2026-10-17T01:00:00Z,12 hours", "bad-number", "12 hours is no finite"),
    ("shop,kube,hours,n,2026-10-17T00:00:00Z,2026-10-17T01:00:00Z,10000000000", "bad-number", "at most 10 digits"),
    ("shop,kube,hours,n,2026-10-17T00:00:00Z,2026-10-17T01:00:00Z,0.1234567891", "too-many-decimals", "9 decimals"),
    (f"shop,kube,hours,n,2026-10-17T00:00:00Z,2026-10-17T01:00:00Z,0.{'1' * 30}", "too-many-decimals", "9 decimals"),
    ("shop,kube,hours,n,2026-10-17T00:00:00Z,2026-10-17T01:00:00Z,-1", "negative-number", "below zero"),
    ("shop,kube,hours,n,2026-10-17T00:00:00Z,2026-10-17T01:00:00Z,", "missing-number", "has no quantity"),
    ("nobody,kube,hours,n,2026-10-17T00:00:00Z,2026-10-17T01:00:00Z,1", "unknown-tenant", "has tenant nobody"),
    ("shop,rocket,hours,n,2026-10-17T00:00:00Z,2026-10-17T01:00:00Z,1", "unknown-product", "product named rocket"),
    ("shop,kube,cards,n,2026-10-17T00:00:00Z,2026-10-17T01:00:00Z,1", "unknown-meter", "has no meter cards"),
    ("shop,old,hours,n,2026-10-10T00:00:00Z,2026-10-10T01:00:00Z,1", "retired-product", "it was retired before"),
    ("shop,kube,hours,n,,2026-10-17T01:00:00Z,1", "missing-time", "no start or no end"),
    ("shop,kube,hours,n,yesterday,2026-10-17T01:00:00Z,1", "bad-time", "start yesterday"),
    ("shop,kube,hours,n,2026-10-17T01:00:00Z,2026-10-17T00:00:00Z,1", "end-before-start", "before its start"),
]


def test_bad_rows_are_quarantined_with_number_and_reason_and_nothing_is_lost(
    books: Books, inbox: Path, feed: Feed, usage: Usage, refused: Refused
) -> None:
    (inbox / "a.csv").write_text(HEADER + line("1") + "".join(f"{row}\n" for row, _, _ in BAD_ROWS) + line("2"))
    (outcome,) = ingest_feed(books, feed("csv"))
    assert (outcome.rows_in, outcome.rows_ledger) == (len(BAD_ROWS) + 2, 2)
    assert outcome.rows_quarantined == len(BAD_ROWS)
    found = refused()
    assert [(row, code) for row, code, _ in found] == [(2 + n, code) for n, (_, code, _) in enumerate(BAD_ROWS)]
    for (_, _, reason), (_, _, expected) in zip(found, BAD_ROWS, strict=True):
        assert expected in reason
    assert [record[2] for record in usage()] == [Decimal(1), Decimal(2)]


def test_digits_of_json_numbers_are_kept(books: Books, inbox: Path, feed: Feed, usage: Usage) -> None:
    record = '{"tenant": "shop", "product": "kube", "meter": "hours", "started_at": "2026-10-17T02:00:00+02:00", '
    record += '"ended_at": "2026-10-17T01:00:00Z", "quantity": 1234567890.123456789}\n'
    (inbox / "a.jsonl.gz").write_bytes(gzip.compress(("\n" + record).encode()))
    ingest_feed(books, feed("jsonl"))
    assert usage() == [("2026-10-17", "hours", Decimal("1234567890.123456789"), "2026-10", False)]


def test_a_line_that_is_no_json_is_one_bad_row(books: Books, inbox: Path, feed: Feed, refused: Refused) -> None:
    (inbox / "a.jsonl").write_text("{broken\n[1]\n")
    (outcome,) = ingest_feed(books, feed("jsonl"))
    assert (outcome.rows_in, outcome.rows_quarantined) == (2, 2)
    assert [code for _, code, _ in refused()] == ["missing-tenant", "missing-tenant"]


def test_a_parquet_file_is_read_with_all_its_digits(books: Books, inbox: Path, feed: Feed, usage: Usage) -> None:
    day = pa.array(["2026-10-17T00:00:00Z"]).cast(pa.timestamp("us", tz="UTC"))
    texts = {name: pa.array([value]) for name, value in (("tenant", "shop"), ("product", "kube"), ("meter", "gib"))}
    quantity = pa.array([Decimal("1234567890.123456789")], pa.decimal128(19, 9))
    pq.write_table(pa.table({**texts, "started_at": day, "ended_at": day, "quantity": quantity}), inbox / "a.parquet")
    ingest_feed(books, feed("parquet"))
    assert usage() == [("2026-10-17", "gib", Decimal("1234567890.123456789"), "2026-10", False)]


def test_an_event_that_comes_again_is_known_by_source_and_id(
    books: Books, inbox: Path, feed: Feed, usage: Usage, refused: Refused
) -> None:
    name = feed("cloudevents")
    events = [event("1", "1.5"), event("2", 2), event("1", "1.5"), {**event("1", 4), "source": "/meter/b"}]
    (inbox / "a.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in events))
    (first,) = ingest_feed(books, name)
    (inbox / "b.json").write_text(json.dumps([event("2", 2), event("3", 8)]))
    second = next(one for one in ingest_feed(books, name) if one.key == "b.json")
    assert (first.rows_ledger, first.rows_quarantined, second.rows_ledger, second.rows_quarantined) == (3, 1, 1, 1)
    assert [record[2] for record in usage()] == [Decimal("1.5"), Decimal(2), Decimal(4), Decimal(8)]
    assert {code for _, code, _ in refused()} == {"duplicate-event"}


@pytest.mark.parametrize(
    ("form", "name", "content", "code"),
    [
        ("csv", "a.csv", b"", "empty"),
        ("csv", "a.csv", HEADER.encode(), "empty"),
        ("csv", "a.csv", b"tenant,product\nshop,kube\n", "unknown-columns"),
        ("csv", "a.csv.gz", gzip.compress((HEADER + line("1") * 5000).encode(), mtime=0)[:-40], "unreadable"),
        ("csv", "a.csv", gzip.compress(b"x", mtime=0), "unreadable"),
        ("csv", "a.csv", HEADER.encode() + b"shop,kube\n", "unreadable"),
        ("parquet", "a.parquet", b"PAR1 and no more", "unreadable"),
        ("jsonl", "a.jsonl", b"\n\n", "empty"),
        ("cloudevents", "a.json", b"[{]", "unreadable"),
        ("cloudevents", "a.json", b"[]", "empty"),
    ],
)
def test_a_bad_file_is_quarantined_whole_and_the_others_are_not(
    books: Books, inbox: Path, feed: Feed, usage: Usage, form: str, name: str, content: bytes, code: str
) -> None:
    (inbox / name).write_bytes(content)
    good = {
        "csv": ("b.csv", HEADER + line("1")),
        "cloudevents": ("b.jsonl", json.dumps(event("1", 1))),
        "jsonl": (
            "b.jsonl",
            json.dumps({**dict(zip(HEADER.strip().split(","), line("1").strip().split(","), strict=True))}),
        ),
    }
    if form in good:
        (inbox / good[form][0]).write_text(good[form][1])
    outcomes = {one.key: one for one in ingest_feed(books, feed(form))}
    assert (outcomes[name].state, outcomes[name].reason_code) == ("quarantined", code)
    assert len(usage()) == len(outcomes) - 1
    with books.store.transaction() as session:
        assert [item.kind for item in session.query(models.OutboxItem)] == ["quarantine"]
    assert {one.state for one in ingest_feed(books, "feed")} == {"unchanged"}


def test_a_delivery_that_the_gate_stops_is_quarantined(
    books: Books,
    inbox: Path,
    feed: Feed,
    usage: Usage,
    gate: Any,  # noqa: ANN401 - the fake of conftest.py
) -> None:
    gate.stops["delivery"] = ("too much",)
    (inbox / "a.csv").write_text(HEADER + line("1"))
    (outcome,) = ingest_feed(books, feed("csv"))
    assert (outcome.state, outcome.reason_code) == ("quarantined", "gate")
    assert usage() == []


def test_an_unknown_feed_is_refused_by_name(books: Books) -> None:
    with pytest.raises(UnknownNameError, match="metering feed named 'x'"):
        ingest_feed(books, "x")


def test_what_was_not_measured_is_in_quarantine_with_from_and_to(
    books: Books, inbox: Path, feed: Feed, usage: Usage, refused: Refused
) -> None:
    hour = {"tenant": "shop", "product": "kube", "meter": "hours", "started_at": "2026-10-17T01:00:00+00:00"}
    gap = {**hour, "ended_at": "2026-10-17T02:00:00+00:00", "quantity": None, "gap": "2 series without a sample"}
    (inbox / "2026-10-17.jsonl").write_text(
        f"{json.dumps({**hour, 'ended_at': '2026-10-17T02:00:00Z', 'quantity': '1.500000000'})}\n{json.dumps(gap)}\n"
    )
    (outcome,) = ingest_feed(books, feed("prometheus"))
    assert (outcome.rows_ledger, outcome.rows_quarantined, len(usage())) == (1, 1, 1)
    reason = "was not measured from 2026-10-17T01:00:00+00:00 to 2026-10-17T02:00:00+00:00: 2 series without a sample"
    assert refused() == [(2, "no-samples", reason)]
