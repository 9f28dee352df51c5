"""Carrying out a deed.

What belongs here: the order of looking, holding, refusing and writing, and what a replay gets. What does not: what
differs between kinds of things (`kept`).

However many clicks, retries and surfaces race, one of them moves a thing; the others are told who was first. A click
that arrives again gets what it came to before, also where the thing has moved on or is closed by then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.deeds.act import Done
from twinledger.deeds.kept import Deed, Kept, Row, found, name_of
from twinledger.store import audit, models
from twinledger.store.once import change_once, insert_once
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ConcurrentChangeError,
    NotEntitledError,
    TwinledgerError,
    UnknownPersonError,
)
from twinledger.vocabulary.identities import digest


def run(desk: Desk, kept: Kept[Row], deed: Deed) -> Done:
    """Do it, in one transaction; a refusal is recorded in it too, then raised.

    Raises:
        UnknownNameError: there is no such thing.
        UnknownPersonError: nobody is called so.
        NotEntitledError: it is not for this person.
        AlreadyDecidedError: somebody was first; says who and when.
        ConcurrentChangeError: it is not any more what the person looked at.
    """
    with desk.store.transaction() as session:
        result = _settle(session, desk, kept, deed)
    if isinstance(result, TwinledgerError):
        raise result
    return result


def _settle(session: Session, desk: Desk, kept: Kept[Row], deed: Deed) -> Done | TwinledgerError:
    row = found(session, kept, deed.act.subject)
    if (earlier := _earlier(session, desk, kept, row, deed)) is not None:
        return earlier
    kept.hold(session, row)
    row = found(session, kept, deed.act.subject, locked=True)
    if (earlier := _earlier(session, desk, kept, row, deed)) is not None:  # somebody was first while we waited
        return earlier
    return _do(session, desk, kept, row, deed)


def _earlier(session: Session, desk: Desk, kept: Kept[Row], row: Row, deed: Deed) -> Done | TwinledgerError | None:
    """What the same click came to before, or why nothing is done, or None where all is well."""
    if before := session.get(models.Interaction, _key(deed), populate_existing=True):
        return _again(kept, deed, before)
    refusal = _refusal(session, desk, kept, row, deed)
    return _refused(session, desk, kept, deed, refusal) if refusal else None


def _do(session: Session, desk: Desk, kept: Kept[Row], row: Row, deed: Deed) -> Done:
    act, step, now = deed.act, kept.steps[deed.verb], desk.clock.now()
    values = {**deed.values, **kept.values(row, deed, now), "revision": row.revision + (deed.verb != "comment")}
    if step.end is not None:
        values |= {"state": step.end, "resolution": step.resolution}
        values |= {"acted_by": act.who, "acted_at": now, "acted_on": act.surface}
    _swap(session, kept, row, values)
    if deed.text:
        of = {kept.comment_of: row.id}
        session.add(kept.comments(**of, who=act.who, at=now, surface=act.surface, text=deed.text))
    done = Done(row.id, deed.verb, row.state, row.revision, act.who, now)
    _remember(session, desk, deed, {"done": [done.state, done.revision]})
    kept.tell(session, desk, row, deed)
    said = {"comment": deed.text} if deed.text else {}
    facts = {"revision": row.revision, "surface": act.surface, **deed.facts, **said}
    audit.append(session, desk.clock, who=act.who, action=f"{kept.name}.{deed.verb}", subject=row.id, facts=facts)
    return done


def _swap(session: Session, kept: Kept[Row], row: Row, values: Mapping[str, Any]) -> None:
    """Compare-and-swap on (state, revision).

    Raises:
        ConcurrentChangeError: somebody was in between, although the row is held.
    """
    model = kept.model
    unchanged = (model.id == row.id, model.state == row.state, model.revision == row.revision)
    if not change_once(session, update(model).where(*unchanged).values(**values)):
        before = f"{row.state} at revision {row.revision}"
        raise ConcurrentChangeError(name_of(kept, row.id), before, "changed")
    session.refresh(row)


# --- refusals --------------------------------------------------------------------------------


def _refusal(session: Session, desk: Desk, kept: Kept[Row], row: Row, deed: Deed) -> TwinledgerError | None:
    """Why a deed is not done, or nothing."""
    act, named = deed.act, name_of(kept, row.id)
    person = session.get(models.Person, act.who)
    if person is None:
        return UnknownPersonError("Twinledger", act.who)
    if reason := kept.kept_from(session, desk, row, person):
        return NotEntitledError(act.who, named, reason)
    if kept.state(row, desk.clock.now()) not in kept.steps[deed.verb].start:
        return _already(session, kept, row)
    if act.seen is not None and act.seen != row.revision:
        return ConcurrentChangeError(named, f"at revision {act.seen}", f"at revision {row.revision}")
    return None


def _already(session: Session, kept: Kept[Row], row: Row) -> AlreadyDecidedError:
    outcome, by, at = kept.first(row)
    person = session.get(models.Person, by) if by else None
    who = person.title if person else by or kept.actor
    return AlreadyDecidedError(name_of(kept, row.id), outcome, who, at.isoformat(timespec="seconds") if at else "")


def _refused(session: Session, desk: Desk, kept: Kept[Row], deed: Deed, error: TwinledgerError) -> TwinledgerError:
    """Record that somebody was refused for who they are; being second is no refusal."""
    act = deed.act
    if isinstance(error, NotEntitledError) and not _remember(session, desk, deed, {"refused": error.reason}):
        return error  # the same click was refused while this one was looked at
    if isinstance(error, NotEntitledError | UnknownPersonError):
        action, facts = f"{kept.name}.{deed.verb}.refused", {"surface": act.surface, "reason": str(error)}
        audit.append(session, desk.clock, who=act.who, action=action, subject=act.subject, facts=facts)
    return error


# --- replays ---------------------------------------------------------------------------------


def _key(deed: Deed) -> str:
    return digest(deed.act.subject, deed.verb, deed.act.key)


def _again(kept: Kept[Row], deed: Deed, before: models.Interaction) -> Done | TwinledgerError:
    """What the same click came to before."""
    result, subject = json.loads(before.result), deed.act.subject
    if "done" not in result:
        return NotEntitledError(before.person, name_of(kept, subject), result["refused"])
    state, revision = result["done"]
    return Done(subject, deed.verb, state, revision, before.person, before.at, duplicate=True)


def _remember(session: Session, desk: Desk, deed: Deed, result: Mapping[str, Any]) -> bool:
    """Keep the click with its result; False where the same click was kept before."""
    act = deed.act
    values = {
        "key": _key(deed),
        "request": act.subject,
        "person": act.who,
        "surface": act.surface,
        "answer": deed.verb,
        "at": desk.clock.now(),
        "result": json.dumps(result),
    }
    return insert_once(session, models.Interaction, "key", values)
