"""What people do with a break: acknowledge, snooze, assign, comment, accept, fix.

What belongs here: the one table of what is possible, who may, and doing it: by compare-and-swap on (state, revision),
in one transaction with its audit entry and whoever is told. What does not: what runs do with breaks (`updates`), and
how a break is shown (`worklist`, `web`, `slack`).

However many clicks, retries and surfaces race, one of them moves a break; the others are told who was first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.books import Books
from twinledger.clock import Clock
from twinledger.outbox import Message, enqueue
from twinledger.reconciliation.breaks import state_at
from twinledger.reconciliation.causes import cause_json, found_cause
from twinledger.reconciliation.message import tell_again
from twinledger.reconciliation.updates import ACTOR
from twinledger.signing import hold
from twinledger.store import audit, models
from twinledger.store.once import change_once
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ConcurrentChangeError,
    InvalidActError,
    NotEntitledError,
    TwinledgerError,
    UnknownNameError,
    UnknownPersonError,
)
from twinledger.vocabulary.identities import digest, short
from twinledger.vocabulary.money import plain

Verb = Literal["acknowledge", "snooze", "assign", "comment", "accept", "fix"]

ASSIGNED = "break_assigned"
"""The kind of message that tells somebody of a break that was given to them."""

LONGEST_SNOOZE = timedelta(days=366)
LONGEST_TEXT = 4000
LONGEST_REFERENCE = 255
FINANCE = "finance"
_OPEN = frozenset({"new", "acknowledged", "snoozed"})
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Transition:
    """What a verb does to a break, and from where."""

    verb: Verb
    start: frozenset[str]
    end: str | None
    """None where the state stays."""
    resolution: str | None = None


TRANSITIONS: dict[Verb, Transition] = {
    one.verb: one
    for one in (
        #          verb           from                           to
        Transition("acknowledge", _OPEN - {"acknowledged"}, "acknowledged"),
        Transition("snooze", _OPEN, "snoozed"),
        Transition("assign", _OPEN, None),
        Transition("comment", _OPEN | {"resolved"}, None),
        Transition("accept", _OPEN, "resolved", "accepted"),
        Transition("fix", _OPEN, "resolved", "fixed"),
    )
}
"""What is not in here is not possible; runs alone open, clear, wake and reopen."""


@dataclass(frozen=True, slots=True)
class Act:
    """One person's deed on a break, as it came in from a surface."""

    break_id: str
    who: str
    """A person's name."""
    surface: str
    """slack | page | command line"""
    key: str
    """The surface's own identity of the click: a replay of it is a duplicate, not a second deed."""
    seen: int | None = None
    """The revision that the person looked at: where it has moved on, nothing is done."""


@dataclass(frozen=True, slots=True)
class Done:
    """A break after a deed."""

    break_id: str
    verb: Verb
    state: str
    revision: int
    who: str
    at: datetime
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class _Deed:
    """What is to be written."""

    act: Act
    verb: Verb
    values: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""


def acknowledge(desk: Desk, act: Act) -> Done:
    """Say that somebody looks into it.

    Raises:
        UnknownNameError: there is no such break.
        UnknownPersonError: nobody is called so.
        NotEntitledError: somebody who is neither of finance, nor its owner, nor its assignee.
        AlreadyDecidedError: somebody was first; says who and when.
        ConcurrentChangeError: it is not any more what the person looked at.
        SignedError: the statement that it stands in is signed, or is being signed.
    """
    return _run(desk, _Deed(act, "acknowledge", {"snoozed_until": None, "snoozed_amount": None}))


def snooze(desk: Desk, act: Act, until: datetime) -> Done:
    """Leave it until an instant; it wakes by itself then, or when it grows. Raises as `acknowledge`.

    Raises:
        InvalidActError: an instant that has passed, or is more than a year away.
    """
    now = desk.clock.now()
    if not now < until <= now + LONGEST_SNOOZE:
        raise InvalidActError("until", until.isoformat(), "an instant of the next 366 days")
    deed = _Deed(act, "snooze", {"snoozed_until": until}, {"until": until.isoformat()})
    return _run(desk, deed)


def assign(desk: Desk, act: Act, assignee: str) -> Done:
    """Give it to somebody, who is told. Raises as `acknowledge`; the assignee has to be a person too."""
    with desk.store.reading() as session:
        if session.get(models.Person, assignee) is None:
            raise UnknownPersonError("Twinledger", assignee)
    return _run(desk, _Deed(act, "assign", {"assignee": assignee}, {"assignee": assignee}))


def comment(desk: Desk, act: Act, text: str) -> Done:
    """Say something of it; what was said is never changed. Raises as `acknowledge`; InvalidActError for no words."""
    return _run(desk, _Deed(act, "comment", text=_words("comment", text)))


