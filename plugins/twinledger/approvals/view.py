"""A request as everyone sees it, and the messages that tell of it.

What belongs here: what views may show of a request, and which outbox items a change of it makes.
What does not: blocks, HTML or any other form of a card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals.desk import Desk
from twinledger.approvals.people import Stage
from twinledger.clock import Clock
from twinledger.outbox import Message, enqueue
from twinledger.store.models import Grant, OutboxItem, Person, Request
from twinledger.vocabulary.errors import UnknownRequestError

CARD = "approval"
REPLY = "approval_reply"
MISSING = "approver_missing"
WAKE = "wake"


@dataclass(frozen=True, slots=True)
class RequestView:
    """One request at one revision, at internal prices: nothing in it is finance's alone."""

    id: str
    requester: str
    department: str
    product: str
    meter: str
    quantity: Decimal
    region: str
    days: int
    period: str
    amount: Decimal
    currency: str
    justification: str
    state: str
    revision: int
    approvers: tuple[str, ...]
    stages: tuple[Mapping[str, Any], ...]
    """Each stage with its role, and what was answered at it: see `stages`."""
    stage: int
    """The index of the one that it is at."""
    account: str | None
    resources: tuple[Mapping[str, Any], ...]
    """What it is for, by type and size; empty: whatever the meter counts."""
    supersedes: str | None
    created_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decided_on: str | None
    comment: str | None
    facts: Mapping[str, Any]
    """rule, price, unit, plan, actual, committed, available_before, available_after: decimal strings; policy."""
    grant: str | None

    @property
    def roles(self) -> tuple[str, ...]:
        """Who is asked in turn; of a request from before there were stages, the budget holder."""
        return tuple(one["role"] for one in self.stages) or (("budget holder",) if self.approvers else ())


def found_request(session: Session, request: str) -> Request:
    """The request as it is in the database now; raises UnknownRequestError."""
    row = session.get(Request, request, populate_existing=True)
    if row is None:
        raise UnknownRequestError(request)
    return row


def request_view(session: Session, request: str) -> RequestView:
    """What any card of a request is rendered from; raises UnknownRequestError."""
    return _view(session, found_request(session, request))


def waiting_for(session: Session, person: str) -> list[RequestView]:
    """The pending requests that a person may decide, the soonest to expire first."""
    query = select(Request).where(Request.state == "pending").order_by(Request.expires_at, Request.id)
    return [_view(session, one) for one in session.scalars(query) if person in one.approvers]


def _view(session: Session, row: Request) -> RequestView:
    values = {name: getattr(row, name) for name in RequestView.__slots__ if name != "grant"}
    values |= {name: tuple(values[name]) for name in ("approvers", "stages", "resources")}
    return RequestView(**values, grant=session.scalar(select(Grant.id).where(Grant.request == row.id)))


def _message(request: Request, kind: str, channel: str) -> Message:
    facts = {
        "request": request.id,
        "revision": request.revision,
        "state": request.state,
        "requester": request.requester,
        "department": request.department,
        "product": request.product,
        "amount": request.facts["amount"],
        "currency": request.currency,
        "decided_by": request.decided_by,
        "comment": request.comment,
    }
    return Message(kind, request.id, channel, "everyone", facts, evidence=str(request.revision))


def queue_card(session: Session, request: Request, channel: str, clock: Clock) -> None:
    """The card of a request's present revision, in one channel."""
    enqueue(session, _message(request, CARD, channel), clock)


def queue_outcome(session: Session, request: Request, clock: Clock) -> None:
    """All that follows from a terminal state: every card again, the requester's reply, and Airflow woken."""
    queue_cards(session, request, clock)
    requester = session.get_one(Person, request.requester)
    enqueue(session, _message(request, REPLY, requester.slack_user or request.facts["channel"]), clock)
    queue_wake(session, request, clock)


def queue_stage(session: Session, desk: Desk, request: Request, stage: Stage) -> None:
    """All that follows from a stage that begins: every card again, one where it is asked, and Airflow woken.

    Operators are told of people who were to be asked and whom nobody knows.
    """
    queue_cards(session, request, desk.clock, stage.channel)
    for person in stage.missing:
        facts = {"request": request.id, "department": request.department, "role": stage.role, "person": person}
        said = {**facts, "asked": list(stage.approvers)}
        channel = desk.settings.slack.operators_channel
        evidence = f"{stage.role} {person}"
        enqueue(session, Message(MISSING, request.id, channel, "everyone", said, evidence), desk.clock)
    queue_wake(session, request, desk.clock)


def queue_cards(session: Session, request: Request, clock: Clock, *more: str) -> None:
    """The card in every channel that has it, and in more."""
    query = select(OutboxItem.channel).where(OutboxItem.kind == CARD, OutboxItem.subject == request.id).distinct()
    for channel in sorted({*session.scalars(query), *more}):
        queue_card(session, request, channel, clock)


def queue_wake(session: Session, request: Request, clock: Clock) -> None:
    """Airflow is to look at the request: to show it when it is new, to end its task when it is decided."""
    enqueue(session, _message(request, WAKE, f"airflow/{request.id}"), clock)
