"""One person's act, and what it came to.

What belongs here: acts as surfaces hand them in, their results, and what is wrong with what somebody wrote. What does
not: carrying them out (`run`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from twinledger.vocabulary.errors import InvalidActError

LONGEST_SNOOZE = timedelta(days=366)
LONGEST_TEXT = 4000
"""Characters of a comment or a note."""


@dataclass(frozen=True, slots=True)
class Act:
    """One person's deed on one thing, as it came in from a surface."""

    subject: str
    """The thing's whole identity."""
    who: str
    """A person's name."""
    surface: str
    """slack | page | command line"""
    key: str
    """The surface's own identity of the click: a replay of it is a duplicate, not a second deed."""
    seen: int | None = None
    """The revision that the person looked at: where it has moved on, nothing is done."""


@dataclass(frozen=True, slots=True)
class Done:
    """A thing after a deed."""

    subject: str
    verb: str
    state: str
    revision: int
    who: str
    at: datetime
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What a verb does to a thing, and from where."""

    start: frozenset[str]
    end: str | None
    """None where the state stays."""
    resolution: str | None = None


def future(now: datetime, until: datetime) -> datetime:
    """An aware instant that something may be left until.

    Raises:
        InvalidActError: it has passed, or is more than a year away.
    """
    if not now < until <= now + LONGEST_SNOOZE:
        raise InvalidActError("until", until.isoformat(), "an instant of the next 366 days")
    return until


def words(name: str, text: str, longest: int = LONGEST_TEXT) -> str:
    """What somebody wrote, without space around it.

    Raises:
        InvalidActError: there are no words, or too many.
    """
    said = text.strip()
    if not said or len(said) > longest:
        raise InvalidActError(name, said, f"some words, of at most {longest} characters")
    return said
