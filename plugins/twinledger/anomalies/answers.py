"""What people say of anomalies, and what that does to the bounds of their series.

What belongs here: who may answer, answering once, and the factor that answers come to. What does not: how answers
arrive (`slack`, `web`, `cli`).

Yes: it was worth telling. No: it was not; the bounds of the series grow by a quarter, up to fourfold. Yes takes a
quarter off again, down to what the settings say. Planned: it was known; nothing is learnt of the bounds. An answer
counts from the first bucket that was not final when it was given: what was said before stays said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.anomalies.anomaly import Anomaly
from twinledger.anomalies.record import DISMISSING, anomaly_of
from twinledger.approvals import Desk
from twinledger.catalog import with_those_above
from twinledger.clock import Clock
from twinledger.store import audit
from twinledger.store.models import AnomalyAnswer, AnomalyRow, Department, Person
from twinledger.vocabulary.audiences import View
from twinledger.vocabulary.errors import (
    AlreadyDecidedError,
    InvalidActError,
    NotEntitledError,
    UnknownNameError,
    UnknownPersonError,
)

Verdict = Literal["yes", "no", "planned"]

FINANCE = "finance"
STEP, MOST = 1.25, 4.0
"""What one answer multiplies or divides bounds by, and what all of them together at most."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said of an anomaly."""

    anomaly: str
    series: str
    verdict: str
    who: str
    surface: str
    at: datetime


def answer(desk: Desk, anomaly: str, who: str, verdict: str, surface: str, key: str) -> Anomaly:
    """Say once what an anomaly was; no and planned dismiss it. Repeating it with the same key changes nothing.

    Args:
        desk: the store to answer in.
        anomaly: its whole identity.
        who: a person's name: the owner or budget holder of its department or of one above, or finance; of what vendors
            really charged, finance alone.
        verdict: yes, no or planned.
        surface: where it was said: slack, page, command line.
        key: of this click or command.

    Raises:
        InvalidActError: it is another verdict.
        UnknownNameError: there is no such anomaly.
        UnknownPersonError: nobody knows the person.
        NotEntitledError: the person may not answer.
        AlreadyDecidedError: somebody has answered.
    """
    if verdict not in get_args(Verdict):
        raise InvalidActError("verdict", verdict, "yes, no or planned")
    with desk.store.transaction() as session:
        row = session.get(AnomalyRow, anomaly, with_for_update=True)
        if row is None:
            raise UnknownNameError("anomaly", anomaly[:60], ())
        _check_entitled(session, row, who)
        given = session.get(AnomalyAnswer, row.id)
        if given is None:
            _give(session, desk.clock, row, AnomalyAnswer(
                anomaly=row.id, key=key, series=row.series, view=row.view, verdict=verdict, who=who, surface=surface,
                at=desk.clock.now(), counts_from=row.known_through,
            ))  # fmt: skip
        elif given.key != key:
            raise AlreadyDecidedError(f"anomaly {row.id}", f"answered {given.verdict}", given.who, f"{given.at:%F %R}")
        return anomaly_of(row)


def answers(session: Session, view: View, anomaly: str = "") -> list[Answer]:
    """What was said, of one anomaly where given; the newest first."""
    query = select(AnomalyAnswer).where(AnomalyAnswer.view == view).order_by(AnomalyAnswer.at.desc(), AnomalyAnswer.key)
    if anomaly:
        query = query.where(AnomalyAnswer.anomaly == anomaly)
    return [
        Answer(row.anomaly, row.series, row.verdict, row.who, row.surface, row.at) for row in session.scalars(query)
    ]


def factors(session: Session, view: View) -> dict[str, list[tuple[datetime, float]]]:
    """By series, from which instant on bounds are multiplied by how much."""
    query = select(AnomalyAnswer).where(AnomalyAnswer.view == view)
    given: dict[str, list[tuple[datetime, str, str]]] = defaultdict(list)
    for row in session.scalars(query):
        given[row.series].append((row.counts_from, row.anomaly, row.verdict))
    return {series: list(tuned((at, verdict) for at, _, verdict in sorted(said))) for series, said in given.items()}


def tuned(said: Iterable[tuple[datetime, str]]) -> Iterator[tuple[datetime, float]]:
    """The factor after each answer, in order: never below 1, never above four."""
    factor = 1.0
    for at, verdict in said:
        if verdict == "no":
            factor = min(MOST, factor * STEP)
        elif verdict == "yes":
            factor = max(1.0, factor / STEP)
        yield at, factor


def _check_entitled(session: Session, row: AnomalyRow, who: str) -> None:
    person = session.get(Person, who)
    if person is None:
        raise UnknownPersonError("Twinledger", who)
    if FINANCE in person.roles:
        return
    department = session.get(Department, row.department) if row.view == "internal" else None
    above = with_those_above(session, department) if department else ()
    entitled = {name for one in above for name in (one.owner, one.budget_holder)}
    if who not in entitled:
        reason = ", ".join(["it is for finance", *sorted(entitled)])
        raise NotEntitledError(who, f"anomaly {row.id}", reason)


def _give(session: Session, clock: Clock, row: AnomalyRow, given: AnomalyAnswer) -> None:
    session.add(given)
    row.answer = given.verdict
    if given.verdict in DISMISSING:
        row.state = "dismissed"
    facts = {"verdict": given.verdict, "series": row.series, "view": row.view, "surface": given.surface}
    audit.append(session, clock, who=given.who, action="anomaly.answer", subject=row.id, facts=facts)
