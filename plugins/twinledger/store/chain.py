"""Reading the audit trail, and proving that it is whole.

What belongs here: walking the chain, in bounded memory, and naming the first entry that is not what was
appended. What does not: appending (`store.audit`).

An edit, a removal or an insertion breaks the chain where it happened. What was cut off at the end, or
written anew from some entry on, breaks nothing: only a head that was kept elsewhere tells.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import Row, Select, Text, cast, select
from sqlalchemy.orm import Session

from twinledger.store.audit import GENESIS, Head, entry_hash
from twinledger.store.models import AuditEntry

PAGE = 2000
"""Entries that are held at a time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, as it is kept. For finance: facts may cite what a vendor billed."""

    sequence: int
    at: datetime
    who: str
    action: str
    subject: str
    facts: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head that somebody noted, and where."""

    head: Head
    noted: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The first entry that is not what was appended."""

    sequence: int
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        """One sentence."""
        return f"entry {self.sequence}: {self.what} is {self.found}, expected {self.expected}"


@dataclass(frozen=True, slots=True)
class Proof:
    """How far the chain is whole: up to `head`, and where it is not."""

    entries: int
    head: Head
    anchors: int
    """Noted heads that were found."""
    fault: Fault | None

    @property
    def whole(self) -> bool:
        """Whether every entry is what was appended, and every noted head is there."""
        return self.fault is None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; what is empty is no limit."""

    subject: str = ""
    who: str = ""
    since: datetime | None = None
    action: str = ""


class _UnreadableError(ValueError):
    """Facts that are not what an entry's facts are."""


def entries(session: Session, wanted: Wanted | None = None) -> Iterator[Entry]:
    """Entries in their order, a page at a time: also a long chain is held in little memory."""
    return map(_entry, _rows(session, _limited(wanted or Wanted())))


def newest(session: Session, wanted: Wanted, limit: int) -> list[Entry]:
    """The newest entries, the oldest of them first."""
    query = _limited(wanted).order_by(AuditEntry.sequence.desc()).limit(limit)
    return [_entry(row) for row in session.execute(query).all()[::-1]]


def verify(
    session: Session, anchors: Iterable[Anchor] = (), told: Callable[[int], object] = lambda _count: None
) -> Proof:
    """Prove the chain whole, entry by entry, as one instant of the database has it.

    Args:
        session: a reading session.
        anchors: heads that were noted: each must be an entry of the chain.
        told: called with the number of entries that were looked at, once a page.
    """
    noted: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        noted.setdefault(anchor.head.sequence, []).append(anchor)
    noted.pop(0, None)  # the end of an empty chain: before every entry
    last, found = Head(0, GENESIS), 0
    for row in _rows(session, _limited(Wanted())):
        kept = noted.pop(row[0], [])
        if fault := _fault(row, last) or _unlike(row, kept):
            return Proof(last.sequence, last, found, fault)
        last, found = Head(row[0], row[-1]), found + len(kept)
        if last.sequence % PAGE == 0:
            told(last.sequence)
    told(last.sequence)
    for sequence in sorted(noted):
        anchor = noted[sequence][0]
        cut = Fault(sequence, f"the head that {anchor.noted} noted", anchor.head.hash, "missing: the chain was cut")
        return Proof(last.sequence, last, found, cut)
    return Proof(last.sequence, last, found, None)


# --- inside ----------------------------------------------------------------------------------

_Row = Row[int, datetime, str, str, str, str, str, str]
_Rows = Select[int, datetime, str, str, str, str, str, str]


def _entry(row: _Row) -> Entry:
    sequence, at, who, action, subject, facts, previous, hashed = row
    return Entry(sequence, at, who, action, subject, json.loads(facts), previous, hashed)


def _limited(wanted: Wanted) -> _Rows:
    # Facts as the text that is stored: what a parser would pass over, as a name that is there twice, is seen.
    query = select(
        AuditEntry.sequence, AuditEntry.at, AuditEntry.who, AuditEntry.action, AuditEntry.subject,
        cast(AuditEntry.facts, Text), AuditEntry.previous, AuditEntry.hash,
    )  # fmt: skip
    limits = {AuditEntry.subject: wanted.subject, AuditEntry.who: wanted.who, AuditEntry.action: wanted.action}
    query = query.where(*(column == value for column, value in limits.items() if value))
    return query.where(AuditEntry.at >= wanted.since) if wanted.since else query


def _rows(session: Session, query: _Rows) -> Iterator[_Row]:
    page = session.execute(query.order_by(AuditEntry.sequence).limit(PAGE)).all()
    while page:
        yield from page
        after = query.where(AuditEntry.sequence > page[-1][0])
        page = session.execute(after.order_by(AuditEntry.sequence).limit(PAGE)).all()


def _fault(row: _Row, last: Head) -> Fault | None:
    """What is wrong with an entry that follows `last`."""
    sequence, at, who, action, subject, facts, previous, found = row
    if sequence != last.sequence + 1:
        return Fault(sequence, "its sequence", str(last.sequence + 1), str(sequence))
    if previous != last.hash:
        return Fault(sequence, "the hash of the entry before it", last.hash, previous)
    try:
        expected = entry_hash(sequence, at, who, action, subject, _read(facts), previous)
    except (TypeError, ValueError) as error:
        return Fault(sequence, "its facts", "JSON as it was appended", str(error)[:200])
    if found != expected:
        return Fault(sequence, "its hash", expected, found)
    return None


def _unlike(row: _Row, kept: Iterable[Anchor]) -> Fault | None:
    for anchor in kept:
        if anchor.head.hash != row[-1]:
            return Fault(row[0], f"the hash that {anchor.noted} noted", anchor.head.hash, row[-1])
    return None


def _read(facts: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(facts, object_pairs_hook=_members, parse_float=_refused, parse_constant=_refused)
    return read


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        message = "a name that is there twice"
        raise _UnreadableError(message)
    return members


def _refused(number: str) -> NoReturn:
    message = f"the number {number}"
    raise _UnreadableError(message)
