"""The evidence of a reconciliation: what the models found, and its two tables.

What belongs here: running the models and writing finance.matches and finance.bridge. What does not:
what follows from the evidence (breaks, verdict, message).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from twinledger.books import Books
from twinledger.engine import Engine
from twinledger.lake.tables import BRIDGE, MATCHES
from twinledger.pools import COMPONENTS
from twinledger.reconciliation.audited import CommitmentUse
from twinledger.reconciliation.gated import (
    LEDGER_SLICES,
    PERIOD_STATEMENTS,
    Staged,
    check_all,
    stage_ledgers,
    stage_statements,
)
from twinledger.reconciliation.inputs import BRIDGE_MODELS, REPORT_MODELS, Inputs
from twinledger.reconciliation.matched import NOTHING_MATCHED, Ambiguity, Matching, ResourceMeter, Suggestion
from twinledger.reconciliation.result import (
    BridgeRow,
    Charged,
    Claim,
    ClaimLine,
    GateCheck,
    Match,
    MeterMatch,
    Ownerless,
    PoolRoll,
    PoolTotal,
    ServicePart,
    Tolerated,
)
from twinledger.reconciliation.sums import view_sums
from twinledger.reconciliation.tolerance import DEFAULT_TOLERANCE, Limits, limits
from twinledger.vocabulary.money import plain
from twinledger.vocabulary.periods import Period

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the models say of one period."""

    bridge: tuple[BridgeRow, ...] = ()
    totals: tuple[PoolTotal, ...] = ()
    matches: tuple[Match, ...] = ()
    meters: tuple[MeterMatch, ...] = ()
    claims: tuple[Claim, ...] = ()
    claim_lines: tuple[ClaimLine, ...] = ()
    ownership: tuple[Ownerless, ...] = ()
    charged: tuple[Charged, ...] = ()
    services: tuple[ServicePart, ...] = ()
    matching: Matching = NOTHING_MATCHED
    undercharges: tuple[Claim, ...] = ()
    commitments: tuple[CommitmentUse, ...] = ()
    warnings: tuple[str, ...] = ()
    docs: str = ""
    checks: tuple[GateCheck, ...] = ()

    def limits(self, inputs: Inputs) -> dict[tuple[str, str], Limits]:
        """The tolerance of each component of the bridge, by (pool, component)."""
        external = {total.pool: total.external_amount for total in self.totals}
        stated = {name: pool.tolerance for name, pool in inputs.pools.items()}
        return {
            (row.pool, row.component): limits(
                stated.get(row.pool, {}),
                row.component,
                external.get(row.pool, Decimal(0)),
                inputs.ages.get((row.pool, row.component), 0),
            )
            for row in self.bridge
        }

    def tolerated(self, inputs: Inputs) -> tuple[Tolerated, ...]:
        """The tolerance of every component of every pool, also of those that nothing fell into."""
        found = []
        for total in self.totals:
            terms = inputs.pools.get(total.pool)
            for component in COMPONENTS:
                age = inputs.ages.get((total.pool, component), 0)
                limit = limits(terms.tolerance if terms else {}, component, total.external_amount, age)
                found.append(Tolerated(total.pool, component, limit.above, limit.below, limit.from_days))
        return tuple(found)


def make_evidence(books: Books, inputs: Inputs, rolls: Sequence[PoolRoll] = ()) -> Evidence:
    """Run the models and write their two tables, each in one atomic commit.

    Args:
        books: both ledgers.
        inputs: what is reconciled.
        rolls: the roll-forwards of the run before, which the gate looks at.

    Raises:
        MissingRateError: a currency without a rate; nothing is written.
        GateFailedError: ledgers, bridge or statements are not what they must be; nothing is written.
    """
    Path(books.settings.spill).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="reconciliation-", dir=books.settings.spill) as folder:
        return _make(books, inputs, rolls, Path(folder))


def _make(books: Books, inputs: Inputs, rolls: Sequence[PoolRoll], folder: Path) -> Evidence:
    with books.engine() as engine:
        view_sums(books, engine, inputs)
        for model in (*BRIDGE_MODELS, *REPORT_MODELS):
            engine.view_model(model)
        engine.materialise("contract_audit")
        engine.materialise("identifier_pairs")
        engine.materialise("bridge")
        evidence = _read(engine)
        matches = engine.copy("resource_matches", MATCHES, books.lake.staging(MATCHES))
        bridge = engine.copy("bridge", BRIDGE, books.lake.staging(BRIDGE))
        slices = stage_ledgers(books, engine, inputs, folder / "slices")
        sides = (evidence.totals, evidence.bridge, evidence.charged)
        statements = stage_statements(engine, inputs, sides, rolls, folder / "statements")
    tolerated = {"unexplained_tolerance": plain(_widest(evidence.limits(inputs)))}
    staged: tuple[Staged, ...] = (
        (BRIDGE, bridge, tolerated),
        (LEDGER_SLICES, slices, {}),
        (PERIOD_STATEMENTS, statements, {}),
    )
    checks, warnings = check_all(books, staged)
    partition = {"period": str(inputs.period)}
    books.lake.replace(MATCHES, partition, matches, inputs.digest)
    books.lake.replace(BRIDGE, partition, bridge, inputs.digest)
    return replace(evidence, warnings=warnings, docs=checks[0].docs, checks=checks)


