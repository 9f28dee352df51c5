"""Bringing the breaks of a period to what a run found.

What belongs here: which break a finding is of, and what becomes of each. What does not: what people do with a break
(`life`), and the sums (`roll`).

A break stays itself while its kind, pool, period and subject stay: when its component changes, it is re-classified.
See docs/decisions/0024-identity-of-a-break.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.reconciliation.breaks import Change, Event, Finding, kind_of, open_states, settled_states
from twinledger.reconciliation.roll import Turn, pool_rolls, roll_forward
from twinledger.store import models
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.money import exact_sum, plain

ACTOR = "reconciliation"
"""Who does what no person does."""

_TWICE = 2
"""A deviation of which less than half is left, or that is more than doubled, is another one."""


class Known(Protocol):
    """What is needed of a break of the store to tell whether a finding is of it."""

    id: str
    rule: str
    pool: str
    subject: str
    amount: Decimal
    found: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """Which run it is, and when."""

    id: str
    at: datetime


def update_breaks(
    session: Session, period: str, findings: Sequence[Finding], run: str, now: datetime, only: Collection[str] = ()
) -> Change:
    """Bring the period's breaks to what a run found, in the caller's transaction.

    Where the run could look for some rules only, `only` names them: breaks of others stay as they are.
    """
    query = select(models.Break).where(models.Break.period == period).order_by(models.Break.id).with_for_update()
    known = {one.id: one for one in session.scalars(query.execution_options(populate_existing=True))}
    opening = {one.id: one.counted for one in known.values() if one.counted is not None}
    settled = {one: str(known[one].resolution) for one in opening if known[one].state == "resolved"}
    looked = {one.id: one for one in known.values() if not only or one.rule in only}
    of = identified(findings, looked.values(), known)
    events: list[Event] = []
    this = _Run(run, now)
    for identity, finding in sorted(of.items()):
        if identity not in known:
            known[identity] = _opened(identity, finding, this)
            session.add(known[identity])
            events.append(Event(identity, "break.opened", {"rule": finding.rule, "amount": plain(finding.amount)}))
        else:
            events += _meet(known[identity], finding, this)
    for identity in sorted(looked.keys() - of.keys()):
        events += _miss(looked[identity], this)
    closing = {one.id: one.amount for one in known.values() if one.state != "resolved"}
    for one in known.values():
        one.counted = closing.get(one.id)
    session.flush()
    turn = Turn(opening, closing, settled)
    return Change(
        roll_forward=roll_forward(turn),
        opened=tuple(sorted(closing.keys() - opening.keys())),
        resolved=tuple(sorted(opening.keys() - closing.keys())),
        open=open_states(known.values(), now),
        rolls=pool_rolls(turn, {one.id: one.pool for one in known.values()}),
        settled=settled_states(known.values(), now),
        events=tuple(events),
    )


# --- which break a finding is of -------------------------------------------------------------


def identified(findings: Iterable[Finding], breaks: Iterable[Known], taken: Collection[str] = ()) -> dict[str, Finding]:
    """Findings by the identity of the break that they are of; the same whatever order both come in.

    In this order: the break that the last run found by the same rule; one of the same kind and subject whose rule
    finds nothing any more (re-classified); one of the same rule that was gone; else a new one, whose identity is not
    one of `taken`.
    """
    newcomers = {(one.pool, one.subject, one.rule): one for one in sorted(findings, key=_finding_order)}
    rows = sorted(breaks, key=lambda one: one.id)
    of: dict[str, Finding] = {}
    for row in (one for one in rows if one.found):
        if finding := newcomers.pop((row.pool, row.subject, row.rule), None):
            of[row.id] = finding
    gone = [one for one in rows if one.found and one.id not in of]
    for row, finding in _reclassified(gone, [one for one in newcomers.values() if not one.within]):
        of[row.id] = newcomers.pop((finding.pool, finding.subject, finding.rule))
    for row in (one for one in rows if not one.found):
        if finding := newcomers.pop((row.pool, row.subject, row.rule), None):
            of[row.id] = finding
    names = {*taken, *(one.id for one in rows)}
    for finding in newcomers.values():
        if not finding.within:
            of[_free(finding, names)] = finding
    return of


def _finding_order(one: Finding) -> tuple[str, str, str, Decimal]:
    return (one.pool, one.subject, one.rule, one.amount)


def _free(finding: Finding, taken: set[str]) -> str:
    """The finding's own identity; with a number where a break that was re-classified has it."""
    identity, number = finding.identity, 2
    while identity in taken:
        identity, number = digest(finding.identity, str(number)), number + 1
    taken.add(identity)
    return identity


def _reclassified(gone: Sequence[Known], newcomers: Sequence[Finding]) -> Iterator[tuple[Known, Finding]]:
    """Pairs of what is gone and what is new of one subject, the nearest in money first; each is of one pair."""
    waiting: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for finding in newcomers:
        waiting[kind_of(finding.rule), finding.pool, finding.subject].append(finding)
    pairs = [
        (abs(exact_sum((finding.amount, -row.amount))), row.id, finding.rule, row, finding)
        for row in gone
        for finding in waiting[kind_of(row.rule), row.pool, row.subject]
        if _same_money(row.amount, finding.amount)
    ]
    used: set[tuple[str, ...]] = set()
    for _, _, _, row, finding in sorted(pairs, key=lambda pair: pair[:3]):
        mine, other = (row.id,), (finding.pool, finding.subject, finding.rule)
        if used.isdisjoint((mine, other)):
            used.update((mine, other))
            yield row, finding


