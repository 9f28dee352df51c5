"""Workers that are killed while reporters send: what was accepted is booked and rated once."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.gateway_workers import Answered, Reporting, Workers, usage_event
from twinledger.books import Books
from twinledger.lake.tables import INTERNAL_CHARGES, USAGE
from twinledger.metering import add_reporter, ingest_feed
from twinledger.rating import rate_period
from twinledger.store import models
from twinledger.vocabulary.periods import Period

EVENTS_EACH, BATCH_EVENTS, KILLS = 600, 20, 3


def batches(source: str, seed: int) -> list[list[dict[str, object]]]:
    """Every event at least once, a third of them again, in their own batch or in another, later one."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    numbers = [*range(EVENTS_EACH), *chance.sample(range(EVENTS_EACH), EVENTS_EACH // 3)]
    chance.shuffle(numbers)
    sent = [usage_event(source, number, f"0.{1 + number:09d}") for number in numbers]
    return [sent[start : start + BATCH_EVENTS] for start in range(0, len(sent), BATCH_EVENTS)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_every_accepted_event_is_in_usage_once_and_rated_once(
    books: Books, feed: Callable[[str], str], inbox: Path
) -> None:
    name = feed("cloudevents")
    with books.store.transaction() as session:
        start = datetime(2026, 1, 1, tzinfo=UTC)
        price = {"amount": Decimal(3), "currency": "USD", "recorded_at": start, "effective_from": start}
        session.add(models.Price(product="kube", meter="hours", **price))
    # `eu` and `eu2` are one source behind two reporters: what one has sent the other sends again.
    sent = {"eu": batches("/eu", 1), "eu2": batches("/eu", 2), "us": batches("/us", 3)}
    tokens = {reporter: add_reporter(books, reporter, name, "ada") for reporter in sent}
    told: list[Answered] = []
    settings = {"TWINLEDGER_HOME": str(books.settings.home), "TWINLEDGER_METERING__CLOSE_BYTES": "20000"}

    with Workers(settings, 2) as workers:
        threads = [
            threading.Thread(
                target=lambda who=who: told.append(Reporting(workers.address, tokens[who]).send_all(sent[who]))
            )
            for who in sent
        ]
        for thread in threads:
            thread.start()
        for _ in range(KILLS):
            before = len(list(inbox.iterdir()))
            while len(list(inbox.iterdir())) <= before and any(thread.is_alive() for thread in threads):
                threading.Event().wait(0.01)
            workers.kill_one()
        for thread in threads:
            thread.join()
    outcomes = ingest_feed(books, name)

    expected = Counter(Decimal(f"0.{1 + number:09d}") for number in range(EVENTS_EACH) for _ in ("/eu", "/us"))
    with books.engine() as engine:
        engine.view_files("usage", USAGE, books.lake.files(USAGE))
        assert Counter(row["quantity"] for row in engine.rows("usage")) == expected
    answers = sum(one.accepted + one.duplicate for one in told)
    assert answers == sum(len(batch) for batches_sent in sent.values() for batch in batches_sent)
    # An answer that a killed worker could not give any more is missing from what was told, never the event.
    assert sum(one.accepted for one in told) <= 2 * EVENTS_EACH
    ingested = {one.delivery for one in outcomes if one.state == "ingested"}
    # A batch that a dying worker wrote and another one was sent again may lie alone in two files: one delivery, twice.
    again = [one for one in outcomes if one.state != "ingested"]
    assert all(one.state == "unchanged" and one.delivery in ingested for one in again), again

    result = rate_period(books, Period(2026, 10))
    assert (result.stops, result.changed) == ((), True)
    with books.engine() as engine:
        engine.view_files("charges", INTERNAL_CHARGES, books.lake.files(INTERNAL_CHARGES))
        amounts = [row["amount"] for row in engine.rows("charges")]
    assert sum(amounts) == 3 * sum(quantity * count for quantity, count in expected.items())
