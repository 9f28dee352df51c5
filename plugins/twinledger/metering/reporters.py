"""Reporters: who may send events of which feed.

What belongs here: tokens, of which the store keeps the SHA-256 alone. What does not: reading a request's header.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from twinledger.books import Books
from twinledger.metering.records import usage_source
from twinledger.store import audit, models
from twinledger.vocabulary.errors import InvalidConfigError, UnknownNameError, UnknownReporterError
from twinledger.vocabulary.identities import checked_name

FORMAT = "cloudevents"
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who sends, and the feed that it writes; without its token."""

    name: str
    feed: str
    active: bool
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sender:
    """A reporter that has shown its token, and the folder of its feed."""

    name: str
    feed: str
    folder: Path


def add_reporter(books: Books, name: str, feed: str, who: str) -> str:
    """A new token for a reporter of a feed, which is told here and nowhere else.

    A reporter that is known has its old token replaced, and may write again where it was revoked.

    Raises:
        ConfigurationError: the name may not stand in keys.
        UnknownNameError: there is no such feed.
        InvalidConfigError: the feed takes no events.
    """
    checked_name("reporter", name)
    folder_of(usage_source(books, feed))
    token = f"{name}.{secrets.token_urlsafe(_SECRET_BYTES)}"
    now = books.clock.now()
    with books.store.transaction() as session:
        row = session.get(models.Reporter, name)
        if row is None:
            row = models.Reporter(name=name, created_at=now)
            session.add(row)
        row.feed, row.token_sha256, row.active, row.revoked_at = feed, _hashed(token), True, None
        audit.append(session, books.clock, who=who, action="reporter.add", subject=name, facts={"feed": feed})
    return token


def revoke_reporter(books: Books, name: str, who: str) -> None:
    """Refuse a reporter's token from now on; what it sent before stays.

    Raises:
        UnknownNameError: there is no such reporter.
    """
    with books.store.transaction() as session:
        row = session.get(models.Reporter, name)
        if row is None:
            raise UnknownNameError("reporter", name, session.scalars(select(models.Reporter.name)).all())
        if row.active:
            row.active, row.revoked_at = False, books.clock.now()
            audit.append(session, books.clock, who=who, action="reporter.revoke", subject=name, facts={})


def reporters(books: Books) -> Sequence[Reporter]:
    """Every reporter, in order of feed and name."""
    with books.store.reading() as session:
        rows = session.scalars(select(models.Reporter).order_by(models.Reporter.feed, models.Reporter.name)).all()
        return [Reporter(one.name, one.feed, one.active, one.created_at, one.revoked_at) for one in rows]


def authenticated(books: Books, authorization: str) -> Sender:
    """The reporter of a request's Authorization header, `Bearer TOKEN`.

    Raises:
        UnknownReporterError: the token is nobody's, or was revoked; which of both is not said.
        InvalidConfigError: the reporter's feed takes no events any more.
    """
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    name = token.partition(".")[0]
    with books.store.reading() as session:
        # Asking a database for a name with NUL in it is an error of its own.
        row = session.get(models.Reporter, name) if name.isprintable() else None
        source = session.get(models.Source, row.feed) if row else None
    # Also where nobody has the name: how long an answer takes says nothing.
    expected = row.token_sha256 if row else _hashed("")
    matches = hmac.compare_digest(expected, _hashed(token))
    if scheme.lower() != "bearer" or row is None or source is None or not row.active or not matches:
        raise UnknownReporterError
    return Sender(row.name, row.feed, folder_of(source))


def folder_of(source: models.Source) -> Path:
    """The folder that events of a feed are kept in; raises InvalidConfigError where it takes none."""
    if source.format != FORMAT or "://" in source.place or source.options.get("retired"):
        problem = f"takes no events: expected format {FORMAT} and a folder of this machine as its place"
        raise InvalidConfigError("sources.yaml", source.name, problem)
    return Path(source.place)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
