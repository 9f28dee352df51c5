"""The transitions of a period, and what finance sees before it agrees.

What belongs here: one function for each transition. What does not: how ledgers keep a period closed,
which is the lake's (`Lake.freeze`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from twinledger import signing
from twinledger.bills import format_named
from twinledger.books import Books
from twinledger.closing.message import closed_message
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.outbox import Message, enqueue
from twinledger.statements import statement_messages
from twinledger.store import audit
from twinledger.store.chain import Anchor
from twinledger.store.models import Delivery, DeliverySlice, PeriodState, Person, Source
from twinledger.store.once import change_once
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    ConcurrentSliceError,
    NotAllowedStateError,
    NotEntitledError,
    UnknownPersonError,
    UnsignedStatementsError,
)
from twinledger.vocabulary.periods import Period

Verdict = Literal["approve", "refuse"]


@dataclass(frozen=True, slots=True)
class Closing:
    """A period as finance sees it; `open_points` are sentences on what still stands against closing it."""

    period: str
    state: str
    asked_by: str
    asked_at: datetime | None
    decided_by: str
    decided_at: datetime | None
    decided_on: str
    comment: str
    open_points: tuple[str, ...]


def look(books: Books, period: Period) -> Closing:
    """The state of a period, and what still stands against closing it."""
    with books.store.reading() as session:
        row = session.get(PeriodState, str(period)) or PeriodState(period=str(period), state="open")
        points = (
            () if row.state == "closed" else (*_unsigned(session, books, period), *_open_points(session, books, period))
        )
    return Closing(
        period=str(period),
        state=row.state,
        asked_by=row.asked_by or "",
        asked_at=row.asked_at,
        decided_by=row.decided_by or "",
        decided_at=row.decided_at,
        decided_on=row.decided_on or "",
        comment=row.comment or "",
        open_points=points,
    )


def ask(books: Books, period: Period, who: str) -> Closing:
    """Ask finance to close a period on its present figures; asking again asks about the figures of now.

    Its statements are signed before; other open points do not forbid it: whoever agrees sees them.

    Raises:
        NotAllowedStateError: the period is closed, is not over, or an earlier one with charges is not closed.
        UnsignedStatementsError: not every statement of it is signed; names those that are not.
    """
    now = books.clock.now()
    if now < period.end(books.settings.timezone):
        raise NotAllowedStateError(f"period {period}", "not over", "closing it")
    with books.store.transaction() as session:
        row = _row(session, period)
        if row.state == "closed":
            raise NotAllowedStateError(f"period {period}", "closed", "closing it")
        if earlier := _open_before(session, books, period):
            raise NotAllowedStateError(f"period {earlier}", "open", f"closing {period}, a later one,")
        if against := _unsigned(session, books, period):
            raise UnsignedStatementsError(str(period), against)
        row.state, row.revision, row.digest = "closing", row.revision + 1, signing.ledgers_digest(books, str(period))
        row.asked_by, row.asked_at = who, now
        row.decided_by = row.decided_at = row.decided_on = row.comment = None
        row.facts = {"open_points": list(_open_points(session, books, period))}
        _audit(session, books, who, "period.asked", period)
    return look(books, period)


def decide(books: Books, period: Period, who: str, verdict: Verdict, surface: str, comment: str = "") -> Closing:
    """Agree to closing a period, or refuse: somebody of finance, and not who asked.

    The ledgers are frozen first, each in one commit that fails when its slices are not those that were
    asked about; a process that dies in between is completed by deciding again. Each department with charges
    is told of its statement in the transaction that closes the period, finance of the signatures that it was
    closed on and of the audit trail's head.

    Raises:
        UnknownPersonError: there is no such person.
        NotEntitledError: the person is not of finance, or has asked.
        AlreadyDecidedError: it is closed already.
        NotAllowedStateError: nobody asked, or the figures changed since; the period is open again.
        UnsignedStatementsError: a signature was taken away since; the period waits until it is there again.
    """
    with books.store.reading() as session:
        row = session.get(PeriodState, str(period))
        _check_entitled(session, period, row, who)
    if row is None or row.state == "open":
        raise NotAllowedStateError(f"period {period}", "open", "agreeing to close it")
    if row.state == "closed":
        raise AlreadyDecidedError(f"period {period}", "closed", row.decided_by or "", str(row.decided_at))
    if verdict == "refuse":
        return _settle(books, row, "open", (who, surface, comment), {})
    if row.digest != signing.ledgers_digest(books, str(period)):
        return _changed(books, row, who, surface)
    with books.store.reading() as session:
        if against := _unsigned(session, books, period):
            raise UnsignedStatementsError(str(period), against)
    try:
        cuts = {
            table.name: books.lake.freeze(
                table, column, str(period), signing.slices_of(books, table, column, str(period))
            )
            for table, column in signing.LEDGERS
        }
    except ConcurrentSliceError:
        return _changed(books, row, who, surface)
    return _settle(books, row, "closed", (who, surface, comment), cuts, statement_messages(books, period))


def noted_heads(books: Books) -> list[Anchor]:
    """Ends of the audit trail that signatures and closed periods noted: each must still be in it."""
    with books.store.reading() as session:
        closed = session.scalars(select(PeriodState).where(PeriodState.state == "closed").order_by(PeriodState.period))
        noted = [(f"the close of {row.period}", (row.facts or {}).get("audit_head")) for row in closed]
        noted += [(f"the signature of {subject}", head) for subject, head in signing.noted_heads(session)]
    return [Anchor(audit.Head.parse(head), by) for by, head in noted if head]


def lapse(books: Books, period: Period) -> Closing:
    """Nobody answered in time: the period is open again. Changes nothing where somebody did."""
    with books.store.reading() as session:
        row = session.get(PeriodState, str(period))
    if row is None or row.state != "closing":
        return look(books, period)
    return _settle(books, row, "open", ("timer", "timer", "nobody answered in time"), {})


# --- inside ----------------------------------------------------------------------------------


def _changed(books: Books, row: PeriodState, who: str, surface: str) -> Closing:
    _settle(books, row, "open", (who, surface, "the figures changed after it was asked"), {})
    state = "open again, for its figures changed after it was asked"
    raise NotAllowedStateError(f"period {row.period}", state, "agreeing to close it")


def _settle(
    books: Books,
    row: PeriodState,
    state: str,
    decided: tuple[str, str, str],
    cuts: Mapping[str, str],
    told: Sequence[Message] = (),
) -> Closing:
    """Write an outcome down and tell of it, once: of several at the same time, one is."""
    who, surface, comment = decided
    period = Period.parse(row.period)
    with books.store.transaction() as session:
        facts: dict[str, Any] = {"cuts": dict(cuts)}
        if state == "closed":
            sealed, message = _sealed(session, books, row, decided)
            facts, told = facts | sealed, (*told, message)
        statement = (
            update(PeriodState)
            .where(PeriodState.period == row.period, PeriodState.state == "closing")
            .where(PeriodState.revision == row.revision)
            .values(
                state=state,
                revision=row.revision + 1,
                decided_by=who,
                decided_at=books.clock.now(),
                decided_on=surface,
                comment=comment,
                facts={**(row.facts or {}), **facts},
            )
        )
        if change_once(session, statement):
            _audit(session, books, who, f"period.{'closed' if state == 'closed' else 'reopened'}", period, facts)
            for message in told:
                enqueue(session, message, books.clock)
    settled = look(books, period)
    if settled.state != state:
        raise AlreadyDecidedError(f"period {period}", settled.state, settled.decided_by, str(settled.decided_at))
    return settled


def _sealed(
    session: Session, books: Books, row: PeriodState, decided: tuple[str, str, str]
) -> tuple[dict[str, Any], Message]:
    """The signatures that a period is closed on, and the message that says so."""
    sealed, head = signing.seal(session, row.period, row.digest or ""), str(audit.head(session))
    facts = {"signatures": {one.pool: one.digest for one in sealed}, "audit_head": head}
    return facts, closed_message(books, row, decided, sealed, head)


def _row(session: Session, period: Period) -> PeriodState:
    row = session.get(PeriodState, str(period), with_for_update=True)
    if row is None:
        row = PeriodState(period=str(period), state="open", revision=1)
        session.add(row)
        session.flush()
    return row


def _check_entitled(session: Session, period: Period, row: PeriodState | None, who: str) -> None:
    person = session.get(Person, who)
    if person is None:
        raise UnknownPersonError("Twinledger", who)
    if "finance" not in person.roles:
        raise NotEntitledError(who, f"period {period}", "closing a period is finance's")
    if row is not None and row.asked_by == who:
        raise NotEntitledError(who, f"period {period}", "who asks does not agree: preparer and reviewer differ")


def _unsigned(session: Session, books: Books, period: Period) -> list[str]:
    return signing.unsigned(session, str(period), signing.ledgers_digest(books, str(period)))


def _open_before(session: Session, books: Books, period: Period) -> str:
    """The earliest period before one that has charges and is not closed, or nothing."""
    closed = set(session.scalars(select(PeriodState.period).where(PeriodState.state == "closed")))
    parts = (part for name in books.lake.slices(EXTERNAL_CHARGES) for part in name.split("/"))
    known = {part.removeprefix("x_period=") for part in parts if part.startswith("x_period=")}
    return min((one for one in known - closed if one < str(period)), default="")


def _open_points(session: Session, books: Books, period: Period) -> list[str]:
    """Sentences on what a source has not said yet, or what was refused of it."""
    points = []
    held = set(session.scalars(select(DeliverySlice.source).where(DeliverySlice.period == str(period))))
    for source in session.scalars(select(Source).where(Source.kind == "bill").order_by(Source.name)):
        if source.options.get("retired"):
            continue
        if source.name not in held:
            points.append(f"source {source.name} has delivered nothing of {period}")
        final_day = source.options.get("final_day") or format_named(source.format).final_day
        final = period.shift(1).first_day.replace(day=final_day) if final_day else None
        if final and books.clock.now().date() < final:
            points.append(f"source {source.name} is final on {final}")
    refused = select(Delivery.source, Delivery.key, Delivery.reason_code).where(Delivery.state == "quarantined")
    for name, key, code in session.execute(refused.order_by(Delivery.source, Delivery.key)):
        points.append(f"source {name}: {key} is in quarantine ({code})")
    return points


def _audit(
    session: Session, books: Books, who: str, action: str, period: Period, facts: Mapping[str, Any] | None = None
) -> None:
    audit.append(session, books.clock, who=who, action=action, subject=str(period), facts=facts or {})
