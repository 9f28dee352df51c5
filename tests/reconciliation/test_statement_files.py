"""The files of a statement: every component opens to its rows, equal statements are equal bytes, changes are found."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from tests.reconciliation.company import Charge, Internal
from tests.reconciliation.conftest import Company
from tests.reconciliation.test_statement import MATCHED, METERED, OCTOBER, reconciled
from twinledger.documents import File
from twinledger.pools import COMPONENTS, UNASSIGNED
from twinledger.reconciliation import reconcile_period
from twinledger.reconciliation.statement import (
    PeriodStatement,
    department_statement,
    pool_statement,
    statement_digest,
    statement_json,
)
from twinledger.reconciliation.statement_files import MANIFEST, folder_name, statement_files
from twinledger.reconciliation.statement_folder import (
    department_statements,
    newest_run,
    period_statement,
    pool_statements,
    render_statement,
    verify_folder,
    write_files,
)
from twinledger.reconciliation.statement_rows import POOL_COLUMNS, Opened, open_components
from twinledger.vocabulary.errors import InvalidConfigError, StaleRunError, UnknownNameError
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """A statement is made of what a run says; runs are tested on both databases."""
    return str(request.param)


def named(files: tuple[File, ...]) -> dict[str, bytes]:
    return {one.name: one.content for one in files}


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


# --- rows --------------------------------------------------------------------------------------


def test_the_rows_of_every_component_add_up_to_it(company: Company) -> None:
    result = reconciled(company)
    for statement in (*pool_statements(result), *department_statements(result)):
        for name, opened in open_components(company.books, statement).items():
            assert (opened.amount, opened.unlisted, opened.unlisted_amount) == (
                statement.component(name).amount, 0, Decimal(0),
            ), (statement.subject, name)  # fmt: skip
    rounding = open_components(company.books, pool_statement(result, "cluster"), ("rounding",))["rounding"]
    assert sorted(row[POOL_COLUMNS.index("department")] or "" for row in rounding.rows) == ["data", "shop"]


def test_rows_of_ledgers_that_have_changed_since_are_refused(company: Company) -> None:
    statement = pool_statement(reconciled(company), "cluster")
    company.rate([METERED])
    with pytest.raises(StaleRunError, match="run `twinledger reconcile 2026-10`"):
        open_components(company.books, statement, ("idle",))


def test_a_component_that_there_is_not_is_refused(company: Company) -> None:
    with pytest.raises(UnknownNameError, match="tides"):
        open_components(company.books, pool_statement(reconciled(company), "cluster"), ("tides",))


def test_a_component_of_many_rows_lists_the_largest_and_counts_the_rest(company: Company) -> None:
    company.bill([MATCHED])
    company.rate([Internal("cluster", Decimal(number)) for number in range(1, 10_051)])  # on no resource
    statement = pool_statement(reconcile_period(company.books, OCTOBER), "cluster")
    opened = open_components(company.books, statement, ("unexplained",))["unexplained"]
    assert (len(opened.rows), opened.count, opened.unlisted) == (10_000, 10_050, 50)
    assert (opened.amount, opened.unlisted_amount) == (statement.component("unexplained").amount, Decimal(1275))


def test_what_is_not_listed_is_counted_and_summed() -> None:
    rows = tuple(("external", *[None] * 10, Decimal(amount)) for amount in (-7, 5, 1))
    opened = Opened("idle", POOL_COLUMNS, rows, 1_203, Decimal("-2.50"))
    assert (opened.unlisted, opened.unlisted_amount) == (1_200, Decimal("-1.50"))
    assert opened.first(1).rest("USD") == "1,202 more rows are not listed; they come to 4.50 USD"
    assert Opened("idle", POOL_COLUMNS, rows, 3, Decimal(-1)).rest("USD") == ""


# --- files -------------------------------------------------------------------------------------


def test_a_statement_has_a_file_of_each_kind_and_the_rows_of_all_components(company: Company) -> None:
    statement = pool_statement(reconciled(company), "cluster")
    files = named(render_statement(company.books, statement))

    assert sorted(files) == sorted(
        ["statement.json", "statement.xlsx", "statement.pdf", "bridge.csv", "breaks.csv", MANIFEST]
        + [f"rows-{name}.csv" for name in COMPONENTS]
    )
    bridge = table(files["bridge.csv"])
    assert [one["component"] for one in bridge] == list(COMPONENTS)
    assert exact_sum(Decimal(one["amount"]) for one in bridge) == statement.deviation
    assert {one["component"]: one["within"] for one in bridge}["unmetered"] == "no"
    for one in bridge:
        rows = table(files[f"rows-{one['component']}.csv"])
        assert exact_sum(Decimal(row["amount"]) for row in rows) == Decimal(one["amount"]), one["component"]
    assert [(one["rule"], one["amount"]) for one in table(files["breaks.csv"])] == [("unmetered", "-10.00")]


def test_the_manifest_names_every_file_with_its_digest_and_the_statements(company: Company) -> None:
    statement = pool_statement(reconciled(company), "cluster")
    files = named(render_statement(company.books, statement))
    said = json.loads(files.pop(MANIFEST))

    assert {one["name"]: (one["bytes"], one["sha256"]) for one in said["files"]} == {
        name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in files.items()
    }
    assert (
        said["statement_digest"] == statement_digest(statement) == hashlib.sha256(files["statement.json"]).hexdigest()
    )
    assert (said["external_cut"], said["internal_cut"]) == (statement.external_cut, statement.internal_cut)


def test_the_workbook_has_a_sheet_of_each_table_and_its_figures(company: Company) -> None:
    files = named(render_statement(company.books, pool_statement(reconciled(company), "cluster")))
    book = load_workbook(io.BytesIO(files["statement.xlsx"]))
    assert book.sheetnames == ["statement", "bridge", "breaks", *COMPONENTS]
    cells = {row[0].value: row[1].value for row in book["bridge"].iter_rows(min_row=4)}
    assert Decimal(str(cells["unmetered"])) == Decimal(-10)


def test_the_paper_says_the_verdict_the_figures_and_the_digest(company: Company) -> None:
    statement = pool_statement(reconciled(company), "cluster")
    files = named(render_statement(company.books, statement))
    pages = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(files["statement.pdf"])).pages)
    for words in ("verdict: breaks", "BREAKS_OPEN", "deviation -6.00 USD", "unmetered", "-10.00 USD", "restatement"):
        assert words in pages, words
    assert statement_digest(statement) in pages.replace("\n", "")


def test_what_a_vendor_calls_a_resource_is_no_formula(company: Company) -> None:
    company.bill([Charge(1, service="Unknown", resource="=1+1", effective=Decimal(3), listed=Decimal(4))])
    company.rate([Internal("cluster", Decimal(1))])
    files = named(render_statement(company.books, pool_statement(reconcile_period(company.books, OCTOBER), UNASSIGNED)))
    assert table(files["rows-unassigned.csv"])[0]["resource"] == "'=1+1"
    sheet = load_workbook(io.BytesIO(files["statement.xlsx"]))[UNASSIGNED]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}


def test_a_department_has_the_same_files_and_its_rows_are_parts_of_pools(company: Company) -> None:
    statement = department_statement(reconciled(company), "shop")
    files = named(render_statement(company.books, statement))
    rows = table(files["rows-discount_kept.csv"])
    assert [(one["pool"], one["of"]) for one in rows] == [("cluster", "4.00")]
    assert json.loads(files["statement.json"]) == json.loads(json.dumps(statement_json(statement)))
    assert folder_name(statement) == "2026-10/department-shop"


# --- same cuts, same bytes ---------------------------------------------------------------------

_RENDER = """
import pickle, sys
from twinledger.reconciliation.statement_files import statement_files
statement, opened = pickle.load(sys.stdin.buffer)
for one in statement_files(statement, opened):
    print(one.name, one.sha256)
