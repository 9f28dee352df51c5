"""The audit trail: who did what, when, on which facts, as one chain of hashes.

What belongs here: appending to it, in the transaction of the deed, and how an entry is hashed. What does
not: reading and proving it (`store.chain`), and changing or removing entries, which nothing does.

Each entry has a sequence without gaps, the hash of the entry before it, and its own:

    hash = SHA-256, in lower-case hexadecimal, over the canonical JSON (RFC 8785, UTF-8) of
           {"action", "at", "facts", "previous", "sequence", "subject", "who"}

`at` is in UTC with six decimals, as `2026-10-20T09:00:00.000000Z`; `sequence` is an integer, 1 at first;
`previous` is the hash of the entry before, 64 zeros at first. With other tools, for one line of
`twinledger audit export`: `jq -cjS 'del(.hash)' | sha256sum`.

Entries wait in the session until everything else of its transaction is written, and are chained as the last
thing before the commit: whoever holds the chain's end then waits for nobody, so that it can be part of no
deadlock, and for as short as can be. A transaction that is rolled back leaves no gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from sqlalchemy import event, func, insert, select
from sqlalchemy.orm import Session, SessionTransaction

from twinledger.clock import Clock
from twinledger.store.models import AuditEntry
from twinledger.vocabulary.canonical import canonical_digest
from twinledger.vocabulary.errors import InvalidHeadError

GENESIS = "0" * 64
"""What stands for the hash of an entry before the first."""

_CHAIN_LOCK = 7_746_513_302
"""Any number that nothing else in the database takes as an advisory lock."""

_WAITING = "twinledger.audit"
_HASH_LENGTH = 64


class Head(NamedTuple):
    """An entry of the chain by its sequence and hash; kept elsewhere, it proves all entries up to it."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        """`7:3f2a...`, as `parse` reads it."""
        return f"{self.sequence}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `SEQUENCE:HASH`; raises InvalidHeadError."""
        number, _, found = text.strip().partition(":")
        is_hash = len(found) == _HASH_LENGTH and set(found) <= set("0123456789abcdef")
        if not (number.isascii() and number.isdigit() and is_hash):
            raise InvalidHeadError(text)
        return cls(int(number), found)


class _Deed(NamedTuple):
    """What waits to be chained."""

    at: datetime
    who: str
    action: str
    subject: str
    facts: dict[str, Any]


def append(session: Session, clock: Clock, *, who: str, action: str, subject: str, facts: Mapping[str, Any]) -> None:
    """Record a deed; it is kept if and only if the caller's transaction is.

    It is written when the transaction commits: the session's own queries do not see it before.

    Args:
        session: the transaction of the deed itself, not within a savepoint.
        clock: gives the instant, in UTC.
        who: a person's name, or the name of the rule, timer or DAG that acted.
        action: subject and verb, as in `request.approve`.
        subject: the identity of what was acted upon.
        facts: what the deed was done on, as JSON: amounts are decimal strings with their currency.

    Raises:
        TypeError: facts that are no JSON, or hold a float.
    """
    if session.in_nested_transaction():
        message = "a deed is recorded outside of savepoints: one that is rolled back would leave it behind"
        raise TypeError(message)
    if not event.contains(session, "before_commit", _chain):
        event.listen(session, "before_commit", _chain)
        event.listen(session, "after_soft_rollback", _forget)
    deed = _Deed(clock.now().astimezone(UTC), _text(who), _text(action), _text(subject), _facts(facts))
    session.info.setdefault(_WAITING, []).append(deed)


def entry_hash(
    sequence: int, at: datetime, who: str, action: str, subject: str, facts: Mapping[str, Any], previous: str
) -> str:
    """The hash of an entry: see the module. Raises TypeError where facts hold a float."""
    said = {
        "sequence": sequence,
        "at": stamp(at),
        "who": who,
        "action": action,
        "subject": subject,
        "facts": facts,
        "previous": previous,
    }
    return canonical_digest(said)


def stamp(at: datetime) -> str:
    """An instant as it is hashed: in UTC, with six decimals."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def head(session: Session) -> Head:
    """The newest entry that a session sees; sequence 0 and zeros where there is none."""
    query = select(AuditEntry.sequence, AuditEntry.hash).order_by(AuditEntry.sequence.desc()).limit(1)
    found = session.execute(query).first()
    return Head(*found) if found else Head(0, GENESIS)


# --- at the commit ---------------------------------------------------------------------------


def _chain(session: Session) -> None:
    """Write down what waits: after everything else of the transaction, at the end of the chain."""
    if session.in_nested_transaction() or not session.info.get(_WAITING):
        return
    deeds: Sequence[_Deed] = session.info.pop(_WAITING)
    session.flush()
    if session.connection().dialect.name == "postgresql":  # on SQLite one transaction writes at a time
        session.execute(select(func.pg_advisory_xact_lock(_CHAIN_LOCK)))
    sequence, previous = head(session)
    rows = []
    for number, deed in enumerate(deeds, start=sequence + 1):
        hashed = entry_hash(number, *deed, previous)
        rows.append({"sequence": number, **deed._asdict(), "previous": previous, "hash": hashed})
        previous = hashed
    session.execute(insert(AuditEntry), rows)


def _forget(session: Session, ended: SessionTransaction) -> None:
    """What a transaction did is undone: so are its entries. Savepoints have none."""
    if not ended.nested:
        session.info.pop(_WAITING, None)


def _text(text: str) -> str:
    """Text that UTF-8 has: half a surrogate pair, as in a file's name, is written as an escape."""
    return text.encode(errors="backslashreplace").decode()


def _facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON will give them back, so that what is hashed is what is kept."""
    return {_text(name): _plain(value) for name, value in facts.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON is anything
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Mapping):
        return _facts(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    message = f"{type(value).__name__} is no fact: expected text, an integer, true, false, null or lists of them"
    raise TypeError(message)
