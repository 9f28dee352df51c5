"""What the pages of alerts show, for the audience of each alert.

What belongs here: from alerts to values of one audience, and their chart as an address. What does not: routes
(`alert_pages`), and what a chart shows (`slack.alert_pictures`, `charts`).
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from twinledger.alerts import TRANSITIONS, Alert, AlertHistory
from twinledger.charts import Picture
from twinledger.slack.alert_facts import AlertCauseFacts, AlertFacts, FinanceAlertCauseFacts, FinanceAlertFacts
from twinledger.slack.alert_pictures import Curves, picture_of
from twinledger.vocabulary.audiences import ForEveryone, ForFinance
from twinledger.vocabulary.errors import NotEntitledError
from twinledger.vocabulary.money import Money
from twinledger.web.readers import Reader

log = logging.getLogger(__name__)

Facts = AlertFacts | FinanceAlertFacts
VERBS = ("acknowledge", "snooze", "comment")


@dataclass(frozen=True, slots=True)
class Line(ForEveryone):
    """One alert of the list; what is for finance is listed as `FinanceLine`."""

    facts: AlertFacts


@dataclass(frozen=True, slots=True)
class FinanceLine(ForFinance):
    """One alert of what vendors charged."""

    facts: FinanceAlertFacts


@dataclass(frozen=True, slots=True)
class Said(ForEveryone):
    """What somebody said of an alert that everyone may see."""

    who: str
    at: datetime
    surface: str
    text: str


@dataclass(frozen=True, slots=True)
class FinanceSaid(ForFinance):
    """What somebody said of an alert of what vendors charged."""

    who: str
    at: datetime
    surface: str
    text: str


def listed(alerts: Iterable[Alert], reader: Reader) -> list[Line | FinanceLine]:
    """Those that a reader may see."""
    facts = (facts_of(one) for one in alerts if reader.finance or one.view == "internal")
    return [FinanceLine(one) if isinstance(one, FinanceAlertFacts) else Line(one) for one in facts]


def check_reader(alert: Alert, reader: Reader) -> None:
    """Refuse an alert of what vendors charged to everyone else: NotEntitledError."""
    if alert.view == "effective" and not reader.finance:
        raise NotEntitledError(reader.title, "an alert of what vendors charged", "the page needs the finance role")


def facts_of(alert: Alert) -> Facts:
    """An alert's figures, of the type of their audience."""
    facts, cause = (AlertFacts, AlertCauseFacts)
    if alert.view == "effective":
        facts, cause = FinanceAlertFacts, FinanceAlertCauseFacts  # type: ignore[assignment]  # of the same fields

    def money(name: str) -> Money:
        return Money(getattr(alert, name), alert.currency)

    same = ("kind", "rule", "subject", "title", "department", "period", "since", "reason", "data_as_of", "state")
    values: dict[str, Any] = {name: getattr(alert, name) for name in (*same, "owner", "evidence", "anomaly")}
    return facts(
        alert=alert.id,
        actual=money("actual"),
        expected=money("expected"),
        impact=money("impact"),
        causes=tuple(cause(one.name, Money(one.amount, alert.currency)) for one in alert.causes),
        assignee=alert.assignee or "",
        **values,
    )


def said_of(history: AlertHistory) -> list[Said | FinanceSaid]:
    """Comments, of the type of their alert's audience."""
    kind = FinanceSaid if history.alert.view == "effective" else Said
    return [kind(one.who, one.at, one.surface, one.text) for one in history.comments]


def verbs_of(alert: Alert) -> list[str]:
    """What may be done with an alert now."""
    return [one.event for one in TRANSITIONS.values() if one.event in VERBS and alert.state in one.start]


def drawn(facts: Facts, curves: Curves) -> Picture | None:
    """The alert's chart; None where there is none, or where it cannot be drawn: the page says it all in words."""
    try:
        return picture_of(facts, curves)
    except Exception as error:  # noqa: BLE001 - whatever it is, the page is worth more without
        log.warning("no chart of an alert: %s", type(error).__name__)
        return None


def as_address(picture: Picture) -> str:
    """The picture within the page: nothing else is fetched for it."""
    return f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
