"""What one unit of business costs: cost over metric, and a change that is split without a rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.budgets.test_effects import OCTOBER, SEPTEMBER, amounts, charge, quantities
from tests.budgets.test_variance import departments  # noqa: F401 - the fixture is used by name
from twinledger.books import Books
from twinledger.budgets import UnitCost, metrics, record_metrics, unit_costs
from twinledger.budgets.effects import Item, effects
from twinledger.budgets.unit_cost import divided
from twinledger.store.models import AuditEntry, MetricValue
from twinledger.vocabulary.errors import InvalidConfigError, InvalidTableError, UnknownNameError

METRICS = "metrics: [{name: orders, title: Orders, unit: order, departments: [shop]}]"


@pytest.fixture
def books(books: Books, tmp_path: Path) -> Books:
    """A deployment that knows the shop's orders."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "metrics.yaml").write_text(METRICS)
    return replace(books, settings=books.settings.model_copy(update={"config": folder}))


def written(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "orders.csv"
    file.write_text("\n".join(["metric,day,quantity", *lines]) + "\n")
    return file


def parts(one: UnitCost) -> tuple[str, str, str]:
    return str(one.price.amount), str(one.efficiency.amount), str(one.volume.amount)


def test_a_month_s_cost_is_divided_by_its_orders_and_the_change_is_split(books: Books, tmp_path: Path) -> None:
    """Twice the orders on one and a half times the hours, at a tenth more an hour."""
    charge(books, SEPTEMBER, ("shop", "i-1", "100", "10.00"), ("data", "i-9", "100", "10.00"))
    charge(books, OCTOBER, ("shop", "i-1", "150", "16.50"), ("data", "i-9", "900", "90.00"))
    orders = ("orders,2026-09-03,1000", "orders,2026-10-03,1500", "orders,2026-10-04,500")
    record_metrics(books, written(tmp_path, *orders), "mary")
    (metric,) = metrics(books.settings.config)
    before, found = unit_costs(books, metric, OCTOBER, 2)
    assert (str(before.a_unit), str(found.a_unit), found.quantity, found.days) == ("0.01", "0.00825", Decimal(2000), 2)
    assert parts(found) == ("1.50", "-5.00", "10.00")
    assert str(found.change) == "6.50 USD"


def test_the_same_file_again_changes_nothing_and_a_new_value_is_on_record(books: Books, tmp_path: Path) -> None:
    file = written(tmp_path, "orders,2026-10-03,1000", "orders,2026-10-04,7.5")
    assert record_metrics(books, file, "mary").new == 2
    assert record_metrics(books, file, "mary").unchanged == 2
    assert record_metrics(books, written(tmp_path, "orders,2026-10-03,999"), "mary").changed == 1
    with books.store.reading() as session:
        assert session.get_one(MetricValue, ("orders", date(2026, 10, 3))).quantity == Decimal(999)
        entries = session.query(AuditEntry).order_by(AuditEntry.sequence).all()
    assert [(one.action, one.facts["new"], one.facts["changed"]) for one in entries] == [
        ("metrics.record", 2, 0), ("metrics.record", 0, 1),
    ]  # fmt: skip


WRONG = {
    "users,2026-10-03,1": "row 1, metric: 'users' is not in metrics.yaml",
    "orders,3 October,1": "row 1, day: '3 October' is no day",
    "orders,2026-10-03,many": "row 1, quantity: .*many",
    "orders,2026-10-03,-1": "row 1, quantity: -1.00 is below zero",
    "orders,2026-10-03,1\norders,2026-10-03,2": "row 2: orders of 2026-10-03 stands there twice",
    "": "header: expected metric,day,quantity, and a line",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_cell_that_cannot_be_is_named_and_nothing_is_taken(line: str, books: Books, tmp_path: Path) -> None:
    with pytest.raises(InvalidTableError, match=WRONG[line]):
        record_metrics(books, written(tmp_path, line), "mary")
    with books.store.reading() as session:
        assert session.query(MetricValue).count() == 0


def test_metrics_of_one_name_or_of_no_department_are_refused(books: Books) -> None:
    file = books.settings.config / "metrics.yaml"
    file.write_text(METRICS.replace("]}]", "]}, {name: orders, title: O, unit: o}]"))
    with pytest.raises(InvalidConfigError, match="'orders' stands there twice"):
        metrics(books.settings.config)
    file.write_text(METRICS.replace("shop", "moon"))
    (metric,) = metrics(books.settings.config)
    with pytest.raises(UnknownNameError, match="moon"):
        unit_costs(books, metric, OCTOBER, 1)


items = st.builds(Item, st.just("kept"), quantities, quantities, amounts, amounts)


@given(st.lists(items, min_size=1, max_size=5), st.lists(quantities, max_size=3), st.lists(quantities, max_size=3))
def test_price_efficiency_and_volume_add_up_to_the_change(
    found: list[Item], now: list[Decimal], before: list[Decimal]
) -> None:
    (one,) = divided("2026-10", now, before, [effects("shop", "vm", "h", "USD", found)])
    assert one.price + one.efficiency + one.volume == one.change


def test_without_a_value_there_is_no_unit_cost() -> None:
    (one,) = divided("2026-10", [], [Decimal(1)], [effects("shop", "vm", "h", "USD", [])])
    assert one.a_unit is None
