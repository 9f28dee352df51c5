"""Usage events over real HTTP: who may send, what is answered, and where they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway_workers import usage_event
from twinledger.books import Books
from twinledger.metering import LARGEST_BODY, add_reporter, ingest_feed, revoke_reporter
from twinledger.store import models

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
GOOD = usage_event("/meter/a", 1)
Post = Callable[..., httpx.Response]


@pytest.fixture
def feeds(books: Books, address: str, tmp_path: Path) -> dict[str, Path]:
    """Two feeds of events, each with a folder of its own."""
    del address
    folders = {name: tmp_path / name for name in ("clusters", "models")}
    with books.store.transaction() as session:
        for name, folder in folders.items():
            session.add(
                models.Source(name=name, kind="usage", format="cloudevents", place=str(folder), slice="day", options={})
            )
    return folders


@pytest.fixture
def post(books: Books, address: str, feeds: dict[str, Path]) -> Post:
    """Sends a body as reporter `eu` of feed `clusters`."""
    del feeds
    token = add_reporter(books, "eu", "clusters", "ada")

    def send(content: bytes | str, media: str = SINGLE, **headers: str) -> httpx.Response:
        given = {"content-type": media, "authorization": f"Bearer {token}", **headers}
        return httpx.post(f"{address}/metering/events", content=content, headers=given)

    return send


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in folder.iterdir() for line in path.read_text().splitlines()]


def test_a_batch_is_answered_with_what_became_of_each_event(post: Post, feeds: dict[str, Path]) -> None:
    bad = {**GOOD, "id": "3", "data": {"quantity": "many"}}
    answer = post(json.dumps([GOOD, GOOD, bad, usage_event("/meter/a", 2)]), BATCH)
    assert answer.status_code == 202
    reason = "data.quantity: 'many' is no finite decimal number"
    assert answer.json() == {"accepted": 2, "duplicate": 1, "refused": [{"index": 2, "reason": reason}]}
    assert [(line["id"], line["reporter"]) for line in lines(feeds["clusters"])] == [("1", "eu"), ("2", "eu")]
    assert not feeds["models"].exists()


def test_an_event_alone_and_one_in_headers_are_taken(post: Post, feeds: dict[str, Path]) -> None:
    in_headers = {f"ce-{name}": str(value) for name, value in GOOD.items() if name != "data"}
    assert post(json.dumps(GOOD)).json() == {"accepted": 1, "duplicate": 0, "refused": []}
    again = post(json.dumps(GOOD["data"]), "application/json", **in_headers)
    assert (again.status_code, again.json()["duplicate"]) == (202, 1)
    assert len(lines(feeds["clusters"])) == 1


@pytest.mark.parametrize(
    ("body", "media", "status", "sentence"),
    [
        (b"{", SINGLE, 400, "no JSON in UTF-8"),
        (json.dumps({**GOOD, "subject": ""}).encode(), SINGLE, 400, "subject: expected a text"),
        (b"[" + b"0," * 1000 + b"0]", BATCH, 413, "larger than 1000 events"),
        (b" " * (LARGEST_BODY + 1), BATCH, 413, f"larger than {LARGEST_BODY} bytes"),
        (b"a,b", "text/csv", 415, "sent as text/csv"),
    ],
)
def test_a_request_that_cannot_be_taken_is_told_why(
    post: Post, feeds: dict[str, Path], body: bytes, media: str, status: int, sentence: str
) -> None:
    answer = post(body, media)
    assert (answer.status_code, sentence in answer.json()["error"]) == (status, True), answer.text
    assert not feeds["clusters"].exists()


def test_a_reporter_writes_its_own_feed_and_without_a_token_nobody_does(
    books: Books, address: str, post: Post, feeds: dict[str, Path]
) -> None:
    other = add_reporter(books, "llm", "models", "ada")
    assert post(json.dumps(GOOD), authorization=f"Bearer {other}").json()["accepted"] == 1
    assert (len(lines(feeds["models"])), feeds["clusters"].exists()) == (1, False)
    for header in ("", "Bearer eu.wrong", f"Bearer {other[:-1]}", f"Basic {other}"):
        refused = post(json.dumps(GOOD), authorization=header)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert "twinledger metering reporters add" in refused.json()["error"]
    assert httpx.post(f"{address}/metering/events", content=b"x").status_code == 401
    revoke_reporter(books, "llm", "ada")
    assert post(json.dumps(GOOD), authorization=f"Bearer {other}").status_code == 401


def test_a_feed_that_takes_no_events_any_more_says_so(books: Books, post: Post) -> None:
    with books.store.transaction() as session:
        session.get_one(models.Source, "clusters").options = {"retired": True}
    answer = post(json.dumps(GOOD))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "takes no events" in answer.json()["error"]


def test_a_file_that_is_still_written_is_no_delivery(books: Books, feeds: dict[str, Path], post: Post) -> None:
    post(json.dumps(GOOD))
    assert ingest_feed(books, "clusters") == []
    assert [path.name.startswith(".open-") for path in feeds["clusters"].iterdir()] == [True]
