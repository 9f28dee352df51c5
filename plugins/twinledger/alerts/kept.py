"""Alerts as the store keeps them.

What belongs here: from rows to values and back, and its life without a figure, as `alert_view` for
whoever shows a message. What does not: deeds (`life`) and lists for people (`worklist`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from twinledger.alerts.alert import Alert, Cause, Kind, Place, Resolution, State
from twinledger.store import models
from twinledger.vocabulary.audiences import ForEveryone, View
from twinledger.vocabulary.money import plain

_NAMES = tuple(one.name for one in fields(Alert))
_AS_THEY_ARE = tuple(name for name in _NAMES if name not in ("causes", "places"))
_PERIODS = 500
"""So many in one statement."""


@dataclass(frozen=True, slots=True)
class AlertView(ForEveryone):
    """An alert's life, without its figures; people by name."""

    id: str
    rule: str
    kind: Kind
    view: View
    department: str
    state: State
    resolution: Resolution | None
    owner: str
    assignee: str
    revision: int
    opened_at: datetime
    resolved_at: datetime | None
    acted_by: str
    acted_at: datetime | None
    acted_on: str
    snoozed_until: datetime | None
    escalated: int


def alert_view(session: Session, alert_id: str) -> AlertView | None:
    """The life of an alert as it is now; None where there is no such alert."""
    row = session.get(models.Alert, alert_id, populate_existing=True)
    if row is None:
        return None
    one = to_alert(row)
    return AlertView(
        id=one.id,
        rule=one.rule,
        kind=one.kind,
        view=one.view,
        department=one.department,
        state=one.state,
        resolution=one.resolution,
        owner=one.owner,
        assignee=one.assignee or "",
        revision=one.revision,
        opened_at=one.opened_at,
        resolved_at=one.resolved_at,
        acted_by=one.acted_by or "",
        acted_at=one.acted_at,
        acted_on=one.acted_on or "",
        snoozed_until=one.snoozed_until,
        escalated=one.escalated,
    )


def state_at(row: models.Alert, now: datetime) -> State:
    """A snoozed alert whose time is over is new, before an evaluation says so too."""
    over = row.state == "snoozed" and row.snoozed_until is not None and row.snoozed_until <= now
    return "new" if over else to_alert(row).state


# --- rows and values -------------------------------------------------------------------------


def to_alert(row: Any) -> Alert:  # noqa: ANN401 - a row of the model, or of its columns
    """The value of a row."""
    values = {name: getattr(row, name) for name in _AS_THEY_ARE}
    causes = tuple(Cause(one["name"], Decimal(one["amount"])) for one in row.causes)
    return Alert(**values, causes=causes, places=tuple(row.places))


def from_alert(alert: Alert) -> dict[str, Any]:
    """The columns of a value."""
    causes = [{"name": one.name, "amount": plain(one.amount)} for one in alert.causes]
    return {name: getattr(alert, name) for name in _AS_THEY_ARE} | {"causes": causes, "places": list(alert.places)}


def load(session: Session, places: Iterable[Place], *, held: bool = True) -> list[Alert]:
    """Every alert that an evaluation may have to do with, held until its transaction ends where that is asked for.

    They are all that are open or that a digest has to tell, and those of the periods looked at, which may fire again.
    """
    periods = sorted({one.period for one in places})
    table = models.Alert.__table__
    known: dict[str, Alert] = {}
    for start in range(0, max(len(periods), 1), _PERIODS):
        of_periods = table.c.period.in_(periods[start : start + _PERIODS])
        wanted = or_(table.c.state != "resolved", table.c.digest_due.is_not(None), of_periods)
        query = select(table).where(wanted).order_by(table.c.id)
        for row in session.execute(query.with_for_update() if held else query):
            known[row.id] = to_alert(row)
    return list(known.values())


def save(session: Session, opened: Sequence[Alert], changed: Sequence[Alert]) -> None:
    """Write what is new and what has changed, each with one statement."""
    if opened:
        session.execute(insert(models.Alert), [from_alert(one) for one in opened])
    if changed:
        session.execute(update(models.Alert), [from_alert(one) for one in changed])
