"""An alert's message: who presses a button moves the alert, and every message says so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from tests.slack.company import FakeDesk
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import FakeSlack, NoSuchButtonError
from tests.slack.test_alert_cards import ANOMALY, DIGEST, ID, STORM, USED
from tests.slack.test_alert_pictures import for_everyone
from twinledger.outbox import Message, enqueue, entries
from twinledger.slack.alert_buttons import show_again
from twinledger.slack.alert_cards import Alert, Digest
from twinledger.slack.facts import facts_json
from twinledger.slack.handler import SlackHandler
from twinledger.store.models import Alert as AlertRow
from twinledger.store.models import AlertNote, AnomalyRow

Serve = Callable[..., SlackHandler]
OPENED = datetime(2026, 10, 20, tzinfo=UTC)


@pytest.fixture
def backend() -> str:
    """Who is first is a matter of `alerts`; what Slack shows is the same with any database."""
    return "sqlite"


@dataclass
class Told:
    """A company with an alert, and the ways to look at it."""

    desk: FakeDesk
    slack: FakeSlack
    outbox: Outbox

    def tell(self, facts: Alert | Digest, channel: str, kind: str = "alert", audience: str = "everyone") -> None:
        subject = getattr(facts, "alert", channel)
        with self.desk.store.transaction() as session:
            enqueue(session, Message(kind, subject, channel, audience, facts_json(facts)), self.desk.clock)  # type: ignore[arg-type]
        self.outbox.drain()

    def card(self, channel: str = "#shop") -> dict[str, Any]:
        return self.slack.in_channel(channel)[0]

    def said(self, channel: str = "#shop") -> str:
        return json.dumps(self.card(channel)["blocks"], ensure_ascii=False)

    def private(self) -> list[tuple[str, str]]:
        return [(one["user"], one["text"]) for one in self.slack.ephemerals]

    def state(self) -> tuple[str, str | None]:
        with self.desk.store.reading() as session:
            row = session.get_one(AlertRow, ID)
            return row.state, row.acted_by


def row(facts: Alert, view: str, **changes: Any) -> AlertRow:  # noqa: ANN401 - any column
    known = {
        "id": facts.alert, "rule": facts.rule, "kind": facts.kind, "subject": facts.subject, "title": facts.title,
        "view": view, "department": "shop", "period": facts.period, "ends_on": date(2026, 10, 31), "state": "new",
        "owner": "bob", "actual": facts.actual.amount, "expected": facts.expected.amount, "impact": facts.impact.amount,
        "currency": "USD", "since": facts.since, "causes": [], "reason": facts.reason, "anomaly": facts.anomaly,
        "data_as_of": facts.data_as_of, "opened_at": OPENED, "new_since": OPENED, "told": 1, "evidence": "",
        "digest_due": None, "places": ["#shop"], "escalated": 0, "revision": 1,
    }  # fmt: skip
    return AlertRow(**{**known, **changes})


@pytest.fixture
def told(desk: FakeDesk, outbox: Outbox, slack: FakeSlack) -> Told:
    """An alert of the shop's budget, told in its channel."""
    with desk.store.transaction() as session:
        session.add(row(USED, "internal"))
    made = Told(desk, slack, outbox)
    made.tell(replace(USED, department="shop", owner="bob"), "#shop")
    return made


def test_the_message_says_whose_it_is(told: Told) -> None:
    assert "Bob Kahn" in told.said()
    assert "*Department*\\nShop" in told.said()


def test_acknowledging_updates_the_message_and_takes_the_button(told: Told, serve: Serve) -> None:
    handler = serve(told.outbox.drain)
    assert told.slack.click(told.card(), "alert_acknowledge", "U0BOB").status == 200
    handler.close()
    assert told.state() == ("acknowledged", "bob")
    assert len(told.slack.in_channel("#shop")) == 1  # nobody is called by it
    assert "_Acknowledged by Bob Kahn at 20 Oct 2026, 09:00 UTC_" in told.said()
    with pytest.raises(NoSuchButtonError):
        told.slack.click(told.card(), "alert_acknowledge", "U0ADA")


def test_of_many_clicks_one_counts_and_the_others_are_told_whose(told: Told, serve: Serve) -> None:
    handler = serve()
    users = ("U0ADA", "U0BOB", "U0ADA", "U0BOB")
    payloads = [told.slack.click_payload(told.card(), "alert_acknowledge", user) for user in users]
    with ThreadPoolExecutor(4) as people:
        replies = list(people.map(told.slack.send, payloads))
    handler.close()
    assert {reply.status for reply in replies} == {200}
    title = {"ada": "Ada Lovelace", "bob": "Bob Kahn"}[told.state()[1] or ""]
    assert [text for _, text in told.private()] == [f"Already acknowledged by {title} at 20 Oct 2026, 09:00 UTC"] * 3


def test_snoozing_takes_a_week_and_says_until_when(told: Told, serve: Serve) -> None:
    handler = serve(told.outbox.drain)
    told.slack.click(told.card(), "alert_snooze", "U0BOB")
    handler.close()
    assert told.state() == ("snoozed", "bob")
    assert "_Snoozed until 27 Oct 2026, 09:00 UTC by Bob Kahn at 20 Oct 2026, 09:00 UTC_" in told.said()


def test_who_may_not_is_refused_by_name(told: Told, serve: Serve) -> None:
    handler = serve()
    for user in ("U0CY", "U0EVE", "U0DAN"):
        told.slack.click(told.card(), "alert_acknowledge", user)
    handler.close()
    said = dict(told.private())
    assert "cy may not decide alert" in said["U0CY"]
    assert all("people.yaml" in said[user] for user in ("U0EVE", "U0DAN"))
    assert told.state() == ("new", None)


