"""The one way in which people move a signature, from whatever surface.

What belongs here: the claim and what follows from it, in one transaction. What does not: reading the statement,
which whoever calls has done at the revision that it names.

However many click at once, exactly one moves the signature: the compare-and-swap on (state, revision) in
`_claim`. A run or a deed on a break in between moves the revision too: then nothing is signed, and the caller
looks at the statement again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.signing.messages import queue_card, queue_reply
from twinledger.signing.states import ENTITLED, TRANSITIONS, Event, Transition
from twinledger.signing.view import SignatureView, found, viewed
from twinledger.store import audit
from twinledger.store.models import PeriodState, Person, Signature
from twinledger.store.once import change_once
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ChangedStatementError,
    ConcurrentChangeError,
    NotAllowedStateError,
    NotEntitledError,
    NotSignableError,
    TwinledgerError,
    UnknownPersonError,
)


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody wants to happen to the statement of a pool and period."""

    period: str
    pool: str
    event: Event
    who: str
    surface: str
    """slack | page | command line"""
    comment: str = ""
    """Of who prepares or signs; why it is refused or withdrawn."""
    shown: str = ""
    """`SignatureView.shown` of what the person saw, where the surface showed it."""

    @property
    def subject(self) -> str:
        """`2026-10 compute`."""
        return f"{self.period} {self.pool}"


@dataclass(frozen=True, slots=True)
class Offer(ForFinance):
    """What a statement says now, and what forbids to sign it."""

    digest: str
    figures: Mapping[str, str]
    obstacles: tuple[str, ...]


def take(desk: Desk, step: Step, revision: int, offer: Offer | None = None) -> SignatureView:
    """Prepare, sign, refuse or withdraw: once, by somebody who may, on the statement as it is.

    Args:
        desk: the store, the clock and finance's channel.
        step: what is to happen.
        revision: of the signature before the statement was read.
        offer: the statement, to prepare or to sign it.

    Raises:
        UnknownNameError: no run has found the pool in the period.
        UnknownPersonError: there is no such person.
        NotEntitledError: not of finance; who prepared it does not sign or refuse it; a signature of others.
        AlreadyDecidedError: somebody came first; says who and when.
        NotAllowedStateError: the statement is in no state for it.
        NotSignableError: something stands against it.
        ChangedStatementError: its figures are not those that were shown or prepared.
        ConcurrentChangeError: a run, or somebody, has changed it since it was read: look again.
    """
    if offer is None and step.event in ("prepare", "sign"):
        message = f"to {step.event} a statement is to say what it says"
        raise TypeError(message)
    with desk.store.transaction() as session:
        result = _settle(session, desk, step, revision, offer)
    if isinstance(result, TwinledgerError):
        raise result
    return result


def _settle(
    session: Session, desk: Desk, step: Step, revision: int, offer: Offer | None
) -> SignatureView | TwinledgerError:
    """One transaction, also for a refusal: it is recorded, then raised."""
    row = found(session, step.period, step.pool)
    transition = TRANSITIONS.get((row.state, step.event))
    refusal = _not_allowed(session, row, step) or (_misplaced(row, step) if transition is None else None)
    if refusal is None and row.revision != revision:
        return _moved_on(row, revision)
    refusal = refusal or _unlike(row, step, offer)
    if refusal or transition is None:
        return _refused(session, desk, step, refusal or _misplaced(row, step))
    concerned = {row.prepared_by, row.decided_by if row.state == "signed" else None} - {step.who, None}
    if not _claim(session, desk, row, step, transition, offer):
        return _moved_on(found(session, step.period, step.pool), revision)
    queue_card(session, desk, row)
    if step.event != "prepare":
        queue_reply(session, desk, row, sorted(name for name in concerned if name))
    return viewed(row)


