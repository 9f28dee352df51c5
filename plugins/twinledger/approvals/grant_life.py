"""What happens to a grant: it is revoked, or exchanged for credentials, each at most once.

What belongs here: the claims, who is entitled to them, and what follows. What does not: how credentials are made
(`cloud`), which is the broker's.

An exchange is claimed in the store before the broker is asked, so that of two at once one asks; where the broker gives
nothing, the claim is given back. A process that ends in between leaves the grant exchanged: nobody gets credentials
twice, and somebody may have to ask for another grant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pydantic import SecretStr
from sqlalchemy import update
from sqlalchemy.orm import Session

from twinledger.approvals.desk import Desk
from twinledger.approvals.grants import GrantView, found_grant, viewed_grant
from twinledger.catalog import with_those_above
from twinledger.outbox import Message, enqueue
from twinledger.store import audit
from twinledger.store.models import Department, Grant, Person, Request
from twinledger.store.once import change_once
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ConcurrentChangeError,
    GrantNotLiveError,
    InvalidSubmissionError,
    NotEntitledError,
    TwinledgerError,
    UnknownPersonError,
)
from twinledger.vocabulary.money import plain

REVOKED = "grant_revoked"
LONGEST_WHY = 2000
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Credentials:
    """Short-lived credentials of a cloud; the secret parts are masked wherever they are shown."""

    access_key_id: str
    secret_access_key: SecretStr
    session_token: SecretStr
    expires_at: datetime


class Broker(Protocol):
    """Makes credentials that permit what a grant does, and nothing else."""

    def credentials(self, grant: GrantView, session_name: str, seconds: int) -> Credentials:
        """Credentials for at most so many seconds, made out to somebody.

        Raises:
            TwinledgerError: there are none; nothing was given out.
        """
        ...


def revoke(desk: Desk, grant: str, person: str, why: str, surface: str) -> GrantView:
    """Take a grant back, once; its requester is told. What was drawn on it and its commitment stay.

    Raises:
        UnknownGrantError: no such grant.
        UnknownPersonError: no such person.
        InvalidSubmissionError: no reason, or one that is too long.
        NotEntitledError: neither finance, nor owner or budget holder of the department or of one above it.
        AlreadyDecidedError: it was revoked before; says by whom and when.
        ConcurrentChangeError: others keep changing it: look again.
    """
    if not 0 < len(why.strip()) <= LONGEST_WHY:
        raise InvalidSubmissionError("why", why, f"a reason of up to {LONGEST_WHY} characters")
    with desk.store.transaction() as session:
        values = {"revoked_at": desk.clock.now(), "revoked_by": person, "revoked_why": why}
        result = _moved(session, grant, values, lambda view: _not_revocable(session, view, person))
        if isinstance(result, GrantView):
            _queue_revoked(session, desk, result)
        _record(session, desk, person, "grant.revoke", grant, {"surface": surface, "why": why}, result)
    return _or_raised(result)


def redeem(desk: Desk, grant: str, person: str, broker: Broker) -> Credentials:
    """Exchange a grant for credentials that end no later than it does: exactly once.

    Raises:
        UnknownGrantError: no such grant.
        UnknownPersonError: no such person.
        NotEntitledError: neither its requester nor the owner of its department.
        GrantNotLiveError: it is over, not begun or revoked.
        AlreadyDecidedError: it was exchanged before; says by whom and when.
        ConcurrentChangeError: others keep changing it: look again.
        TwinledgerError: what the broker raises; the grant can be exchanged again.
    """
    with desk.store.transaction() as session:
        now = desk.clock.now()
        values = {"redeemed_at": now, "redeemed_by": person}
        claimed = _moved(session, grant, values, lambda view: _not_redeemable(session, view, person, now))
        _record(session, desk, person, "grant.redeem", grant, {}, claimed)
    view = _or_raised(claimed)
    seconds = int((view.ends_at - desk.clock.now()).total_seconds())
    try:
        credentials = broker.credentials(view, person, seconds)
    except BaseException as error:  # also when somebody interrupts: nobody has seen credentials
        _give_back(desk, view, person, error)
        raise
    _handed_out(desk, view, person, credentials)
    return credentials


# --- revoking --------------------------------------------------------------------------------


def _not_revocable(session: Session, view: GrantView, person: str) -> TwinledgerError | None:
    who = session.get(Person, person)
    if who is None:
        return UnknownPersonError("Twinledger", person)
    above = with_those_above(session, session.get_one(Department, view.department))
    if "finance" not in who.roles and not any(person in (one.owner, one.budget_holder) for one in above):
        reason = f"a grant of {view.department} is revoked by its owner, its budget holder, those above it or finance"
        return NotEntitledError(person, view.id, reason)
    if view.revoked_at is not None:
        return AlreadyDecidedError(view.id, "revoked", view.revoked_by or "", _when(view.revoked_at))
    return None


def _queue_revoked(session: Session, desk: Desk, view: GrantView) -> None:
    """Tell whoever asked for it, else the department's channel."""
    request = session.get_one(Request, view.request)
    requester = session.get_one(Person, request.requester)
    facts = {
        "grant": view.id,
        "request": view.request,
        "department": view.department,
        "product": view.product,
        "meter": view.meter,
        "quantity": plain(view.quantity),
        "region": view.region,
        "ends_at": view.ends_at.isoformat(),
        "who": view.revoked_by,
        "at": desk.clock.now().isoformat(),
        "why": view.revoked_why,
        "redeemed": view.redeemed_at is not None,
    }
    channel = requester.slack_user or session.get_one(Department, view.department).channel
    enqueue(session, Message(REVOKED, view.id, channel, "everyone", facts), desk.clock)


