"""The reviews of a month, from the books to the outbox."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.reviews.conftest import Charge, populate
from twinledger.books import Books
from twinledger.outbox import OutboxEntry, Outgoing, entries
from twinledger.reviews import (
    CARD,
    COMPANY,
    COMPANY_CARD,
    SentReviews,
    month_reviews,
    send_reviews,
)
from twinledger.slack.attachments import review_pdf
from twinledger.store import models
from twinledger.vocabulary.audiences import check_everyone
from twinledger.vocabulary.money import Money
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """Reviews read and keep; answers, which may race, are tested on both databases."""
    return str(request.param)


@pytest.fixture(autouse=True)
def departments(books: Books) -> None:
    populate(books.store)
    with books.store.transaction() as session:
        for period, amount in (("2026-09", "100"), ("2026-10", "120")):
            session.add(models.Budget(department="shop", period=period, amount=Decimal(amount), currency="USD"))


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def test_a_month_has_a_review_of_each_department_and_of_the_company_and_each_is_told_once(
    books: Books, charge: Charge
) -> None:
    charge("2026-09", ("shop", "vm", "90"), ("shop", "db", "20"))
    charge("2026-10", ("shop", "vm", "150.50"), ("unassigned", "vm", "7"))
    said: list[str] = []
    found = month_reviews(books, OCTOBER, said.append)

    shop = next(one for one in found.departments if one.department == "shop")
    assert (shop.month.plan, shop.month.actual, shop.year.variance) == (usd("120"), usd("150.50"), usd("40.50"))
    assert dict(shop.explained) | {"change": shop.change} == {
        "price": usd("0"), "volume": usd("60.50"), "mix": usd("0"), "new": usd("0"), "gone": usd("-20"),
        "change": usd("40.50"),
    }  # fmt: skip
    assert [(str(one.period), one.total) for one in shop.trend] == [("2026-09", usd("110")), ("2026-10", usd("150.50"))]
    assert (found.company.shared.month.actual, found.company.shared.before) == (usd("157.50"), usd("110"))
    assert (found.company.reconciled, found.company.breaks.count) == (None, 0)
    assert said
    check_everyone("reviews", (found.departments, found.company.shared))

    first, again = (send_reviews(books, found, "test") for _ in range(2))
    assert first == SentReviews(told=("company", "group", "shop"), unchanged=(), empty=("idle",))
    assert again == SentReviews(told=(), unchanged=("company", "group", "shop"), empty=("idle",))
    assert {(one.channel, one.kind, one.audience) for one in entries(books.store)} == {
        ("#finance", COMPANY_CARD, "finance"), ("#group", CARD, "everyone"), ("#shop", CARD, "everyone")
    }  # fmt: skip

    attach = review_pdf(books)
    shop_item = next(outgoing(one) for one in entries(books.store) if one.channel == "#shop")
    file = attach(shop_item)
    assert file
    assert file.name == "review-shop-2026-10.pdf"
    changes: tuple[dict[str, Any], ...] = (
        {"facts": {"quiet": True}},
        {"kind": "budget"},
        {"kind": COMPANY_CARD, "audience": "everyone"},
    )
    for change in changes:
        assert attach(replace(shop_item, **change)) is None


def outgoing(entry: OutboxEntry) -> Outgoing:
    """An item as the sender gets it."""
    return Outgoing("key", entry.kind, entry.audience, entry.channel, entry.subject, entry.facts, 1, None)


def test_a_company_without_budget_charges_or_history_is_reviewed_all_the_same(books: Books) -> None:
    found = month_reviews(books, Period(2026, 7))

    assert send_reviews(books, found, "test") == SentReviews(("company",), (), ("group", "idle", "shop"))
    assert (found.company.shared.department, found.company.shared.trend) == (COMPANY, ())
    assert found.company.notes == ("no vendor's bill of the month is there",)
