"""The one way in which a request ends, from whatever surface.

What belongs here: the claim of a decision and everything that follows from it, in one transaction.
What does not: telling anybody, which the outbox does afterwards.

However many clicks, retries, surfaces and expiries race, exactly one of them moves the request: the
compare-and-swap on (state, revision) in `_claim`. All others are told what was decided.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, Update, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from twinledger.approvals.desk import Desk
from twinledger.approvals.states import ENTITLED, TRANSITIONS, Answer, Event, Transition
from twinledger.approvals.view import found_request, queue_outcome
from twinledger.clock import Clock
from twinledger.store import audit
from twinledger.store.models import Commitment, Grant, Interaction, Request
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ConcurrentChangeError,
    NotEntitledError,
    TwinledgerError,
)
from twinledger.vocabulary.identities import digest

STAGE = "budget holder"
"""The only stage of the first form."""

TIMER = "timer"
POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's answer, as it came in from a surface."""

    request: str
    person: str
    answer: Answer
    surface: str
    """slack | airflow | page | command line"""
    interaction_key: str
    """The surface's own identity of the click: a replay of it is a duplicate, not a second answer."""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended."""

    request: str
    state: str
    revision: int
    decided_by: str
    decided_at: datetime
    decided_on: str
    comment: str
    grant: str | None
    duplicate: bool = False
    """Whether it had ended before: by the same interaction, or before its time ran out."""


@dataclass(frozen=True, slots=True)
class _Move:
    """What somebody wants to happen to a request."""

    request: str
    event: Event
    who: str
    surface: str
    key: str = ""
    comment: str = ""


def decide(desk: Desk, decision: Decision) -> Outcome:
    """Approve or deny, once.

    Raises:
        UnknownRequestError: no such request.
        NotEntitledError: the person is the requester, or no approver of this stage.
        AlreadyDecidedError: somebody else, or the timer, came first; says who and when.
    """
    key = digest(decision.request, STAGE, decision.interaction_key)
    return _run(
        desk, _Move(decision.request, decision.answer, decision.person, decision.surface, key, decision.comment)
    )


def allow(session: Session, clock: Clock, request: Request, rule: str) -> None:
    """Approve a request by a rule of the policy, in the transaction that made it.

    Raises:
        ConcurrentChangeError: it is no longer as it was made.
    """
    if not _claim(session, clock, request, _Move(request.id, "approve", POLICY, POLICY, comment=f"by rule {rule}")):
        raise ConcurrentChangeError(f"request {request.id}", "pending", request.state)


def withdraw(desk: Desk, request: str, person: str, *, surface: str, interaction_key: str) -> Outcome:
    """Take a request back; raises as `decide`, and only its requester is entitled."""
    return _run(desk, _Move(request, "withdraw", person, surface, digest(request, "withdraw", interaction_key)))


def expire(desk: Desk, request: str) -> Outcome:
    """End a request that nobody answered; one that has ended stays as it is, and is a duplicate.

    The caller's timer decides that it is time: Airflow's response timeout. Raises
    UnknownRequestError where there is no such request.
    """
    try:
        return _run(desk, _Move(request, "expire", TIMER, TIMER))
    except AlreadyDecidedError:
        with desk.store.reading() as session:
            return _outcome(session, found_request(session, request), duplicate=True)


def expire_due(desk: Desk) -> list[Outcome]:
    """End every request whose time has run out, as after an outage of the timer."""
    query = select(Request.id).where(Request.state == "pending", Request.expires_at <= desk.clock.now())
    with desk.store.reading() as session:
        due = session.scalars(query.order_by(Request.expires_at)).all()
    return [expire(desk, request) for request in due]


def _run(desk: Desk, move: _Move) -> Outcome:
    """One transaction, also for a refusal: it is recorded, then raised."""
    with desk.store.transaction() as session:
        result = _settle(session, desk.clock, move)
    if isinstance(result, TwinledgerError):
        raise result
    return result


def _settle(session: Session, clock: Clock, move: _Move) -> Outcome | TwinledgerError:
    request = found_request(session, move.request)
    if earlier := _replayed(session, request, move):
        return earlier
    if reason := _not_entitled(request, move):
        return _refused(session, clock, move, NotEntitledError(move.who, request.id, reason))
    if move.event != "expire" and request.state == "pending" and request.expires_at <= clock.now():
        _claim(session, clock, request, _Move(request.id, "expire", TIMER, TIMER))
    if _claim(session, clock, request, move):
        return _outcome(session, request)
    request = found_request(session, move.request)
    if earlier := _replayed(session, request, move):  # the same click came twice at once
        return earlier
    return _refused(session, clock, move, _already(request))


def _not_entitled(request: Request, move: _Move) -> str:
    """Why somebody may not cause an event, or nothing."""
    by = ENTITLED[move.event]
    if by == "approver" and move.who == request.requester:
        return "the requester never decides"
    if by == "approver" and move.who not in request.approvers:
        return f"it is for {', '.join(request.approvers)} to decide ({request.facts['rule']})"
    if by == "requester" and move.who != request.requester:
        return f"only its requester, {request.requester}, may take it back"
    return ""


def _claim(session: Session, clock: Clock, request: Request, move: _Move) -> bool:
    """Move the request if it is still as it was read, with all that follows; whether it was."""
    transition = TRANSITIONS.get((request.state, move.event))
    if transition is None:
        return False
    values = {
        "state": transition.end,
        "revision": request.revision + 1,
        "decided_by": move.who,
        "decided_at": clock.now(),
        "decided_on": move.surface,
        "comment": move.comment,
    }
    unchanged = (Request.id == request.id, Request.state == request.state, Request.revision == request.revision)
    if not _swapped(session, update(Request).where(*unchanged).values(**values)):
        return False
    session.refresh(request)
    _settle_commitment(session, request, transition)
    if transition.granted:
        session.add(_grant(request, clock.now()))
    _remember(session, clock, move, {"decided": request.state})
    queue_outcome(session, request, clock)
    facts = {**request.facts, "revision": request.revision, "surface": move.surface, "comment": move.comment}
    audit.append(session, clock, who=move.who, action=f"request.{move.event}", subject=request.id, facts=facts)
    return True


def _swapped(session: Session, statement: Update) -> bool:
    result = session.execute(statement.execution_options(synchronize_session=False))
    return isinstance(result, CursorResult) and result.rowcount == 1


def _settle_commitment(session: Session, request: Request, transition: Transition) -> None:
    """End the commitment: exactly once, since only `pending` has an end."""
    pending = (Commitment.request == request.id, Commitment.state == "pending")
    if not _swapped(session, update(Commitment).where(*pending).values(state=transition.commitment)):
        subject = f"commitment of {request.id}"
        raise ConcurrentChangeError(subject, "pending", "settled or missing")


def _grant(request: Request, now: datetime) -> Grant:
    return Grant(
        id=request.id.replace("req-", "grant-", 1),
        request=request.id,
        product=request.product,
        meter=request.meter,
        quantity=request.quantity,
        region=request.region,
        starts_at=now,
        ends_at=now + timedelta(days=request.days),
    )


def _outcome(session: Session, request: Request, *, duplicate: bool = False) -> Outcome:
    return Outcome(
        request=request.id,
        state=request.state,
        revision=request.revision,
        decided_by=request.decided_by or "",
        decided_at=request.decided_at or request.created_at,
        decided_on=request.decided_on or "",
        comment=request.comment or "",
        grant=session.scalar(select(Grant.id).where(Grant.request == request.id)),
        duplicate=duplicate,
    )


def _already(request: Request) -> AlreadyDecidedError:
    when = request.decided_at.isoformat(timespec="seconds") if request.decided_at else ""
    return AlreadyDecidedError(request.id, request.state, request.decided_by or "", when)


def _refused(session: Session, clock: Clock, move: _Move, error: TwinledgerError) -> TwinledgerError:
    """Record that somebody was refused; the timer is nobody."""
    if move.event != "expire":
        refused = error.reason if isinstance(error, NotEntitledError) else ""
        _remember(session, clock, move, {"refused": refused})
        facts = {"surface": move.surface, "reason": str(error)}
        audit.append(
            session, clock, who=move.who, action=f"request.{move.event}.refused", subject=move.request, facts=facts
        )
    return error


def _remember(session: Session, clock: Clock, move: _Move, result: dict[str, str]) -> None:
    """Keep the interaction with its result; the first of two that come at once is kept."""
    if not move.key:
        return
    row = Interaction(
        key=move.key,
        request=move.request,
        person=move.who,
        surface=move.surface,
        answer=move.event,
        at=clock.now(),
        result=json.dumps(result),
    )
    session.flush()
    with suppress(IntegrityError), session.begin_nested():
        session.add(row)


def _replayed(session: Session, request: Request, move: _Move) -> Outcome | TwinledgerError | None:
    """What the same interaction came to before, or None when it is new."""
    known = session.get(Interaction, move.key) if move.key else None
    if known is None:
        return None
    result = json.loads(known.result)
    if "decided" in result:
        return _outcome(session, request, duplicate=True)
    if result["refused"]:
        return NotEntitledError(known.person, request.id, result["refused"])
    return _already(request)
