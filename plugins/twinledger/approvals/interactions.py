"""Every click and answer under a key of its own: what was said, and what it came to.

What belongs here: that one is written down once and has one result, so that a replay is a duplicate. What does not:
what it comes to (`decide`), and carrying out what was written down (`inbox`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.approvals.states import Event
from twinledger.clock import Clock
from twinledger.store.models import Interaction
from twinledger.store.once import insert_once, insert_or_fill
from twinledger.vocabulary.identities import digest

_NOTHING_YET = ""


@dataclass(frozen=True, slots=True)
class Click:
    """One interaction, by whom and on what."""

    key: str
    request: str
    event: Event
    surface: str


def click_key(request: str, event: Event, interaction: str) -> str:
    """The key of an interaction that a surface knows by an identity of its own.

    An approval and a denial of one identity are one interaction: whichever comes second is its replay.
    """
    return digest(request, interaction) if event in ("approve", "deny") else digest(request, event, interaction)


def write_down(session: Session, clock: Clock, click: Click, said: Mapping[str, Any]) -> bool:
    """Keep what was said until it has a result; whether it is new."""
    return insert_once(session, Interaction, "key", _row(clock, click, "", _NOTHING_YET, said))


def remember(session: Session, clock: Clock, click: Click, person: str, result: Mapping[str, str]) -> bool:
    """Give an interaction its result, written down before or not; whether it had none. The first one is kept."""
    row = _row(clock, click, person, json.dumps(result), None)
    return insert_or_fill(session, Interaction, "key", row, Interaction.result == _NOTHING_YET)


def result_of(session: Session, key: str) -> tuple[str, dict[str, str]] | None:
    """Who an interaction was of and what it came to; None where it is new, or has come to nothing yet."""
    known = session.get(Interaction, key, populate_existing=True) if key else None
    return (known.person, json.loads(known.result)) if known and known.result else None


def without_result(session: Session, until: datetime) -> list[tuple[Click, dict[str, Any]]]:
    """What was written down until an instant and has no result, the earliest first."""
    query = select(Interaction).where(Interaction.result == _NOTHING_YET, Interaction.at <= until)
    rows = session.scalars(query.order_by(Interaction.at, Interaction.key))
    return [(Click(one.key, one.request, one.answer, one.surface), one.said or {}) for one in rows]  # type: ignore[arg-type]


def _row(clock: Clock, click: Click, person: str, result: str, said: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "key": click.key,
        "request": click.request,
        "person": person,
        "surface": click.surface,
        "answer": click.event,
        "at": clock.now(),
        "result": result,
        "said": dict(said) if said else None,
    }
