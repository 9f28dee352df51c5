from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.metering.test_ingest import HEADER, again, line
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.metering import ingest_feed
from twinledger.store import models

Records = list[tuple[str, str, Decimal, str, bool]]


@pytest.fixture
def late(books: Books, feed: Callable[[str], str]) -> str:
    """A feed that may report a month for five days after its end."""
    name = feed("csv")
    with books.store.transaction() as session:
        session.get_one(models.Source, name).options = {"late_days": 5}
    return name


def test_usage_within_the_window_is_booked_in_its_own_month_and_later_in_the_open_one(
    books: Books, inbox: Path, late: str, usage: Callable[[], Records], clock: FixedClock
) -> None:
    for day, quantity in ((5, "1"), (6, "2"), (30, "4")):
        clock.instant = datetime(2026, 10, day, 23, 59, tzinfo=UTC)
        (inbox / f"{day}.csv").write_text(HEADER + line(quantity, "2026-09-30"))
        ingest_feed(books, late)
    assert [record[2:] for record in usage()] == [
        (Decimal(1), "2026-09", False),
        (Decimal(2), "2026-10", True),
        (Decimal(4), "2026-10", True),
    ]


def test_two_months_whose_windows_are_over_go_to_the_same_open_one(
    books: Books, inbox: Path, late: str, usage: Callable[[], Records], clock: FixedClock
) -> None:
    clock.instant = datetime(2026, 11, 3, tzinfo=UTC)
    days = ("2026-08-31", "2026-09-30", "2026-10-31", "2026-11-01")
    (inbox / "a.csv").write_text(HEADER + "".join(line("1", day) for day in days))
    (outcome,) = ingest_feed(books, late)
    assert [record[3:] for record in usage()] == [
        ("2026-10", True), ("2026-10", True), ("2026-10", False), ("2026-11", False),
    ]  # fmt: skip
    assert outcome.periods == ("2026-10", "2026-11")


def test_a_closed_month_takes_nothing_though_its_window_is_open(
    books: Books, inbox: Path, late: str, usage: Callable[[], Records], clock: FixedClock
) -> None:
    clock.instant = datetime(2026, 10, 2, tzinfo=UTC)
    with books.store.transaction() as session:
        session.add(models.PeriodState(period="2026-09", state="closed"))
    (inbox / "a.csv").write_text(HEADER + line("1", "2026-09-30"))
    ingest_feed(books, late)
    assert [record[3:] for record in usage()] == [("2026-10", True)]


def test_a_correction_after_the_window_is_booked_as_a_difference_in_the_open_month(
    books: Books, inbox: Path, late: str, usage: Callable[[], Records], clock: FixedClock
) -> None:
    clock.instant = datetime(2026, 10, 2, tzinfo=UTC)
    (inbox / "a.csv").write_text(HEADER + line("5", "2026-09-30"))
    ingest_feed(books, late)
    clock.instant = datetime(2026, 10, 20, tzinfo=UTC)
    again(inbox / "a.csv", HEADER + line("4", "2026-09-30"), 10)
    ingest_feed(books, late)
    assert [record[2:] for record in usage()] == [
        (Decimal(-5), "2026-10", True),
        (Decimal(4), "2026-10", True),
        (Decimal(5), "2026-09", False),
    ]
    clock.instant = datetime(2026, 11, 20, tzinfo=UTC)
    assert {one.state for one in ingest_feed(books, late)} == {"unchanged"}
