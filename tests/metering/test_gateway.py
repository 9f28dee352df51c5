from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.gateway_workers import usage_event
from tests.metering.test_ingest import Usage
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.metering import Gateway, Sender, add_reporter, authenticated, ingest_feed, reporters, revoke_reporter
from twinledger.metering.events import BATCH, Event, read_events
from twinledger.store import models
from twinledger.vocabulary.errors import (
    EventsNotKeptError,
    InvalidConfigError,
    UnknownNameError,
    UnknownReporterError,
)
from twinledger.vocabulary.settings import MeteringSettings

Feed = Callable[[str], str]
EU = "eu"


def events(*numbers: int, source: str = "/meter/a") -> tuple[Event, ...]:
    body = json.dumps([usage_event(source, number) for number in numbers]).encode()
    return read_events({"content-type": BATCH}, body, EU).events


@contextmanager
def opened(books: Books, **settings: int) -> Iterator[Gateway]:
    own = books.settings.model_copy(update={"metering": MeteringSettings(**settings)})
    gateway = Gateway(replace(books, settings=own))
    yield gateway
    gateway.close()


def kept(inbox: Path) -> list[list[str]]:
    """The identities in each closed file."""
    return [
        [json.loads(line)["id"] for line in path.read_text().splitlines()]
        for path in sorted(inbox.iterdir())
        if not path.name.startswith(".")
    ]


@pytest.fixture
def sender(books: Books, feed: Feed) -> Sender:
    return authenticated(books, f"Bearer {add_reporter(books, EU, feed('cloudevents'), 'ada')}")


def test_an_event_is_accepted_once_in_a_request_and_between_requests(books: Books, sender: Sender, inbox: Path) -> None:
    with opened(books) as gateway:
        assert gateway.submit(sender, events(1, 2, 1)).result() == 2
        assert gateway.submit(sender, events(2, 3)).result() == 1
        assert gateway.submit(sender, events(2, source="/meter/b")).result() == 1
        assert gateway.submit(sender, events(1, 2, 3)).result() == 0
    assert sorted(kept(inbox)[0]) == ["1", "2", "2", "3"]


def test_what_was_accepted_is_on_disk_before_the_answer(books: Books, sender: Sender, inbox: Path) -> None:
    with opened(books) as gateway:
        gateway.submit(sender, events(1)).result()
        (open_file,) = inbox.iterdir()
        assert json.loads(open_file.read_text())["id"] == "1"


def test_two_processes_never_both_accept_an_event(books: Books, sender: Sender, inbox: Path, usage: Usage) -> None:
    # Two gateways share what two processes share: the store and the folder.
    with opened(books) as one, opened(books) as other:
        totals = [0, 0]

        def send(mine: int, gateway: Gateway) -> None:
            for start in range(0, 60, 3):
                totals[mine] += gateway.submit(sender, events(*range(start, start + 9))).result()

        threads = [threading.Thread(target=send, args=pair) for pair in enumerate((one, other))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(totals) == 66
    assert sorted(int(number) for file in kept(inbox) for number in file) == list(range(66))
    assert {one.state for one in ingest_feed(books, "feed")} == {"ingested"}
    assert len(usage()) == 66


def test_a_file_becomes_a_delivery_by_size_and_by_age(books: Books, sender: Sender, inbox: Path) -> None:
    with opened(books, close_bytes=1) as gateway:
        gateway.submit(sender, events(1)).result()
        gateway.submit(sender, events(2)).result()
        gateway.submit(sender, ()).result()
        assert kept(inbox) == [["1"], ["2"]]
    with opened(books, close_seconds=1) as gateway:
        gateway.submit(sender, events(3)).result()
        while len(kept(inbox)) < 3:
            threading.Event().wait(0.02)


def test_what_a_process_left_that_died_before_its_commit_is_booked_once(
    books: Books, sender: Sender, inbox: Path, usage: Usage
) -> None:
    # Synced, never committed, never answered: the reporter sends the event again, to another process.
    line = events(1)[0].line
    (inbox / ".open-dead.jsonl").write_bytes(line + b'{"torn')
    with opened(books) as gateway:
        assert gateway.submit(sender, events(1, 2)).result() == 2
    outcomes = ingest_feed(books, "feed")
    assert sum(one.rows_ledger for one in outcomes) == 2
    assert sum(one.rows_quarantined for one in outcomes) == 1
    assert len(usage()) == 2


def test_ingestion_closes_the_files_of_the_dead_itself(books: Books, sender: Sender, inbox: Path, usage: Usage) -> None:
    (inbox / ".open-dead.jsonl").write_bytes(events(1)[0].line)
    assert [one.state for one in ingest_feed(books, sender.feed)] == ["ingested"]
    assert len(usage()) == 1


def test_events_that_cannot_be_written_are_not_acknowledged_and_not_known(
    books: Books, sender: Sender, tmp_path: Path
) -> None:
    blocked = tmp_path / "a file, no folder"
    blocked.write_text("")
    with opened(books) as gateway:
        with pytest.raises(EventsNotKeptError, match="send them again"):
            gateway.submit(replace(sender, folder=blocked), events(1)).result()
        assert gateway.submit(sender, events(1)).result() == 1


def test_identities_are_forgotten_when_no_retry_can_come_any_more(
    books: Books, sender: Sender, clock: FixedClock
) -> None:
    with opened(books, close_bytes=1, remember_days=35) as gateway:
        gateway.submit(sender, events(1)).result()
    clock.advance(timedelta(days=36))
    with opened(books, close_bytes=1, remember_days=35) as gateway:
        gateway.submit(sender, events(2)).result()
    with books.store.reading() as session:
        assert session.query(models.ReceivedEvent).count() == 1


# --- reporters ---------------------------------------------------------------------------------


def test_the_store_has_no_token(books: Books, feed: Feed) -> None:
    token = add_reporter(books, EU, feed("cloudevents"), "ada")
    with books.store.reading() as session:
        row = session.get_one(models.Reporter, EU)
        audited = [repr(one.facts) for one in session.query(models.AuditEntry)]
    assert token not in repr(vars(row))
    assert token.partition(".")[2] not in repr([vars(row), audited])
    assert authenticated(books, f"bearer  {token} ") == Sender(
        EU, "feed", authenticated(books, f"Bearer {token}").folder
    )


def test_only_the_newest_token_of_an_active_reporter_is_taken(books: Books, feed: Feed) -> None:
    first = add_reporter(books, EU, feed("cloudevents"), "ada")
    second = add_reporter(books, EU, "feed", "ada")
    for wrong in (
        "",
        "Bearer",
        f"Basic {second}",
        f"Bearer {first}",
        f"Bearer {second}x",
        "Bearer eu.",
        "Bearer \x00.x",
    ):
        with pytest.raises(UnknownReporterError):
            authenticated(books, wrong)
    assert authenticated(books, f"Bearer {second}").name == EU
    revoke_reporter(books, EU, "ada")
    with pytest.raises(UnknownReporterError):
        authenticated(books, f"Bearer {second}")
    assert [(one.name, one.active) for one in reporters(books)] == [(EU, False)]


def test_a_feed_of_files_takes_no_reporters(books: Books, feed: Feed) -> None:
    with pytest.raises(InvalidConfigError, match="expected format cloudevents and a folder"):
        add_reporter(books, EU, feed("csv"), "ada")
    with pytest.raises(UnknownNameError):
        add_reporter(books, EU, "nothing", "ada")
    with pytest.raises(UnknownNameError, match="reporter"):
        revoke_reporter(books, "nobody", "ada")
