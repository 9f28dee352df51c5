"""What people do with a break: acknowledge, snooze, assign, comment, accept, fix.

What belongs here: the one table of what is possible, the verbs, who may, and what follows. What does not: carrying
them out once and on record (`deeds`), what runs do with breaks (`updates`), and how a break is shown (`worklist`,
`web`, `slack`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.books import Books
from twinledger.deeds import Act, Deed, Done, Kept, Step, found, future, name_of, run, words
from twinledger.outbox import Message, enqueue
from twinledger.reconciliation.breaks import state_at
from twinledger.reconciliation.causes import cause_json, found_cause
from twinledger.reconciliation.message import tell_again
from twinledger.reconciliation.updates import ACTOR
from twinledger.signing import hold
from twinledger.store import models
from twinledger.vocabulary.errors import ConcurrentChangeError, UnknownPersonError
from twinledger.vocabulary.money import plain

ASSIGNED = "break_assigned"
"""The kind of message that tells somebody of a break that was given to them."""

LONGEST_REFERENCE = 255
FINANCE = "finance"
_OPEN = frozenset({"new", "acknowledged", "snoozed"})
_ATTEMPTS = 5

Verb = Literal["acknowledge", "snooze", "assign", "comment", "accept", "fix"]

TRANSITIONS: dict[Verb, Step] = {
    "acknowledge": Step(_OPEN - {"acknowledged"}, "acknowledged"),
    "snooze": Step(_OPEN, "snoozed"),
    "assign": Step(_OPEN, None),
    "comment": Step(_OPEN | {"resolved"}, None),
    "accept": Step(_OPEN, "resolved", "accepted"),
    "fix": Step(_OPEN, "resolved", "fixed"),
}
"""What is not in here is not possible; runs alone open, clear, wake and reopen."""


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
    return run(desk, BREAKS, Deed(act, "acknowledge", {"snoozed_until": None, "snoozed_amount": None}))


def snooze(desk: Desk, act: Act, until: datetime) -> Done:
    """Leave it until an instant; it wakes by itself then, or when it grows. Raises as `acknowledge`.

    Raises:
        InvalidActError: an instant that has passed, or is more than a year away.
    """
    wakes = future(desk.clock.now(), until)
    return run(desk, BREAKS, Deed(act, "snooze", {"snoozed_until": wakes}, {"until": wakes.isoformat()}))


def assign(desk: Desk, act: Act, assignee: str) -> Done:
    """Give it to somebody, who is told. Raises as `acknowledge`; the assignee has to be a person too."""
    with desk.store.reading() as session:
        if session.get(models.Person, assignee) is None:
            raise UnknownPersonError("Twinledger", assignee)
    return run(desk, BREAKS, Deed(act, "assign", {"assignee": assignee}, {"assignee": assignee}))


def comment(desk: Desk, act: Act, text: str) -> Done:
    """Say something of it; what was said is never changed. Raises as `acknowledge`; InvalidActError for no words."""
    return run(desk, BREAKS, Deed(act, "comment", text=words("comment", text)))


def fix(desk: Desk, act: Act, reference: str) -> Done:
    """Resolve it by a booking; the next run that still finds it opens it again. Raises as `acknowledge`.

    Raises:
        InvalidActError: no reference of the booking.
    """
    booked = words("reference", reference, LONGEST_REFERENCE)
    return run(desk, BREAKS, Deed(act, "fix", {"reference": booked}, {"reference": booked}))


def accept(books: Books, act: Act, note: str) -> Done:
    """Resolve it as it is, with a note; its evidence is frozen. Raises as `acknowledge`.

    The evidence is the amount, the bridge's component, the contributors, the run and the cuts. A later run that finds
    another amount, by more than the tolerance, opens it again.

    Raises:
        InvalidActError: no note.
    """
    said = words("note", note)
    for _ in range(_ATTEMPTS):
        with books.store.reading() as session:
            row = found(session, BREAKS, act.subject)
            evidence = _evidence(session, row)
        if row.state in _OPEN:
            evidence["cause"] = cause_json(found_cause(books, row))
        values = {"note": said, "accepted_amount": row.amount, "evidence": evidence}
        looked = replace(act, seen=row.revision if act.seen is None else act.seen)
        try:
            return run(books, BREAKS, Deed(looked, "accept", values, {"note": said, "evidence": evidence}))
        except ConcurrentChangeError:
            if act.seen is not None:
                raise
    raise ConcurrentChangeError(name_of(BREAKS, act.subject), "at rest", "being changed by others")


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


class _Breaks(Kept[models.Break]):
    name, model, actor = "break", models.Break, ACTOR
    comments, comment_of = models.BreakComment, "break_id"
    steps: Mapping[str, Step] = {str(verb): step for verb, step in TRANSITIONS.items()}

    def hold(self, session: Session, row: models.Break) -> None:
        """Its statement: a run takes them in this order too."""
        hold(session, row.period, row.pool)

    def state(self, row: models.Break, now: datetime) -> str:
        return state_at(row, now)

    def kept_from(self, _session: Session, _desk: Desk, row: models.Break, person: models.Person) -> str:
        if FINANCE in person.roles or person.name in (row.owner, row.assignee):
            return ""
        return f"it is for finance, its owner ({row.owner}) or its assignee ({row.assignee or 'nobody'})"

    def first(self, row: models.Break) -> tuple[str, str | None, datetime | None]:
        return row.resolution or row.state, row.acted_by, row.acted_at or row.resolved_at

    def values(self, row: models.Break, deed: Deed, now: datetime) -> Mapping[str, Any]:
        if self.steps[deed.verb].resolution is not None:
            return {"resolved_at": now, "snoozed_until": None, "snoozed_amount": None}
        return {"snoozed_amount": row.amount} if deed.verb == "snooze" else {}

    def tell(self, session: Session, desk: Desk, row: models.Break, deed: Deed) -> None:
        """Show the message that lists the break as it is now, and tell whom it was given to."""
        if deed.verb != "comment":
            tell_again(session, desk.clock, row.period, f"{row.id} {row.revision}")
        assignee = session.get(models.Person, deed.values["assignee"]) if deed.verb == "assign" else None
        if assignee is not None and assignee.slack_user:
            facts = {"break_id": row.id, "period": row.period, "pool": row.pool, "rule": row.rule, "who": deed.act.who}
            message = Message(ASSIGNED, row.id, assignee.slack_user, "everyone", facts, evidence=str(row.revision))
            enqueue(session, message, desk.clock)


BREAKS = _Breaks()
