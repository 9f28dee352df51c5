"""The record of a request: who asked, who decided at each stage, on which price, headroom and policy, and what came.

What belongs here: putting together what the store has of a request. What does not: how it is printed or written down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals.headroom import left
from twinledger.approvals.view import RequestView, request_view
from twinledger.store.chain import Entry, Wanted
from twinledger.store.chain import entries as audit_entries
from twinledger.store.models import Commitment, Grant, Request


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """All that is kept of one request; amounts in the request's currency. For finance: it has entries of the trail."""

    request: RequestView
    commitment: str
    """pending, posted, void or expired."""
    held: str
    """What the commitment still holds of the budget, a decimal string."""
    grant_until: datetime | None
    revoked_at: datetime | None
    entries: tuple[Entry, ...]
    """What the audit trail says of it, each with its hash, the oldest first."""


@dataclass(frozen=True, slots=True)
class WantedRequests:
    """Which requests; empty fields are of any."""

    department: str = ""
    person: str = ""
    """Its requester."""
    state: str = ""
    since: datetime | None = None


def requests(session: Session, wanted: WantedRequests, limit: int) -> list[RequestView]:
    """The newest requests, the newest first."""
    query = select(Request.id).order_by(Request.created_at.desc(), Request.id)
    for column, value in (
        (Request.department, wanted.department),
        (Request.requester, wanted.person),
        (Request.state, wanted.state),
    ):
        query = query.where(column == value) if value else query
    if wanted.since:
        query = query.where(Request.created_at >= wanted.since)
    return [request_view(session, one) for one in session.scalars(query.limit(limit)).all()]


def request_record(session: Session, request: str) -> RequestRecord:
    """The record of one request; raises UnknownRequestError."""
    view = request_view(session, request)
    commitment = session.get_one(Commitment, request)
    grant = session.scalars(select(Grant).where(Grant.request == request)).first()
    return RequestRecord(
        request=view,
        commitment=commitment.state,
        held=f"{left(commitment) if commitment.state in ('pending', 'posted') else 0:f}",
        grant_until=grant.ends_at if grant else None,
        revoked_at=grant.revoked_at if grant else None,
        entries=tuple(audit_entries(session, Wanted(subject=request))),
    )


def request_records(session: Session, wanted: WantedRequests, limit: int) -> Iterator[RequestRecord]:
    """The records of the newest requests, one at a time."""
    for view in requests(session, wanted, limit):
        yield request_record(session, view.id)
