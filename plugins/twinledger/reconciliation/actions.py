"""What is done about resources that slipped past: proposed by a rule or approved by a person, done once, recorded.

What belongs here: which actions are due, who may approve one, and doing them through a port, with an entry of the audit
trail for each. What does not: what is ungranted (`ungranted`), the rules' form (`action_rules`), and AWS (`cloud`).

The audit trail is the memory: an action is done once for a break, however often it is run. It is recorded after it was
done, and does nothing a second time: a run that was killed in between is made good by the next. What failed is recorded
too, and tried again by the next run, after all others. A break that is resolved or snoozed is left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.books import Books
from twinledger.reconciliation.action_rules import Action, DetectionFile
from twinledger.reconciliation.breaks import state_at
from twinledger.reconciliation.targets import Target, target_of
from twinledger.reconciliation.ungranted import RULE, Ungranted, ungranted_resources
from twinledger.store import audit
from twinledger.store.models import AuditEntry, Break, Person
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.errors import (
    ActionFailedError,
    InvalidActError,
    NotEntitledError,
    UnknownNameError,
    UnknownPersonError,
)
from twinledger.vocabulary.money import plain
from twinledger.vocabulary.periods import Period

ACTOR = "detection"
"""Who acts, in the audit trail; which rule or person it was for is in the entry's facts."""

TAG = "twinledger:ungranted"
"""The tag that a resource is given; its value is the break's identity."""

APPROVERS = frozenset({"finance", "operator"})
"""Roles of people who may approve an action."""

LONGEST_WHY = 1000
State = Literal["to do", "done", "failed", "not possible"]


class Hands(Protocol):
    """What can be done to a machine; each does nothing the second time. Raises ActionFailedError."""

    def tag(self, target: Target, key: str, value: str) -> None:
        """Give it a tag."""
        ...

    def stop(self, target: Target) -> str:
        """Stop it, and keep what it stores; returns the state that it is in then."""
        ...


@dataclass(frozen=True, slots=True)
class Proposal(ForFinance):
    """One action for one break: due, done, or not possible."""

    break_id: str
    found: Ungranted
    currency: str
    since: datetime
    """When its break was opened."""
    action: Action
    because: str
    """The rule by its name, or who approved it and why."""
    state: State
    target: Target | None = None
    problem: str = ""
    """Why it is not possible, or how it failed."""


@dataclass
class _Past:
    """What the audit trail says of one break."""

    approved: dict[str, str] = field(default_factory=dict)
    """Action -> who approved it, and why."""
    done: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)


def proposals(books: Books, period: Period, file: DetectionFile) -> tuple[Proposal, ...]:
    """Every action that a rule or an approval asks for, the most money first.

    A resource has to be ungranted in the ledgers as they are now, and to have an open break.

    Raises:
        UnknownNameError: the setting names a product that the catalog has not.
    """
    return proposals_for(books, period, file, ungranted_resources(books, period))


def proposals_for(desk: Desk, period: Period, file: DetectionFile, found: Iterable[Ungranted]) -> tuple[Proposal, ...]:
    """As `proposals`, for what is ungranted."""
    resources = {(one.pool, one.subject): one for one in found}
    now = desk.clock.now()
    query = select(Break).where(Break.rule == RULE, Break.period == str(period), Break.state != "resolved")
    with desk.store.reading() as session:
        past = _past(session, period)
        rows = [row for row in session.scalars(query) if state_at(row, now) != "snoozed"]
        due = [
            proposal
            for row in rows
            if (row.pool, row.subject) in resources
            for proposal in _of_break(row, resources[row.pool, row.subject], past[row.id], file, now)
        ]
    return tuple(sorted(due, key=lambda one: (-one.found.amount, one.found.subject, one.action == "stop")))


def _of_break(row: Break, one: Ungranted, past: _Past, file: DetectionFile, now: datetime) -> Iterator[Proposal]:
    """What is asked for of one break: by a person, else by the first rule that holds for the action."""
    target = target_of(one)
    service = target.service if isinstance(target, Target) else None
    wanted: dict[Action, str] = {}
    for rule in file.rules:
        if rule.then not in wanted and rule.holds(one, service, (now - row.opened_at).days):
            wanted[rule.then] = f"rule {rule.name}"
    for action in ("tag", "stop"):
        if action in past.approved:
            wanted[action] = past.approved[action]
    for action, because in wanted.items():
        said = (row.id, one, row.currency, row.opened_at, action, because)
        if action in past.done:
            yield Proposal(*said, "done")
        elif isinstance(target, str):
            yield Proposal(*said, "not possible", problem=target)
        else:
            problem = past.failed.get(action, "")
            yield Proposal(*said, "failed" if problem else "to do", target, problem)


