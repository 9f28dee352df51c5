"""Budgets from a spreadsheet: what finance wrote is what is planned, and a wrong cell is named."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from twinledger.catalog import load_config
from twinledger.catalog.budget_forms import BudgetLine
from twinledger.catalog.budget_sheet import read_budget_sheet
from twinledger.vocabulary.errors import InvalidConfigError, InvalidTableError
from twinledger.vocabulary.money import exact_sum, smallest_unit
from twinledger.vocabulary.periods import months_of

Row = Sequence[object]
WIDE: list[Row] = [
    ("Department", "Currency", datetime(2026, 10, 1), "2026-11", "2027-Q1", "Total"),
    ("shop", "USD", 1200.1, "900.00", 3000, 5100.1),
    (None, None, None, None, None, None),
    ("data", "USD", None, 0, None, None),
]
DEPARTMENTS = """
departments:
  - {name: shop, title: Shop, cost_centre: "1", owner: ada, budget_holder: ada, channel: "#shop"}
  - {name: data, title: Data, cost_centre: "2", owner: ada, budget_holder: ada, channel: "#data"}
"""


def workbook(folder: Path, rows: Sequence[Row], name: str = "budgets.xlsx") -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(tuple(row))  # type: ignore[union-attr, arg-type]
    book.save(folder / name)
    return folder / name


def text(folder: Path, rows: Sequence[Row]) -> Path:
    with (folder / "budgets.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows(rows)
    return folder / "budgets.csv"


def said(lines: Sequence[BudgetLine]) -> list[tuple[str, str, str, str]]:
    return [(one.department, str(one.period[0]), str(len(one.period)), str(one.amount)) for one in lines]


def test_a_line_a_department_has_a_column_for_each_time(tmp_path: Path) -> None:
    assert said(read_budget_sheet(workbook(tmp_path, WIDE))) == [
        ("shop", "2026-10", "1", "1200.1"),
        ("shop", "2026-11", "1", "900.00"),
        ("shop", "2027-01", "3", "3000"),
        ("data", "2026-11", "1", "0"),
    ]


def test_a_line_a_plan_is_read_from_csv_and_from_a_workbook_alike(tmp_path: Path) -> None:
    rows: list[Row] = [
        ("department", "period", "amount", "currency"),
        ("shop", "2026-Q4", "36000.01", "USD"),
        ("data", "2026", "12", "JPY"),
    ]
    expected = [("shop", "2026-10", "3", "36000.01"), ("data", "2026-01", "12", "12")]
    assert said(read_budget_sheet(text(tmp_path, rows))) == expected
    assert said(read_budget_sheet(workbook(tmp_path, rows))) == expected


WRONG: dict[str, tuple[list[Row], str]] = {
    "an amount that is none": ([WIDE[0], ("shop", "USD", "12k")], r"C2: .*12k"),
    "separators": ([WIDE[0], ("shop", "USD", None, "1,200.00")], r"D2: .*1,200\.00"),
    "below zero": ([WIDE[0], ("shop", "USD", -1)], r"C2: -1\.00 is no plan"),
    "a third decimal": (
        [WIDE[0], ("shop", "USD", 1.005)],
        r"C2: 1\.005 is no plan: expected 0 or more, in whole 0\.01",
    ),
    "cents of a currency without": ([WIDE[0], ("shop", "JPY", 1.5)], r"C2: 1\.50 is no plan: expected .* whole 1 JPY"),
    "a total that does not add up": ([WIDE[0], ("shop", "USD", 1, 2, 3, 7)], r"F2: the total is 7\.00, .* 6\.00"),
    "a month that is none": (
        [("department", "currency", "2026-13"), ("shop", "USD", 1)],
        r"C1: .*'2026-13' is no time",
    ),
    "a heading that is unknown": (
        [("department", "currency", "Remarks"), ("shop", "USD", 1)],
        r"C1: .*'remarks' is no",
    ),
    "no currency": ([("department", "2026-10"), ("shop", 1)], r"heading: missing currency"),
    "a currency that is none": ([WIDE[0], ("shop", "dollars", 1)], r"B2: .*pattern"),
    "a heading twice": ([("department", "currency", "2026", "2026"), ("shop", "USD", 1, 1)], r"D1: '2026' stands"),
    "yes": ([WIDE[0], ("shop", "USD", True)], r"C2: 'True' is no amount"),
    "nothing": ([], r"heading: missing department, currency"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_cell_that_cannot_be_is_named_as_the_spreadsheet_names_it(name: str, tmp_path: Path) -> None:
    rows, sentence = WRONG[name]
    with pytest.raises(InvalidTableError, match=rf"budgets\.xlsx: {sentence}"):
        read_budget_sheet(workbook(tmp_path, rows))


def test_an_amount_that_is_missing_is_named_in_a_list_of_plans(tmp_path: Path) -> None:
    rows: list[Row] = [("department", "period", "amount", "currency"), ("shop", "2026-10", "", "USD")]
    with pytest.raises(InvalidTableError, match=r"C2: is empty"):
        read_budget_sheet(text(tmp_path, rows))


def test_what_is_no_workbook_or_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "budgets.xlsx"
    place.write_bytes(b"PK no")
    with pytest.raises(InvalidTableError, match="is no workbook"):
        read_budget_sheet(place)
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/workbook.xml", b"0" * (65 << 20))
    with pytest.raises(InvalidTableError, match="unpacks to more"):
        read_budget_sheet(place)


def test_a_spreadsheet_stands_beside_budgets_yaml_and_no_month_is_planned_twice(tmp_path: Path) -> None:
    (tmp_path / "departments.yaml").write_text(DEPARTMENTS)
    (tmp_path / "people.yaml").write_text("people: [{name: ada, title: Ada}]\n")
    yaml = "budgets:\n  - {department: shop, period: 2026-09, amount: '5.00', currency: USD}\n"
    (tmp_path / "budgets.yaml").write_text(yaml)
    workbook(tmp_path, WIDE)
    found = {(one.department, str(one.period)): one.amount for one in load_config(tmp_path).budgets}
    assert (found["shop", "2026-09"], found["shop", "2027-02"]) == (Decimal(5), Decimal(1000))
    (tmp_path / "budgets.yaml").write_text(yaml.replace("2026-09", "2026-Q4"))
    with pytest.raises(InvalidConfigError, match="'shop 2026-10' stands there twice"):
        load_config(tmp_path)


LINES: list[Row] = [
    ("name", "department", "product", "group", "account", "region", "tag", "period", "amount", "currency"),
    (None, "shop", None, None, None, None, None, "2026-10", 100, "USD"),
    ("gpus", "shop", "gpu; vm", None, None, None, None, "2026-Q4", "300.00", "USD"),
    ("ai", None, None, "ai", None, None, None, 2026, 9, "USD"),
    ("prod", "data", None, None, "0011;22", "eu", "env=prod; env=test;team=a", "2026-10", 5, "USD"),
]


def test_a_row_with_a_name_is_a_line_of_what_its_cells_name(tmp_path: Path) -> None:
    for path in (workbook(tmp_path, LINES), text(tmp_path, LINES)):
        plan, gpus, ai, prod = read_budget_sheet(path)
        assert (plan.name, plan.department, plan.in_view) == (None, "shop", "internal")
        assert (gpus.product, gpus.span, gpus.amount) == (("gpu", "vm"), "2026-Q4", Decimal(300))
        assert (ai.group, ai.span, ai.scope({"ai": ("vm", "gpu")})) == ("ai", "2026", {"product": ["gpu", "vm"]})
        assert prod.in_view == "effective"
        tags = {"env": ["prod", "test"], "team": ["a"]}
        assert prod.scope({}) == {"account": ["0011", "22"], "region": ["eu"], "tag": tags}


def test_a_line_has_a_column_for_each_time_as_well(tmp_path: Path) -> None:
    rows: list[Row] = [("name", "service", *WIDE[0]), ("vms", "EC2; EBS", None, "USD", 1, 2, None, 3)]
    found = read_budget_sheet(workbook(tmp_path, rows))
    assert [(one.name, one.service, one.span) for one in found] == [
        ("vms", ("EC2", "EBS"), "2026-10"),
        ("vms", ("EC2", "EBS"), "2026-11"),
    ]


WRONG_LINES: dict[str, tuple[int, object, str]] = {
    "a department that nobody knows": (1, "shpo", r"B2: no department named 'shpo'"),
    "a product that nobody knows": (2, "gpu; vmm", r"C2: no product named 'vmm'"),
    "a group that nobody knows": (3, "aii", r"D2: no group named 'aii'"),
    "an account as a number": (4, 11, r"E2: is a number: write an account as text"),
    "a tag without a value": (6, "env", r"G2: 'env' is no tag: expected key=value"),
    "a name with a space": (0, "my line", r"A2: .*expected a lower-case letter"),
    "a product beside a region": (5, "eu", r"A2: region beside product"),
    "no name": (0, None, r"A2: the plan of a department has no product: give the line a name"),
}


@pytest.mark.parametrize("name", WRONG_LINES)
def test_a_cell_of_a_line_that_cannot_be_is_named(name: str, tmp_path: Path) -> None:
    column, value, sentence = WRONG_LINES[name]
    row: list[object] = ["gpus", "shop", "gpu", None, None, None, None, "2026-10", 100, "USD"]
    row[2] = None if column in (3, 4, 6) else row[2]
    row[column] = value
    known = {"department": ["shop"], "product": ["gpu", "vm"], "group": ["ai"]}
    with pytest.raises(InvalidTableError, match=rf"budgets\.xlsx: {sentence}"):
        read_budget_sheet(workbook(tmp_path, [LINES[0], row]), known)


@given(
    st.decimals(0, 10**12, places=3),
    st.sampled_from(["2026-02", "2026-Q3", "2026"]),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_the_months_of_a_plan_add_up_to_it(amount: Decimal, period: str, currency: str) -> None:
    amount -= amount % smallest_unit(currency)
    months = BudgetLine(department="shop", period=period, amount=amount, currency=currency).months()
    assert exact_sum(one.amount for one in months) == amount
    assert tuple(one.period for one in months) == months_of(period)
    parts = [one.amount for one in months]
    assert max(parts) - min(parts) <= smallest_unit(currency)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=12))
def test_what_a_workbook_holds_as_numbers_is_read_to_the_cent(cents: list[int]) -> None:
    head = ("department", "currency", *(f"2026-{month:02}" for month in range(1, len(cents) + 1)))
    with TemporaryDirectory() as folder:
        lines = read_budget_sheet(workbook(Path(folder), [head, ("shop", "USD", *(one / 100 for one in cents))]))
    assert [one.amount for one in lines] == [Decimal(one).scaleb(-2) for one in cents]
