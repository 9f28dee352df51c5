"""Where budgets stand and will end: what is there, what is to come, and what is reserved, against plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.budgets.test_variance import departments, plan  # noqa: F401 - the fixture is used by name
from twinledger.books import Books
from twinledger.budgets import Position, budget_curve, budget_positions, by_variance, line_positions
from twinledger.clock import FixedClock
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.store import models
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

INTERNAL: tuple[View, ...] = ("internal",)
SEPTEMBER, OCTOBER = Period(2026, 9), Period(2026, 10)
Charge = tuple[str, str, str, str]
"""Department, product, day and amount."""


@pytest.fixture
def backend() -> str:
    """One database: what the store does here is read, and written in other tests."""
    return "sqlite"


@pytest.fixture
def books(books: Books) -> Books:
    """On the morning of 21 October."""
    return replace(books, clock=FixedClock(datetime(2026, 10, 21, 6, tzinfo=UTC)))


def charge(books: Books, *charges: Charge, currency: str = "USD", booked_in: str = "") -> None:
    """The internal ledger, of the months that the charges are in."""
    months = sorted({booked_in or day[:7] for _, _, day, _ in charges})
    for month in months:
        rows = [
            (month, department, "t", "pool", product, "hours", None, datetime.fromisoformat(f"{day}T06:00:00+00:00"),
             Decimal(1), "h", Decimal(1), Decimal(amount), currency, "usage", False)
            for department, product, day, amount in charges if (booked_in or day[:7]) == month
        ]  # fmt: skip
        with books.engine() as engine:
            engine.view_rows("charges", INTERNAL_CHARGES.columns, rows)
            files = engine.copy("charges", INTERNAL_CHARGES, books.lake.staging(INTERNAL_CHARGES))
        books.lake.replace(INTERNAL_CHARGES, {"period": month}, files, repr(rows))


def every_day(first: str, days: int, amount: str, department: str = "shop", product: str = "vm") -> list[Charge]:
    begin = date.fromisoformat(first)
    return [(department, product, str(begin + timedelta(days=number)), amount) for number in range(days)]


def line(books: Books, name: str, period: str = "2026-10", amount: str = "100", **said: object) -> None:
    """A line of the store: department, view, currency and what it is of."""
    known = {one: str(said.pop(one, other)) for one, other in
             (("department", ""), ("view", "internal"), ("currency", "USD"))}  # fmt: skip
    with books.store.transaction() as session:
        session.add(models.BudgetLine(name=name, period=period, title=name.title(), scope=said, amount=Decimal(amount),
                                      **known))  # fmt: skip


def reserve(books: Books, department: str, product: str, amount: str) -> None:
    """A request that waits and holds an amount of October's budget."""
    with books.store.transaction() as session:
        session.add(models.Pool(name="p", title="P", owner="ada", kind="shared", position=1, rules=[], capacity=[],
                                tolerance={}))  # fmt: skip
        session.flush()
        session.add(models.Product(name=product, title="Machines", description="", owner="ada", pool="p",
                                   state="listed"))  # fmt: skip
        session.flush()
        now = books.clock.now()
        session.add(
            models.Request(
                id="req-1", requester="ada", department=department, product=product, meter="hours", quantity=1,
                region="r", days=3, period="2026-10", amount=Decimal(amount), currency="USD", justification="j",
                state="pending", revision=1, approvers=["ada"], created_at=now, expires_at=now, facts={},
            )
        )  # fmt: skip
        session.flush()
        session.add(models.Commitment(request="req-1", department=department, period="2026-10",
                                      amount=Decimal(amount), currency="USD", state="pending"))  # fmt: skip


def actuals(found: Sequence[Position]) -> dict[str, Decimal]:
    return {one.budget: one.actual.amount for one in found}


def test_a_department_that_is_within_its_plan_today_will_be_over_it(books: Books) -> None:
    """Ten a day: 200 of 250 in twenty days, and eleven days to come."""
    plan(books, "shop", "250")
    plan(books, "data", "250")
    charge(books, *every_day("2026-09-01", 50, "10"), *every_day("2026-09-01", 50, "1", "data"))
    shop, data = by_variance(budget_positions(books, OCTOBER))
    assert (shop.budget, shop.title, shop.actual.amount, shop.plan.amount) == (
        "shop",
        "Shop",
        Decimal(200),
        Decimal(250),
    )
    assert (shop.expected.amount, shop.variance.amount, shop.over_since) == (Decimal(310), Decimal(60), None)
    assert shop.lowest.amount <= shop.expected.amount <= shop.highest.amount
    assert (data.variance.amount, data.known_through, data.last_day) == (
        Decimal(-219), date(2026, 10, 20), date(2026, 10, 31),
    )  # fmt: skip


def test_what_today_has_cost_already_is_not_counted_twice(books: Books) -> None:
    plan(books, "shop", "250")
    charge(books, *every_day("2026-09-01", 51, "10"))
    (shop,) = budget_positions(books, OCTOBER)
    assert (shop.actual.amount, shop.expected.amount) == (Decimal(210), Decimal(310))