def _past(session: Session, period: Period) -> Mapping[str, _Past]:
    """What was approved and done for the breaks of a period, by break."""
    query = (
        select(AuditEntry)
        .join(Break, Break.id == AuditEntry.subject)
        .where(Break.rule == RULE, Break.period == str(period))
        .order_by(AuditEntry.sequence)
    )
    found: dict[str, _Past] = defaultdict(_Past)
    for entry in session.scalars(query):
        _recall(found[entry.subject], entry)
    return found


def _recall(past: _Past, entry: AuditEntry) -> None:
    _, _, deed = entry.action.partition("detection.")
    action, _, failed = deed.partition(".")
    if deed == "approve":
        past.approved.setdefault(entry.facts["action"], f"approved by {entry.who}: {entry.facts['why']}")
    elif action in ("tag", "stop") and failed:
        past.failed[action] = entry.facts["problem"]
    elif action in ("tag", "stop"):
        past.done.add(action)


def approve_action(desk: Desk, break_id: str, action: Action, *, who: str, why: str, surface: str) -> None:
    """Let an action be done, as somebody of finance or an operator; a refusal is recorded too.

    Raises:
        UnknownNameError: no such break.
        UnknownPersonError: the person is nobody.
        NotEntitledError: the person has neither role.
        InvalidActError: no reason is given, or the break is of another rule or resolved.
    """
    if not 0 < len(why.strip()) <= LONGEST_WHY:
        raise InvalidActError("why", why, f"a reason of up to {LONGEST_WHY} characters")
    with desk.store.transaction() as session:
        row, person = session.get(Break, break_id), session.get(Person, who)
        if row is None:
            raise UnknownNameError("break", break_id[:64], ("the identities that `twinledger breaks list` shows",))
        if person is None:
            raise UnknownPersonError("Twinledger", who)
        if row.rule != RULE or row.state == "resolved":
            raise InvalidActError("break", f"{row.rule}, {row.state}", f"an open one of rule {RULE}")
        refused = None
        if not APPROVERS & set(person.roles):
            refused = NotEntitledError(who, f"break {break_id[:12]}", f"it is for {' or '.join(sorted(APPROVERS))}")
        facts = {
            "action": action, "why": why.strip(), "resource": row.subject, "amount": plain(row.amount),
            "currency": row.currency, "surface": surface, **({"refused": str(refused)} if refused else {}),
        }  # fmt: skip
        deed = "detection.refused" if refused else "detection.approve"
        audit.append(session, desk.clock, who=who, action=deed, subject=break_id, facts=facts)
    if refused:
        raise refused


def act(desk: Desk, hands: Hands, due: Iterable[Proposal], most: int) -> list[Proposal]:
    """Do what is due, at most so many actions; what failed before comes last. Returns each as it is then."""
    waiting = [one for one in due if one.state in ("to do", "failed")]
    chosen = sorted(waiting, key=lambda one: one.state == "failed")[:most]
    return [done for one in chosen if (done := _act(desk, hands, one))]


def _act(desk: Desk, hands: Hands, one: Proposal) -> Proposal | None:
    """Do one action, unless its break was resolved or snoozed, or it was done, since it was proposed."""
    target = one.target
    if target is None or not _is_due(desk, one):
        return None
    try:
        # What is stopped is tagged first: the role may stop nothing else.
        hands.tag(target, TAG, one.break_id)
        result = hands.stop(target) if one.action == "stop" else "tagged"
    except ActionFailedError as error:
        _record(desk, one, target, {"problem": error.problem}, failed=True)
        return replace(one, state="failed", problem=error.problem)
    _record(desk, one, target, {"result": result}, failed=False)
    return replace(one, state="done", problem="")


def _is_due(desk: Desk, one: Proposal) -> bool:
    deed = (AuditEntry.subject == one.break_id, AuditEntry.action == f"detection.{one.action}")
    with desk.store.reading() as session:
        row = session.get(Break, one.break_id)
        open_now = row is not None and state_at(row, desk.clock.now()) in ("new", "acknowledged")
        return open_now and session.scalar(select(AuditEntry.sequence).where(*deed).limit(1)) is None


def _record(desk: Desk, one: Proposal, target: Target, result: Mapping[str, Any], *, failed: bool) -> None:
    facts = {
        "resource": target.arn, "because": one.because, "reason": one.found.reason, "since": str(one.found.first_day),
        "amount": plain(one.found.amount), "currency": one.currency, **result,
    }  # fmt: skip
    deed = f"detection.{one.action}{'.failed' if failed else ''}"
    with desk.store.transaction() as session:
        audit.append(session, desk.clock, who=ACTOR, action=deed, subject=one.break_id, facts=facts)