def test_explaining_opens_a_form_that_comments_once(told: Told, serve: Serve) -> None:
    handler = serve()
    told.slack.click(told.card(), "alert_explain", "U0BOB")
    for _ in range(500):
        if told.slack.views:
            break
        time.sleep(0.01)
    (form,) = told.slack.views.values()
    assert form["title"]["text"] == f"Alert {ID[:12]}"
    assert told.slack.submit(form, {"reason": " "}, "U0BOB").json["errors"] == {"reason": "Some words are required."}
    assert told.slack.submit(form, {"reason": "the <!channel> sale"}, "U0CY").json["errors"]["reason"].startswith("Not")
    assert told.slack.submit(form, {"reason": "the <!channel> sale"}, "U0BOB").status == 200
    body, headers = told.slack.posted[-1]
    told.slack.post(body, headers)  # Slack sends it again
    handler.close()
    with told.desk.store.reading() as session:
        notes = session.scalars(select(AlertNote)).all()
        assert [(one.who, one.surface, one.text) for one in notes] == [("bob", "slack", "the <!channel> sale")]


def test_a_resolved_alert_shows_how_it_ended_and_no_buttons(told: Told) -> None:
    with told.desk.store.transaction() as session:
        found = session.get_one(AlertRow, ID)
        found.state, found.resolution, found.resolved_at = "resolved", "cleared", told.desk.clock.now()
    show_again(told.desk, ID, "resolved")
    told.outbox.drain()
    assert told.card()["text"].startswith("Resolved: ")
    assert "_Gone by itself, on final data, 20 Oct 2026, 09:00 UTC_" in told.said()
    with pytest.raises(NoSuchButtonError):
        told.slack.click(told.card(), "alert_snooze", "U0BOB")


def test_following_the_link_is_acknowledged(told: Told, serve: Serve) -> None:
    handler = serve()
    assert told.slack.click(told.card(), "alert_details", "U0CY").status == 200
    handler.close()


# --- anomalies ---------------------------------------------------------------------------------


@pytest.fixture
def anomaly(desk: FakeDesk, outbox: Outbox, slack: FakeSlack) -> Told:
    """An anomaly of the shop, told in its channel and to Bob."""
    at = datetime(2026, 10, 18, tzinfo=UTC)
    found = AnomalyRow(
        id="anomaly-1", series="shop / vm", view="internal", bucket="day", title="Shop / VM", department="shop",
        shape="spike", started_at=at, ended_at=at + timedelta(days=1), actual=Decimal("300.50"), expected=Decimal(0),
        currency="USD", causes=[], reason="new resource", state="open", answer="", known_through=at, found_at=at,
    )  # fmt: skip
    with desk.store.transaction() as session:
        session.add_all([row(ANOMALY, "internal", ends_on=None), found])
    made = Told(desk, slack, outbox)
    facts = replace(for_everyone(ANOMALY), department="shop", owner="bob")
    made.tell(facts, "#shop")
    made.tell(facts, "U0BOB")
    return made


@pytest.mark.parametrize(("action", "verdict"), [("alert_right", "yes"), ("alert_planned", "planned")])
def test_an_answer_is_kept_and_every_message_says_it(anomaly: Told, serve: Serve, action: str, verdict: str) -> None:
    handler = serve(anomaly.outbox.drain)
    anomaly.slack.click(anomaly.card(), action, "U0BOB")
    handler.close()
    with anomaly.desk.store.reading() as session:
        assert session.get_one(AnomalyRow, "anomaly-1").answer == verdict
    for channel in ("#shop", "U0BOB"):
        assert f"_Answered {verdict} by Bob Kahn at 20 Oct 2026, 09:00 UTC_" in anomaly.said(channel)
        assert "Was it right" not in anomaly.said(channel)
        assert len(anomaly.slack.in_channel(channel)) == 1


def test_a_second_answer_is_told_what_the_first_was(anomaly: Told, serve: Serve) -> None:
    handler = serve()
    anomaly.slack.click(anomaly.card(), "alert_planned", "U0BOB")
    anomaly.slack.click(anomaly.card(), "alert_wrong", "U0ADA")
    handler.close()
    assert anomaly.private() == [("U0ADA", "Already answered planned by bob at 20 Oct 2026, 09:00 UTC")]


def test_who_may_not_answer_is_refused(anomaly: Told, serve: Serve) -> None:
    handler = serve()
    anomaly.slack.click(anomaly.card(), "alert_wrong", "U0CY")
    handler.close()
    ((who, text),) = anomaly.private()
    assert (who, "cy may not decide" in text) == ("U0CY", True)


# --- audiences and digests ---------------------------------------------------------------------


def test_an_alert_for_finance_goes_to_finance_with_its_own_card(told: Told) -> None:
    told.tell(ANOMALY, "#finance", audience="finance")
    assert told.card("#finance")["text"].startswith("aws / compute cost 300.50 USD")


def test_facts_for_finance_are_never_told_to_everyone(told: Told) -> None:
    told.tell(STORM, "#shop", kind="finance_alert_digest")
    assert "for finance" in (entries(told.desk.store)[0].error or "")


def test_a_digest_opens_each_of_its_alerts(told: Told) -> None:
    told.tell(DIGEST, "#group", kind="alert_digest")
    assert f"https://airflow.example/twinledger/alerts/{ID}" in told.said("#group")
    told.tell(STORM, "#finance", kind="alert_digest", audience="finance")
    assert "412 alerts are new in one run" in told.said("#finance")