def _same_money(before: Decimal, after: Decimal) -> bool:
    """Whether two amounts may be the same deviation under another name: one sign, neither more than twice the other."""
    small, large = sorted((abs(before), abs(after)))
    return before * after > 0 and large <= _TWICE * small


# --- what becomes of it ----------------------------------------------------------------------


def _opened(identity: str, finding: Finding, run: _Run) -> models.Break:
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
        provider=finding.provider,
        account=finding.account,
        state="new",
        opened_at=run.at,
        resolved_at=None,
        found=True,
        run=run.id,
        revision=1,
    )


def _meet(row: models.Break, finding: Finding, run: _Run) -> list[Event]:
    """A break that is found keeps its state, age, people and comments, unless something says otherwise."""
    events = []
    if row.rule != finding.rule:
        events.append(Event(row.id, "break.reclassified", {"before": row.rule, "after": finding.rule}))
    continued, row.found = row.found, True
    now_is = {"amount": plain(finding.amount)}
    if reason := _reopening(row, finding):
        events.append(Event(row.id, "break.reopened", {"reason": reason} | now_is | _resolved_as(row)))
        if not continued:
            row.opened_at = run.at
        _wake(row)
    elif row.state != "resolved" and finding.within:
        events.append(_cleared(row, run, "within the tolerance for its age"))
    elif row.state == "snoozed" and (reason := _waking(row, finding, run.at)):
        events.append(Event(row.id, "break.woken", {"reason": reason} | now_is))
        _wake(row)
    if events or _differs(row, finding):
        row.revision += 1
        row.run = run.id
    row.rule, row.amount, row.currency = finding.rule, finding.amount, finding.currency
    row.tolerance, row.owner = finding.tolerance, finding.owner
    row.provider, row.account = finding.provider, finding.account
    return events


def _differs(row: models.Break, finding: Finding) -> bool:
    names = ("rule", "amount", "tolerance", "owner")
    return any(getattr(row, name) != getattr(finding, name) for name in names)


def _reopening(row: models.Break, finding: Finding) -> str:
    """Why a resolved break is new again, or nothing."""
    if row.state != "resolved" or finding.within:
        return ""
    if row.resolution == "accepted" and row.accepted_amount is not None:
        change = exact_sum((finding.amount, -row.accepted_amount))
        return "another amount than the accepted one" if abs(change) > finding.tolerance else ""
    return "found again after it was fixed" if row.resolution == "fixed" else "found again"


def _resolved_as(row: models.Break) -> dict[str, Any]:
    accepted = {} if row.accepted_amount is None else {"accepted": plain(row.accepted_amount)}
    booked = {} if row.reference is None else {"reference": row.reference}
    return {"resolution": row.resolution} | accepted | booked


def _waking(row: models.Break, finding: Finding, now: datetime) -> str:
    """Why a snoozed break is new again, or nothing."""
    if row.snoozed_until is not None and row.snoozed_until <= now:
        return "its time is over"
    snoozed = row.snoozed_amount or Decimal(0)
    grown = abs(finding.amount) > abs(snoozed) or finding.amount * snoozed < 0
    return "it has grown beyond what was snoozed" if grown else ""


def _wake(row: models.Break) -> None:
    row.state = "new"
    row.resolved_at = row.resolution = row.note = row.reference = None
    row.accepted_amount = row.evidence = None
    row.snoozed_until = row.snoozed_amount = None
    row.acted_by = row.acted_at = row.acted_on = None


def _miss(row: models.Break, run: _Run) -> list[Event]:
    """A break that no run finds any more; what people resolved stays as they left it."""
    row.found = False
    if row.state == "resolved":
        return []
    row.revision += 1
    row.run = run.id
    return [_cleared(row, run, "no longer found")]


def _cleared(row: models.Break, run: _Run, why: str) -> Event:
    row.state, row.resolution, row.resolved_at = "resolved", "cleared", run.at
    row.snoozed_until = row.snoozed_amount = None
    return Event(row.id, "break.cleared", {"reason": why, "amount": plain(row.amount)})


def stirred(session: Session, period: str, now: datetime) -> bool:
    """Whether a run has something to say that its inputs do not tell: people resolved a break, or a snooze is over."""
    return any(one.period == period for one in _stirred(session, now))


def stirred_periods(session: Session, now: datetime) -> set[str]:
    """The periods of which `stirred` holds."""
    return {one.period for one in _stirred(session, now)}


def _stirred(session: Session, now: datetime) -> Iterator[models.Break]:
    resolved = (models.Break.state == "resolved") & models.Break.counted.is_not(None)
    over = (models.Break.state == "snoozed") & (models.Break.snoozed_until <= now)
    yield from session.scalars(select(models.Break).where(resolved | over))
