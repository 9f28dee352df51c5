"""`make bench-gateway`: events a second over HTTP, with duplicates and a killed worker, and what became of them.

    make bench-gateway                          60 seconds, which have to hold 2,000 new events each
    make bench-gateway ARGS="--seconds 10"      shorter

Reporters send batches as fast as they are answered to workers behind one address; a part of what they send was sent
before. A third into the time one worker is killed. Then everything is ingested and rated, and counted: every event
that was acknowledged has to be in usage once, and rated once. Exits with 1 if a bound does not hold.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.gateway_workers import Answered, Reporting, Workers, usage_event
from twinledger.books import Books
from twinledger.deployment import open_books, prepare
from twinledger.lake.tables import INTERNAL_CHARGES, USAGE
from twinledger.metering import add_reporter, ingest_feed
from twinledger.rating import rate_period
from twinledger.store import models
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import ROOT, Settings

LEAST_A_SECOND = 2000
REPORTERS, WORKERS, BATCH_EVENTS = 4, 2, 100
DUPLICATES = 0.1
FEED = "events"
PERIOD = Period(2026, 10)


@dataclass
class Load:
    """One reporter's events: new ones, and batches again that any reporter has sent."""

    name: str
    ends_at: float
    sent_by_all: list[list[dict[str, Any]]]
    chance: random.Random
    acknowledged: int = 0
    slowest_s: float = 0.0
    told: Answered = field(default_factory=Answered)

    def batches(self) -> Iterator[tuple[list[dict[str, Any]], bool]]:
        """A batch, and whether it is new."""
        number = 0
        while time.monotonic() < self.ends_at:
            if self.sent_by_all and self.chance.random() < DUPLICATES:
                yield self.chance.choice(self.sent_by_all), False
                continue
            yield [usage_event(f"/{self.name}", number + one) for one in range(BATCH_EVENTS)], True
            number += BATCH_EVENTS

    def run(self, address: str, token: str) -> None:
        reporting = Reporting(address, token)
        for batch, is_new in self.batches():
            started = time.monotonic()
            reporting.send(batch)
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)
            if is_new:
                self.acknowledged += len(batch)
                self.sent_by_all.append(batch)
        reporting.close()
        self.told = reporting.told


def populate(books: Books, inbox: Path) -> dict[str, str]:
    """One tenant, one meter at 1 USD, one feed; returns the reporters' tokens."""
    answers = {"owner": "ada", "budget_holder": "ada", "cost_centre": "1", "channel": "#shop"}
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with books.store.transaction() as session:
        session.add(models.Department(name="shop", title="Shop", tenants=["shop"], **answers))
        pool = models.Pool(name="kube", title="K", owner="ada", kind="shared", position=1, rules=[], capacity=[])
        pool.tolerance = {}
        session.add(pool)
        session.flush()
        session.add(models.Product(name="kube", title="K", description="", owner="ada", pool="kube", state="listed"))
        session.flush()
        session.add(models.Meter(product="kube", name="hours", title="hours", unit="h"))
        price = {"amount": Decimal(1), "currency": "USD", "effective_from": start, "recorded_at": start}
        session.add(models.Price(product="kube", meter="hours", **price))
        source = models.Source(name=FEED, kind="usage", format="cloudevents", place=str(inbox), slice="day")
        source.options = {}
        session.add(source)
    return {name: add_reporter(books, name, FEED, "bench") for name in (f"r{n}" for n in range(REPORTERS))}


def send(home: Path, tokens: dict[str, str], seconds: float) -> list[Load]:
    """The load, with one worker killed a third into it."""
    with Workers({"TWINLEDGER_HOME": str(home)}, WORKERS) as workers:
        warm = Reporting(workers.address, next(iter(tokens.values())))
        warm.send([])  # importing what a worker needs is not what is measured
        warm.close()
        sent: list[list[dict[str, Any]]] = []
        ends_at = time.monotonic() + seconds
        loads = [Load(name, ends_at, sent, random.Random(name)) for name in tokens]  # noqa: S311 - no secret
        threads = [threading.Thread(target=one.run, args=(workers.address, tokens[one.name])) for one in loads]
        for thread in threads:
            thread.start()
        time.sleep(seconds / 3)
        workers.kill_one()
        for thread in threads:
            thread.join()
    return loads


def count(books: Books) -> tuple[int, int, int]:
    """(records, different events, rated quantity) of the ledger."""
    with books.engine() as engine:
        engine.view_files("usage", USAGE, books.lake.files(USAGE))
        engine.view_files("charges", INTERNAL_CHARGES, books.lake.files(INTERNAL_CHARGES))
        ((records, different),) = engine.query("SELECT COUNT(*), COUNT(DISTINCT event) FROM usage")
        ((rated,),) = engine.query("SELECT COALESCE(SUM(quantity), 0) FROM charges")
    return records, different, int(rated)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long reporters send")
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache" / "bench-gateway", help="emptied first")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(home=folder / "home")
    prepare(settings)
    with open_books(settings) as books:
        tokens = populate(books, folder / "inbox")
        loads = send(settings.home, tokens, arguments.seconds)
        acknowledged = sum(one.acknowledged for one in loads)
        events = sum(one.told.accepted + one.told.duplicate for one in loads)
        print(f"{os.cpu_count()} cores, {WORKERS} workers, {REPORTERS} reporters, batches of {BATCH_EVENTS}")
        print(f"{acknowledged / arguments.seconds:>12,.0f} new events a second for {arguments.seconds:g} s")
        print(f"{events / arguments.seconds:>12,.0f} events a second with {events - acknowledged:,} sent again")
        print(f"{max(one.slowest_s for one in loads):>12,.2f} s for the slowest answer, over a killed worker")
        print(f"{sum(one.told.retries for one in loads):>12,} requests sent again because nobody answered")
        started = time.monotonic()
        ingest_feed(books, FEED)
        rate_period(books, PERIOD)
        print(f"{time.monotonic() - started:>12,.1f} s to ingest and rate them")
        records, different, rated = count(books)
    print(f"{acknowledged:>12,} acknowledged, {different:,} in usage, {rated:,} rated")
    lost, doubled = acknowledged - different, records - different
    print(f"{lost:>12,} lost, {doubled:,} double")
    shutil.rmtree(folder)
    held = (lost, doubled, rated) == (0, 0, acknowledged) and acknowledged >= LEAST_A_SECOND * arguments.seconds
    print("every bound holds" if held else "a bound does not hold")
    sys.exit(not held)


if __name__ == "__main__":
    main()
