"""What people do with an alert: acknowledge, snooze, assign, comment.

What belongs here: who may, and doing it: by compare-and-swap on (state, revision), in one transaction with its audit
entry and whoever is told. What does not: what is possible from which state (`states`), and what evaluations do
(`decide`).

However many clicks, retries and surfaces race, one of them moves an alert; the others are told who was first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from twinledger.alerts.alert import ACTOR
from twinledger.alerts.kept import found, state_at, to_alert
from twinledger.alerts.messages import card_again, card_for
from twinledger.alerts.routing import Tree, read_tree
from twinledger.alerts.states import TRANSITIONS, Event
from twinledger.approvals import Desk
from twinledger.outbox import enqueue
from twinledger.store import audit, models
from twinledger.store.once import change_once
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ConcurrentChangeError,
    InvalidActError,
    NotEntitledError,
    TwinledgerError,
    UnknownPersonError,
)
from twinledger.vocabulary.identities import digest, short

LONGEST_SNOOZE = timedelta(days=366)
LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Act:
    """One person's deed on an alert, as it came in from a surface."""

    alert_id: str
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
    """An alert after a deed."""

    alert_id: str
    verb: Event
    state: str
    revision: int
    who: str
    at: datetime
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class _Deed:
    """What is to be written."""

    act: Act
    verb: Event
    values: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""


def acknowledge(desk: Desk, act: Act) -> Done:
    """Say that somebody looks into it: it speaks again only when its evidence grows, and goes no further up.

    Raises:
        UnknownNameError: there is no such alert.
        UnknownPersonError: nobody is called so.
        NotEntitledError: somebody who is neither of finance, nor its assignee, nor in its tree of departments.
        AlreadyDecidedError: somebody was first, or it is resolved; says who and when.
        ConcurrentChangeError: it is not any more what the person looked at.
    """
    return _run(desk, _Deed(act, "acknowledge", {"snoozed_until": None, "snoozed_impact": None}))


def snooze(desk: Desk, act: Act, until: datetime) -> Done:
    """Leave it until an aware instant; it wakes by itself then, or when it grows. Raises as `acknowledge`.

    Raises:
        InvalidActError: an instant that has passed, or is more than a year away.
    """
    now = desk.clock.now()
    if not now < until <= now + LONGEST_SNOOZE:
        raise InvalidActError("until", until.isoformat(), "an instant of the next 366 days")
    return _run(desk, _Deed(act, "snooze", {"snoozed_until": until}, {"until": until.isoformat()}))


def assign(desk: Desk, act: Act, person: str) -> Done:
    """Give it to somebody, who is told. Raises as `acknowledge`; what vendors charged is given within finance alone."""
    with desk.store.reading() as session:
        row, tree = found(session, act.alert_id), _tree(session, desk)
        if session.get(models.Person, person) is None:
            raise UnknownPersonError("Twinledger", person)
        if row.view == "effective" and person not in tree.finance:
            raise NotEntitledError(person, _name(row.id), "what vendors really charged is for finance alone")
    return _run(desk, _Deed(act, "assign", {"assignee": person}, {"assignee": person}))


def comment(desk: Desk, act: Act, text: str) -> Done:
    """Say something of it; what was said is never changed. Raises as `acknowledge`; InvalidActError for no words."""
    said = text.strip()
    if not said or len(said) > LONGEST_TEXT:
        raise InvalidActError("comment", said, f"some words, of at most {LONGEST_TEXT} characters")
    return _run(desk, _Deed(act, "comment", text=said))


# --- inside ----------------------------------------------------------------------------------


def _name(alert_id: str) -> str:
    return f"alert {short(alert_id)}"


def _tree(session: Session, desk: Desk) -> Tree:
    return read_tree(session, desk.settings.slack.finance_channel)


def _run(desk: Desk, deed: _Deed) -> Done:
    """One transaction, also for a refusal: it is recorded, then raised."""
    with desk.store.transaction() as session:
        row = found(session, deed.act.alert_id, locked=True)
        result = _settle(session, desk, row, deed)
    if isinstance(result, TwinledgerError):
        raise result
    return result


def _settle(session: Session, desk: Desk, row: models.Alert, deed: _Deed) -> Done | TwinledgerError:
    """The alert is held: whoever sends the same click waits, and finds what it came to."""
    if earlier := session.get(models.Interaction, _key(deed), populate_existing=True):
        return _again(row, deed, earlier)
    if refusal := _refusal(session, desk, row, deed):
        return _refused(session, desk, deed, refusal)
    return _do(session, desk, row, deed)


