"""The gate: Great Expectations on DuckDB says what is true, and says so when it could not look."""

from __future__ import annotations

import json
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from twinledger.lake.tables import BRIDGE, INTERNAL_CHARGES, TABLES, USAGE, Table
from twinledger.quality import Verdict
from twinledger.quality.gx import GreatExpectationsGate
from twinledger.vocabulary.errors import GateRunError, InvalidConfigError, UnknownNameError
from twinledger.vocabulary.settings import ROOT

BRIDGE_ROWS = [
    ("2026-10", "kubernetes", "idle", Decimal("-12.5"), "USD", 3),
    ("2026-10", "kubernetes", "unexplained", Decimal("0.01"), "USD", 0),
]


def gate_in(folder: Path, suites: Path = ROOT / "expectations") -> GreatExpectationsGate:
    return GreatExpectationsGate(suites, folder / "data_docs", folder / "spill", "256MiB", 1)


def written(folder: Path, table: Table, rows: Sequence[Sequence[object]]) -> list[str]:
    file = folder / "rows.parquet"
    casts = ", ".join(f"CAST(? AS {column.type})" for column in table.columns)
    names = ", ".join(table.names)
    with duckdb.connect() as connection:
        query = " UNION ALL ".join(f"SELECT {casts}" for _ in rows)
        values = [value for row in rows for value in row]
        connection.execute(f"CREATE TABLE given ({', '.join(f'{c.name} {c.type}' for c in table.columns)})")
        connection.execute(f"INSERT INTO given ({names}) {query}", values)
        connection.execute(f"COPY given TO '{file}' (FORMAT parquet)")
    return [str(file)]


def suite_of(folder: Path, *expectations: Mapping[str, Any]) -> Path:
    folder.mkdir()
    document = {"name": "bridge", "expectations": list(expectations), "meta": {"parameters": {}}}
    (folder / "bridge.json").write_text(json.dumps(document))
    return folder


def check(folder: Path, expectation: Mapping[str, Any]) -> Verdict:
    gate = gate_in(folder, suite_of(folder / "suites", expectation))
    return gate.check("ledger", BRIDGE, written(folder, BRIDGE, BRIDGE_ROWS))


def in_set(values: list[str], severity: str) -> dict[str, Any]:
    kwargs = {"column": "component", "value_set": values}
    kind = "expect_column_values_to_be_in_set"
    return {"type": kind, "kwargs": kwargs, "severity": severity, "description": "components are known", "meta": {}}


def test_a_true_expectation_is_true(tmp_path: Path) -> None:
    verdict = check(tmp_path, in_set(["idle", "unexplained"], "critical"))
    assert (verdict.passed, verdict.evaluated, verdict.stops, verdict.warnings) == (True, 1, (), ())


def test_a_false_expectation_is_false_and_stops(tmp_path: Path) -> None:
    verdict = check(tmp_path, in_set(["idle"], "critical"))
    assert verdict.stops == ("components are known (broken by 1 of 2 rows)",)
    assert not verdict.passed


def test_a_broken_expectation_marked_warning_does_not_stop(tmp_path: Path) -> None:
    verdict = check(tmp_path, in_set(["idle"], "warning"))
    assert verdict.passed
    assert verdict.warnings == ("components are known (broken by 1 of 2 rows)",)


def test_an_expectation_that_raises_is_a_failed_run_and_not_bad_data(tmp_path: Path) -> None:
    query = {"unexpected_rows_query": "SELECT pool FROM {batch} WHERE CAST('secret 12.34' AS INTEGER) = 1"}
    broken = {"type": "expect_no_rows", "kwargs": query, "description": "numbers", "meta": {}}
    with pytest.raises(GateRunError, match=r"could not evaluate 'numbers' on finance\.bridge") as error:
        check(tmp_path, broken)
    assert "12.34" not in str(error.value)


def test_a_table_without_a_suite_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no suite named 'bridge'"):
        gate_in(tmp_path, tmp_path).check("ledger", BRIDGE, [])


def test_a_suite_that_is_not_json_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "bridge.json").write_text("{")
    with pytest.raises(InvalidConfigError, match=r"bridge\.json: suite: is not JSON"):
        gate_in(tmp_path, tmp_path).check("ledger", BRIDGE, [])


def test_a_parameter_that_no_expectation_reads_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no parameter named 'unexplianed_tolerance'"):
        gate_in(tmp_path).check("reconciliation", BRIDGE, [], {"unexplianed_tolerance": "1"})


def test_the_unexplained_beyond_the_tolerance_is_warned_of_so_that_its_break_can_be_written(tmp_path: Path) -> None:
    files = written(tmp_path, BRIDGE, BRIDGE_ROWS)
    assert gate_in(tmp_path).check("reconciliation", BRIDGE, files, {"unexplained_tolerance": "0.01"}).warnings == ()
    strict = gate_in(tmp_path).check("reconciliation", BRIDGE, files, {"unexplained_tolerance": "0.009999999999999999"})
    assert strict.warnings == ("what no component explains is within the tolerance (broken by 1 rows)",)


def test_no_file_is_an_empty_table_with_nothing_broken(tmp_path: Path) -> None:
    for table in TABLES.values():
        assert gate_in(tmp_path).check("ledger", table, []).stops == ()


def test_pages_are_built_below_the_audience_of_the_table(tmp_path: Path) -> None:
    verdict = gate_in(tmp_path).check("ledger", BRIDGE, written(tmp_path, BRIDGE, BRIDGE_ROWS))
    assert verdict.docs.startswith("finance/ledger-bridge/validations/")
    assert (tmp_path / "data_docs" / verdict.docs).is_file()


