"""What people do with an alert: acknowledge, snooze, assign, comment.

What belongs here: the verbs, who may, and what follows. What does not: carrying them out once and on record (`deeds`),
what is possible from which state (`states`), and what evaluations do (`decide`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from twinledger.alerts.alert import ACTOR
from twinledger.alerts.kept import state_at, to_alert
from twinledger.alerts.messages import card_again, card_for
from twinledger.alerts.routing import read_tree
from twinledger.alerts.states import TRANSITIONS
from twinledger.approvals import Desk
from twinledger.deeds import Act, Deed, Done, Kept, Step, found, future, name_of, run, words
from twinledger.outbox import enqueue
from twinledger.store import models
from twinledger.vocabulary.errors import NotEntitledError, UnknownPersonError


def acknowledge(desk: Desk, act: Act) -> Done:
    """Say that somebody looks into it: it speaks again only when its evidence grows, and goes no further up.

    Raises:
        UnknownNameError: there is no such alert.
        UnknownPersonError: nobody is called so.
        NotEntitledError: somebody who is neither of finance, nor its assignee, nor in its tree of departments.
        AlreadyDecidedError: somebody was first, or it is resolved; says who and when.
        ConcurrentChangeError: it is not any more what the person looked at.
    """
    return run(desk, ALERTS, Deed(act, "acknowledge", {"snoozed_until": None, "snoozed_impact": None}))


def snooze(desk: Desk, act: Act, until: datetime) -> Done:
    """Leave it until an aware instant; it wakes by itself then, or when it grows. Raises as `acknowledge`.

    Raises:
        InvalidActError: an instant that has passed, or is more than a year away.
    """
    wakes = future(desk.clock.now(), until)
    return run(desk, ALERTS, Deed(act, "snooze", {"snoozed_until": wakes}, {"until": wakes.isoformat()}))


def assign(desk: Desk, act: Act, person: str) -> Done:
    """Give it to somebody, who is told. Raises as `acknowledge`; what vendors charged is given within finance alone."""
    with desk.store.reading() as session:
        row = found(session, ALERTS, act.subject)
        tree = read_tree(session, desk.settings.slack.finance_channel)
        if session.get(models.Person, person) is None:
            raise UnknownPersonError("Twinledger", person)
        if row.view == "effective" and person not in tree.finance:
            reason = "what vendors really charged is for finance alone"
            raise NotEntitledError(person, name_of(ALERTS, row.id), reason)
    return run(desk, ALERTS, Deed(act, "assign", {"assignee": person}, {"assignee": person}))


def comment(desk: Desk, act: Act, text: str) -> Done:
    """Say something of it; what was said is never changed. Raises as `acknowledge`; InvalidActError for no words."""
    return run(desk, ALERTS, Deed(act, "comment", text=words("comment", text)))


class _Alerts(Kept[models.Alert]):
    name, model, actor = "alert", models.Alert, ACTOR
    comments, comment_of = models.AlertNote, "alert_id"
    steps: Mapping[str, Step] = {
        verb: Step(frozenset(one.start), one.end) for verb, one in TRANSITIONS.items() if one.by == "people"
    }

    def state(self, row: models.Alert, now: datetime) -> str:
        return state_at(row, now)

    def kept_from(self, session: Session, desk: Desk, row: models.Alert, person: models.Person) -> str:
        tree = read_tree(session, desk.settings.slack.finance_channel)
        if person.name in (row.assignee, *tree.entitled(row.department, to_alert(row).view)):
            return ""
        whose = ["finance", f"its assignee ({row.assignee or 'nobody'})"]
        if row.department and row.view == "internal":
            whose.append(f"the owners and budget holders of {row.department} and above")
        return f"it is for {', '.join(whose)}"

    def first(self, row: models.Alert) -> tuple[str, str | None, datetime | None]:
        return row.state, row.acted_by if row.state != "resolved" else None, row.resolved_at or row.acted_at

    def values(self, row: models.Alert, deed: Deed, _now: datetime) -> Mapping[str, Any]:
        """Whoever acts on it has been told."""
        seen = row.impact if row.told_impact is None else row.told_impact
        told = {"digest_due": None, "told_impact": seen} if self.steps[deed.verb].end is not None else {}
        return told | ({"snoozed_impact": row.impact} if deed.verb == "snooze" else {})

    def tell(self, session: Session, desk: Desk, row: models.Alert, deed: Deed) -> None:
        """Bring the messages that show it up to date, and tell whom it was given to."""
        alert = to_alert(row)
        if deed.verb != "comment":
            for message in card_again(session, alert, desk.clock.now()):
                enqueue(session, message, desk.clock)
        person = session.get(models.Person, deed.values["assignee"]) if deed.verb == "assign" else None
        if person is not None and person.slack_user:
            enqueue(session, card_for(alert, person.slack_user, f"assigned {row.revision}"), desk.clock)
            places = sorted({*row.places, person.slack_user})
            session.execute(update(models.Alert).where(models.Alert.id == row.id).values(places=places))


ALERTS = _Alerts()