def test_days_on_which_nothing_has_come_yet_are_to_come_and_did_not_cost_nothing(books: Books) -> None:
    plan(books, "shop", "250")
    charge(books, *every_day("2026-09-01", 47, "10"))
    (shop,) = budget_positions(books, OCTOBER)
    assert (shop.actual.amount, shop.known_through, shop.expected.amount) == (
        Decimal(170), date(2026, 10, 17), Decimal(310),
    )  # fmt: skip


def test_what_is_reserved_counts_beside_what_is_to_come_of_every_budget_that_it_is_of(books: Books) -> None:
    plan(books, "shop", "1000")
    line(books, "machines", product=["vm"])
    line(books, "disks", product=["disk"])
    charge(books, *every_day("2026-09-01", 50, "10"))
    reserve(books, "shop", "vm", "70")
    shop, disks, machines = budget_positions(books, OCTOBER)
    assert shop.variance.amount == Decimal(200 + 70 + 110 - 1000)
    assert (machines.committed.amount, disks.committed.amount) == (Decimal(70), Decimal(0))


def test_a_month_that_is_over_has_nothing_to_come_and_a_budget_without_charges_no_forecast(books: Books) -> None:
    line(books, "september", "2026-09", product=["vm"])
    line(books, "september-disks", "2026-09", product=["disk"])
    charge(books, *every_day("2026-09-01", 50, "10"))
    over, nothing = budget_positions(books, SEPTEMBER)
    assert (over.expected.amount, over.known_through) == (Decimal(300), date(2026, 9, 30))
    assert (nothing.expected.amount, nothing.causes) == (Decimal(0), ())


def test_a_budget_is_over_since_the_day_on_which_its_sum_passed_the_plan(books: Books) -> None:
    line(books, "machines", amount="95", product=["vm"])
    line(books, "exact", amount="100", product=["vm"])
    charge(books, *every_day("2026-10-01", 10, "10"))
    exact, machines = line_positions(books, OCTOBER)
    assert (machines.over_since, exact.over_since) == (date(2026, 10, 10), None)


def test_a_replay_reads_nothing_of_later_days(books: Books) -> None:
    plan(books, "shop", "250")
    line(books, "machines", product=["vm"])
    charge(books, *every_day("2026-09-01", 40, "10"), *every_day("2026-10-11", 10, "99"))
    shop, machines = budget_positions(books, OCTOBER, date(2026, 10, 10))
    for one in (shop, machines):
        assert (one.actual.amount, one.expected.amount, one.known_through) == (
            Decimal(100), Decimal(310), date(2026, 10, 10),
        )  # fmt: skip


def test_the_largest_parts_are_told_by_product_or_of_one_product_by_department(books: Books) -> None:
    line(books, "all")
    line(books, "machines", product=["vm"])
    charge(books, ("shop", "vm", "2026-10-02", "50"), ("data", "vm", "2026-10-02", "30"),
           ("shop", "db", "2026-10-02", "60"), ("shop", "net", "2026-10-02", "1"),
           ("shop", "dns", "2026-10-02", "2"))  # fmt: skip
    everything, machines = line_positions(books, OCTOBER)
    assert [(one.name, one.amount.amount) for one in everything.causes] == [
        ("vm", Decimal(80)), ("db", Decimal(60)), ("dns", Decimal(2)),
    ]  # fmt: skip
    assert [one.name for one in machines.causes] == ["Shop", "Data"]


def test_a_quarter_and_a_year_are_forecast_to_their_end_and_add_up_their_months(books: Books) -> None:
    for period in ("2026-07", "2026-08", "2026-09", "2026-Q3", "2026"):
        line(books, "machines", period, product=["vm"])
    charge(books, *every_day("2026-06-20", 123, "1.01"))
    months = [budget_positions(books, Period(2026, month)) for month in (7, 8, 9)]
    by_month = [
        one.actual.amount for found in months for one in found if one.period.count("-") and "Q" not in one.period
    ]
    year, quarter, month = months[2]
    assert (year.period, month.period, quarter.period) == ("2026", "2026-09", "2026-Q3")
    assert quarter.actual.amount == exact_sum(by_month) == Decimal("1.01") * 92
    assert year.expected.amount == Decimal("1.01") * (123 + 72)
    assert (year.first_day, year.last_day) == (date(2026, 1, 1), date(2026, 12, 31))


def test_a_line_of_a_department_is_of_all_below_it_and_its_plan_is_not(books: Books) -> None:
    with books.store.transaction() as session:
        session.get_one(models.Department, "data").parent = "shop"
    plan(books, "shop", "250")
    line(books, "tree", department="shop")
    charge(books, ("shop", "vm", "2026-10-02", "5"), ("data", "vm", "2026-10-02", "7"))
    assert actuals(budget_positions(books, OCTOBER)) == {"shop": Decimal(5), "tree": Decimal(12)}