def _do(session: Session, desk: Desk, row: models.Alert, deed: _Deed) -> Done:
    act, end, now = deed.act, TRANSITIONS[deed.verb].end, desk.clock.now()
    values = {**deed.values, "revision": row.revision + (deed.verb != "comment")}
    if end is not None:
        values |= {"state": end, "acted_by": act.who, "acted_at": now, "acted_on": act.surface}
        seen = row.impact if row.told_impact is None else row.told_impact
        values |= {"digest_due": None, "told_impact": seen}  # whoever acts on it has been told
    if deed.verb == "snooze":
        values["snoozed_impact"] = row.impact
    _swap(session, row, values)
    if deed.text:
        session.add(models.AlertNote(alert_id=row.id, who=act.who, at=now, surface=act.surface, text=deed.text))
    done = Done(row.id, deed.verb, row.state, row.revision, act.who, now)
    _remember(session, desk, deed, {"done": [done.state, done.revision]})
    _tell(session, desk, row, deed)
    said = {"comment": deed.text} if deed.text else {}
    facts = {"revision": row.revision, "surface": act.surface, **deed.facts, **said}
    audit.append(session, desk.clock, who=act.who, action=f"alert.{deed.verb}", subject=row.id, facts=facts)
    return done


def _refusal(session: Session, desk: Desk, row: models.Alert, deed: _Deed) -> TwinledgerError | None:
    """Why a deed is not done, or nothing."""
    act = deed.act
    if session.get(models.Person, act.who) is None:
        return UnknownPersonError("Twinledger", act.who)
    if act.who not in (row.assignee, *_tree(session, desk).entitled(row.department, to_alert(row).view)):
        return NotEntitledError(act.who, _name(row.id), _whose(row))
    if state_at(row, desk.clock.now()) not in TRANSITIONS[deed.verb].start:
        return _already(session, row)
    if act.seen is not None and act.seen != row.revision:
        return ConcurrentChangeError(_name(row.id), f"at revision {act.seen}", f"at revision {row.revision}")
    return None


def _whose(row: models.Alert) -> str:
    """Who may do something with it, in words."""
    whose = ["finance", f"its assignee ({row.assignee or 'nobody'})"]
    if row.department and row.view == "internal":
        whose.append(f"the owners and budget holders of {row.department} and above")
    return f"it is for {', '.join(whose)}"


def _already(session: Session, row: models.Alert) -> AlreadyDecidedError:
    by = row.acted_by if row.state != "resolved" else None
    person = session.get(models.Person, by) if by else None
    at = row.resolved_at or row.acted_at
    who = person.title if person else by or ACTOR
    return AlreadyDecidedError(_name(row.id), row.state, who, at.isoformat(timespec="seconds") if at else "")


def _swap(session: Session, row: models.Alert, values: Mapping[str, Any]) -> None:
    """Compare-and-swap on (state, revision).

    Raises:
        ConcurrentChangeError: somebody was in between, although the row is held.
    """
    unchanged = (models.Alert.id == row.id, models.Alert.state == row.state, models.Alert.revision == row.revision)
    statement = update(models.Alert).where(*unchanged).values(**values)
    if not change_once(session, statement):
        raise ConcurrentChangeError(_name(row.id), f"{row.state} at revision {row.revision}", "changed")
    session.refresh(row)


def _tell(session: Session, desk: Desk, row: models.Alert, deed: _Deed) -> None:
    """Bring the messages that show it up to date, and tell whom it was given to."""
    alert = to_alert(row)
    if deed.verb != "comment":
        for message in card_again(session, alert, desk.clock.now()):
            enqueue(session, message, desk.clock)
    person = session.get(models.Person, deed.values["assignee"]) if deed.verb == "assign" else None
    if person is not None and person.slack_user:
        evidence = f"assigned {row.revision}"
        enqueue(session, card_for(alert, person.slack_user, evidence), desk.clock)
        places = sorted({*row.places, person.slack_user})
        session.execute(update(models.Alert).where(models.Alert.id == row.id).values(places=places))


# --- replays and refusals --------------------------------------------------------------------


def _key(deed: _Deed) -> str:
    return digest(deed.act.alert_id, deed.verb, deed.act.key)


def _again(row: models.Alert, deed: _Deed, earlier: models.Interaction) -> Done | TwinledgerError:
    """What the same click came to before."""
    result = json.loads(earlier.result)
    if "done" not in result:
        return NotEntitledError(earlier.person, _name(row.id), result["refused"])
    state, revision = result["done"]
    return Done(row.id, deed.verb, state, revision, earlier.person, earlier.at, duplicate=True)


def _refused(session: Session, desk: Desk, deed: _Deed, error: TwinledgerError) -> TwinledgerError:
    """Record that somebody was refused for who they are; being second is no refusal."""
    if isinstance(error, NotEntitledError):
        _remember(session, desk, deed, {"refused": error.reason})
    if isinstance(error, NotEntitledError | UnknownPersonError):
        facts = {"surface": deed.act.surface, "reason": str(error)}
        action = f"alert.{deed.verb}.refused"
        audit.append(session, desk.clock, who=deed.act.who, action=action, subject=deed.act.alert_id, facts=facts)
    return error


def _remember(session: Session, desk: Desk, deed: _Deed, result: Mapping[str, Any]) -> None:
    """Keep the click with its result; its alert is held, so that its replay waits for it."""
    act = deed.act
    row = models.Interaction(
        key=_key(deed),
        request=act.alert_id,
        person=act.who,
        surface=act.surface,
        answer=deed.verb,
        at=desk.clock.now(),
        result=json.dumps(result),
    )
    session.add(row)
    session.flush()
