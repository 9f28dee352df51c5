"""Anomalies as they are kept: from what was found to rows of the store, and back.

What belongs here: identities, states, and writing one run in a transaction. What does not: finding (`find`), and what
people answer (`answers`).

A run says what is true of the last weeks as far as they are final. What it finds again keeps its identity and takes the
amounts of now; what it does not find any more was restated, and is over. A run on less than was known before changes
nothing of what was found with more: the order in which days become final, and runs are made, does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from twinledger.anomalies.anomaly import Anomaly, AnomalyCause, Shape, State
from twinledger.anomalies.causes import Why
from twinledger.anomalies.found import LOOKED_BACK, Found, Looked
from twinledger.anomalies.reasons import RESTATED
from twinledger.anomalies.sources import Key, Series
from twinledger.store.models import AnomalyRow
from twinledger.store.once import insert_once
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.errors import AmbiguousNameError, UnknownNameError
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.money import Money, plain

QUIET = timedelta(days=7)
"""An anomaly is open until its series has been as expected for so long: one bucket that comes late is told as well."""

DISMISSING = frozenset({"no", "planned"})
"""Answers that end an anomaly."""

_AT_MOST_LISTED = 5


@dataclass(frozen=True, slots=True)
class Run:
    """What one run has looked at and found of one ledger; titles and causes are of what was found."""

    view: View
    series: tuple[Series, ...]
    looked: Looked
    titles: Mapping[Key, str]
    why: Mapping[str, Why]


def identity(found: Found) -> str:
    """Of view, series, width of bucket and start: the same from run to run."""
    key, rhythm = found.series.key, found.series.rhythm
    return digest("anomaly", key.view, key.scope, key.product, rhythm.width, found.start.isoformat())[:20]


def write(session: Session, run: Run, now: datetime) -> list[str]:
    """Make the store know what a run has found, in the caller's transaction; the ids of what was found."""
    ids = []
    for one in run.looked.found:
        values = values_of(one, run, now)
        ids.append(values["id"])
        if not insert_once(session, AnomalyRow, "id", values):
            row = session.get_one(AnomalyRow, values["id"], with_for_update=True, populate_existing=True)
            _update(row, values)
    _take_away(session, run, frozenset(ids))
    session.flush()
    return ids


def values_of(found: Found, run: Run, now: datetime, answer: str = "") -> dict[str, Any]:
    """The row of what was found, while nobody has answered."""
    key, why = found.series.key, run.why[identity(found)]
    causes = [{"dimension": one.dimension, "name": one.name, "change": plain(one.change.amount)} for one in why.causes]
    return {
        "id": identity(found), "series": key.name, "view": key.view, "bucket": found.series.rhythm.width,
        "title": run.titles[key], "department": key.department, "shape": found.shape, "started_at": found.start,
        "ended_at": found.end, "actual": found.actual, "expected": found.expected, "currency": found.series.currency,
        "causes": causes, "reason": why.reason, "state": state_of(found.end, found.series.final, answer),
        "answer": answer, "known_through": found.series.final, "found_at": now,
    }  # fmt: skip


def state_of(end: datetime, final: datetime, answer: str) -> State:
    """Dismissed by an answer, else open until the series has been as expected for a week."""
    if answer in DISMISSING:
        return "dismissed"
    return "open" if final - end < QUIET else "over"


def anomaly_of(row: AnomalyRow) -> Anomaly:
    """The value of a row."""
    causes = tuple(
        AnomalyCause(one["dimension"], one["name"], Money(Decimal(one["change"]), row.currency)) for one in row.causes
    )
    return Anomaly(
        id=row.id, series=row.series, title=row.title, view=cast("View", row.view), department=row.department,
        shape=cast("Shape", row.shape), start=row.started_at, end=row.ended_at,
        actual=Money(row.actual, row.currency), expected=Money(row.expected, row.currency), causes=causes,
        reason=row.reason, state=cast("State", row.state), answer=row.answer, known_through=row.known_through,
    )  # fmt: skip


def anomalies(session: Session, view: View | None = None, state: State | None = None) -> list[Anomaly]:
    """What was found, of one ledger and in one state where given; the largest impact first."""
    query = select(AnomalyRow)
    if view:
        query = query.where(AnomalyRow.view == view)
    if state:
        query = query.where(AnomalyRow.state == state)
    return by_impact(anomaly_of(row) for row in session.scalars(query))


def open_anomalies(session: Session, view: View | None = None) -> list[Anomaly]:
    """What goes on or was over less than a week ago and nobody dismissed; the largest impact first."""
    return anomalies(session, view, "open")


def by_impact(found: Iterable[Anomaly]) -> list[Anomaly]:
    """The largest amounts first, whatever their sign."""
    return sorted(found, key=lambda one: (-abs(one.impact.amount), one.start, one.id))


def named(session: Session, start: str, view: View) -> AnomalyRow:
    """The anomaly of a ledger that an identity, or the beginning of one, names.

    Raises:
        UnknownNameError: none does.
        AmbiguousNameError: several do.
    """
    query = select(AnomalyRow).where(AnomalyRow.view == view).order_by(AnomalyRow.started_at.desc(), AnomalyRow.id)
    beginning = AnomalyRow.id.startswith(start, autoescape=True)
    found = session.scalars(query.where(beginning).limit(_AT_MOST_LISTED)).all() if start else []
    if not found:
        raise UnknownNameError("anomaly", start[:60], [one.id for one in session.scalars(query.limit(_AT_MOST_LISTED))])
    if len(found) > 1:
        raise AmbiguousNameError("anomaly", start, [one.id for one in found])
    return found[0]


def _update(row: AnomalyRow, values: Mapping[str, Any]) -> None:
    """Take the amounts of a run that knows as much or more; what was found when stays."""
    if values["known_through"] < row.known_through:
        return
    for name, value in values.items():
        if name not in ("id", "answer", "found_at", "state"):
            setattr(row, name, value)
    row.state = state_of(row.ended_at, row.known_through, row.answer)


def _take_away(session: Session, run: Run, ids: frozenset[str]) -> None:
    """End what the run looked at and did not find any more, with the amounts of now, and what is open for too long."""
    series = {(one.key.name, str(one.rhythm.width)): one for one in run.series}
    final = max((one.final for one in run.series), default=None)
    if final is None:
        return
    looked_at = or_(AnomalyRow.started_at >= final - LOOKED_BACK - QUIET, AnomalyRow.state == "open")
    query = select(AnomalyRow).where(AnomalyRow.view == run.view, AnomalyRow.id.not_in(ids), looked_at)
    for row in session.scalars(query.with_for_update()).all():
        one = series.get((row.series, row.bucket))
        if (one.final if one else final) < row.known_through:
            continue
        if one is None or row.started_at >= one.final - LOOKED_BACK:
            _restate(row, one, run.looked)
        else:
            row.state = state_of(row.ended_at, one.final, row.answer)


def _restate(row: AnomalyRow, series: Series | None, looked: Looked) -> None:
    """It is no anomaly any more: what is charged now is what was expected, or the whole series is gone."""
    if series:
        row.actual, row.known_through = series.sum(row.started_at, row.ended_at), series.final
        row.expected = looked.expectation(series, row.started_at, row.ended_at)
    row.reason, row.causes = RESTATED, []
    row.state = "dismissed" if row.answer in DISMISSING else "over"