def test_pages_for_everyone_show_no_values(tmp_path: Path) -> None:
    bad = "not a day 4711"
    row = (
        "f",
        bad,
        "d",
        1,
        "t",
        "p",
        "m",
        None,
        "2026-10-01 00:00:00",
        "2026-10-01 01:00:00",
        "1",
        "2026-10",
        False,
        None,
    )
    verdict = gate_in(tmp_path).check("delivery", USAGE, written(tmp_path, USAGE, [row]))
    assert verdict.stops == ("day is written YYYY-MM-DD (broken by 1 rows)",)
    pages = [page.read_text() for page in (tmp_path / "data_docs" / "everyone").rglob("*.html")]
    assert pages
    assert not any("4711" in page for page in pages)


def test_a_row_number_that_comes_twice_in_a_delivery_stops(tmp_path: Path) -> None:
    times = ("2026-10-01 00:00:00", "2026-10-01 01:00:00")
    rows = [
        ("f", "2026-10-01", "d", row, "t", "p", "m", None, *times, "1", "2026-10", False, None) for row in (1, 2, 2, 61)
    ]
    verdict = gate_in(tmp_path).check("delivery", USAGE, written(tmp_path, USAGE, rows))
    assert verdict.stops == ("row is unique in its delivery (broken by 1 rows)",)


def test_nothing_of_a_run_is_left_in_the_spill_folder(tmp_path: Path) -> None:
    gate_in(tmp_path).check("ledger", BRIDGE, [])
    assert list((tmp_path / "spill").iterdir()) == []


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_table_has_a_suite_whose_expectations_say_what_they_hold_and_how_hard(table: Table) -> None:
    suite = json.loads((ROOT / "expectations" / f"{table.name.rpartition('.')[2]}.json").read_text())
    for expectation in suite["expectations"]:
        assert expectation["severity"] in {"critical", "warning"}, expectation
        assert expectation["description"], expectation


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_column_that_must_be_given_is_expected_to_be(table: Table) -> None:
    suite = json.loads((ROOT / "expectations" / f"{table.name.rpartition('.')[2]}.json").read_text())
    kind = "expect_column_values_to_not_be_null"
    expected = {one["kwargs"]["column"] for one in suite["expectations"] if one["type"] == kind}
    assert expected == {column.name for column in table.columns if column.required}


def test_what_checks_need_is_loaded_beside_other_work_and_warnings_are_as_they_were_after_it(tmp_path: Path) -> None:
    gate = gate_in(tmp_path)
    before = list(warnings.filters)
    with gate.warming_up():
        pass
    assert "great_expectations" in sys.modules
    assert list(warnings.filters) == before
    assert not [thread for thread in threading.enumerate() if thread.name == "gate-warm-up"]


def test_a_template_of_the_pages_is_compiled_once_in_a_process(tmp_path: Path) -> None:
    with gate_in(tmp_path).warming_up():
        pass
    from twinledger.quality.pages import IndexView, PageView  # noqa: PLC0415 - as late as the gate imports it

    codes = [view().env.get_template("page.j2").root_render_func.__code__ for view in (PageView, PageView, IndexView)]
    assert codes[0] is codes[1] is codes[2]


def test_rows_that_break_an_expectation_are_found_in_whichever_file_they_are(tmp_path: Path) -> None:
    files = []
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        component = "idle" if number < 2 else None
        files += written(folder, BRIDGE, [("2026-10", f"pool-{number}", component, Decimal(1), "USD", 3)])
    verdict = gate_in(tmp_path).check("ledger", BRIDGE, files)
    assert verdict.stops == ("component is given (broken by 1 of 3 rows)",)


def test_as_many_files_as_there_may_be_are_one_table(tmp_path: Path) -> None:
    (file,) = written(tmp_path, BRIDGE, BRIDGE_ROWS[:1])
    verdict = gate_in(tmp_path).check("ledger", BRIDGE, [file] * 300)
    assert verdict.stops == ("a component has one row in its pool and period (broken by 1 rows)",)


@pytest.mark.parametrize(
    ("periods", "currencies", "broken"),
    [
        (("2026-10", "2026-10"), ("USD", "USD"), set()),
        (("2026-10", "2026-11"), ("USD", "USD"), {"period is the same in all rows"}),
        (("2026-10", "2026-10"), ("USD", "usd"), {"currency is the same in all rows"}),
        (("2026-13", "2026-13"), ("USD", "USD"), {"period is written YYYY-MM, in any row, as it is the same in all"}),
        (
            ("2026-10", "2026-10"),
            ("usd", "usd"),
            {"currency is written as three capital letters (ISO 4217), in any row, as it is the same in all"},
        ),
    ],
)
def test_internal_charges_are_of_one_period_and_currency_that_are_written_as_they_should_be(
    tmp_path: Path, periods: tuple[str, str], currencies: tuple[str, str], broken: set[str]
) -> None:
    before = ("d", "t", "p", "vm", "hours", None, "2026-10-01 00:00:00", "2", "hour", "3", "6")
    rows = [(period, *before, currency, "usage", False) for period, currency in zip(periods, currencies, strict=True)]
    verdict = gate_in(tmp_path).check("ledger", INTERNAL_CHARGES, written(tmp_path, INTERNAL_CHARGES, rows))
    assert {sentence.rpartition(" (broken by")[0] for sentence in verdict.stops} == broken
