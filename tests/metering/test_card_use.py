"""How well a department's cards are used: over what, as of when, and nothing where it is not measured."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.metering.test_ingest import HEADER
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.metering import CardUse, card_use, ingest_feed
from twinledger.store import models

MIDNIGHT = datetime(2026, 10, 17, tzinfo=UTC)
QUERY = {"query": "DCGM_FI_DEV_GPU_UTIL", "tenant": "namespace", "resource": "UUID"}
CARDS: dict[str, Any] = {"meter": "kube/hours", "kind": "cards", **QUERY}
BUSY: dict[str, Any] = {"meter": "kube/gib", "kind": "busy_cards", **QUERY}


@pytest.fixture
def metered(books: Books, feed: Callable[[str], str], inbox: Path, clock: FixedClock) -> Books:
    """The shop held one card for four hours of the 17th; of the first two it is known how busy it was."""
    name = feed("csv")
    with books.store.transaction() as session:
        session.get_one(models.Source, name).options = {"meters": [CARDS, BUSY]}
    clock.instant = datetime(2026, 10, 18, 9, tzinfo=UTC)
    rows = [("hours", hour, "1") for hour in range(4)] + [("gib", 0, "0.6"), ("gib", 1, "0.15")]
    lines = [
        f"shop,kube,{meter},card-1,{(MIDNIGHT + timedelta(hours=hour)).isoformat()},"
        f"{(MIDNIGHT + timedelta(hours=hour + 1)).isoformat()},{quantity}\n"
        for meter, hour, quantity in rows
    ]
    (inbox / "a.csv").write_text(HEADER + "".join(lines))
    ingest_feed(books, name)
    return books


def test_the_mean_is_over_the_hours_that_were_measured(metered: Books) -> None:
    seen = CardUse(
        product="kube",
        meter="hours",
        held_hours=Decimal(4),
        measured_hours=Decimal(2),
        used_percent=Decimal("37.5"),
        known_until=MIDNIGHT + timedelta(hours=4),
    )
    assert card_use(metered, "shop") == (seen,)
    assert card_use(metered, "shop", "kube") == (seen,)
    assert card_use(metered, "shop", "old") == ()
    assert card_use(metered, "nobody") == ()


def test_what_is_older_than_seven_days_does_not_count(metered: Books, clock: FixedClock) -> None:
    clock.instant = MIDNIGHT + timedelta(days=7, hours=1)
    (found,) = card_use(metered, "shop")
    assert (found.measured_hours, found.used_percent) == (Decimal(1), Decimal("15.0"))
    clock.advance(timedelta(days=1))
    assert card_use(metered, "shop") == ()


@pytest.mark.parametrize(
    "options", [{"meters": [CARDS]}, {"meters": [BUSY]}, {"meters": [CARDS, BUSY], "retired": True}, {}]
)
def test_a_feed_that_is_not_asked_for_both_measures_nothing(metered: Books, options: dict[str, Any]) -> None:
    with metered.store.transaction() as session:
        session.get_one(models.Source, "feed").options = options
    assert card_use(metered, "shop") == ()
