"""Rates from a file or somebody's table, and amounts of several currencies beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from twinledger.catalog import (
    RateUsed,
    convert_totals,
    known_rates,
    rate_of_day,
    read_rate_file,
    read_rate_table,
    record_rates,
)
from twinledger.catalog.forms import RateConfig
from twinledger.clock import FixedClock
from twinledger.store import Store
from twinledger.store.models import AuditEntry
from twinledger.vocabulary.errors import InvalidConfigError, InvalidTableError, UnknownNameError, UnreachableError
from twinledger.vocabulary.money import Money
from twinledger.vocabulary.periods import Period

OCTOBER = Period(2026, 10)


def rate(value: str, day: date = date(2026, 10, 1), kind: str = "period", currency: str = "EUR") -> RateConfig:
    said = {"kind": kind, "day": day, "currency": currency, "quote": "USD", "rate": value, "origin": "treasury"}
    return RateConfig.model_validate(said)


def write(store: Store, clock: FixedClock, *rates: RateConfig) -> list[tuple[str, str]]:
    with store.transaction() as session:
        return [(change.action, change.name) for change in record_rates(session, clock, rates, "rates.csv")]


def test_rates_are_recorded_once_and_a_changed_one_is_audited(store: Store, clock: FixedClock) -> None:
    assert write(store, clock, rate("1.085")) == [("added", "period 2026-10-01 EUR USD")]
    assert write(store, clock, rate("1.085")) == []
    assert write(store, clock, rate("1.09")) == [("changed", "period 2026-10-01 EUR USD")]
    with store.reading() as session:
        entries = session.query(AuditEntry).order_by(AuditEntry.sequence).all()
    assert [(entry.action, entry.facts["before"], entry.facts["rate"]) for entry in entries] == [
        ("rate.added", None, "1.085"), ("rate.changed", "1.085", "1.09"),
    ]  # fmt: skip


def test_rates_that_are_not_in_a_later_file_stay(store: Store, clock: FixedClock) -> None:
    write(store, clock, rate("1.1", date(2026, 10, 2), "day"))
    write(store, clock, rate("1.2", date(2026, 10, 5), "day"))
    with store.reading() as session:
        assert [(one.day, one.rate) for one in known_rates(session, "EUR", "USD")] == [
            (date(2026, 10, 5), Decimal("1.2")), (date(2026, 10, 2), Decimal("1.1")),
        ]  # fmt: skip
        assert rate_of_day(session, date(2026, 10, 4), "EUR", "USD").day == date(2026, 10, 2)


def test_a_dry_run_says_what_would_change_and_writes_nothing(store: Store, clock: FixedClock) -> None:
    with store.transaction() as session:
        assert record_rates(session, clock, [rate("1.085")], "rates.csv", dry_run=True)
        assert known_rates(session, "EUR", "USD") == []
        assert session.query(AuditEntry).count() == 0


def test_a_file_has_the_form_of_rates_csv(tmp_path: Path) -> None:
    path = tmp_path / "treasury.csv"
    path.write_text("kind,day,currency,quote,rate,origin\nday,2026-10-02,CNY,USD,0.13900001,ECB\n")
    assert read_rate_file(path)[0].rate == Decimal("0.13900001")
    path.write_text("kind,day,currency,quote,rate,origin\nday,2026-10-02,CNY,USD,0,ECB\n")
    with pytest.raises(InvalidConfigError, match="rate 1, rate"):
        read_rate_file(path)


def test_a_rate_that_stands_twice_is_refused_with_both_rows(tmp_path: Path) -> None:
    path = tmp_path / "treasury.csv"
    line = "day,2026-10-02,CNY,USD,0.139,ECB\n"
    path.write_text(f"kind,day,currency,quote,rate,origin\n{line}{line}")
    with pytest.raises(InvalidTableError, match="row 2: day 2026-10-02 CNY USD stands in row 1 already"):
        read_rate_file(path)


# --- a table of another database -----------------------------------------------------------------


@pytest.fixture
def treasury(bare_store: Store) -> str:
    """The URL of a database with a table of rates of somebody else's making, on each database in turn."""
    engine = create_engine(bare_store.url)
    with engine.begin() as connection:
        connection.execute(
            text(
                'CREATE TABLE "FxRates" (value_date DATE, ccy VARCHAR(3), rate NUMERIC(12, 8), approx DOUBLE PRECISION)'
            )
        )
        connection.execute(
            text(
                """INSERT INTO "FxRates" VALUES
                ('2026-10-01', 'EUR', 1.0842, 1.0842), ('2026-10-02', 'CNY', 0.13912345, 0.1)"""
            )
        )
    engine.dispose()
    return bare_store.url


