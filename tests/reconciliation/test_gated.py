"""What the gate is shown beside the bridge: both ledgers slice by slice, and every statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from tests.reconciliation.conftest import Company, FakeGate
from tests.reconciliation.test_statement import METERED, OCTOBER, reconciled
from twinledger.books import Books
from twinledger.lake.tables import BRIDGE, Table
from twinledger.quality import Verdict
from twinledger.quality.gx import GreatExpectationsGate
from twinledger.reconciliation import newest_run, reconcile_period
from twinledger.store import models
from twinledger.vocabulary.errors import GateFailedError


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """What the gate is shown does not depend on the database."""
    return str(request.param)


@dataclass
class ReadingGate(FakeGate):
    """Lets everything pass, and remembers what stood in the files."""

    shown: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def check(
        self, gate: str, table: Table, files: Sequence[str], parameters: Mapping[str, str] | None = None
    ) -> Verdict:
        self.shown[table.name] = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
        return super().check(gate, table, files, parameters)


def reading(company: Company) -> tuple[Books, ReadingGate]:
    gate = ReadingGate()
    return replace(company.books, gate=gate), gate


def test_the_gate_counts_the_rows_of_every_slice_in_the_ledger_and_in_the_sums(company: Company) -> None:
    reconciled(company)
    company.rate([METERED])
    books, gate = reading(company)
    reconcile_period(books, OCTOBER)
    slices = [
        (row["ledger"], row["source"], row["slice"], row["rows"], row["rows_summed"])
        for row in gate.shown["finance.ledger_slices"]
    ]
    assert slices == [("external", "aws", "all", 3, 3), ("internal", "", "", 1, 1)]


def test_the_gate_is_shown_every_statement_with_the_breaks_of_the_run_before(company: Company) -> None:
    before = reconciled(company)
    company.rate([METERED])
    company.clock.advance(timedelta(days=1))
    books, gate = reading(company)
    reconcile_period(books, OCTOBER)
    rows = gate.shown["finance.period_statements"]
    subjects = {(str(row["kind"]), str(row["subject"])) for row in rows}
    assert subjects == {
        ("pool", "cluster"), ("pool", "unassigned"), ("department", "shop"), ("department", "unassigned"),
    }  # fmt: skip
    for kind, subject in subjects:
        mine = [row for row in rows if (row["kind"], row["subject"]) == (kind, subject)]
        assert len(mine) == 12
        assert sum(Decimal(str(row["amount"])) for row in mine) == mine[0]["deviation"]
    rolls = {one.pool: one.roll_forward for one in before.rolls}
    (closing,) = {row["closing_count"] for row in rows if (row["kind"], row["subject"]) == ("pool", "cluster")}
    assert closing == rolls["cluster"].closing.count == 1


@pytest.mark.parametrize("table", ["finance.ledger_slices", "finance.period_statements"])
def test_what_any_suite_stops_is_not_written(company: Company, table: str) -> None:
    reconciled(company)
    cut = company.books.lake.cut(BRIDGE)
    company.rate([METERED])
    company.gate.at, company.gate.stops = table, ("it is not so",)
    with pytest.raises(GateFailedError, match="it is not so"):
        reconcile_period(company.books, OCTOBER)
    assert (company.books.lake.cut(BRIDGE), company.count(models.ReconciliationRun)) == (cut, 1)


def test_great_expectations_passes_what_is_right_and_its_pages_are_named_by_the_statement(company: Company) -> None:
    gate = GreatExpectationsGate.of(company.books.settings)
    books = replace(company.books, gate=gate)
    reconciled(replace(company, books=books))
    checks = newest_run(books, OCTOBER).checks
    assert [one.table for one in checks] == ["bridge", "ledger_slices", "period_statements"]
    for one in checks:
        assert one.expectations > 5
        assert (books.settings.home / "data_docs" / one.docs).is_file()
