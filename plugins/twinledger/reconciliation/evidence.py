"""The evidence of a reconciliation: what the models found, and its two tables.

What belongs here: running the models and writing finance.matches and finance.bridge. What does not:
what follows from the evidence (breaks, verdict, message).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from twinledger.books import Books
from twinledger.engine import Engine
from twinledger.lake.tables import BRIDGE, MATCHES
from twinledger.reconciliation.inputs import BRIDGE_MODELS, REPORT_MODELS, Inputs, view_inputs
from twinledger.reconciliation.result import BridgeRow, Claim, ClaimLine, Match, MeterMatch, Ownerless, PoolTotal
from twinledger.reconciliation.tolerance import DEFAULT_TOLERANCE, Limits, limits
from twinledger.vocabulary.errors import GateFailedError
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
    warnings: tuple[str, ...] = ()
    docs: str = ""

    def limits(self, inputs: Inputs) -> dict[tuple[str, str], Limits]:
        """The tolerance of each component of the bridge, by (pool, component)."""
        external = {total.pool: total.external_amount for total in self.totals}
        stated = {name: pool.tolerance for name, pool in inputs.pools.items()}
        return {
            (row.pool, row.component): limits(
                stated.get(row.pool, {}), row.component, external.get(row.pool, Decimal(0))
            )
            for row in self.bridge
        }


def make_evidence(books: Books, inputs: Inputs) -> Evidence:
    """Run the models and write their two tables, each in one atomic commit.

    Raises:
        MissingRateError: a currency without a rate; nothing is written.
        GateFailedError: the bridge is not what it must be; nothing is written.
    """
    with books.engine() as engine:
        view_inputs(engine, inputs)
        for model in (*BRIDGE_MODELS, *REPORT_MODELS):
            engine.view_model(model)
        engine.materialise("contract_audit")
        engine.materialise("bridge")
        evidence = _read(engine)
        matches = engine.copy("resource_matches", MATCHES, books.lake.staging(MATCHES))
        bridge = engine.copy("bridge", BRIDGE, books.lake.staging(BRIDGE))
    tolerated = {"unexplained_tolerance": plain(_widest(evidence.limits(inputs)))}
    verdict = books.gate.check("reconciliation", BRIDGE, bridge, tolerated)
    if not verdict.passed:
        raise GateFailedError(verdict.gate, verdict.stops)
    partition = {"period": str(inputs.period)}
    books.lake.replace(MATCHES, partition, matches, inputs.digest)
    books.lake.replace(BRIDGE, partition, bridge, inputs.digest)
    return replace(evidence, warnings=tuple(verdict.warnings), docs=verdict.docs)


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
    return tuple(kind(**_aware(row, names)) for row in engine.rows(relation))


def _read(engine: Engine) -> Evidence:
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
        claims=tuple(sorted(listed(engine, "claim_sums", Claim), key=lambda one: (one.pool, one.card))),
        claim_lines=listed(engine, "claims", ClaimLine),
        ownership=tuple(
            sorted(listed(engine, "ownership", Ownerless), key=lambda one: (one.pool, -one.amount, one.service))
        ),
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