def _not_allowed(session: Session, row: Signature, step: Step) -> TwinledgerError | None:
    person = session.get(Person, step.who)
    if person is None:
        return UnknownPersonError("Twinledger", step.who)
    name, by = f"statement {step.subject}", ENTITLED[step.event]
    if "finance" not in person.roles:
        return NotEntitledError(step.who, name, "signing is finance's")
    if by == "reviewer" and step.who == row.prepared_by:
        return NotEntitledError(step.who, name, "who prepares does not sign: preparer and reviewer differ")
    signers = {row.prepared_by, row.decided_by if row.state == "signed" else None}
    if by == "signer" and step.who not in signers:
        return NotEntitledError(step.who, name, "only who prepared or signed it withdraws it")
    closed = session.get(PeriodState, step.period, populate_existing=True)
    if closed is not None and closed.state == "closed":
        return NotAllowedStateError(f"period {step.period}", closed.state, f"to {step.event} a statement")
    return None


def _misplaced(row: Signature, step: Step) -> TwinledgerError:
    """Why an event has no place in the present state: somebody was first, or it makes no sense."""
    name = f"statement {step.subject}"
    if row.state == "prepared":
        return AlreadyDecidedError(name, row.state, row.prepared_by or "", _stamp(row.prepared_at))
    if row.state in ("signed", "refused", "withdrawn") and step.event != "withdraw":
        return AlreadyDecidedError(name, row.state, row.decided_by or "", _stamp(row.decided_at))
    return NotAllowedStateError(name, row.state, f"to {step.event}")


def _stamp(at: Any) -> str:  # noqa: ANN401 - an instant or none
    return at.isoformat(timespec="seconds") if at else ""


def _moved_on(row: Signature, revision: int) -> ConcurrentChangeError:
    expected = f"at revision {revision}"
    return ConcurrentChangeError(f"statement {row.period} {row.pool}", expected, f"{row.state} at {row.revision}")


def _unlike(row: Signature, step: Step, offer: Offer | None) -> TwinledgerError | None:
    """What is wrong with the statement that somebody wants to move."""
    if step.shown and step.shown != viewed(row).shown:
        return ChangedStatementError(step.subject)
    if offer is None:
        return None
    if offer.obstacles:
        return NotSignableError(step.subject, offer.obstacles)
    if step.event == "sign" and dict(offer.figures) != row.figures:
        return ChangedStatementError(step.subject)
    return None


def _claim(
    session: Session, desk: Desk, row: Signature, step: Step, transition: Transition, offer: Offer | None
) -> bool:
    """Move the signature if it is still as it was read, with its audit entry; whether it was."""
    now = desk.clock.now()
    values: dict[str, Any] = {"state": transition.end, "revision": row.revision + 1}
    values |= {"digest": offer.digest, "figures": dict(offer.figures)} if offer else {}
    who = (step.who, now, step.surface, step.comment)
    decided: dict[str, Any] = dict(zip(("decided_by", "decided_at", "decided_on", "comment"), who, strict=True))
    if step.event == "prepare":
        values |= dict(zip(("prepared_by", "prepared_at", "prepared_on", "note"), who, strict=True))
        decided = dict.fromkeys(decided)
    head = str(audit.head(session)) if step.event == "sign" else None
    unchanged = (
        Signature.period == row.period,
        Signature.pool == row.pool,
        Signature.state == row.state,
        Signature.revision == row.revision,
    )
    statement = update(Signature).where(*unchanged).values(**values, **decided, audit_head=head)
    if not change_once(session, statement):
        return False
    session.refresh(row)
    facts = {"digest": row.digest, "figures": row.figures, "revision": row.revision, "surface": step.surface,
             "comment": step.comment}  # fmt: skip
    _audit(session, desk, step, f"statement.{step.event}", facts)
    return True


def _refused(session: Session, desk: Desk, step: Step, error: TwinledgerError) -> TwinledgerError:
    _audit(session, desk, step, f"statement.{step.event}.refused", {"surface": step.surface, "reason": str(error)})
    return error


def _audit(session: Session, desk: Desk, step: Step, action: str, facts: Mapping[str, Any]) -> None:
    audit.append(session, desk.clock, who=step.who, action=action, subject=step.subject, facts=facts)
