from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.metering.test_ingest import HEADER
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.metering import coverage, described, ingest_feed
from twinledger.store import models
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
MIDNIGHT = datetime(2026, 10, 17, tzinfo=UTC)
Deliver = Callable[[str, Iterable[int]], None]


@pytest.fixture
def deliver(books: Books, feed: Callable[[str], str], inbox: Path, clock: FixedClock) -> Deliver:
    """Delivers hours, counted from the 17th, of two core-hours each; the feed is asked for coverage a day later."""
    name = feed("csv")
    with books.store.transaction() as session:
        session.get_one(models.Source, name).options = {"coverage": {"expected_days": 2, "delay_hours": 24}}
    clock.instant = datetime(2026, 10, 20, 9, tzinfo=UTC)

    def send(file: str, hours: Iterable[int], meter: str = "hours") -> None:
        starts = [MIDNIGHT + timedelta(hours=hour) for hour in hours]
        rows = [
            f"shop,kube,{meter},n{node},{at.isoformat()},{(at + timedelta(hours=1)).isoformat()},1\n"
            for at in starts
            for node in (1, 2)
        ]
        (inbox / file).write_text(HEADER + "".join(rows))
        ingest_feed(books, name)

    return send


def missing(books: Books) -> list[tuple[str, int, str]]:
    return [(one.subject, one.hours, described(one.spans)) for one in coverage(books, OCTOBER)]


def test_hours_that_were_left_out_are_missing_once_they_are_due(books: Books, deliver: Deliver) -> None:
    # It is the 20th, 09:00: what ended by 09:00 on the 19th is due, hour 57.
    deliver("a.csv", [hour for hour in range(48) if hour not in (5, 6, 30)])
    assert missing(books) == [
        ("feed shop kube/hours", 12, "10-17 05:00 to 07:00, 10-18 06:00 to 07:00, 10-19 00:00 to 09:00")
    ]
    (found,) = coverage(books, OCTOBER)
    assert found.hourly_quantity == Decimal(2)


def test_what_comes_later_is_missing_no_more(books: Books, deliver: Deliver) -> None:
    deliver("a.csv", [hour for hour in range(60) if hour not in (5, 6)])
    assert [hours for _, hours, _ in missing(books)] == [2]
    deliver("b.csv", [5, 6])
    assert missing(books) == []


def test_who_is_gone_for_longer_is_expected_no_more(books: Books, deliver: Deliver, clock: FixedClock) -> None:
    deliver("a.csv", range(3))
    clock.advance(timedelta(days=5))
    assert missing(books) == [("feed shop kube/hours", 48, "10-17 03:00 to 10-19 03:00")]


def test_a_month_is_compared_with_the_days_before_it(books: Books, deliver: Deliver, clock: FixedClock) -> None:
    deliver("a.csv", [hour - 17 * 24 for hour in range(24)])  # the 30th of September
    clock.instant = datetime(2026, 10, 3, tzinfo=UTC)
    assert missing(books) == [("feed shop kube/hours", 24, "10-01 00:00 to 10-02 00:00")]
    assert coverage(books, Period(2026, 9)) == ()


def test_a_feed_that_is_not_asked_for_coverage_misses_nothing(books: Books, deliver: Deliver) -> None:
    deliver("a.csv", [0])
    assert missing(books) != []
    with books.store.transaction() as session:
        session.get_one(models.Source, "feed").options = {}
    assert missing(books) == []


def test_many_spans_are_told_by_the_first_ones(books: Books, deliver: Deliver) -> None:
    deliver("a.csv", range(0, 60, 2))
    ((_, hours, text),) = missing(books)
    assert (hours, text) == (28, "10-17 01:00 to 02:00, 10-17 03:00 to 04:00, 10-17 05:00 to 06:00 and 25 more")