def fix(desk: Desk, act: Act, reference: str) -> Done:
    """Resolve it by a booking; the next run that still finds it opens it again. Raises as `acknowledge`.

    Raises:
        InvalidActError: no reference of the booking.
    """
    booked = _words("reference", reference, LONGEST_REFERENCE)
    return _run(desk, _Deed(act, "fix", {"reference": booked}, {"reference": booked}))


def accept(books: Books, act: Act, note: str) -> Done:
    """Resolve it as it is, with a note; its evidence is frozen. Raises as `acknowledge`.

    The evidence is the amount, the bridge's component, the contributors, the run and the cuts. A later run that finds
    another amount, by more than the tolerance, opens it again.

    Raises:
        InvalidActError: no note.
    """
    said = _words("note", note)
    for _ in range(_ATTEMPTS):
        with books.store.reading() as session:
            row = _found(session, act.break_id)
            evidence = _evidence(session, row)
        if row.state in _OPEN:
            evidence["cause"] = cause_json(found_cause(books, row))
        values = {"note": said, "accepted_amount": row.amount, "evidence": evidence}
        looked = replace(act, seen=row.revision if act.seen is None else act.seen)
        try:
            return _run(books, _Deed(looked, "accept", values, {"note": said, "evidence": evidence}))
        except ConcurrentChangeError:
            if act.seen is not None:
                raise
    raise ConcurrentChangeError(_name(act.break_id), "at rest", "being changed by others")


# --- inside ----------------------------------------------------------------------------------


def _words(name: str, text: str, longest: int = LONGEST_TEXT) -> str:
    said = text.strip()
    if not said or len(said) > longest:
        raise InvalidActError(name, said, f"some words, of at most {longest} characters")
    return said


def _name(break_id: str) -> str:
    return f"break {short(break_id)}"


def _found(session: Session, break_id: str, *, locked: bool = False) -> models.Break:
    row = session.get(models.Break, break_id, populate_existing=True, with_for_update=locked or None)
    if row is None:
        raise UnknownNameError("break", break_id[:64], ())
    return row


def _evidence(session: Session, row: models.Break) -> dict[str, Any]:
    """What an acceptance is made on; amounts are decimal strings."""
    query = select(models.ReconciliationRun).where(models.ReconciliationRun.id == row.run)
    run = session.scalar(query)
    return {
        "rule": row.rule,
        "pool": row.pool,
        "period": row.period,
        "subject": row.subject,
        "amount": plain(row.amount),
        "currency": row.currency,
        "tolerance": plain(row.tolerance),
        "opened_at": row.opened_at.isoformat(),
        "run": row.run,
        "external_cut": run.external_cut if run else "",
        "internal_cut": run.internal_cut if run else "",
    }


def _run(desk: Desk, deed: _Deed) -> Done:
    """One transaction, also for a refusal: it is recorded, then raised."""
    with desk.store.transaction() as session:
        result = _settle(session, desk.clock, deed)
    if isinstance(result, TwinledgerError):
        raise result
    return result


def _settle(session: Session, clock: Clock, deed: _Deed) -> Done | TwinledgerError:
    row = _found(session, deed.act.break_id)
    if (earlier := _earlier(session, clock, row, deed)) is not None:
        return earlier
    hold(session, row.period, row.pool)  # before the break itself is held: a run takes them in this order too
    row = _found(session, deed.act.break_id, locked=True)
    if (earlier := _earlier(session, clock, row, deed)) is not None:  # somebody was first while we waited
        return earlier
    return _do(session, clock, row, deed)


def _earlier(session: Session, clock: Clock, row: models.Break, deed: _Deed) -> Done | TwinledgerError | None:
    """What the same click came to before, or why nothing is done, or None where all is well."""
    if earlier := session.get(models.Interaction, _key(deed), populate_existing=True):
        return _again(row, deed, earlier)
    refusal = _refusal(session, clock, row, deed)
    return _refused(session, clock, deed, refusal) if refusal else None


def _do(session: Session, clock: Clock, row: models.Break, deed: _Deed) -> Done:
    act, transition = deed.act, TRANSITIONS[deed.verb]
    values = {**deed.values, "revision": row.revision + (deed.verb != "comment")}
    if transition.end is not None:
        values |= {"state": transition.end, "resolution": transition.resolution}
        values |= {"acted_by": act.who, "acted_at": clock.now(), "acted_on": act.surface}
    if transition.resolution is not None:
        values |= {"resolved_at": clock.now(), "snoozed_until": None, "snoozed_amount": None}
    if deed.verb == "snooze":
        values["snoozed_amount"] = row.amount
    _swap(session, row, values)
    if deed.text:
        session.add(
            models.BreakComment(break_id=row.id, who=act.who, at=clock.now(), surface=act.surface, text=deed.text)
        )
    done = Done(row.id, deed.verb, row.state, row.revision, act.who, clock.now())
    _remember(session, clock, deed, {"done": [done.state, done.revision]})
    _tell(session, clock, row, deed)
    said = {"comment": deed.text} if deed.text else {}
    facts = {"revision": row.revision, "surface": act.surface, **deed.facts, **said}
    audit.append(session, clock, who=act.who, action=f"break.{deed.verb}", subject=row.id, facts=facts)
    return done