def written_from(books: Books, period: Period) -> set[str]:
    """What the period's slices of both tables were written from; empty when one of them is not there."""
    name = f"period={period}"
    tables = [books.lake.slices(table) for table in (MATCHES, BRIDGE)]
    return {slices[name] for slices in tables} if all(name in slices for slices in tables) else set()


def read_tables(books: Books, period: Period) -> Evidence:
    """The bridge and the largest matches as they were last written."""
    partition = {"period": str(period)}
    with books.engine() as engine:
        engine.view_files("bridge", BRIDGE, books.lake.files(BRIDGE, partition))
        engine.view_files("resource_matches", MATCHES, books.lake.files(MATCHES, partition))
        engine.view_model("reconciliation/largest_matches")
        return Evidence(bridge=_bridge(engine), matches=listed(engine, "largest_matches", Match))


def listed(engine: Engine, relation: str, kind: type[T]) -> tuple[T, ...]:
    """The rows of a small relation as values of a dataclass, in the relation's order."""
    names = [one.name for one in fields(kind)]  # type: ignore[arg-type]  # every caller's kind is a dataclass
    rows = engine.rows(relation)
    given = [name for name in names if not rows or name in rows[0]]  # fields that no model tells have defaults
    return tuple(kind(**_aware(row, given)) for row in rows)


def _read(engine: Engine) -> Evidence:
    audited = sorted(listed(engine, "claim_sums", Claim), key=lambda one: (one.pool, one.card))
    return Evidence(
        bridge=_bridge(engine),
        totals=tuple(sorted(listed(engine, "pool_totals", PoolTotal), key=lambda one: one.pool)),
        matches=listed(engine, "largest_matches", Match),
        meters=tuple(
            sorted(
                (one for one in listed(engine, "meter_matches", MeterMatch) if one.side != "both"),
                key=lambda one: (one.pool, one.product, one.meter),
            )
        ),
        claims=tuple(one for one in audited if one.direction == "over"),
        undercharges=tuple(one for one in audited if one.direction == "under"),
        commitments=tuple(sorted(listed(engine, "commitment_use", CommitmentUse), key=lambda one: one.id)),
        claim_lines=listed(engine, "claims", ClaimLine),
        ownership=tuple(
            sorted(listed(engine, "ownership", Ownerless), key=lambda one: (one.pool, -one.amount, one.service))
        ),
        services=tuple(
            sorted(
                listed(engine, "largest_services", ServicePart),
                key=lambda one: (one.pool, one.component, -abs(one.amount), one.service),
            )
        ),
        charged=tuple(
            sorted(listed(engine, "department_charges", Charged), key=lambda one: (one.pool, one.department))
        ),
        matching=read_matching(engine),
    )


def read_matching(engine: Engine) -> Matching:
    """What is matched, suggested and ambiguous by resource and meter; the models are viewed already."""
    ambiguities = listed(engine, "ambiguous_matches", Ambiguity)
    return Matching(
        differences=listed(engine, "largest_meters", ResourceMeter),
        suggestions=listed(engine, "match_suggestions", Suggestion),
        ambiguities=tuple(sorted(ambiguities, key=lambda one: (-abs(one.amount), one.pool, one.subject))),
    )


def _bridge(engine: Engine) -> tuple[BridgeRow, ...]:
    return tuple(sorted(listed(engine, "bridge", BridgeRow), key=lambda row: (row.pool, row.component)))


def _aware(row: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """The engine's instants are UTC without saying so."""
    chosen = {name: row[name] for name in names}
    return {name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for name, value in chosen.items()}


def _widest(tolerated: Mapping[tuple[str, str], Limits]) -> Decimal:
    """The gate knows one tolerance for all pools; each pool's own is held by its breaks."""
    sides = [
        side
        for (_, component), limit in tolerated.items()
        if component == "unexplained"
        for side in (limit.above, limit.below)
        if side is not None
    ]
    return max(sides, default=DEFAULT_TOLERANCE)
