"""Breaks: what is beyond tolerance, and how one is as it stands.

What belongs here: findings, their kinds and identities, and what is read of a break. What does not: how breaks change
from run to run (`updates`), and what people do with them (`life`).

                          acknowledge, snooze
    (none) ── found ──► new ─────────────► acknowledged | snoozed
                         ▲ ◄─ time over, grown ─ snoozed │
             found again │                              │ gone (cleared), fixed, accepted
                         └────────── resolved ◄─────────┘
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from twinledger.pools import COMPONENTS
from twinledger.reconciliation.matched import AMBIGUOUS, Ambiguity
from twinledger.reconciliation.result import BreakState, BridgeRow, Claim, PoolRoll, RollForward
from twinledger.reconciliation.tolerance import Limits
from twinledger.store import models
from twinledger.vocabulary.identities import digest

NOBODY = "finance"
"""Owner of what no pool's owner answers for."""

BRIDGE_KIND = "bridge"


def kind_of(rule: str) -> str:
    """What a rule looks at: the bridge's components are one kind, for rows move between them; others are their own."""
    return BRIDGE_KIND if rule in COMPONENTS else rule


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
    provider: str = ""
    """Empty where it is of several, or of none; likewise the account."""
    account: str = ""
    within: bool = False
    """Whether it lies within the tolerance for its age: then no break, and as old as it is."""

    @property
    def identity(self) -> str:
        """The same for the same deviation, whatever its amount, order or run."""
        return digest(self.rule, self.pool, self.period, self.subject)


@dataclass(frozen=True, slots=True)
class Event:
    """What a run did to one break, for its history; amounts in the facts are decimal strings."""

    break_id: str
    action: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What a run did to the breaks of its period."""

    roll_forward: RollForward
    opened: tuple[str, ...]
    resolved: tuple[str, ...]
    open: tuple[BreakState, ...]
    rolls: tuple[PoolRoll, ...] = ()
    """The roll-forward by pool; the parts add up to the whole."""
    settled: tuple[BreakState, ...] = ()
    events: tuple[Event, ...] = ()


def component_findings(
    period: str,
    bridge: Iterable[BridgeRow],
    tolerated: Mapping[tuple[str, str], Limits],
    owners: Mapping[str, str],
    first: Mapping[tuple[str, str], Limits] | None = None,
) -> list[Finding]:
    """Components beyond their limits; `tolerated` is by (pool, component), `owners` by pool.

    `first` are the limits of what was just found: what lies beyond those, and within the ones for its age, is given
    as `within`.
    """
    found = []
    for row in bridge:
        key = (row.pool, row.component)
        limit = tolerated[key].exceeded(row.amount)
        within = limit is None
        if limit is None and first is not None:
            limit = first[key].exceeded(row.amount)
        if limit is not None:
            owner = owners.get(row.pool, NOBODY)
            money = (row.amount, row.currency, limit, owner)
            found.append(Finding(row.component, row.pool, period, row.pool, *money, within=within))
    return found


def claim_findings(period: str, claims: Iterable[Claim], currency: str, owners: Mapping[str, str]) -> list[Finding]:
    """One break for each contract card that was billed above; no overcharge is tolerated."""
    return [
        Finding(
            "overcharge",
            one.pool,
            period,
            one.card,
            one.amount,
            currency,
            Decimal(0),
            owners.get(one.pool, NOBODY),
            provider=one.vendor,
        )
        for one in claims
    ]


def ambiguity_findings(
    period: str, ambiguities: Iterable[Ambiguity], currency: str, owners: Mapping[str, str]
) -> list[Finding]:
    """One break for each resource that fits several of the other side; none is tolerated, for none is matched."""
    return [
        Finding(
            AMBIGUOUS, one.pool, period, one.subject, one.amount, currency, Decimal(0), owners.get(one.pool, NOBODY)
        )
        for one in ambiguities
    ]


def state_at(one: models.Break, now: datetime) -> str:
    """The state of a break; one whose snooze is over is new again, whether or not a run has seen that."""
    over = one.state == "snoozed" and one.snoozed_until is not None and one.snoozed_until <= now
    return "new" if over else one.state


def break_state(one: models.Break, now: datetime) -> BreakState:
    """A break as it stands."""
    read = {name: getattr(one, name) for name in BreakState.__slots__}
    return BreakState(**read | {"state": state_at(one, now)})


def open_states(breaks: Iterable[models.Break], now: datetime) -> tuple[BreakState, ...]:
    """The open ones, the most money first."""
    return _ranked(break_state(one, now) for one in breaks if one.state != "resolved")


def settled_states(breaks: Iterable[models.Break], now: datetime) -> tuple[BreakState, ...]:
    """Those that people resolved and the last run found all the same, the most money first."""
    by_people = (one for one in breaks if one.state == "resolved" and one.found and one.resolution != "cleared")
    return _ranked(break_state(one, now) for one in by_people)


def _ranked(states: Iterable[BreakState]) -> tuple[BreakState, ...]:
    return tuple(sorted(states, key=lambda one: (-abs(one.amount), one.id)))