COLUMNS = {"day": "value_date", "currency": "ccy"}
CONSTANTS = {"kind": "day", "quote": "USD", "origin": "group treasury"}


def test_a_table_is_read_by_named_columns_and_no_digit_changes(treasury: str) -> None:
    found = read_rate_table(treasury, "FxRates", COLUMNS, CONSTANTS)
    assert sorted((one.day, one.currency, one.rate, one.origin) for one in found) == [
        (date(2026, 10, 1), "EUR", Decimal("1.0842"), "group treasury"),
        (date(2026, 10, 2), "CNY", Decimal("0.13912345"), "group treasury"),
    ]


@pytest.mark.parametrize(
    ("name", "columns", "problem"),
    [
        ("rates", COLUMNS, "no table named 'rates'"),
        ('FxRates"; DROP TABLE "FxRates', COLUMNS, "no table named"),
        ("nobody.FxRates", COLUMNS, "no table named"),
        ("FxRates", {}, "no column of FxRates for day named 'day'"),
        ("FxRates", {**COLUMNS, "rate": "1 AS x"}, "no column of FxRates for rate"),
    ],
)
def test_only_what_the_database_lists_is_read(
    treasury: str, name: str, columns: Mapping[str, str], problem: str
) -> None:
    with pytest.raises(UnknownNameError, match=problem):
        read_rate_table(treasury, name, columns, CONSTANTS)


def test_binary_fractions_are_no_rates(treasury: str) -> None:
    with pytest.raises(InvalidTableError, match=r"approx: is (DOUBLE PRECISION|REAL), which holds no exact rate"):
        read_rate_table(treasury, "FxRates", {**COLUMNS, "rate": "approx"}, CONSTANTS)


def test_a_row_that_is_no_rate_is_named(treasury: str) -> None:
    with pytest.raises(InvalidTableError, match="row 1, kind"):
        read_rate_table(treasury, "FxRates", COLUMNS, {**CONSTANTS, "kind": "weekly"})


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "no url", "unheard-of://user:secret@host/db"])
def test_a_database_that_does_not_answer_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UnreachableError) as refused:
        read_rate_table(url, "fx", {}, CONSTANTS)
    assert "secret" not in str(refused.value)


# --- several currencies beside each other --------------------------------------------------------


def test_a_converted_amount_names_its_rate_its_day_and_who_says_so(store: Store, clock: FixedClock) -> None:
    write(store, clock, rate("1.25"))
    with store.reading() as session:
        found = convert_totals(session, OCTOBER, [Money(Decimal(8), "EUR"), Money(Decimal(1), "USD")], "USD")
    assert found.total == Money(Decimal(11), "USD")
    assert [str(part) for part in found.parts] == [
        "8.00 EUR = 10.00 USD at 1.25 of 2026-10-01 (treasury)", "1.00 USD",
    ]  # fmt: skip


def test_without_a_rate_there_is_no_sum_and_the_rate_is_named(store: Store) -> None:
    with store.reading() as session:
        found = convert_totals(session, OCTOBER, [Money(Decimal(8), "CNY"), Money(Decimal(1), "USD")], "USD")
    assert found.total is None
    assert found.missing == (
        "no rate from CNY to USD for 2026-10: add it to rates.csv with its date and source",
    )  # fmt: skip
    assert str(found.parts[0]) == "8.00 CNY cannot be converted: no rate is known"


def test_two_amounts_of_one_currency_are_refused(store: Store) -> None:
    with store.reading() as session, pytest.raises(ValueError, match="two amounts of one currency"):
        convert_totals(session, OCTOBER, [Money(Decimal(8), "USD"), Money(Decimal(1), "USD")], "USD")


@given(st.text(max_size=12))
def test_a_rate_is_read_exactly_or_refused(value: str) -> None:
    try:
        read = rate(value)
    except ValueError:
        return
    assert read.rate == Decimal(value.strip()) > 0
    assert RateUsed("EUR", "USD", read.rate, read.day, read.origin).rate == read.rate
