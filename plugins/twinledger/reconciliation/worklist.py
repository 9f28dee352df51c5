"""Breaks as people work on them: a list by age and money, and one with its history and comments.

What belongs here: reading breaks for pages, commands and cards. What does not: changing them (`life`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.deeds import Comment, Entry, comments, find, found, history
from twinledger.reconciliation.breaks import Finding, state_at
from twinledger.reconciliation.life import BREAKS
from twinledger.reconciliation.owners import deciding, owner_rules, priorities, priority
from twinledger.store import models
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.money import Money

AGE_CLASSES = (("0-1", 1), ("2-7", 7), ("8-30", 30))
"""Each class with its last day."""

OLDEST = ">30"
OPEN = ("new", "acknowledged", "snoozed")


@dataclass(frozen=True, slots=True)
class BreakLine(ForFinance):
    """One break in a list, as it is now."""

    id: str
    rule: str
    pool: str
    period: str
    subject: str
    money: Money
    tolerance: Money
    owner: str
    owner_rule: str
    """Which rule of breaks.yaml decided on the owner; empty where it is the pool's."""
    assignee: str | None
    state: str
    resolution: str | None
    opened_at: datetime
    age_days: int
    age_class: str
    priority: str
    snoozed_until: datetime | None
    acted_by: str | None
    acted_at: datetime | None
    acted_on: str | None
    note: str | None
    reference: str | None
    run: str
    revision: int


@dataclass(frozen=True, slots=True)
class BreakView(ForFinance):
    """One break with all that was said and done; `evidence` as it was accepted on, if it is accepted."""

    line: BreakLine
    comments: tuple[Comment, ...]
    history: tuple[Entry, ...]
    evidence: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which breaks are asked for; empty is any. The state `open` is new, acknowledged and snoozed."""

    state: str = "open"
    period: str = ""
    pool: str = ""
    owner: str = ""
    """The owner, or the assignee."""
    age_class: str = ""

    def has(self, one: BreakLine) -> bool:
        """Whether a break is one of these."""
        return (
            (one.state in OPEN if self.state == "open" else self.state in ("", one.state, one.resolution))
            and self.period in ("", one.period)
            and self.pool in ("", one.pool)
            and self.owner in ("", one.owner, one.assignee)
            and self.age_class in ("", one.age_class)
        )


def age_class(days: int) -> str:
    """`0-1`, `2-7`, `8-30` or `>30` days."""
    return next((name for name, last in AGE_CLASSES if days <= last), OLDEST)


def break_lines(desk: Desk, wanted: Wanted | None = None) -> tuple[BreakLine, ...]:
    """The breaks that are asked for, the most money first. Finance only."""
    asked = wanted or Wanted()
    with desk.store.reading() as session:
        query = select(models.Break)
        if asked.period:
            query = query.where(models.Break.period == asked.period)
        if asked.state == "open":
            query = query.where(models.Break.state != "resolved")
        lines = [one for one in _lines(session, session.scalars(query).all(), desk.clock.now()) if asked.has(one)]
    return tuple(sorted(lines, key=lambda one: (-abs(one.money.amount), one.id)))


def break_view(desk: Desk, break_id: str) -> BreakView:
    """One break. Finance only.

    Raises:
        UnknownNameError: there is no such break.
    """
    with desk.store.reading() as session:
        row = found(session, BREAKS, break_id)
        (line,) = _lines(session, [row], desk.clock.now())
        return BreakView(line, comments(session, BREAKS, row.id), history(session, row.id), row.evidence)


def find_break(desk: Desk, start: str) -> str:
    """The identity of the one break whose identity begins so; raises as `deeds.find`."""
    with desk.store.reading() as session:
        return find(session, BREAKS, start)


def _lines(session: Session, rows: Sequence[models.Break], now: datetime) -> list[BreakLine]:
    rules, classes = owner_rules(session), priorities(session)
    made = []
    for row in rows:
        rule = deciding(rules, _finding(row))
        days = ((row.resolved_at or now) - row.opened_at).days
        made.append(
            BreakLine(
                id=row.id,
                rule=row.rule,
                pool=row.pool,
                period=row.period,
                subject=row.subject,
                money=Money(row.amount, row.currency),
                tolerance=Money(row.tolerance, row.currency),
                owner=row.owner,
                owner_rule=str(rule) if rule and rule.owner == row.owner else "",
                assignee=row.assignee,
                state=state_at(row, now),
                resolution=row.resolution,
                opened_at=row.opened_at,
                age_days=days,
                age_class=age_class(days),
                priority=priority(row.amount, classes),
                snoozed_until=row.snoozed_until,
                acted_by=row.acted_by,
                acted_at=row.acted_at,
                acted_on=row.acted_on,
                note=row.note,
                reference=row.reference,
                run=row.run,
                revision=row.revision,
            )
        )
    return made


def _finding(row: models.Break) -> Finding:
    return Finding(
        row.rule, row.pool, row.period, row.subject, row.amount, row.currency, row.tolerance, row.owner,
        row.provider, row.account,
    )  # fmt: skip
