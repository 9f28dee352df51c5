from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinledger.books import Books
from twinledger.rating import rate_period, rating_due, statement
from twinledger.store import Store, models
from twinledger.vocabulary.errors import CurrencyMismatchError, MissingRateError, UnknownNameError
from twinledger.vocabulary.money import Money, round_to
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)
Do = Callable[..., Any]


def at(day: int, hour: int = 0, *, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


quantities = st.decimals(min_value=0, max_value=Decimal(9999999999), places=9)
amounts = st.decimals(min_value=0, max_value=Decimal(999999999), places=9)
instants = st.integers(0, 31 * 24 - 1).map(lambda hours: at(1) + timedelta(hours=hours))
changes = st.dictionaries(st.tuples(st.sampled_from(["hours", "gib"]), instants), amounts, max_size=6)
usages = st.lists(
    st.tuples(st.sampled_from(["s", "d"]), st.just("vm"), st.sampled_from(["hours", "gib"]), instants, quantities),
    max_size=12,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes, usages)
def test_rating_is_each_record_times_the_price_that_was_in_force(
    books: Books,
    company: Do,
    meter: Do,
    charges: Do,
    empty: Callable[[Store], None],
    later: dict[tuple[str, datetime], Decimal],
    records: list[tuple[str, str, str, datetime, Decimal]],
) -> None:
    empty(books.store)
    prices = {("hours", at(1, month=1)): Decimal(1), ("gib", at(1, month=1)): Decimal(2)} | later
    company([(name, start, str(amount)) for (name, start), amount in prices.items()])
    meter(records)
    rate_period(books, OCTOBER)
    expected = []
    for tenant, _, name, start, quantity in records:
        begun = max(since for of, since in prices if of == name and since <= start)
        expected.append((tenant, name, quantity, prices[name, begun]))
    found = charges()
    assert sorted((row["tenant"], row["meter"], row["quantity"], row["price"]) for row in found) == sorted(expected)
    for row in found:
        assert scaled(row["amount"], 18) == scaled(row["quantity"], 9) * scaled(row["price"], 9)
        assert row["department"] == {"s": "shop", "d": "data"}[row["tenant"]]


def scaled(value: Decimal, places: int) -> int:
    """As whole units of the last place: integers have all digits."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    assert exponent >= -places
    number = int("".join(map(str, digits))) * int(10 ** (exponent + places))
    return -number if sign else number


def test_rating_again_changes_nothing(books: Books, company: Do, meter: Do) -> None:
    company([("hours", at(1), "0.5")])
    meter([("s", "vm", "hours", at(2), Decimal(3))])
    first, second = rate_period(books, OCTOBER), rate_period(books, OCTOBER)
    assert (first.changed, first.rows, second.changed, second.rows) == (True, 1, False, 1)
    assert first.digest == second.digest


def test_a_new_price_rates_the_open_period_again(books: Books, company: Do, meter: Do, charges: Do) -> None:
    company([("hours", at(1), "0.5")])
    meter([("s", "vm", "hours", at(2), Decimal(3)), ("s", "vm", "hours", at(20), Decimal(3))])
    rate_period(books, OCTOBER)
    with books.store.transaction() as session:
        session.add(models.Price(product="vm", meter="hours", effective_from=at(10), amount=Decimal(1), currency="USD",
                                 recorded_at=at(10)))  # fmt: skip
    assert rate_period(books, OCTOBER).changed
    assert sorted(row["amount"] for row in charges()) == [Decimal("1.5"), Decimal(3)]


def test_rating_is_due_once_something_that_it_follows_from_has_changed(books: Books, company: Do, meter: Do) -> None:
    company([("hours", at(1), "0.50")])
    meter([("s", "vm", "hours", at(2), Decimal(3))])
    assert rating_due(books, OCTOBER)
    rate_period(books, OCTOBER)
    assert not rating_due(books, OCTOBER)
    meter([("s", "vm", "hours", at(2), Decimal(4))])
    assert rating_due(books, OCTOBER)


def test_rating_is_not_due_where_it_would_stop_or_the_period_is_closed(books: Books, company: Do, meter: Do) -> None:
    company([("hours", at(1), "0.50")])
    meter([("s", "vm", "gib", at(2), Decimal(3))])
    assert not rating_due(books, OCTOBER), "no price is in force"
    meter([("s", "vm", "hours", at(2), Decimal(3))])
    with books.store.transaction() as session:
        session.add(models.PeriodState(period="2026-10", state="closed"))
    assert not rating_due(books, OCTOBER), "closed"


def test_a_closed_period_is_left_as_it_is(books: Books, company: Do, meter: Do, charges: Do) -> None:
    company([("hours", at(1), "0.5")])
    meter([("s", "vm", "hours", at(2), Decimal(3))])
    rate_period(books, OCTOBER)
    with books.store.transaction() as session:
        session.add(models.PeriodState(period="2026-10", state="closed"))
    meter([("s", "vm", "hours", at(2), Decimal(4))])
    assert not rate_period(books, OCTOBER).changed
    assert [row["quantity"] for row in charges()] == [Decimal(3)]


def test_usage_without_a_price_stops_the_period_and_is_named(books: Books, company: Do, meter: Do, charges: Do) -> None:
    company([("hours", at(5), "0.5")])
    meter([("s", "vm", "hours", at(2), Decimal(3)), ("s", "vm", "hours", at(6), Decimal(3))])
    result = rate_period(books, OCTOBER)
    assert (result.changed, charges()) == (False, [])
    (unpriced,) = result.unpriced
    assert (unpriced.product, unpriced.meter, unpriced.records, unpriced.first_at) == ("vm", "hours", 1, at(2))
    assert "vm/hours have no price in force" in result.stops[0]


def test_what_the_ledger_gate_stops_is_not_written(
    books: Books,
    company: Do,
    meter: Do,
    charges: Do,
    gate: Any,  # noqa: ANN401 - the fake of conftest.py
) -> None:
    company([("hours", at(1), "0.5")])
    meter([("s", "vm", "hours", at(2), Decimal(3))])
    gate.stops["ledger"] = ("no",)
    result = rate_period(books, OCTOBER)
    assert (result.changed, result.stops, charges()) == (False, ("no",), [])


def test_a_price_in_another_currency_is_refused(books: Books, company: Do) -> None:
    company([("hours", at(1), "0.5")])
    with books.store.transaction() as session:
        session.add(models.Price(product="vm", meter="gib", effective_from=at(1), amount=Decimal(1), currency="EUR",
                                 recorded_at=at(1)))  # fmt: skip
    with pytest.raises(CurrencyMismatchError, match="EUR with USD"):
        rate_period(books, OCTOBER)


RDS = [{"column": "ServiceName", "equals": ["RDS"]}]


def test_direct_charges_pass_through_at_list_price_and_period_rate(
    books: Books, company: Do, bill: Do, charges: Do
) -> None:
    company([], pool_rules=RDS)
    with books.store.transaction() as session:
        session.add(models.Rate(kind="period", day=date(2026, 10, 1), currency="EUR", quote="USD", rate=Decimal("1.08"),
                                origin="x"))  # fmt: skip
    paid = {"ListCost": Decimal(10), "EffectiveCost": Decimal(7), "ConsumedQuantity": Decimal("2.0000000005")}
    bill([
        {**paid, "Tags": '{"department": "data"}', "SubAccountId": "s"},
        {**paid, "BillingCurrency": "EUR", "SubAccountId": "s", "Tags": '{"department": "nobody"}'},
        {**paid, "SubAccountId": "z"},
        {**paid, "ServiceName": "EC2"},
        {**paid, "ChargeCategory": "Tax"},
        {**paid, "ChargeClass": "Correction"},
        {**paid, "x_restates": "x"},
        {**paid, "ChargePeriodStart": datetime(2026, 9, 30, 23)},
    ])  # fmt: skip
    rate_period(books, OCTOBER)
    found = sorted((row["department"], row["amount"], row["quantity"], row["kind"]) for row in charges())
    assert found == [
        ("data", Decimal(10), Decimal("2.000000001"), "direct"),
        ("shop", Decimal("10.8"), Decimal("2.000000001"), "direct"),
        ("unassigned", Decimal(10), Decimal("2.000000001"), "direct"),
    ]


def test_a_direct_charge_in_a_currency_without_rate_is_refused(books: Books, company: Do, bill: Do) -> None:
    company([], pool_rules=RDS)
    bill([{"BillingCurrency": "GBP", "ListCost": Decimal(1)}])
    with pytest.raises(MissingRateError, match="GBP to USD for 2026-10"):
        rate_period(books, OCTOBER)


def test_only_bills_of_direct_pools_make_a_period_rate_again(books: Books, company: Do, meter: Do, bill: Do) -> None:
    company([("hours", at(1), "0.5")], pool_rules=RDS)
    meter([("s", "vm", "hours", at(2), Decimal(3))])
    rate_period(books, OCTOBER)
    bill([{"ListCost": Decimal(1)}])
    assert rate_period(books, OCTOBER).changed
    with books.store.transaction() as session:
        session.add(models.Rate(kind="day", day=date(2026, 10, 2), currency="EUR", quote="USD", rate=Decimal(1),
                                origin="x"))  # fmt: skip
    assert not rate_period(books, OCTOBER).changed


def test_a_statement_s_lines_are_rounded_and_its_total_is_their_sum(books: Books, company: Do, meter: Do) -> None:
    company([("hours", at(1), "0.005"), ("gib", at(1), "0.333")])
    meter([("s", "vm", "hours", at(2), Decimal(1)), ("s", "vm", "gib", at(2), Decimal(1)),
           ("d", "vm", "gib", at(2), Decimal(7))])  # fmt: skip
    rate_period(books, OCTOBER)
    found = statement(books, "shop", OCTOBER)
    assert [(line.product, line.meter, line.unit, line.quantity, line.price, line.amount) for line in found.lines] == [
        ("vm", "gib", "gib", Decimal(1), Decimal("0.333"), Money(Decimal("0.33"), "USD")),
        ("vm", "hours", "hours", Decimal(1), Decimal("0.005"), Money(Decimal("0.01"), "USD")),
    ]
    assert found.total == Money(Decimal("0.34"), "USD")


def test_a_line_with_two_prices_states_none(books: Books, company: Do, meter: Do) -> None:
    company([("hours", at(1), "0.5"), ("hours", at(10), "1")])
    meter([("s", "vm", "hours", at(2), Decimal(2)), ("s", "vm", "hours", at(20), Decimal(2))])
    rate_period(books, OCTOBER)
    (line,) = statement(books, "shop", OCTOBER).lines
    assert (line.price, line.quantity, line.amount.amount) == (None, Decimal(4), round_to(Decimal(3), Decimal("0.01")))


def test_a_statement_of_nobody_is_refused(books: Books) -> None:
    with pytest.raises(UnknownNameError, match="department named 'x'"):
        statement(books, "x", OCTOBER)
