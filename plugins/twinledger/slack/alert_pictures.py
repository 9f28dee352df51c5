"""Which picture an alert's message shows.

What belongs here: from an alert to its curve, and to the chart that fits it. What does not: drawing (`charts`), and
uploading (`pictures`).

The amounts are read when the message is sent: a picture shows what is known then. Where they are not of the span that
the message speaks of, there is no picture: none is better than one of something else.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from twinledger.anomalies import AnomalyCurves
from twinledger.books import Books
from twinledger.budgets import budget_curve
from twinledger.charts import Curve, Picture, budget_chart, series_chart
from twinledger.outbox import Outgoing
from twinledger.slack.alert_cards import KIND, Alert
from twinledger.slack.alert_facts import AlertFacts, FinanceAlertFacts
from twinledger.slack.attachments import Draw
from twinledger.slack.facts import read_facts
from twinledger.vocabulary.errors import WrongAudienceError
from twinledger.vocabulary.identities import short
from twinledger.vocabulary.periods import Period, months_of


class Curves(Protocol):
    """Where daily amounts come from."""

    def of_budget(self, budget: str, month: Period) -> Curve | None:
        """Of the shortest span of a budget that a month is in."""
        ...

    def of_anomaly(self, anomaly: str) -> Curve | None:
        """Of the days around an anomaly."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """The company's accounting time zone."""
        ...


class BooksCurves:
    """Reads them from the ledgers of a deployment, what many anomalies need once."""

    def __init__(self, books: Books) -> None:
        """Take the books; nothing is read yet."""
        self._books = books
        self._anomalies = AnomalyCurves(books)

    def of_budget(self, budget: str, month: Period) -> Curve | None:
        """Of the shortest span of a budget that a month is in."""
        return budget_curve(self._books, budget, month)

    def of_anomaly(self, anomaly: str) -> Curve | None:
        """Of the days around an anomaly."""
        return self._anomalies.of(anomaly)

    @property
    def zone(self) -> ZoneInfo:
        """The company's accounting time zone."""
        return ZoneInfo(self._books.settings.timezone)


def alert_pictures(curves: Curves) -> Draw:
    """The picture of an alert's message; other messages have none."""

    def draw(item: Outgoing) -> Picture | None:
        if item.kind != KIND:
            return None
        if item.audience == "finance":
            return picture_of(read_facts(FinanceAlertFacts, item.facts), curves)
        return picture_of(read_facts(AlertFacts, item.facts), curves)

    return draw


def picture_of(facts: Alert, curves: Curves) -> Picture | None:
    """The chart of an alert, for the audience of its facts; None where there is nothing to draw.

    Raises:
        WrongAudienceError: the amounts are for finance, and the facts are for everyone.
    """
    curve = curves.of_anomaly(facts.anomaly) if facts.kind == "anomaly" else _of_span(facts, curves)
    if curve is None:
        return None
    if curve.view == "effective" and not isinstance(facts, FinanceAlertFacts):
        raise WrongAudienceError(f"the chart of alert {short(facts.alert)}", "finance", "everyone")
    return series_chart(curve) if facts.kind == "anomaly" else budget_chart(curve)


def _of_span(facts: Alert, curves: Curves) -> Curve | None:
    """The curve of the very span that an alert is of: a name may have lines of several spans."""
    months = months_of(facts.period)
    last_known = facts.data_as_of.astimezone(curves.zone).date() - timedelta(days=1)
    month = max((one for one in months if one.first_day <= last_known), default=months[0])
    curve = curves.of_budget(facts.subject, month)
    return curve if curve and (curve.days[0], curve.days[-1]) == _span(months) else None


def _span(months: tuple[Period, ...]) -> tuple[date, date]:
    return months[0].first_day, months[-1].shift(1).first_day - timedelta(days=1)
