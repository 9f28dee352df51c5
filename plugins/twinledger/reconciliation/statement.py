"""The statement of a period: what finance signs of one pool, or looks at for one department.

What belongs here: what a statement says, as values and as canonical JSON, and its digest. What does not: how a pool
is divided (`statement_shares`), opening components (`statement_rows`), files (`statement_files`), and what
departments are charged (`statements`), which everyone may read. This is for finance only.

Equal runs give equal bytes: nothing in here asks a clock, and what people do about a break (who has it, what they
say) is not of the statement; whether it is open, is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

from twinledger.pools import COMPONENTS, UNASSIGNED
from twinledger.reconciliation.certification import Certification, ReasonCode, certification
from twinledger.reconciliation.result import (
    BreakState,
    Claim,
    GateCheck,
    Reconciliation,
    RollForward,
    Tally,
    Verdict,
    verdict,
)
from twinledger.reconciliation.statement_shares import Share, divide
from twinledger.reconciliation.tolerance import Limits
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.canonical import canonical_digest, canonical_json
from twinledger.vocabulary.money import exact_sum, plain
from twinledger.vocabulary.periods import Period

Kind = Literal["pool", "department"]

PROVENANCE = frozenset({"run", "external_cut", "internal_cut", "checks", "roll_forward"})
"""Keys of the JSON that say where the figures came from, and may differ while no figure does."""

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Component(ForFinance):
    """One component of the bridge; `above` and `below` are its tolerance, None is any distance from zero.

    Of a pool, `rows` are charges and internal charges; of a department, parts of pools, and no tolerance is its own.
    """

    name: str
    amount: Decimal
    rows: int
    above: Decimal | None
    below: Decimal | None

    @property
    def within(self) -> bool:
        """Whether it is within its tolerance."""
        return Limits(self.above, self.below).exceeded(self.amount) is None


@dataclass(frozen=True, slots=True)
class OpenBreak(ForFinance):
    """One open break, by what was found; what people do about it is not of the statement."""

    id: str
    rule: str
    subject: str
    amount: Decimal
    tolerance: Decimal
    owner: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Part(ForFinance):
    """What of one pool's component is a department's."""

    pool: str
    component: str
    amount: Decimal
    of: Decimal
    """The pool's."""


@dataclass(frozen=True, slots=True)
class PeriodStatement(ForFinance):
    """One pool or department and period; amounts in `currency`, deviation is internal less external."""

    kind: Kind
    subject: str
    period: Period
    currency: str
    run: str
    external_cut: str
    internal_cut: str
    verdict: Verdict
    reason_code: str
    """Why it does not certify by itself, the worst of `reasons`; empty where it does."""
    reasons: tuple[str, ...]
    internal: Decimal
    external: Decimal
    components: tuple[Component, ...]
    """All twelve, in order of name."""
    roll_forward: RollForward
    """Since the run before; what people resolved after the run is in it."""
    breaks: tuple[OpenBreak, ...]
    claims: tuple[Claim, ...]
    parts: tuple[Part, ...]
    """Of a department: the pools that its components come from."""
    missing: tuple[str, ...]
    warnings: tuple[str, ...]
    checks: tuple[GateCheck, ...]
    """What the gate looked at; pages are below the deployment's Data Docs."""

    @property
    def deviation(self) -> Decimal:
        """Internal less external; the components add up to it."""
        return exact_sum((self.internal, -self.external))

    def component(self, name: str) -> Component:
        """One of the twelve."""
        return self.components[COMPONENTS.index(name)]


def pool_statement(result: Reconciliation, pool: str) -> PeriodStatement:
    """The statement of a pool; while something is missing, nothing is known of it.

    What is of no pool (control totals, coverage) stands in the statement of `unassigned`.

    Raises:
        UnknownNameError: neither ledger has anything of the pool.
    """
    certified = certification(result, pool)
    total = next((one for one in result.totals if one.pool == pool), None)
    bridge = {row.component: row for row in result.bridge if row.pool == pool}
    limits = {one.component: one for one in result.tolerated if one.pool == pool}
    components = []
    for name in COMPONENTS:
        row, limit = bridge.get(name), limits.get(name)
        bounds = (limit.above, limit.below) if limit else (None, None)
        components.append(Component(name, row.amount if row else _NOTHING, row.rows if row else 0, *bounds))
    breaks = [one for one in result.breaks if (one.pool or UNASSIGNED) == pool]
    recorded = next((one.roll_forward for one in result.rolls if one.pool == pool), _NO_ROLL)
    return PeriodStatement(
        kind="pool",
        subject=pool,
        internal=total.internal_amount if total else _NOTHING,
        external=total.external_amount if total else _NOTHING,
        components=tuple(components),
        verdict=_verdict(result, breaks=bool(breaks)),
        reason_code=certified.code,
        reasons=tuple(one.sentence for one in certified.reasons),
        roll_forward=recorded,
        breaks=tuple(map(_open_break, sorted(breaks, key=lambda one: (-abs(one.amount), one.id)))),
        claims=tuple(one for one in result.claims if (one.pool or UNASSIGNED) == pool),
        parts=(),
        **_common(result),
    )


