"""Commitments are drawn down by what was spent on their grants, and nothing is counted twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.budgets.test_variance import charge, departments, plan  # noqa: F401 - the fixture is used by name
from twinledger.approvals import headroom
from twinledger.books import Books
from twinledger.budgets import check_period, draw_down
from twinledger.budgets.drawn import Granted, attribute
from twinledger.store import models
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
KEY = ("shop", "vm", "meter", "USD")
CENTS = st.integers(0, 10_000).map(lambda one: Decimal(one).scaleb(-2))


def grant(books: Books, request: str, amount: str, first: int = 1, days: int = 31) -> None:
    """A request of the shop for vm/meter that was approved, from a day of October on."""
    start = datetime(2026, 10, first, tzinfo=UTC)
    with books.store.transaction() as session:
        if session.get(models.Product, "vm") is None:
            session.add(models.Pool(name="pool", title="P", owner="ada", kind="shared", position=1, rules=[],
                                    capacity=[], tolerance={}))  # fmt: skip
            session.flush()
            session.add(models.Product(name="vm", title="VM", description="", owner="ada", pool="pool", state="listed"))
            session.flush()
        session.add(
            models.Request(
                id=request, requester="ada", department="shop", product="vm", meter="meter", quantity=1, region="r",
                days=days, period="2026-10", amount=Decimal(amount), currency="USD", justification="j",
                state="approved", revision=2, approvers=["ada"], created_at=start, expires_at=start, facts={},
            )
        )  # fmt: skip
        session.flush()
        session.add(models.Commitment(request=request, department="shop", period="2026-10", amount=Decimal(amount),
                                      currency="USD", state="posted"))  # fmt: skip
        session.add(
            models.Grant(id=f"grant-{request}", request=request, department="shop", product="vm", meter="meter",
                         quantity=1, region="r", starts_at=start, ends_at=start + timedelta(days=days))
        )  # fmt: skip


def charge_of(day: int, amount: Decimal) -> dict[str, Any]:
    names = dict(zip(("department", "product", "meter", "currency"), KEY, strict=True))
    return {**names, "day": date(2026, 10, day), "amount": amount}


def available(books: Books, actual: str) -> Decimal:
    with books.store.transaction() as session:
        return headroom(session, "shop", "2026-10", Decimal(actual), "USD", books.clock.now()).available


def test_what_was_spent_on_a_grant_is_no_longer_committed(books: Books) -> None:
    plan(books, "shop", "1000")
    grant(books, "req-1", "100")
    grant(books, "req-2", "50", first=2)
    assert available(books, "0") == Decimal(850)
    charge(books, ("shop", "vm", "120"), ("shop", "db", "30"))
    assert draw_down(books, OCTOBER) == {"req-1": Decimal(100), "req-2": Decimal(20)}
    assert available(books, "150") == Decimal(820), "1000 less 150 that is spent and 30 that is committed still"
    assert available(books, "0") == Decimal(820), "an actual from before it was drawn down is not believed"
    (shop,) = [one for one in check_period(books, OCTOBER) if one.department == "shop"]
    assert (shop.actual.amount, shop.committed.amount) == (Decimal(150), Decimal(30))
    charge(books, ("shop", "vm", "90"))
    assert draw_down(books, OCTOBER) == {"req-1": Decimal(90), "req-2": Decimal(0)}


def test_a_grant_that_is_over_holds_nothing_and_a_revoked_one_until_then(books: Books) -> None:
    plan(books, "shop", "1000")
    grant(books, "req-1", "100", days=3)
    grant(books, "req-2", "50")
    assert available(books, "0") == Decimal(950), "the first one ended on the fourth"
    with books.store.transaction() as session:
        session.get_one(models.Grant, "grant-req-2").revoked_at = books.clock.now()
    assert available(books, "0") == Decimal(950)


@given(
    st.lists(st.tuples(st.integers(1, 28), CENTS), max_size=8),
    st.lists(st.tuples(CENTS, st.integers(1, 28), st.integers(0, 27)), max_size=5),
)
def test_no_charge_is_on_two_grants_and_no_grant_beyond_what_it_holds(
    days: list[tuple[int, Decimal]], grants: list[tuple[Decimal, int, int]]
) -> None:
    charges = [charge_of(day, amount) for day, amount in sorted(days)]
    granted = [
        Granted(f"req-{number}", KEY, amount, date(2026, 10, first), date(2026, 10, first) + timedelta(days=lasting))
        for number, (amount, first, lasting) in enumerate(grants)
    ]
    used = attribute(charges, granted)
    for one in granted:
        within = sum(each["amount"] for each in charges if one.first <= each["day"] <= one.last)
        assert 0 <= used[one.request] <= min(one.amount, within)
    assert sum(used.values()) <= sum(one["amount"] for one in charges)


@given(st.lists(st.tuples(st.integers(1, 31), CENTS), max_size=8), CENTS)
def test_one_grant_is_used_up_by_all_that_it_lives_to_see(days: list[tuple[int, Decimal]], amount: Decimal) -> None:
    charges = [charge_of(day, each) for day, each in sorted(days)]
    granted = Granted("req-1", KEY, amount, date(2026, 10, 5), date(2026, 10, 20))
    within = sum((each for day, each in days if 5 <= day <= 20), Decimal(0))
    assert attribute(charges, [granted]) == {"req-1": min(amount, within)}
