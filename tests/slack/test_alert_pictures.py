"""Which picture an alert's message shows: that of its own span, for its own audience."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.budgets.test_evaluate import charge, every_day
from tests.slack.company import populate
from tests.slack.fake_slack import FakeSlack
from tests.slack.test_alert_cards import ANOMALY, FORECAST, USED
from twinledger.books import Books
from twinledger.budgets import budget_curve
from twinledger.charts import Curve, budget_chart, series_chart
from twinledger.clock import FixedClock
from twinledger.outbox import Message, Outgoing, enqueue
from twinledger.slack.alert_cards import Alert
from twinledger.slack.alert_facts import AlertCauseFacts, AlertFacts
from twinledger.slack.alert_pictures import alert_pictures, picture_of
from twinledger.slack.delivery import tell_people
from twinledger.slack.facts import facts_json
from twinledger.slack.sender import slack_client
from twinledger.vocabulary.errors import WrongAudienceError
from twinledger.vocabulary.periods import Period, months_of


@pytest.fixture
def backend() -> str:
    """Nothing here is a matter of the database."""
    return "sqlite"


SHANGHAI = ZoneInfo("Asia/Shanghai")


def curve(span: str, title: str = "Shop") -> Curve:
    months = months_of(span)
    first, end = months[0].first_day, months[-1].shift(1).first_day
    days = tuple(first + timedelta(days=place) for place in range((end - first).days))
    known, unknown = (Decimal(5),) * len(days), (None,) * len(days)
    return Curve(title, "USD", "internal", days, known, unknown, unknown, unknown, plan=Decimal(1000))


@dataclass
class FakeCurves:
    """Curves by name; remembers which months it was asked for."""

    budgets: dict[str, Curve] = field(default_factory=dict)
    anomalies: dict[str, Curve] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    zone: ZoneInfo = SHANGHAI

    def of_budget(self, budget: str, month: Period) -> Curve | None:
        self.asked.append(str(month))
        return self.budgets.get(budget)

    def of_anomaly(self, anomaly: str) -> Curve | None:
        return self.anomalies.get(anomaly)


EFFECTIVE = replace(curve("2026-10"), view="effective")


def test_a_budgets_alert_shows_the_budget_and_an_anomalys_the_series() -> None:
    curves = FakeCurves({"shop": curve("2026-10")}, {"anomaly-1": EFFECTIVE})
    assert picture_of(USED, curves) == budget_chart(curve("2026-10"))
    assert picture_of(ANOMALY, curves) == series_chart(EFFECTIVE)


@pytest.mark.parametrize(
    ("span", "known", "month"),
    [
        ("2026-10", datetime(2026, 10, 20, tzinfo=UTC), "2026-10"),
        ("2026-Q4", datetime(2026, 11, 20, tzinfo=UTC), "2026-11"),
        ("2026", datetime(2026, 10, 31, 15, 59, tzinfo=UTC), "2026-10"),
        ("2026", datetime(2026, 11, 1, 16, tzinfo=UTC), "2026-11"),  # the second of November begins in Shanghai
        ("2026-Q4", datetime(2027, 3, 1, tzinfo=UTC), "2026-12"),
        ("2026-Q4", datetime(2026, 9, 1, tzinfo=UTC), "2026-10"),
    ],
)
def test_the_picture_is_of_the_span_with_what_is_known_of_it(span: str, known: datetime, month: str) -> None:
    curves = FakeCurves({"shop": curve(span)})
    assert picture_of(replace(FORECAST, period=span, data_as_of=known), curves) is not None
    assert curves.asked == [month]


def test_a_line_of_another_span_is_no_picture_of_this_one() -> None:
    curves = FakeCurves({"shop": curve("2026-10")})
    assert picture_of(replace(FORECAST, period="2026"), curves) is None


def test_what_is_gone_has_no_picture() -> None:
    assert picture_of(USED, FakeCurves()) is None
    assert picture_of(ANOMALY, FakeCurves()) is None


def for_everyone(facts: Alert) -> AlertFacts:
    causes = tuple(AlertCauseFacts(one.name, one.amount) for one in facts.causes)
    return AlertFacts(**{one.name: getattr(facts, one.name) for one in dataclasses.fields(facts)} | {"causes": causes})


def test_what_vendors_charged_is_drawn_for_finance_alone() -> None:
    curves = FakeCurves({"shop": EFFECTIVE}, {"anomaly-1": EFFECTIVE})
    for facts in (USED, for_everyone(ANOMALY)):
        with pytest.raises(WrongAudienceError, match="for finance"):
            picture_of(facts, curves)


@pytest.mark.parametrize(
    ("kind", "audience", "facts", "has"),
    [("alert", "everyone", USED, True), ("alert", "finance", ANOMALY, True), ("failure", "everyone", USED, False)],
)
def test_only_alerts_have_pictures(kind: str, audience: str, facts: Alert, has: bool) -> None:  # noqa: FBT001 - a case
    draw = alert_pictures(FakeCurves({"shop": curve("2026-10")}, {"anomaly-1": EFFECTIVE}))
    item = Outgoing("1-key", kind, audience, "#shop", facts.alert, facts_json(facts), 1, None)
    assert (draw(item) is not None) == has


def test_a_message_shows_what_the_ledger_has_when_it_is_sent(books: Books, slack: FakeSlack) -> None:
    books = replace(books, clock=FixedClock(datetime(2026, 10, 21, 6, tzinfo=UTC)))
    populate(books.store)
    charge(books, *every_day("2026-09-01", 50, "10"))
    with books.store.transaction() as session:
        message = Message("alert", USED.alert, "#shop", "everyone", facts_json(replace(USED, actual=USED.expected)))
        enqueue(session, message, books.clock)
    assert tell_people(books, slack_client(books.settings.slack)).sent == 1
    curve = budget_curve(books, "shop", Period(2026, 10))
    assert curve is not None
    picture = budget_chart(curve)
    assert [upload.content for upload in slack.uploads.values()] == [picture.png]
    (card,) = slack.in_channel("#shop")
    (image,) = [block for block in card["blocks"] if block["type"] == "image"]
    assert image["alt_text"] == picture.alt
    assert "200.00 USD spent by 20 Oct 2026" in picture.alt