def test_usage_that_came_late_counts_in_the_month_that_it_is_booked_in(books: Books) -> None:
    line(books, "machines", product=["vm"])
    charge(books, ("shop", "vm", "2026-09-28", "5"), ("shop", "vm", "2026-10-02", "7"), booked_in="2026-10")
    (machines,) = line_positions(books, OCTOBER)
    assert machines.actual.amount == Decimal(12)


def test_a_plan_and_a_month_s_charges_are_converted_at_their_rates_and_a_missing_rate_is_named(books: Books) -> None:
    line(books, "machines", "2026-Q4", "100", currency="EUR", product=["vm"])
    charge(books, ("shop", "vm", "2026-10-02", "-12345678901.000000000000000007"), currency="EUR")
    with pytest.raises(MissingRateError, match="from EUR to USD for 2026-10"):
        line_positions(books, OCTOBER)
    with books.store.transaction() as session:
        session.add(models.Rate(kind="period", day=OCTOBER.first_day, currency="EUR", quote="USD",
                                rate=Decimal("1.1"), origin="x"))  # fmt: skip
    (machines,) = line_positions(books, OCTOBER)
    assert (machines.plan.amount, machines.actual.amount) == (
        Decimal(110), Decimal("-13580246791.100000000000000008"),
    )  # fmt: skip


def test_nothing_of_what_vendors_charge_is_said_unless_it_is_asked_for(books: Books) -> None:
    line(books, "machines", product=["vm"])
    line(books, "vault", view="effective", account=["1"])
    assert [one.budget for one in line_positions(books, OCTOBER, INTERNAL)] == ["machines"]
    assert [one.view for one in line_positions(books, OCTOBER)] == ["internal", "effective"]


def test_a_curve_has_the_days_of_the_span_with_what_they_cost_or_will(books: Books) -> None:
    line(books, "machines", amount="300", product=["vm"])
    charge(books, *every_day("2026-09-01", 50, "10"), ("shop", "vm", "2026-09-17", "9.99"))
    curve = budget_curve(books, "machines", OCTOBER)
    assert curve is not None
    assert (curve.title, curve.currency, curve.plan, len(curve.days)) == ("Machines", "USD", Decimal(300), 31)
    assert curve.actual == (*[Decimal(10)] * 20, *[None] * 11)
    assert curve.expected == (*[None] * 20, *[Decimal(10)] * 11)
    (machines,) = line_positions(books, OCTOBER)
    for bound, total in ((curve.lower, machines.lowest), (curve.upper, machines.highest)):
        assert exact_sum([machines.actual.amount, *(one for one in bound if one is not None)]) == total.amount
    assert budget_curve(books, "nobody", OCTOBER) is None


def test_a_curve_of_a_department_is_its_plan_s(books: Books) -> None:
    plan(books, "shop", "250")
    charge(books, *every_day("2026-10-01", 3, "10"))
    curve = budget_curve(books, "shop", OCTOBER)
    assert curve is not None
    assert (curve.title, curve.plan, curve.actual[:4]) == ("Shop", Decimal(250), (*[Decimal(10)] * 3, None))


@settings(
    max_examples=4, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["shop", "data", "web"]), st.sampled_from(["vm", "db", "gpu"]), st.integers(1, 31),
            st.decimals(-(10**9), 10**9, places=18),
        ),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_lines_that_part_the_ledger_add_up_to_it_and_a_list_to_its_single_ones(
    books: Books, drawn: list[tuple[str, str, int, Decimal]]
) -> None:
    charge(books, *((who, what, f"2026-10-{day:02}", str(amount)) for who, what, day, amount in drawn))
    with books.store.transaction() as session:
        session.query(models.BudgetLine).delete()
        for name, parent in (("web", "shop"), ("data", "shop")):
            session.merge(models.Department(name=name, title=name, parent=parent, cost_centre="1", owner="ada",
                                            budget_holder="ada", channel="#x", tenants=[]))  # fmt: skip
    for who in ("shop", "data", "web"):
        line(books, f"only-{who}", department=who)
        for what in ("vm", "db", "gpu"):
            line(books, f"{who}-{what}", department=who, product=[what])
    line(books, "two", product=["vm", "gpu"])
    line(books, "all")
    found = actuals(line_positions(books, OCTOBER, INTERNAL))

    def told(*whose: str, of: Sequence[str] = ("vm", "db", "gpu")) -> Decimal:
        return exact_sum(amount for who, what, _, amount in drawn if who in whose and what in of)

    assert found["all"] == told("shop", "data", "web") == found["only-shop"]
    assert found["two"] == told("shop", "data", "web", of=("vm", "gpu"))
    assert exact_sum(found[f"{who}-{what}"] for who in ("data", "web") for what in ("vm", "db", "gpu")) == exact_sum(
        (found["only-data"], found["only-web"])
    )
    assert found["only-data"] == told("data")
