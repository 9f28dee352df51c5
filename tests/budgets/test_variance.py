from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from twinledger.books import Books
from twinledger.budgets import check_period
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.outbox import entries
from twinledger.store import models
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)


@pytest.fixture(autouse=True)
def departments(books: Books) -> None:
    with books.store.transaction() as session:
        session.add(models.Person(name="ada", title="Ada", roles=[]))
        for name in ("shop", "data"):
            session.add(models.Department(name=name, title=name.title(), cost_centre="1", owner="ada",
                                          budget_holder="ada", channel=f"#{name}", tenants=[]))  # fmt: skip


def plan(books: Books, department: str, amount: str) -> None:
    with books.store.transaction() as session:
        session.add(models.Budget(department=department, period="2026-10", amount=Decimal(amount), currency="USD"))


def charge(books: Books, *charges: tuple[str, str, str]) -> None:
    """The internal ledger of the period: (department, product, amount)."""
    start = datetime(2026, 10, 3, tzinfo=UTC)
    rows = [
        (
            "2026-10",
            department,
            "t",
            "pool",
            product,
            "meter",
            None,
            start,
            Decimal(1),
            "h",
            Decimal(amount),
            Decimal(amount),
            "USD",
            "usage",
            False,
        )
        for department, product, amount in charges
    ]
    with books.engine() as engine:
        engine.view_rows("charges", INTERNAL_CHARGES.columns, rows)
        files = engine.copy("charges", INTERNAL_CHARGES, books.lake.staging(INTERNAL_CHARGES))
    books.lake.replace(INTERNAL_CHARGES, {"period": "2026-10"}, files, repr(charges))


def test_the_variance_is_actual_and_commitments_less_plan(books: Books) -> None:
    plan(books, "shop", "100")
    plan(books, "data", "100")
    charge(books, ("shop", "vm", "70.004"), ("shop", "db", "30"), ("data", "vm", "99.99"))
    found = {one.department: one for one in check_period(books, OCTOBER)}
    assert (found["shop"].actual.amount, found["shop"].variance.amount, found["shop"].over) == (
        Decimal(100),
        Decimal(0),
        False,
    )
    assert (found["data"].variance.amount, found["data"].over) == (Decimal("-0.01"), False)
    assert entries(books.store) == []


def test_a_department_over_its_plan_is_over_and_nobody_is_told_of_it_here(books: Books) -> None:
    plan(books, "shop", "100")
    charge(books, ("shop", "vm", "80"), ("shop", "db", "30"), ("shop", "gpu", "20"), ("shop", "net", "1"))
    (shop,) = [one for one in check_period(books, OCTOBER) if one.over]
    assert (shop.department, shop.variance.amount) == ("shop", Decimal(31))
    assert entries(books.store) == []


def test_a_department_without_a_plan_is_never_over(books: Books) -> None:
    charge(books, ("shop", "vm", "80"))
    found = {one.department: one for one in check_period(books, OCTOBER)}
    assert (found["shop"].actual.amount, found["shop"].over) == (Decimal(80), False)


def test_a_plan_in_another_currency_is_compared_at_the_period_s_rate(books: Books) -> None:
    with books.store.transaction() as session:
        session.add(models.Budget(department="shop", period="2026-10", amount=Decimal(100), currency="EUR"))
        session.add(models.Rate(kind="period", day=OCTOBER.first_day, currency="EUR", quote="USD",
                                rate=Decimal("1.1"), origin="x"))  # fmt: skip
    charge(books, ("shop", "vm", "111"))
    (shop,) = [one for one in check_period(books, OCTOBER) if one.department == "shop"]
    assert (shop.plan.amount, shop.variance.amount, shop.over) == (Decimal(110), Decimal(1), True)
