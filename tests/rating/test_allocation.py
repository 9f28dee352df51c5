"""Allocated pools in the internal ledger: what is charged on is the pool's list cost, to the last decimal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from twinledger.books import Books
from twinledger.rating import rate_period, statement
from twinledger.store import Store, models
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
Do = Callable[..., Any]
START = datetime(2026, 10, 1, tzinfo=UTC)
LATER = datetime(2026, 10, 5, tzinfo=UTC)
PRICES = [("hours", START, "0.5"), ("gib", START, "2")]


@pytest.fixture
def pool(books: Books) -> Do:
    """Adds an allocated pool of the charges of one service."""

    def add(name: str, driver: dict[str, object], service: str) -> None:
        with books.store.transaction() as session:
            position = max(session.scalars(select(models.Pool.position))) + 1
            rules = [{"column": "ServiceName", "equals": [service]}]
            session.add(models.Pool(name=name, title=name, owner="ada", kind="allocated", position=position,
                                    rules=rules, capacity=[], tolerance={}, driver=driver))  # fmt: skip

    return add


@pytest.fixture
def allocated(charges: Do) -> Do:
    """(pool, department, meter, share, amount) of every allocated charge."""

    def rows() -> list[tuple[object, ...]]:
        return sorted(
            (row["pool"], row["department"], row["meter"], row["quantity"], row["amount"])
            for row in charges()
            if row["kind"] == "allocated"
        )

    return rows


def used(tenant: str, quantity: int, meter: str = "hours") -> tuple[str, str, str, datetime, Decimal]:
    return (tenant, "vm", meter, LATER, Decimal(quantity))


def test_a_pool_s_list_cost_is_divided_by_usage(
    books: Books, company: Do, pool: Do, meter: Do, bill: Do, allocated: Do
) -> None:
    company(PRICES)
    pool("net", {"kind": "usage", "meter": "vm/hours", "pools": {}}, "Traffic")
    meter([used("s", 1), used("d", 1), used("nobody", 1), used("s", 50, "gib")])
    bill([{"ServiceName": "Traffic", "ListCost": Decimal(60), "EffectiveCost": Decimal(7)},
          {"ServiceName": "Traffic", "ListCost": Decimal(40), "BilledCost": Decimal(9)},
          {"ServiceName": "Traffic", "ListCost": Decimal(5), "ChargeCategory": "Tax"}])  # fmt: skip
    assert rate_period(books, OCTOBER).warnings == ()
    third, more = Decimal("33.333333333333333333"), Decimal("33.333333333333333334")
    assert allocated() == [
        ("net", "data", "usage of vm/hours", Decimal("0.333333333"), more),
        ("net", "shop", "usage of vm/hours", Decimal("0.333333333"), third),
        ("net", "unassigned", "usage of vm/hours", Decimal("0.333333333"), third),
    ]


def test_a_pool_that_serves_a_metered_one_is_charged_as_departments_are_charged_there(
    books: Books, company: Do, pool: Do, meter: Do, bill: Do, allocated: Do
) -> None:
    company(PRICES)
    pool("support", {"kind": "fixed", "shares": {"data": "0.2"}, "pools": {"shared": "0.5", "net": "0.3"}}, "Support")
    pool("net", {"kind": "usage", "meter": "vm/gib", "pools": {"shared": ["platform"]}}, "Traffic")
    # In the pool shared: shop 3 x 0.50 + 1 x 2, data 1 x 0.50, unassigned 3 x 2: of 10 in all.
    meter([used("s", 3), used("d", 1), used("s", 1, "gib"), used("platform", 3, "gib")])
    bill([{"ServiceName": "Support", "ListCost": Decimal(100)}, {"ServiceName": "Traffic", "ListCost": Decimal(8)}])
    rate_period(books, OCTOBER)
    by_pool = {name: {row[1]: (row[3], row[4]) for row in allocated() if row[0] == name} for name in ("net", "support")}
    # net: shop 1/4 + 3/4 x 0.35, data 3/4 x 0.05, unassigned 3/4 x 0.60; support: 0.5 x shared + 0.3 x net + 0.2 data.
    assert by_pool["net"] == {
        "shop": (Decimal("0.5125"), Decimal("4.1")),
        "data": (Decimal("0.0375"), Decimal("0.3")),
        "unassigned": (Decimal("0.45"), Decimal("3.6")),
    }
    assert by_pool["support"] == {
        "shop": (Decimal("0.32875"), Decimal("32.875")),
        "data": (Decimal("0.23625"), Decimal("23.625")),
        "unassigned": (Decimal("0.435"), Decimal("43.5")),
    }


def test_people_and_departments_are_counted(books: Books, company: Do, pool: Do, bill: Do, allocated: Do) -> None:
    company([])
    pool("office", {"kind": "headcount"}, "Seats")
    pool("tools", {"kind": "even"}, "Tools")
    with books.store.transaction() as session:
        for name, people in (("shop", 3), ("data", 1)):
            session.get_one(models.Department, name).headcount = people
        session.add(models.Department(name="top", title="top", cost_centre="1", owner="ada", budget_holder="ada",
                                      channel="#top", tenants=[]))  # fmt: skip
    bill([{"ServiceName": "Seats", "ListCost": Decimal(8)}, {"ServiceName": "Tools", "ListCost": Decimal(9)}])
    rate_period(books, OCTOBER)
    assert [(pool, name, amount) for pool, name, _, _, amount in allocated()] == [
        ("office", "data", Decimal(2)), ("office", "shop", Decimal(6)),
        ("tools", "data", Decimal("4.5")), ("tools", "shop", Decimal("4.5")),
    ]  # fmt: skip


def test_without_any_quantity_the_cost_is_held_and_a_warning_says_so(
    books: Books, company: Do, pool: Do, meter: Do, bill: Do, charges: Do
) -> None:
    company(PRICES)
    pool("net", {"kind": "usage", "meter": "vm/gib", "pools": {}}, "Traffic")
    pool("support", {"kind": "fixed", "shares": {"shop": "0.75"}, "pools": {"net": "0.25"}}, "Support")
    meter([used("s", 1)])
    bill(
        [{"ServiceName": "Traffic", "ListCost": Decimal("987.65")}, {"ServiceName": "Support", "ListCost": Decimal(4)}]
    )
    result = rate_period(books, OCTOBER)
    nobody = "held in 2026-10, since nobody is counted by {} or charged in a pool it serves"
    assert (result.changed, result.warnings) == (
        True,
        (
            f"pool net: its cost is {nobody.format('usage of vm/gib')}",
            f"pool support: 0.25 of its cost is {nobody.format('fixed shares')}",
        ),
    )
    assert [(row["kind"], row["pool"], row["amount"]) for row in charges()] == [
        ("usage", "shared", Decimal("0.5")), ("allocated", "support", Decimal(3)),
    ]  # fmt: skip


def test_a_change_of_a_driver_or_of_what_it_counts_makes_the_period_rate_again(
    books: Books, company: Do, pool: Do, bill: Do, allocated: Do
) -> None:
    company([])
    pool("office", {"kind": "headcount"}, "Seats")
    bill([{"ServiceName": "Seats", "ListCost": Decimal(8)}])
    rate_period(books, OCTOBER)
    assert not rate_period(books, OCTOBER).changed
    for people, expected in ((2, [("shop", Decimal(8))]), (None, [])):
        with books.store.transaction() as session:
            session.get_one(models.Department, "shop").headcount = people
        assert rate_period(books, OCTOBER).changed
        assert [(name, amount) for _, name, _, _, amount in allocated()] == expected
    with books.store.transaction() as session:
        session.get_one(models.Pool, "office").driver = {"kind": "fixed", "shares": {"data": "1"}, "pools": {}}
    assert rate_period(books, OCTOBER).changed
    assert [name for _, name, *_ in allocated()] == ["data"]


def test_an_allocated_charge_in_a_currency_without_rate_is_refused(
    books: Books, company: Do, pool: Do, bill: Do
) -> None:
    company([])
    pool("tools", {"kind": "even"}, "Tools")
    bill([{"ServiceName": "Tools", "BillingCurrency": "GBP", "ListCost": Decimal(1)}])
    with pytest.raises(MissingRateError, match="GBP to USD for 2026-10"):
        rate_period(books, OCTOBER)


def test_a_statement_shows_the_share_and_no_price(books: Books, company: Do, pool: Do, bill: Do) -> None:
    company([])
    pool("tools", {"kind": "fixed", "shares": {"shop": "0.4", "data": "0.6"}, "pools": {}}, "Tools")
    bill([{"ServiceName": "Tools", "ListCost": Decimal("33.33")}])
    rate_period(books, OCTOBER)
    (line,) = statement(books, "shop", OCTOBER).lines
    assert (line.product, line.meter, line.quantity, line.unit, line.price, line.amount.amount) == (
        "tools", "fixed shares", Decimal("0.4"), "share", None, Decimal("13.33"),
    )  # fmt: skip


costs = st.lists(
    st.tuples(st.sampled_from(("Traffic", "Support")),
              st.integers(-(10**30), 10**30).map(lambda units: Decimal(f"{units}e-18"))), min_size=1, max_size=6,
)  # fmt: skip
usages = st.lists(st.tuples(st.sampled_from(("s", "d", "nobody", "platform")), st.integers(0, 10**10 - 1)), max_size=6)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(costs, usages, st.integers(0, 10**18))
def test_whatever_the_costs_and_the_usage_charges_and_what_is_held_add_up_to_the_bill(
    books: Books,
    company: Do,
    pool: Do,
    meter: Do,
    bill: Do,
    allocated: Do,
    empty: Callable[[Store], None],
    costs: list[tuple[str, Decimal]],
    usages: list[tuple[str, int]],
    part: int,
) -> None:
    empty(books.store)
    company(PRICES)
    half = Decimal(part).scaleb(-18)
    shares = {name: str(share) for name, share in (("shop", half), ("data", 1 - half)) if share}
    pool("support", {"kind": "fixed", "shares": shares, "pools": {}}, "Support")
    pool("net", {"kind": "usage", "meter": "vm/hours", "pools": {"shared": ["platform"], "support": ["x"]}}, "Traffic")
    meter([used(tenant, quantity) for tenant, quantity in usages])
    bill([{"ServiceName": service, "ListCost": cost} for service, cost in costs])
    rate_period(books, OCTOBER)
    found = {name: exact_sum(amount for of, *_, amount in allocated() if of == name) for name in ("net", "support")}
    billed = {service: exact_sum(cost for of, cost in costs if of == service) for service in ("Traffic", "Support")}
    nobody = not any(quantity for _, quantity in usages)
    assert found == {"net": 0 if nobody else billed["Traffic"], "support": billed["Support"]}
