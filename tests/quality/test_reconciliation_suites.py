"""What the reconciliation gate holds of both ledgers and the statements: each expectation fails on what it is for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.quality.test_gate import gate_in, written
from twinledger.lake.tables import Table
from twinledger.pools import COMPONENTS
from twinledger.quality import Verdict
from twinledger.reconciliation.gated import LEDGER_SLICES, PERIOD_STATEMENTS
from twinledger.vocabulary.settings import ROOT

Row = dict[str, object]
SLICES: list[Row] = [
    {"period": "2026-10", "ledger": "external", "source": "aws", "slice": "all", "rows": 3, "rows_summed": 3},
    {"period": "2026-10", "ledger": "internal", "source": "", "slice": "", "rows": 2, "rows_summed": 2},
]


def statement(kind: str, subject: str, share: Decimal) -> list[Row]:
    """-10 unmetered of an external side of 16, times a share; two breaks were there, one came and one went."""
    nothing = Decimal(0)
    amounts = dict.fromkeys(COMPONENTS, nothing) | {"unmetered": Decimal(-10) * share, "discount_kept": 4 * share}
    head = {"period": "2026-10", "kind": kind, "subject": subject, "currency": "USD"}
    sides = {"internal_amount": 10 * share, "external_amount": 16 * share, "deviation": -6 * share}
    roll = {"opening": (2, Decimal(5)), "new": (1, Decimal(3)), "resolved": (1, Decimal(2)), "closing": (2, Decimal(6))}
    counts = {f"{name}_count": count for name, (count, _) in roll.items()}
    tallies = {f"{name}_amount": amount for name, (_, amount) in roll.items()}
    return [
        {**head, **sides, **counts, **tallies, "component": one, "amount": amount} for one, amount in amounts.items()
    ]


STATEMENTS = [
    *statement("pool", "cluster", Decimal(1)),
    *statement("department", "shop", Decimal("0.75")),
    *statement("department", "unassigned", Decimal("0.25")),
]


def check(folder: Path, table: Table, rows: Sequence[Row]) -> Verdict:
    files = written(folder, table, [[row[name] for name in table.names] for row in rows])
    return gate_in(folder).check("reconciliation", table, files)


def changed(place: int, **values: object) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [row | values if number == place else row for number, row in enumerate(rows)]


@dataclass(frozen=True)
class Planted:
    """What is done to rows that are right, and the sentence that must be said of it."""

    table: Table
    plant: Callable[[list[Row]], list[Row]]
    said: str
    stops: bool = True


UNMETERED = COMPONENTS.index("unmetered")
TIMING = COMPONENTS.index("timing")
EVERY = [
    Planted(LEDGER_SLICES, changed(0, rows_summed=2), "every row of a slice is in the sums"),
    Planted(LEDGER_SLICES, changed(0, rows=-1, rows_summed=-1), "rows are not negative"),
    Planted(LEDGER_SLICES, changed(0, ledger="third"), "ledger is one of"),
    Planted(LEDGER_SLICES, changed(0, period="October"), "period is written YYYY-MM"),
    Planted(LEDGER_SLICES, lambda rows: [*rows, rows[0]], "a slice has one row in its ledger"),
    Planted(LEDGER_SLICES, lambda rows: rows[:1], "both ledgers have rows", stops=False),
    Planted(PERIOD_STATEMENTS, changed(UNMETERED, amount=Decimal("-9.999999999999999999")), "add up to its deviation"),
    Planted(PERIOD_STATEMENTS, changed(UNMETERED, amount=Decimal(-9)), "the departments' components add up"),
    Planted(PERIOD_STATEMENTS, changed(UNMETERED, external_amount=Decimal(17)), "deviation is internal less external"),
    Planted(PERIOD_STATEMENTS, changed(UNMETERED, external_amount=Decimal(17)), "both sides of the departments"),
    Planted(PERIOD_STATEMENTS, changed(UNMETERED, internal_amount=Decimal(9)), "both sides of the departments"),
    Planted(PERIOD_STATEMENTS, changed(UNMETERED, component="idle"), "has each of the twelve components, once"),
    Planted(PERIOD_STATEMENTS, lambda rows: rows[1:], "has each of the twelve components, once"),
    Planted(PERIOD_STATEMENTS, changed(UNMETERED, component="tides"), "component is one of"),
    Planted(PERIOD_STATEMENTS, changed(0, kind="company"), "kind is one of"),
    Planted(PERIOD_STATEMENTS, changed(0, closing_count=3), "less resolved, in count"),
    Planted(PERIOD_STATEMENTS, changed(0, closing_amount=Decimal(7)), "less resolved, in amount"),
    Planted(PERIOD_STATEMENTS, changed(0, new_count=-1, closing_count=0), "counts of breaks are not negative"),
    Planted(PERIOD_STATEMENTS, changed(0, currency="usd"), "three capital letters"),
    Planted(PERIOD_STATEMENTS, changed(0, currency="EUR"), "currency is the same in all rows"),
    Planted(PERIOD_STATEMENTS, changed(0, period="2026-13"), "period is written YYYY-MM"),
]  # fmt: skip
RIGHT = {LEDGER_SLICES.name: SLICES, PERIOD_STATEMENTS.name: STATEMENTS}


@pytest.mark.parametrize("table", [LEDGER_SLICES, PERIOD_STATEMENTS], ids=lambda table: table.name)
def test_what_is_right_passes_every_expectation(table: Table, tmp_path: Path) -> None:
    found = check(tmp_path, table, RIGHT[table.name])
    assert (found.stops, found.warnings) == ((), ())
    assert found.docs.startswith(f"finance/reconciliation-{table.name.partition('.')[2]}/validations/")


@pytest.mark.parametrize("table", [LEDGER_SLICES, PERIOD_STATEMENTS], ids=lambda table: table.name)
def test_everything_that_was_planted_is_found_and_no_expectation_is_without_a_plant(
    table: Table, tmp_path: Path
) -> None:
    """All at once, each in a period of its own: a run of the gate takes a second."""
    plants = [one for one in EVERY if one.table == table]
    rows = [
        row if "period" in one.said else row | {"period": f"{2000 + number}-10"}
        for number, one in enumerate(plants)
        for row in one.plant(list(RIGHT[table.name]))
    ]
    found = check(tmp_path, table, rows)
    for one in plants:
        assert any(one.said in sentence for sentence in (found.stops if one.stops else found.warnings)), one.said
    suite = json.loads((ROOT / "expectations" / f"{table.name.partition('.')[2]}.json").read_text())
    given = "expect_column_values_to_not_be_null"
    others = [one["description"] for one in suite["expectations"] if one["type"] != given]
    assert [said for said in others if not any(plant.said in said for plant in plants)] == []


@pytest.mark.parametrize("table", [LEDGER_SLICES, PERIOD_STATEMENTS], ids=lambda table: table.name)
def test_nothing_that_must_be_given_may_be_missing(table: Table, tmp_path: Path) -> None:
    open_table = replace(table, columns=tuple(replace(column, required=False) for column in table.columns))
    nothing: Row = dict.fromkeys(table.names)
    found = check(tmp_path, open_table, [nothing])
    for column in table.columns:
        assert any(sentence.startswith(f"{column.name} is given") for sentence in found.stops), column.name
