"""A plan of the catalog that somebody agrees to before it is applied.

What belongs here: which plans need an answer, who gives it, and applying what was agreed to and nothing else. What
does not: finding the changes (`apply`), and asking, which is an edge's.

    pending ── approve, by finance ──► approved ──► applied
       ├─ refuse ──► refused, until the configuration says something else
       └─ nobody answered ──► lapsed, and asked again by the next run

A plan that only adds what nobody is charged for yet is approved by rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import update

from twinledger.catalog.apply import Change, apply_config, plan_config
from twinledger.catalog.config import CompanyConfig
from twinledger.clock import Clock
from twinledger.store import Store, audit
from twinledger.store.models import CatalogPlan, Person
from twinledger.store.once import change_once
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    NotAllowedStateError,
    NotEntitledError,
    UnknownPersonError,
    UnknownRequestError,
)
from twinledger.vocabulary.identities import digest, short

Verdict = Literal["approve", "refuse"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan and how far it is: unchanged | pending | approved | refused | lapsed | applied."""

    id: str
    state: str
    changes: tuple[Change, ...]
    asked_at: datetime
    decided_by: str = ""


def needs_answer(changes: Sequence[Change]) -> bool:
    """Whether something that is there changes or is retired, or a published price moves."""
    return any(change.action != "added" or change.effect.moves for change in changes)


def propose(store: Store, clock: Clock, config: CompanyConfig, who: str) -> Proposal:
    """Write down what applying a configuration would change; asking again for the same finds the same plan.

    Raises:
        PriceEditedError: as `plan_config`.
        StateReversedError: likewise.
    """
    changes = tuple(plan_config(store, config))
    now = clock.now()
    if not changes:
        return Proposal("", "unchanged", (), now)
    identity = _identity(config, changes)
    with store.transaction() as session:
        row = session.get(CatalogPlan, identity, with_for_update=True)
        if row is None or row.state in ("lapsed", "applied"):
            # What was applied once and is to be applied again was undone in between: it is asked again.
            row = session.merge(CatalogPlan(id=identity, state="pending", revision=(row.revision if row else 0) + 1,
                                            asked_by=who, asked_at=now))  # fmt: skip
            if not needs_answer(changes):
                row.state, row.decided_by, row.decided_at, row.decided_on = "approved", "rule", now, "rule"
            audit.append(session, clock, who=who, action="catalog.planned", subject=f"catalog plan {identity}",
                         facts={"changes": len(changes), "state": row.state})  # fmt: skip
        return Proposal(identity, row.state, changes, row.asked_at, row.decided_by or "")


def look_at_plan(store: Store, identity: str) -> Proposal:
    """A plan as it is now, without its changes.

    Raises:
        UnknownRequestError: there is no such plan.
    """
    with store.reading() as session:
        row = session.get(CatalogPlan, identity)
        if row is None:
            raise UnknownRequestError(identity)
        return Proposal(identity, row.state, (), row.asked_at, row.decided_by or "")


def decide_plan(store: Store, clock: Clock, identity: str, who: str, verdict: Verdict, surface: str) -> Proposal:
    """Agree to a plan, or refuse it: somebody of finance, once.

    Raises:
        UnknownPersonError: there is no such person.
        NotEntitledError: the person is not of finance.
        UnknownRequestError: there is no such plan.
        AlreadyDecidedError: somebody decided before.
    """
    with store.reading() as session:
        person = session.get(Person, who)
    if person is None:
        raise UnknownPersonError("Twinledger", who)
    if "finance" not in person.roles:
        raise NotEntitledError(who, f"catalog plan {identity}", "changing what is published is finance's to agree to")
    return _settle(store, clock, identity, "approved" if verdict == "approve" else "refused", (who, surface))


def lapse_plan(store: Store, clock: Clock, identity: str) -> Proposal:
    """Nobody answered in time. Changes nothing where somebody did."""
    try:
        return _settle(store, clock, identity, "lapsed", ("timer", "timer"))
    except AlreadyDecidedError:
        return look_at_plan(store, identity)


def apply_plan(store: Store, clock: Clock, config: CompanyConfig, identity: str) -> list[Change]:
    """Apply a plan that was agreed to; a process that died after applying it finds nothing left to do.

    Raises:
        NotAllowedStateError: it was not agreed to, or the configuration says something else by now.
        UnknownRequestError: there is no such plan.
    """
    found = look_at_plan(store, identity)
    name = f"catalog plan {identity}"
    if found.state not in ("approved", "applied"):
        raise NotAllowedStateError(name, found.state, "applying it")
    changes = plan_config(store, config)
    if changes and _identity(config, changes) != identity:
        raise NotAllowedStateError(name, "of another configuration than there is now", "applying it")
    applied = apply_config(store, config, clock) if changes else []
    with store.transaction() as session:
        plans = update(CatalogPlan).where(CatalogPlan.id == identity, CatalogPlan.state == "approved")
        if change_once(session, plans.values(state="applied")):
            facts = {"changes": len(applied)}
            audit.append(session, clock, who="configuration", action="catalog.applied", subject=name, facts=facts)
    return applied


# --- inside ----------------------------------------------------------------------------------


def _identity(config: CompanyConfig, changes: Sequence[Change]) -> str:
    """Of what would change, and of the whole configuration: what is agreed to is applied, and nothing else."""
    return f"cat-{short(digest(repr(config), repr(tuple(changes))))}"


def _settle(store: Store, clock: Clock, identity: str, state: str, decided: tuple[str, str]) -> Proposal:
    """Write an outcome down once: of several at the same time, one is."""
    who, surface = decided
    with store.transaction() as session:
        pending = update(CatalogPlan).where(CatalogPlan.id == identity, CatalogPlan.state == "pending")
        values = {"state": state, "decided_by": who, "decided_at": clock.now(), "decided_on": surface}
        settled = change_once(session, pending.values(**values))
        if settled:
            audit.append(session, clock, who=who, action=f"catalog.{state}", subject=f"catalog plan {identity}",
                         facts={"surface": surface})  # fmt: skip
    found = look_at_plan(store, identity)
    if not settled:
        raise AlreadyDecidedError(f"catalog plan {identity}", found.state, found.decided_by, "before")
    return found
