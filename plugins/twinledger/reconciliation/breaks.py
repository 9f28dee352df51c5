"""Breaks: what is beyond tolerance, and how the open ones change from run to run.

What belongs here: the identity of a break and its life, as pure functions over rows of the store.
What does not: who works on a break, which people decide.

    (none) ── found ──► new ──► acknowledged | snoozed
                         ▲            │
              found again│            │ gone
                         └─ resolved ◄┴── gone
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.reconciliation.result import BreakState, BridgeRow, Claim, RollForward, Tally
from twinledger.reconciliation.tolerance import Limits
from twinledger.store import models
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.money import exact_sum

NOBODY = "finance"
"""Owner of what no pool's owner answers for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One deviation beyond tolerance, as a run found it; amounts in the reporting currency."""

    rule: str
    pool: str
    period: str
    subject: str
    amount: Decimal
    currency: str
    tolerance: Decimal
    owner: str

    @property
    def identity(self) -> str:
        """The same for the same deviation, whatever its amount, order or run."""
        return digest(self.rule, self.pool, self.period, self.subject)


@dataclass(frozen=True, slots=True)
class Change:
    """What a run did to the breaks of its period."""

    roll_forward: RollForward
    opened: tuple[str, ...]
    resolved: tuple[str, ...]
    open: tuple[BreakState, ...]


def component_findings(
    period: str, bridge: Iterable[BridgeRow], tolerated: Mapping[tuple[str, str], Limits], owners: Mapping[str, str]
) -> list[Finding]:
    """Components beyond their limits; `tolerated` is by (pool, component), `owners` by pool."""
    found = []
    for row in bridge:
        limit = tolerated[row.pool, row.component].exceeded(row.amount)
        if limit is not None:
            owner = owners.get(row.pool, NOBODY)
            found.append(Finding(row.component, row.pool, period, row.pool, row.amount, row.currency, limit, owner))
    return found


def claim_findings(period: str, claims: Iterable[Claim], currency: str, owners: Mapping[str, str]) -> list[Finding]:
    """One break for each contract card that was billed above; no overcharge is tolerated."""
    return [
        Finding(
            "overcharge", one.pool, period, one.card, one.amount, currency, Decimal(0), owners.get(one.pool, NOBODY)
        )
        for one in claims
    ]


def update_breaks(
    session: Session, period: str, findings: Sequence[Finding], run: str, now: datetime, only: Collection[str] = ()
) -> Change:
    """Bring the period's breaks to what a run found, in the caller's transaction.

    Where the run could look for some rules only, `only` names them: breaks of others stay as they are.
    """
    query = select(models.Break).where(models.Break.period == period).with_for_update()
    known = {one.id: one for one in session.scalars(query)}
    opening = {one.id: one.amount for one in known.values() if one.state != "resolved"}
    found = {finding.identity: finding for finding in findings}
    for identity, finding in found.items():
        if identity in known:
            _meet_again(known[identity], finding, run, now)
        else:
            known[identity] = _opened(identity, finding, run, now)
            session.add(known[identity])
    unseen = {identity for identity in opening if only and known[identity].rule not in only}
    for identity in opening.keys() - found.keys() - unseen:
        _resolve(known[identity], run, now)
    session.flush()
    closing = {identity: finding.amount for identity, finding in found.items()}
    closing |= {identity: opening[identity] for identity in unseen}
    return Change(
        roll_forward=roll_forward(opening, closing),
        opened=tuple(sorted(closing.keys() - opening.keys())),
        resolved=tuple(sorted(opening.keys() - closing.keys())),
        open=open_states(known.values()),
    )


def roll_forward(opening: Mapping[str, Decimal], closing: Mapping[str, Decimal]) -> RollForward:
    """From the open breaks before to those after, each as identity -> amount."""
    added = [closing[one] for one in closing.keys() - opening.keys()]
    gone = [opening[one] for one in opening.keys() - closing.keys()]
    stayed = [(opening[one], closing[one]) for one in opening.keys() & closing.keys()]
    grown = [after - before for before, after in stayed if abs(after) >= abs(before)]
    shrunk = [before - after for before, after in stayed if abs(after) < abs(before)]
    return RollForward(
        opening=_tally(opening.values()),
        new=Tally(len(added), exact_sum([*added, *grown])),
        resolved=Tally(len(gone), exact_sum([*gone, *shrunk])),
        closing=_tally(closing.values()),
    )


def open_states(breaks: Iterable[models.Break]) -> tuple[BreakState, ...]:
    """The open ones, the most money first."""
    names = BreakState.__slots__
    still = [BreakState(**{name: getattr(one, name) for name in names}) for one in breaks if one.state != "resolved"]
    return tuple(sorted(still, key=lambda one: (-abs(one.amount), one.id)))


def _tally(amounts: Iterable[Decimal]) -> Tally:
    listed = list(amounts)
    return Tally(len(listed), exact_sum(listed))


def _opened(identity: str, finding: Finding, run: str, now: datetime) -> models.Break:
    return models.Break(
        id=identity,
        rule=finding.rule,
        pool=finding.pool,
        period=finding.period,
        subject=finding.subject,
        amount=finding.amount,
        currency=finding.currency,
        tolerance=finding.tolerance,
        owner=finding.owner,
        state="new",
        opened_at=now,
        resolved_at=None,
        run=run,
        revision=1,
    )


def _meet_again(known: models.Break, finding: Finding, run: str, now: datetime) -> None:
    """A break that is still there keeps its state and age; one that came back is new again."""
    if known.state == "resolved":
        known.state, known.opened_at, known.resolved_at = "new", now, None
    elif (known.amount, known.tolerance, known.owner) == (finding.amount, finding.tolerance, finding.owner):
        return
    known.amount, known.currency = finding.amount, finding.currency
    known.tolerance, known.owner = finding.tolerance, finding.owner
    known.run = run
    known.revision += 1


def _resolve(known: models.Break, run: str, now: datetime) -> None:
    known.state, known.resolved_at, known.run = "resolved", now, run
    known.revision += 1