def _refusal(session: Session, clock: Clock, row: models.Break, deed: _Deed) -> TwinledgerError | None:
    """Why a deed is not done, or nothing."""
    act, state = deed.act, state_at(row, clock.now())
    person = session.get(models.Person, act.who)
    if person is None:
        return UnknownPersonError("Twinledger", act.who)
    if FINANCE not in person.roles and act.who not in (row.owner, row.assignee):
        reason = f"it is for finance, its owner ({row.owner}) or its assignee ({row.assignee or 'nobody'})"
        return NotEntitledError(act.who, _name(row.id), reason)
    if state not in TRANSITIONS[deed.verb].start:
        return _already(session, row)
    if act.seen is not None and act.seen != row.revision:
        return ConcurrentChangeError(_name(row.id), f"at revision {act.seen}", f"at revision {row.revision}")
    return None


def _already(session: Session, row: models.Break) -> AlreadyDecidedError:
    who = session.get(models.Person, row.acted_by) if row.acted_by else None
    name = who.title if who else row.acted_by or ACTOR
    at = row.acted_at or row.resolved_at
    when = at.isoformat(timespec="seconds") if at else ""
    return AlreadyDecidedError(_name(row.id), row.resolution or row.state, name, when)


def _swap(session: Session, row: models.Break, values: Mapping[str, Any]) -> None:
    """Compare-and-swap on (state, revision).

    Raises:
        ConcurrentChangeError: somebody was in between, although the row is held.
    """
    unchanged = (models.Break.id == row.id, models.Break.state == row.state, models.Break.revision == row.revision)
    statement = update(models.Break).where(*unchanged).values(**values)
    if not change_once(session, statement):
        raise ConcurrentChangeError(_name(row.id), f"{row.state} at revision {row.revision}", "changed")
    session.refresh(row)


def _tell(session: Session, clock: Clock, row: models.Break, deed: _Deed) -> None:
    """Show the message that lists the break as it is now, and tell whom it was given to."""
    if deed.verb != "comment":
        tell_again(session, clock, row.period, f"{row.id} {row.revision}")
    assignee = session.get(models.Person, deed.values["assignee"]) if deed.verb == "assign" else None
    if assignee is not None and assignee.slack_user:
        facts = {"break_id": row.id, "period": row.period, "pool": row.pool, "rule": row.rule, "who": deed.act.who}
        message = Message(ASSIGNED, row.id, assignee.slack_user, "everyone", facts, evidence=str(row.revision))
        enqueue(session, message, clock)


# --- replays and refusals --------------------------------------------------------------------


def _key(deed: _Deed) -> str:
    return digest(deed.act.break_id, deed.verb, deed.act.key)


def _again(row: models.Break, deed: _Deed, earlier: models.Interaction) -> Done | TwinledgerError:
    """What the same click came to before."""
    result = json.loads(earlier.result)
    if "done" not in result:
        return NotEntitledError(earlier.person, _name(row.id), result["refused"])
    state, revision = result["done"]
    return Done(row.id, deed.verb, state, revision, earlier.person, earlier.at, duplicate=True)


def _refused(session: Session, clock: Clock, deed: _Deed, error: TwinledgerError) -> TwinledgerError:
    """Record that somebody was refused for who they are; being second is no refusal."""
    if isinstance(error, NotEntitledError):
        _remember(session, clock, deed, {"refused": error.reason})
    if isinstance(error, NotEntitledError | UnknownPersonError):
        facts = {"surface": deed.act.surface, "reason": str(error)}
        action = f"break.{deed.verb}.refused"
        audit.append(session, clock, who=deed.act.who, action=action, subject=deed.act.break_id, facts=facts)
    return error


def _remember(session: Session, clock: Clock, deed: _Deed, result: Mapping[str, Any]) -> None:
    """Keep the click with its result; its break is held, so that its replay waits for it."""
    act = deed.act
    row = models.Interaction(
        key=_key(deed),
        request=act.break_id,
        person=act.who,
        surface=act.surface,
        answer=deed.verb,
        at=clock.now(),
        result=json.dumps(result),
    )
    session.add(row)
    session.flush()