# --- exchanging ------------------------------------------------------------------------------


def _not_redeemable(session: Session, view: GrantView, person: str, now: datetime) -> TwinledgerError | None:
    if session.get(Person, person) is None:
        return UnknownPersonError("Twinledger", person)
    if person not in (view.requester, session.get_one(Department, view.department).owner):
        reason = f"it is exchanged by its requester, {view.requester}, or the owner of {view.department}"
        return NotEntitledError(person, view.id, reason)
    if view.redeemed_at is not None:
        return AlreadyDecidedError(view.id, "exchanged", view.redeemed_by or "", _when(view.redeemed_at))
    state = view.state(now)
    return None if state == "live" else GrantNotLiveError(view.id, f"it is {state}")


def _give_back(desk: Desk, view: GrantView, person: str, error: BaseException) -> None:
    """Undo a claim, also of a grant that was revoked meanwhile."""
    reason = str(error) if isinstance(error, TwinledgerError) else type(error).__name__
    claim = (Grant.id == view.id, Grant.redeemed_at == view.redeemed_at, Grant.redeemed_by == person)
    free: dict[str, Any] = {"redeemed_at": None, "redeemed_by": None, "revision": Grant.revision + 1}
    with desk.store.transaction() as session:
        change_once(session, update(Grant).where(*claim).values(free))
        audit.append(
            session, desk.clock, who=person, action="grant.redeem.failed", subject=view.id, facts={"reason": reason}
        )


def _handed_out(desk: Desk, view: GrantView, person: str, credentials: Credentials) -> None:
    """Record which credentials, by their public half; of a grant that was revoked meanwhile, hand out none."""
    facts = {"access_key_id": credentials.access_key_id, "expires_at": credentials.expires_at.isoformat()}
    with desk.store.transaction() as session:
        revoked = found_grant(session, view.id).revoked_at is not None
        facts["handed_out"] = "no" if revoked else "yes"
        audit.append(session, desk.clock, who=person, action="grant.credentials", subject=view.id, facts=facts)
    if revoked:
        raise GrantNotLiveError(view.id, "it was revoked while it was exchanged")


# --- both ------------------------------------------------------------------------------------


def _moved(
    session: Session, grant: str, values: Mapping[str, Any], judge: Callable[[GrantView], TwinledgerError | None]
) -> GrantView | TwinledgerError:
    """Change a grant that is as it was judged; one that changed meanwhile is judged anew. Or why it is not changed."""
    row = found_grant(session, grant)
    for _ in range(_ATTEMPTS):
        if refusal := judge(viewed_grant(session, row)):
            return refusal
        unchanged = (Grant.id == grant, Grant.revision == row.revision)
        moved = change_once(session, update(Grant).where(*unchanged).values(**values, revision=row.revision + 1))
        session.refresh(row)
        if moved:
            return viewed_grant(session, row)
    return ConcurrentChangeError(grant, "at rest", "being changed by others")


def _record(
    session: Session, desk: Desk, person: str, action: str, grant: str, facts: Mapping[str, Any],
    result: GrantView | TwinledgerError,
) -> None:  # fmt: skip
    """One audit entry, also of a refusal."""
    if isinstance(result, TwinledgerError):
        said: dict[str, Any] = {"reason": str(result)}
        action = f"{action}.refused"
    else:
        said = {"revision": result.revision, "request": result.request, "department": result.department}
    audit.append(session, desk.clock, who=person, action=action, subject=grant, facts={**facts, **said})


def _or_raised(result: GrantView | TwinledgerError) -> GrantView:
    if isinstance(result, TwinledgerError):
        raise result
    return result


def _when(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
