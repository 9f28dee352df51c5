"""What runs and deeds on breaks do to signatures, in their own transaction.

What belongs here: taking a signature away when figures change, and keeping what belongs to a signed statement
as it is. What does not: what people do with a statement (`sign`).

A transaction that also locks breaks takes the signatures first: whoever keeps that order cannot be in a deadlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, Table
from twinledger.pools import UNASSIGNED
from twinledger.signing.messages import queue_card, queue_reply
from twinledger.signing.states import HELD
from twinledger.signing.view import lock
from twinledger.store import audit
from twinledger.store.models import Signature
from twinledger.vocabulary.errors import SignedError
from twinledger.vocabulary.identities import digest

ACTOR = "reconciliation"
LEDGERS: tuple[tuple[Table, str], ...] = ((INTERNAL_CHARGES, "period"), (EXTERNAL_CHARGES, "x_period"))


def record(
    session: Session, desk: Desk, period: str, figures: Mapping[str, Mapping[str, str]] | None, ledgers: str
) -> None:
    """Bring signatures to what a run found, and take those away whose figures it has changed.

    Args:
        session: the run's transaction.
        desk: the clock and finance's channel.
        period: as 2026-10.
        figures: of each pool's statement, name -> decimal string; None where something is missing, so that
            nothing is known of them.
        ledgers: `slices_digest` of what the run was made from.
    """
    known = {row.pool: row for row in lock(session, period)}
    for row in known.values():
        row.revision += 1
        if figures is None:
            continue
        row.stopped, row.ledgers = None, ledgers
        now = figures.get(row.pool)
        if row.state in HELD and now != row.figures:
            _take_away(session, desk, row, now)
        elif now is None:
            row.state = "gone"
        elif row.state == "gone":
            row.state = "open"
        row.figures = dict(now or {})
    for pool in sorted((figures or {}).keys() - known.keys()):
        found = dict((figures or {})[pool])
        session.add(Signature(period=period, pool=pool, state="open", revision=1, figures=found, ledgers=ledgers))
    session.flush()


def stop(session: Session, desk: Desk, period: str, said: str) -> None:
    """A gate stopped a run: until one passes, no statement of the period is signed."""
    for row in lock(session, period):
        row.stopped, row.revision = said, row.revision + 1
    facts = {"reason": said}
    audit.append(session, desk.clock, who=ACTOR, action="period.stopped", subject=period, facts=facts)


def hold(session: Session, period: str, pool: str) -> None:
    """Keep a break as it is while its statement is prepared or signed; else have a signature under way look again.

    To be called first in the transaction of any deed on a break, which must not lock the break before; breaks of no
    pool are in the statement of what is unassigned.

    Raises:
        SignedError: the statement is prepared or signed: what belongs to it is fixed.
    """
    key = (period, pool or UNASSIGNED)
    row = session.get(Signature, key, with_for_update=True, populate_existing=True)
    if row is None:
        return
    if row.state in HELD:
        who = row.decided_by if row.state == "signed" else row.prepared_by
        raise SignedError(f"{period} {row.pool}", row.state, who or "")
    row.revision += 1
    session.flush()


# --- what ledgers were made from -------------------------------------------------------------


def slices_of(books: Books, table: Table, column: str, period: str) -> dict[str, str]:
    """A ledger's slices of a period, and what each was written from."""
    wanted = f"{column}={period}"
    return {name: content for name, content in books.lake.slices(table).items() if wanted in name.split("/")}


def slices_digest(period: str, internal: Iterable[tuple[str, str]], external: Iterable[tuple[str, str]]) -> str:
    """Of what both ledgers' slices of a period were written from: equal digests, equal figures."""
    said = [f"{name}={content}" for slices in (internal, external) for name, content in sorted(slices)]
    return digest(*said) if said else digest(period)


def ledgers_digest(books: Books, period: str) -> str:
    """`slices_digest` of the ledgers as they are now."""
    return slices_digest(period, *(slices_of(books, *one, period).items() for one in LEDGERS))


# --- inside ----------------------------------------------------------------------------------


def _take_away(session: Session, desk: Desk, row: Signature, now: Mapping[str, str] | None) -> None:
    """The signature, or the preparation, of figures that are no more; both who gave it are told what changed."""
    signers = [row.prepared_by] + ([row.decided_by] if row.state == "signed" else [])
    changes = _changes(row.figures, now or {})
    facts = {"was": row.state, "by": signers, "digest": row.digest, "changes": changes}
    audit.append(
        session, desk.clock, who=ACTOR, action="statement.withdraw", subject=f"{row.period} {row.pool}", facts=facts
    )
    row.state = "gone" if now is None else "withdrawn"
    row.decided_by, row.decided_at, row.decided_on = ACTOR, desk.clock.now(), ACTOR
    row.comment, row.audit_head = f"its figures changed: {_sentence(changes)}", None
    queue_card(session, desk, row)
    queue_reply(session, desk, row, [name for name in signers if name], changes)


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each figure that is not what it was; empty where it was not, or is no more."""
    names = sorted(before.keys() | after.keys())
    return [
        {"name": name, "before": before.get(name, ""), "after": after.get(name, "")}
        for name in names
        if before.get(name) != after.get(name)
    ]


def _sentence(changes: Sequence[Mapping[str, Any]]) -> str:
    said = [f"{one['name']} from {one['before'] or 'none'} to {one['after'] or 'none'}" for one in changes[:10]]
    return ", ".join([*said, *([f"and {len(changes) - len(said)} more"] if len(changes) > len(said) else [])])
