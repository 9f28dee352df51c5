"""The one way in which a request goes on and ends, from whatever surface.

What belongs here: the claim of a decision and everything that follows from it, in one transaction.
What does not: telling anybody, which the outbox does afterwards.

However many clicks, retries, surfaces and expiries race, exactly one of them moves the request: the
compare-and-swap on (state, revision) in `_claim`. All others are told what was decided. An approval of a stage that
is not the last one moves it to the next; every other event ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from twinledger.approvals.desk import Desk
from twinledger.approvals.interactions import Click, click_key, remember, result_of
from twinledger.approvals.people import Stage, is_still_asked
from twinledger.approvals.stages import answered, begun, next_stage, present_role, replaced
from twinledger.approvals.states import ENTITLED, TRANSITIONS, Answer, Event, Transition
from twinledger.approvals.view import found_request, queue_outcome, queue_stage
from twinledger.clock import Clock
from twinledger.store import audit
from twinledger.store.models import Commitment, Grant, Request
from twinledger.store.once import change_once
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ConcurrentChangeError,
    NoApproverError,
    NotEntitledError,
    TwinledgerError,
)

TIMER = "timer"
POLICY = "policy"
_ATTEMPTS = 5


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
    stage: int | None = None
    """The stage that the person saw: an answer to another one than the present is of no use. None: the present one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended; of a pending one, how its last stage did."""

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
    stage: int | None = None


def decide(desk: Desk, decision: Decision) -> Outcome:
    """Approve or deny at the present stage, once; a denial at any stage ends the request.

    Raises:
        UnknownRequestError: no such request.
        NotEntitledError: the person is the requester, or no approver of this stage.
        AlreadyDecidedError: somebody else, or the timer, came first; says who and when.
        NoApproverError: approved, it would go to a next stage at which nobody is left to ask.
    """
    key = click_key(decision.request, decision.answer, decision.interaction_key)
    move = _Move(decision.request, decision.answer, decision.person, decision.surface, key, decision.comment)
    return _run(desk, replace(move, stage=decision.stage))


def allow(session: Session, desk: Desk, request: Request, rule: str) -> None:
    """Approve a request by a rule of the policy, in the transaction that made it.

    Raises:
        ConcurrentChangeError: it is no longer as it was made.
    """
    if not _claim(session, desk, request, _Move(request.id, "approve", POLICY, POLICY, comment=f"by rule {rule}")):
        raise ConcurrentChangeError(f"request {request.id}", "pending", request.state)


def supersede(session: Session, desk: Desk, request: Request, person: str, surface: str) -> None:
    """End a request for another one that takes its place, in the transaction that makes that one.

    Raises:
        NotEntitledError: the person is not its requester.
        AlreadyDecidedError: it has ended.
    """
    move = _Move(request.id, "supersede", person, surface)
    if refusal := _refusal(session, desk, request, move, request.stage):
        raise refusal
    if not _claim(session, desk, request, move):
        raise _already(found_request(session, request.id))


def withdraw(desk: Desk, request: str, person: str, *, surface: str, interaction_key: str) -> Outcome:
    """Take a request back; raises as `decide`, and only its requester is entitled."""
    return _run(desk, _Move(request, "withdraw", person, surface, click_key(request, "withdraw", interaction_key)))


def expire(desk: Desk, request: str) -> Outcome:
    """End a request that nobody answered; one that has ended stays as it is, and is a duplicate.

    The caller's timer decides that it is time: Airflow's response timeout. One that has gone on to a next stage
    stays too, until that one's time is over. Raises UnknownRequestError where there is no such request.
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
    for _ in range(_ATTEMPTS):
        with desk.store.transaction() as session:
            result = _settle(session, desk, move)
        if isinstance(result, TwinledgerError):
            raise result
        if isinstance(result, Outcome):
            return result
        move = replace(move, stage=result)  # it was put to more people meanwhile: the answer counts all the same
    raise ConcurrentChangeError(f"request {move.request}", "at rest", "being changed by others")


def _settle(session: Session, desk: Desk, move: _Move) -> Outcome | TwinledgerError | int:
    """What the move came to, or the stage that it is of where the request changed while it was made."""
    clock = desk.clock
    request = found_request(session, move.request)
    if earlier := _replayed(session, request, move):
        return earlier
    if move.event == "expire" and request.stage and request.state == "pending" and request.expires_at > clock.now():
        return _outcome(session, request, duplicate=True)  # the timer was of a stage that was answered meanwhile
    stage = request.stage if move.stage is None else move.stage
    if refusal := _refusal(session, desk, request, move, stage):
        return _refused(session, clock, move, refusal)
    if move.event != "expire" and request.state == "pending" and request.expires_at <= clock.now():
        _claim(session, desk, request, _Move(request.id, "expire", TIMER, TIMER))
    try:
        claimed = _claim(session, desk, request, move)
    except NoApproverError as error:
        return _refused(session, clock, move, error)
    return _outcome(session, request) if claimed else _lost(session, clock, move, stage)


def _lost(session: Session, clock: Clock, move: _Move, stage: int) -> Outcome | TwinledgerError | int:
    """What a move comes to that somebody else's came before."""
    request = found_request(session, move.request)
    if earlier := _replayed(session, request, move):  # the same click came twice at once
        return earlier
    if request.state == "pending":
        return stage
    return _refused(session, clock, move, _already(request))