def department_statement(result: Reconciliation, department: str) -> PeriodStatement:
    """The statement of a department over all pools; `unassigned` is the platform's own line.

    The statements of all departments add up to those of all pools, to the last decimal. Breaks are pools': no
    department answers for one, but while a pool that it is charged of has one, its verdict is `breaks`.
    """
    shares = [one for one in shares_of(result) if one.department == department]
    pools = {one.pool for one in shares}
    bridge = {(row.pool, row.component): row.amount for row in result.bridge}
    parts = tuple(
        Part(one.pool, name, amount, bridge.get((one.pool, name), _NOTHING))
        for name in COMPONENTS
        for one in shares
        if (amount := one.components[name])
    )
    worst, reasons = _of_pools([certification(result, pool) for pool in sorted(pools)])
    components = []
    for name in COMPONENTS:
        amounts = [part.amount for part in parts if part.component == name]
        components.append(Component(name, exact_sum(amounts), len(amounts), None, None))
    return PeriodStatement(
        kind="department",
        subject=department,
        internal=exact_sum(one.internal for one in shares),
        external=exact_sum(one.external for one in shares),
        components=tuple(components),
        verdict=_verdict(result, breaks=any((one.pool or UNASSIGNED) in pools for one in result.breaks)),
        reason_code=worst,
        reasons=reasons,
        roll_forward=_NO_ROLL,
        breaks=(),
        claims=(),
        parts=parts,
        **_common(result),
    )


def shares_of(result: Reconciliation) -> tuple[Share, ...]:
    """Every pool of a run, divided among departments."""
    found: list[Share] = []
    for total in result.totals:
        bridge = {row.component: row.amount for row in result.bridge if row.pool == total.pool}
        found += divide(total.pool, bridge, [one for one in result.charged if one.pool == total.pool])
    return tuple(found)


_NO_TALLY = Tally(0, _NOTHING)
_NO_ROLL = RollForward(_NO_TALLY, _NO_TALLY, _NO_TALLY, _NO_TALLY)


def _verdict(result: Reconciliation, *, breaks: bool) -> Verdict:
    """What is missing or warned of is so for every subject of a run."""
    return verdict(bool(result.missing), breaks, bool(result.warnings), result.pending)


def _of_pools(found: Sequence[Certification]) -> tuple[str, tuple[str, ...]]:
    """The worst reason of several pools, and all of their reasons with the pool's name."""
    reasons = [(one.pool, reason) for one in found for reason in one.reasons]
    worst = min((reason.code for _, reason in reasons), key=list(ReasonCode).index, default="")
    return str(worst), tuple(f"{pool}: {reason.sentence}" for pool, reason in reasons)


def _common(result: Reconciliation) -> dict[str, Any]:
    """What every statement of a run has in common."""
    return {
        "period": result.period,
        "currency": result.currency,
        "run": result.run_id,
        "external_cut": result.external_cut,
        "internal_cut": result.internal_cut,
        "missing": result.missing,
        "warnings": result.warnings,
        "checks": result.checks,
    }


def _open_break(one: BreakState) -> OpenBreak:
    return OpenBreak(**{field.name: getattr(one, field.name) for field in fields(OpenBreak)})


# --- JSON --------------------------------------------------------------------------------------


def statement_json(statement: PeriodStatement) -> dict[str, Any]:
    """A statement as JSON: amounts as plain decimal strings, instants as ISO 8601 in UTC."""
    written: dict[str, Any] = _plain(statement)
    components = [{**one, "within": item.within}
                  for one, item in zip(written["components"], statement.components, strict=True)]  # fmt: skip
    return {**written, "deviation": plain(statement.deviation), "components": components}


def statement_text(statement: PeriodStatement) -> str:
    """The one spelling of a statement, as `vocabulary.canonical` says; its file holds this and nothing else."""
    return canonical_json(statement_json(statement))


def statement_digest(statement: PeriodStatement) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal: what a signature is on."""
    return canonical_digest(statement_json(statement))


def statement_figures(statement: PeriodStatement) -> dict[str, str]:
    """The numbers of a statement by name, as decimal strings: what must stay for a signature to stand.

    Cuts, runs, tolerances and the way from opening to closing are not among them: another run that finds the same
    changes no figure.
    """
    figures = {"internal": statement.internal, "external": statement.external, "deviation": statement.deviation}
    figures |= {one.name: one.amount for one in statement.components}
    figures |= {f"break {one.rule} {one.subject}": one.amount for one in statement.breaks}
    figures |= {f"claim {one.card}": one.amount for one in statement.claims}
    return {name: plain(amount) for name, amount in figures.items()} | dict.fromkeys(statement.missing, "missing")


def figures_digest(statement: PeriodStatement) -> str:
    """SHA-256 of the figures, of the subject and period."""
    named = (statement.kind, statement.subject, str(statement.period), statement.currency)
    return canonical_digest([*named, statement_figures(statement)])


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON is anything
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Period | date):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value
