"""Where budgets will end: what is there, what is to come, and what is reserved, against plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.budgets.test_variance import departments, plan  # noqa: F401 - the fixture is used by name
from twinledger.books import Books
from twinledger.budgets import by_variance, outlooks
from twinledger.clock import FixedClock
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.store import models
from twinledger.vocabulary.periods import Period

SEPTEMBER, OCTOBER = Period(2026, 9), Period(2026, 10)


@pytest.fixture
def books(books: Books) -> Books:
    """On the morning of 21 October."""
    return replace(books, clock=FixedClock(datetime(2026, 10, 21, 6, tzinfo=UTC)))


def spend(books: Books, period: Period, days: int, **a_day: str) -> None:
    """Every department spends the same on each of the month's first days."""
    rows = [
        (str(period), department, "t", "pool", "vm", "hours", None,
         datetime(period.year, period.month, 1, tzinfo=UTC) + timedelta(days=day), Decimal(1), "h", Decimal(amount),
         Decimal(amount), "USD", "usage", False)
        for department, amount in a_day.items()
        for day in range(days)
    ]  # fmt: skip
    with books.engine() as engine:
        engine.view_rows("charges", INTERNAL_CHARGES.columns, rows)
        files = engine.copy("charges", INTERNAL_CHARGES, books.lake.staging(INTERNAL_CHARGES))
    books.lake.replace(INTERNAL_CHARGES, {"period": str(period)}, files, repr((period, days, a_day)))


def test_a_department_that_is_within_its_plan_today_will_be_over_it(books: Books) -> None:
    """Ten a day: 200 of 250 in twenty days, and eleven days to come."""
    plan(books, "shop", "250")
    plan(books, "data", "250")
    spend(books, SEPTEMBER, 30, shop="10", data="1")
    spend(books, OCTOBER, 20, shop="10", data="1")
    shop, data = by_variance(outlooks(books, OCTOBER))
    assert (shop.position.department, shop.position.over, shop.over) == ("shop", False, True)
    assert (shop.rest.amount, shop.variance.amount, shop.history_days) == (Decimal(110), Decimal(60), 50)
    assert shop.lowest.amount <= shop.variance.amount <= shop.highest.amount
    assert (data.over, data.variance.amount, data.known_through) == (False, Decimal(-219), date(2026, 10, 20))


def test_what_today_has_cost_already_is_not_counted_twice(books: Books) -> None:
    plan(books, "shop", "250")
    spend(books, SEPTEMBER, 30, shop="10")
    spend(books, OCTOBER, 21, shop="10")
    (shop,) = [one for one in outlooks(books, OCTOBER) if one.position.department == "shop"]
    assert (shop.position.actual.amount, shop.rest.amount, shop.variance.amount) == (
        Decimal(210), Decimal(100), Decimal(60),
    )  # fmt: skip


def test_what_is_reserved_counts_beside_what_is_to_come(books: Books) -> None:
    plan(books, "shop", "1000")
    spend(books, SEPTEMBER, 30, shop="10")
    spend(books, OCTOBER, 20, shop="10")
    with books.store.transaction() as session:
        session.add(models.Pool(name="p", title="P", owner="ada", kind="shared", position=1, rules=[], capacity=[],
                                tolerance={}))  # fmt: skip
        session.flush()
        session.add(models.Product(name="vm", title="VM", description="", owner="ada", pool="p", state="listed"))
        session.flush()
        now = books.clock.now()
        session.add(
            models.Request(
                id="req-1", requester="ada", department="shop", product="vm", meter="hours", quantity=1, region="r",
                days=3, period="2026-10", amount=Decimal(70), currency="USD", justification="j", state="pending",
                revision=1, approvers=["ada"], created_at=now, expires_at=now, facts={},
            )
        )  # fmt: skip
        session.flush()
        session.add(models.Commitment(request="req-1", department="shop", period="2026-10", amount=Decimal(70),
                                      currency="USD", state="pending"))  # fmt: skip
    (shop,) = [one for one in outlooks(books, OCTOBER) if one.position.department == "shop"]
    assert shop.variance.amount == Decimal(200 + 70 + 110 - 1000)


def test_a_month_that_is_over_has_nothing_to_come_and_a_department_without_charges_no_forecast(books: Books) -> None:
    plan(books, "data", "5")
    spend(books, SEPTEMBER, 30, shop="10")
    found = {one.position.department: one for one in outlooks(books, SEPTEMBER)}
    assert (found["shop"].rest.amount, found["shop"].variance.amount) == (Decimal(0), Decimal(300))
    assert (found["data"].history_days, found["data"].rest.amount, found["data"].over) == (0, Decimal(0), False)
