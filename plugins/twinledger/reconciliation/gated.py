"""What the reconciliation gate looks at beside the bridge: both ledgers by slice, and the statements.

What belongs here: the two small tables that its suites are of, and checking all three. What does not: the suites
(`expectations/`), and how they are run (`quality`). Finance only. See decision 0025 for what a check costs.

The ledgers' rows were gated when they were written. Here they are counted, not read: what the lake says that each
slice holds must be in the sums that the bridge is made of, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from twinledger.books import Books
from twinledger.engine import Engine
from twinledger.lake import partition_of
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, MONEY, TEXT, Column, Table
from twinledger.pools import COMPONENTS
from twinledger.reconciliation.inputs import Inputs
from twinledger.reconciliation.result import BridgeRow, Charged, GateCheck, PoolRoll, PoolTotal, RollForward
from twinledger.reconciliation.statement_shares import Share, divide
from twinledger.vocabulary.errors import GateFailedError
from twinledger.vocabulary.money import exact_sum

GATE = "reconciliation"

LEDGER_SLICES = Table(
    "finance.ledger_slices",
    "finance",
    (
        Column("period", TEXT, required=True), Column("ledger", TEXT, required=True),
        Column("source", TEXT, required=True), Column("slice", TEXT, required=True),
        Column("rows", "BIGINT", required=True), Column("rows_summed", "BIGINT", required=True),
    ),
    ("period",),
)  # fmt: skip
"""One slice of a ledger: `rows` that the lake says it holds, `rows_summed` that the bridge is made of. Not kept."""

PERIOD_STATEMENTS = Table(
    "finance.period_statements",
    "finance",
    (
        *(Column(name, TEXT, required=True) for name in ("period", "kind", "subject", "component")),
        Column("amount", MONEY, required=True),
        Column("currency", TEXT, required=True),
        *(Column(name, MONEY, required=True) for name in ("internal_amount", "external_amount", "deviation")),
        *(Column(f"{name}_count", "BIGINT", required=True) for name in ("opening", "new", "resolved", "closing")),
        *(Column(f"{name}_amount", MONEY, required=True) for name in ("opening", "new", "resolved", "closing")),
    ),
    ("period",),
)
"""One component of one pool or department; breaks are those of the run before, as the books stand when one begins.
Not kept: what is kept is the bridge, and the run."""

SUMMED_ROWS = "reconciliation/summed_rows"
_INTERNAL = ("internal", "", "")


def stage_ledgers(books: Books, engine: Engine, inputs: Inputs, folder: Path) -> list[str]:
    """Write the slices of both ledgers with their rows; reads the sums that the engine has in view."""
    engine.view_model(SUMMED_ROWS)
    summed = {
        (row["ledger"], row["source"], row["slice"]): row["rows_summed"] or 0 for row in engine.rows("summed_rows")
    }
    held = _held(books, inputs)
    keys = sorted((held.keys() | summed.keys()) - ({_INTERNAL} - held.keys()))
    rows = [(str(inputs.period), *key, held.get(key, 0), summed.get(key, 0)) for key in keys]
    engine.view_rows("ledger_slices", LEDGER_SLICES.columns, rows)
    return engine.copy("ledger_slices", LEDGER_SLICES, folder / "ledger_slices")


def _held(books: Books, inputs: Inputs) -> dict[tuple[str, str, str], int]:
    """What the lake says that each slice holds, in the cuts that are reconciled."""
    period = str(inputs.period)
    external = books.lake.slice_rows(EXTERNAL_CHARGES, {"x_period": period}, inputs.external.cut)
    internal = books.lake.slice_rows(INTERNAL_CHARGES, {"period": period}, inputs.internal.cut)
    parts = {name: partition_of(name) for name in external}
    held = {("external", parts[name]["x_source"], parts[name]["x_slice"]): rows for name, rows in external.items()}
    return held | ({_INTERNAL: sum(internal.values())} if internal else {})


def stage_statements(
    engine: Engine,
    inputs: Inputs,
    sides: tuple[Sequence[PoolTotal], Sequence[BridgeRow], Sequence[Charged]],
    rolls: Sequence[PoolRoll],
    folder: Path,
) -> list[str]:
    """Write the statements of pools and departments, component by component.

    Args:
        engine: an engine.
        inputs: what is reconciled.
        sides: the pools' totals, their bridge, and what departments are charged of them.
        rolls: the roll-forward of each pool in the run before.
        folder: where to.
    """
    known = {one.pool: one.roll_forward for one in rolls}
    rows = [
        (str(inputs.period), *head, component, amount, inputs.currency, *totals, *_roll(known.get(pool)))
        for pool, head, totals, amounts in _statements(*sides)
        for component, amount in amounts.items()
    ]
    engine.view_rows("period_statements", PERIOD_STATEMENTS.columns, rows)
    return engine.copy("period_statements", PERIOD_STATEMENTS, folder / "period_statements")


_Statement = tuple[str, tuple[str, str], tuple[Decimal, Decimal, Decimal], Mapping[str, Decimal]]
"""Pool whose breaks it has, (kind, subject), (internal, external, deviation), components."""


def _statements(
    totals: Sequence[PoolTotal], bridge: Sequence[BridgeRow], charged: Sequence[Charged]
) -> Iterator[_Statement]:
    shares: dict[str, list[Share]] = {}
    for total in totals:
        amounts = dict.fromkeys(COMPONENTS, Decimal(0))
        amounts |= {row.component: row.amount for row in bridge if row.pool == total.pool}
        sides = (total.internal_amount, total.external_amount, total.deviation)
        yield total.pool, ("pool", total.pool), sides, amounts
        for share in divide(total.pool, amounts, [one for one in charged if one.pool == total.pool]):
            shares.setdefault(share.department, []).append(share)
    for department, parts in sorted(shares.items()):
        internal, external = exact_sum(one.internal for one in parts), exact_sum(one.external for one in parts)
        sums = {name: exact_sum(one.components[name] for one in parts) for name in COMPONENTS}
        yield "", ("department", department), (internal, external, exact_sum((internal, -external))), sums


def _roll(roll: RollForward | None) -> tuple[int | Decimal, ...]:
    if roll is None:
        return (*(0,) * 4, *(Decimal(0),) * 4)
    tallies = (roll.opening, roll.new, roll.resolved, roll.closing)
    return (*(one.count for one in tallies), *(one.amount for one in tallies))


Staged = tuple[Table, Sequence[str], Mapping[str, str]]
"""A table, its files, and the parameters of its suite."""


def check_all(books: Books, staged: Sequence[Staged]) -> tuple[tuple[GateCheck, ...], tuple[str, ...]]:
    """Run the suite of each table over its files with its parameters: the checks, and their warnings.

    Raises:
        GateFailedError: an expectation that stops is broken; of all suites, so that one look shows everything.
    """
    verdicts = [(table, books.gate.check(GATE, table, files, given)) for table, files, given in staged]
    stops = [sentence for _, verdict in verdicts for sentence in verdict.stops]
    if stops:
        raise GateFailedError(GATE, stops)
    checks = (GateCheck(table.name.rpartition(".")[2], verdict.evaluated, verdict.docs) for table, verdict in verdicts)
    return tuple(checks), tuple(sentence for _, verdict in verdicts for sentence in verdict.warnings)
