"""Whether a pool's period is certified by itself, and why not.

What belongs here: the closed list of reasons, and deciding from one reconciliation. What does not: signing, which
people do (`signing`), and what is beyond tolerance, which the run has found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from twinledger.pools import UNASSIGNED
from twinledger.reconciliation.result import BreakState, Reconciliation, Tolerated
from twinledger.reconciliation.tolerance import Limits
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.money import Money, signed

UNEXPLAINED = "unexplained"


class ReasonCode(StrEnum):
    """Why a period does not certify by itself; in order of severity, the worst first."""

    NOT_RECONCILED = "NOT_RECONCILED"
    GATE_FAILED = "GATE_FAILED"
    DATA_MISSING = "DATA_MISSING"
    NOT_CURRENT = "NOT_CURRENT"
    UNEXPLAINED_BEYOND_TOLERANCE = "UNEXPLAINED_BEYOND_TOLERANCE"
    BREAKS_OPEN = "BREAKS_OPEN"
    FIX_NOT_CONFIRMED = "FIX_NOT_CONFIRMED"
    BREAKS_ACCEPTED = "BREAKS_ACCEPTED"
    BEYOND_TOLERANCE = "BEYOND_TOLERANCE"
    WARNINGS = "WARNINGS"
    PERIOD_NOT_OVER = "PERIOD_NOT_OVER"


@dataclass(frozen=True, slots=True)
class Reason(ForFinance):
    """One reason, with its sentence."""

    code: ReasonCode
    sentence: str


@dataclass(frozen=True, slots=True)
class Certification(ForFinance):
    """What the engine says of one pool's period: certified where there is no reason against it."""

    pool: str
    period: str
    reasons: tuple[Reason, ...]
    """The worst first."""

    @property
    def certified(self) -> bool:
        """Whether nothing is beyond tolerance, open, accepted, missing, refused or still to come."""
        return not self.reasons

    @property
    def code(self) -> str:
        """The worst reason's code, empty where it is certified."""
        return self.reasons[0].code if self.reasons else ""

    @property
    def sentence(self) -> str:
        """The worst reason's sentence, or that it is certified."""
        return self.reasons[0].sentence if self.reasons else f"{self.pool} {self.period} is certified"

    def has(self, *codes: ReasonCode) -> bool:
        """Whether any of these stands against it."""
        return any(one.code in codes for one in self.reasons)


def certification(
    result: Reconciliation | None, pool: str, *, period: str = "", gate_stops: Sequence[str] = (), current: bool = True
) -> Certification:
    """Certify a pool's period, or say why not; pure.

    Breaks of no pool, as of a control total, stand in the pool `unassigned`.

    Args:
        result: the newest reconciliation of the period, None where it was never reconciled.
        pool: a pool of it, or `unassigned`.
        period: the period, where there is no result to name it.
        gate_stops: what a gate stopped since, in its sentences.
        current: whether the ledgers are still those that were reconciled.

    Raises:
        UnknownNameError: neither ledger has anything of the pool.
    """
    if result is None:
        reason = Reason(ReasonCode.NOT_RECONCILED, f"{period or 'the period'} was never reconciled")
        return Certification(pool, period, (reason,))
    known = {total.pool for total in result.totals} | {UNASSIGNED}
    if result.totals and pool not in known:
        raise UnknownNameError("pool", pool, known)
    found = [
        *(Reason(ReasonCode.GATE_FAILED, f"a gate stopped: {one}") for one in gate_stops),
        *(Reason(ReasonCode.DATA_MISSING, one) for one in result.missing),
        *_not_current(current),
        *_of_pool(result, pool),
        *(Reason(ReasonCode.WARNINGS, one) for one in result.warnings),
        *_not_over(result),
    ]
    return Certification(pool, str(result.period), tuple(found))


def _not_current(current: bool) -> Iterator[Reason]:  # noqa: FBT001 - one flag, named like the argument
    if not current:
        yield Reason(ReasonCode.NOT_CURRENT, "a ledger changed after the last reconciliation: run it again")


def _not_over(result: Reconciliation) -> Iterator[Reason]:
    if result.pending:
        yield Reason(ReasonCode.PERIOD_NOT_OVER, f"{result.period} is not over: more data are to come")


def _of_pool(result: Reconciliation, pool: str) -> Iterator[Reason]:
    beyond = list(_beyond(result, pool))
    unexplained = [sentence for component, sentence in beyond if component == UNEXPLAINED]
    yield from (Reason(ReasonCode.UNEXPLAINED_BEYOND_TOLERANCE, sentence) for sentence in unexplained)
    still = [one for one in result.breaks if (one.pool or UNASSIGNED) == pool]
    if still:
        yield Reason(ReasonCode.BREAKS_OPEN, f"{_counted(still)} open, the largest {_largest(still)}")
    settled = [one for one in result.settled if (one.pool or UNASSIGNED) == pool]
    for code, resolution, words in (
        (ReasonCode.FIX_NOT_CONFIRMED, "fixed", "fixed by a booking that no run has confirmed"),
        (ReasonCode.BREAKS_ACCEPTED, "accepted", "beyond tolerance and accepted by somebody"),
    ):
        of_kind = [one for one in settled if one.resolution == resolution]
        if of_kind:
            yield Reason(code, f"{_counted(of_kind)} {words}, the largest {_largest(of_kind)}")
    named = {one.rule for one in (*still, *settled)}
    for component, sentence in beyond:
        if component != UNEXPLAINED and component not in named:
            yield Reason(ReasonCode.BEYOND_TOLERANCE, sentence)


def _beyond(result: Reconciliation, pool: str) -> Iterator[tuple[str, str]]:
    """Components of a pool that lie beyond the limits that the run used, with a sentence for each."""
    used: dict[str, Tolerated] = {one.component: one for one in result.tolerated if one.pool == pool}
    for row in result.bridge:
        tolerated = used.get(row.component) if row.pool == pool else None
        limits = Limits(tolerated.above, tolerated.below) if tolerated else None
        if limits and limits.exceeded(row.amount) is not None:
            name = row.component.replace("_", " ")
            yield row.component, f"{name} is {signed(Money(row.amount, row.currency))}, tolerated is {limits}"


def _counted(breaks: Sequence[BreakState]) -> str:
    return f"{len(breaks)} break{'' if len(breaks) == 1 else 's'}"


def _largest(breaks: Sequence[BreakState]) -> str:
    one = max(breaks, key=lambda each: (abs(each.amount), each.id))
    return f"{signed(Money(one.amount, one.currency))} ({one.rule.replace('_', ' ')}: {one.subject})"