"""


def test_two_processes_with_other_hashes_and_time_zones_write_the_same_bytes(company: Company) -> None:
    statement = pool_statement(reconciled(company), "cluster")
    opened = open_components(company.books, statement)
    written = []
    for seed, zone in (("1", "Asia/Shanghai"), ("2", "America/New_York")):
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-c", _RENDER],
            input=pickle.dumps((statement, opened)),
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            check=True,
        )
        written.append(ran.stdout.decode().splitlines())
    here = [f"{one.name} {one.sha256}" for one in statement_files(statement, opened)]
    assert written == [here, here]


def test_the_same_run_read_again_gives_the_same_files(company: Company) -> None:
    reconciled(company)
    first = render_statement(company.books, pool_statement(newest_run(company.books, OCTOBER), "cluster"))
    company.clock.advance(timedelta(days=3))
    assert render_statement(company.books, pool_statement(newest_run(company.books, OCTOBER), "cluster")) == first


# --- a folder ----------------------------------------------------------------------------------


def written_to(company: Company, folder: Path) -> PeriodStatement:
    statement = pool_statement(reconciled(company), "cluster")
    write_files(render_statement(company.books, statement), folder)
    return statement


def test_a_folder_that_nobody_touched_is_the_same(company: Company, tmp_path: Path) -> None:
    written_to(company, tmp_path / "out")
    checked = verify_folder(company.books, tmp_path / "out")
    assert {one.state for one in checked} == {"same"}
    assert checked[-1].sentence == f"rendered again from the same cuts, all {len(checked) - 1} files are the same"


def test_a_file_that_was_changed_taken_away_or_added_is_found(company: Company, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    written_to(company, folder)
    (folder / "bridge.csv").write_text("component,amount\r\n")
    (folder / "breaks.csv").unlink()
    (folder / "more.csv").write_text("")
    found = {one.name: one.state for one in verify_folder(company.books, folder)}
    assert {name: state for name, state in found.items() if state != "same"} == {
        "bridge.csv": "changed", "breaks.csv": "missing", "more.csv": "extra",
    }  # fmt: skip


def test_a_manifest_that_was_made_to_fit_changed_files_is_found_by_rendering(company: Company, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    written_to(company, folder)
    said = json.loads((folder / MANIFEST).read_text())
    (folder / "bridge.csv").write_text("component,amount\r\n")
    for one in said["files"]:
        if one["name"] == "bridge.csv":
            one["sha256"] = hashlib.sha256((folder / "bridge.csv").read_bytes()).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(said))
    last = verify_folder(company.books, folder)[-1]
    assert (last.state, last.sentence) == ("changed", "rendered again, these differ: bridge.csv")


def test_a_folder_of_other_cuts_is_compared_with_its_manifest_alone(company: Company, tmp_path: Path) -> None:
    written_to(company, tmp_path / "out")
    company.rate([METERED])
    company.clock.advance(timedelta(days=1))
    reconcile_period(company.books, OCTOBER)
    *files, whole = verify_folder(company.books, tmp_path / "out")
    assert {one.state for one in files} == {"same"}
    assert whole.state == "not compared"


OUTSIDE = {
    "kind": "pool", "subject": "a", "period": "2026-10", "run": "r", "external_cut": "1", "internal_cut": "2",
    "statement_digest": "", "files": [{"name": "../x", "bytes": 1, "sha256": ""}],
}  # fmt: skip


@pytest.mark.parametrize("manifest", ["{", "[]", '{"files": []}', json.dumps(OUTSIDE)])
def test_a_manifest_that_is_none_is_refused(company: Company, tmp_path: Path, manifest: str) -> None:
    (tmp_path / MANIFEST).write_text(manifest)
    with pytest.raises(InvalidConfigError):
        verify_folder(company.books, tmp_path)


def test_what_was_never_reconciled_has_no_statement(company: Company, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="2026-09"):
        newest_run(company.books, Period(2026, 9))
    with pytest.raises(UnknownNameError, match="manifest"):
        verify_folder(company.books, tmp_path)
    result = reconciled(company)
    with pytest.raises(UnknownNameError, match="nowhere"):
        period_statement(result, "department", "nowhere")
    with pytest.raises(UnknownNameError, match="nowhere"):
        period_statement(result, "pool", "nowhere")
