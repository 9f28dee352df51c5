"""Grants as they are read: what an approved request permits, and since when it no longer does.

What belongs here: a grant as everyone sees it, and which grants a department has. What does not: signing one
(`signed_grants`), ending or exchanging one (`grant_life`), and drawing one down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.store.models import Grant, Request
from twinledger.vocabulary.errors import UnknownGrantError

GrantState = Literal["live", "not begun", "over", "revoked"]


@dataclass(frozen=True, slots=True)
class GrantView:
    """One grant at one revision."""

    id: str
    request: str
    requester: str
    """Of the request: whom it was granted to."""
    department: str
    product: str
    meter: str
    quantity: Decimal
    """Units of the meter for each day."""
    region: str
    account: str | None
    """None: any."""
    resources: tuple[Mapping[str, Any], ...]
    """[{"type", "size", "count", "quantity"}]; empty: whatever the meter counts."""
    starts_at: datetime
    ends_at: datetime
    revision: int
    revoked_at: datetime | None
    revoked_by: str | None
    revoked_why: str | None
    redeemed_at: datetime | None
    redeemed_by: str | None

    def state(self, at: datetime) -> GrantState:
        """What it is at an aware instant: its first instant is live, its last is not."""
        if self.revoked_at is not None:
            return "revoked"
        if at < self.starts_at:
            return "not begun"
        return "live" if at < self.ends_at else "over"


def found_grant(session: Session, grant: str) -> Grant:
    """The grant as it is in the database now; raises UnknownGrantError."""
    row = session.get(Grant, grant, populate_existing=True)
    if row is None:
        raise UnknownGrantError(grant)
    return row


def grant_view(session: Session, grant: str) -> GrantView:
    """One grant; raises UnknownGrantError."""
    return viewed_grant(session, found_grant(session, grant))


def grants_of(session: Session, department: str = "", live_at: datetime | None = None) -> list[GrantView]:
    """The grants of one department, or of all; of those, the ones that are live at an instant. The newest first."""
    query = select(Grant).order_by(Grant.starts_at.desc(), Grant.id)
    if department:
        query = query.where(Grant.department == department)
    if live_at is not None:
        query = query.where(Grant.starts_at <= live_at, Grant.ends_at > live_at, Grant.revoked_at.is_(None))
    return [viewed_grant(session, row) for row in session.scalars(query)]


def viewed_grant(session: Session, row: Grant) -> GrantView:
    """A row that was read already, as everyone sees it."""
    values = {name: getattr(row, name) for name in GrantView.__slots__ if name not in {"requester", "resources"}}
    requester = session.get_one(Request, row.request).requester
    return GrantView(**values, requester=requester, resources=tuple(row.resources))