def _refusal(session: Session, desk: Desk, request: Request, move: _Move, stage: int) -> TwinledgerError | None:
    if passed := _passed(request, move, stage):
        return passed
    reason = _not_entitled(request, move) or _not_any_more(session, desk, request, move)
    return NotEntitledError(move.who, request.id, reason) if reason else None


def _passed(request: Request, move: _Move, stage: int) -> AlreadyDecidedError | None:
    """Why an answer comes too late for its stage, while the request waits at a later one."""
    if ENTITLED[move.event] != "approver" or request.state != "pending" or stage >= request.stage:
        return None
    one = request.stages[stage]
    when = datetime.fromisoformat(one["at"]).isoformat(timespec="seconds")
    return AlreadyDecidedError(f"stage {one['role']} of {request.id}", "approved", one["by"], when)


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


def _not_any_more(session: Session, desk: Desk, request: Request, move: _Move) -> str:
    """Why somebody who was asked may not answer now, or nothing."""
    if ENTITLED[move.event] != "approver" or request.state != "pending":
        return ""
    role = present_role(request)
    still = is_still_asked(session, request, role, move.who, desk.clock.now())
    return "" if still else f"they were asked as {role}, and are not any more"


def _claim(session: Session, desk: Desk, request: Request, move: _Move) -> bool:
    """Move the request if it is still as it was read, with all that follows; whether it was."""
    transition = TRANSITIONS.get((request.state, move.event))
    if transition is None:
        return False
    following = next_stage(session, desk, request, move.who) if move.event == "approve" else None
    values = _next(request, move, following, desk.clock) if following else _end(request, move, transition, desk.clock)
    if not swapped(session, request, values):
        return False
    clock = desk.clock
    if following:
        queue_stage(session, desk, request, following)
    else:
        _settle_commitment(session, request, transition)
        if transition.granted:
            session.add(_grant(request, clock.now()))
        queue_outcome(session, request, clock)
    _remember(session, clock, move, {"decided": request.state})
    facts = {**request.facts, "revision": request.revision, "surface": move.surface, "comment": move.comment}
    if request.stages:
        facts["stages"] = request.stages
    audit.append(session, clock, who=move.who, action=f"request.{move.event}", subject=request.id, facts=facts)
    return True


def _next(request: Request, move: _Move, following: Stage, clock: Clock) -> dict[str, Any]:
    """What becomes of a request that goes on to its next stage, which has as long to answer as this one had."""
    now, number = clock.now(), request.stage + 1
    told = answered(request, move.event, move.who, now, move.surface, move.comment)
    return {
        "stage": number,
        "stages": replaced(told, number, begun(following, now)),
        "approvers": list(following.approvers),
        "facts": {**request.facts, "rule": following.rule, "channel": following.channel},
        "expires_at": now + (request.expires_at - (request.asked_at or request.created_at)),
        "asked_at": now,
        "reminded": 0,
    }


def _end(request: Request, move: _Move, transition: Transition, clock: Clock) -> dict[str, Any]:
    now = clock.now()
    values: dict[str, Any] = {
        "state": transition.end,
        "decided_by": move.who,
        "decided_at": now,
        "decided_on": move.surface,
        "comment": move.comment,
    }
    if request.stages and transition.by == "approver" and move.who != POLICY:
        values["stages"] = answered(request, move.event, move.who, now, move.surface, move.comment)
    return values


def swapped(session: Session, request: Request, values: dict[str, Any]) -> bool:
    """Give a request new values and its next revision, if it is still as it was read; whether it was."""
    unchanged = (Request.id == request.id, Request.state == request.state, Request.revision == request.revision)
    if not change_once(session, update(Request).where(*unchanged).values(**values, revision=request.revision + 1)):
        return False
    session.refresh(request)
    return True


def _settle_commitment(session: Session, request: Request, transition: Transition) -> None:
    """End the commitment: exactly once, since only `pending` has an end."""
    pending = (Commitment.request == request.id, Commitment.state == "pending")
    if not change_once(session, update(Commitment).where(*pending).values(state=transition.commitment)):
        subject = f"commitment of {request.id}"
        raise ConcurrentChangeError(subject, "pending", "settled or missing")


def _grant(request: Request, now: datetime) -> Grant:
    return Grant(
        id=request.id.replace("req-", "grant-", 1),
        request=request.id,
        product=request.product,
        department=request.department,
        meter=request.meter,
        quantity=request.quantity,
        region=request.region,
        account=request.account,
        resources=request.resources,
        starts_at=now,
        ends_at=now + timedelta(days=request.days),
    )


def _outcome(session: Session, request: Request, *, duplicate: bool = False) -> Outcome:
    last = request.stages[request.stage - 1] if request.state == "pending" and request.stage else {}
    at = datetime.fromisoformat(last["at"]) if last else request.decided_at
    return Outcome(
        request=request.id,
        state=request.state,
        revision=request.revision,
        decided_by=last.get("by") or request.decided_by or "",
        decided_at=at or request.created_at,
        decided_on=last.get("on") or request.decided_on or "",
        comment=last.get("comment") or request.comment or "",
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
    """Keep what the interaction came to; the first of two that come at once is kept."""
    if move.key:
        remember(session, clock, Click(move.key, move.request, move.event, move.surface), move.who, result)


def _replayed(session: Session, request: Request, move: _Move) -> Outcome | TwinledgerError | None:
    """What the same interaction came to before, or None when it is new."""
    known = result_of(session, move.key)
    if known is None:
        return None
    person, result = known
    if "decided" in result:
        return _outcome(session, request, duplicate=True)
    if result["refused"]:
        return NotEntitledError(person, request.id, result["refused"])
    return _already(request)
