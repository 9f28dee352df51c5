"""App Home: what waits, what was asked for, what became of it, and buttons that do what the card's do."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.slack.company import FakeDesk, ask
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import FakeSlack, NoSuchButtonError, mentions, wait_until
from twinledger.approvals import Decision, decide
from twinledger.slack.handler import SlackHandler
from twinledger.slack.home import MOST_BLOCKS
from twinledger.store.models import AuditEntry, Person, PolicyRule, Request

Serve = Callable[..., SlackHandler]


@pytest.fixture
def backend() -> str:
    """What a decision does on both databases is tested there; the tab only reads."""
    return "sqlite"


def seen(slack: FakeSlack, user: str) -> list[str]:
    """What the tab says, a line for each paragraph, small print and row of buttons."""
    wait_until(lambda: user in slack.homes, "the tab is published")
    return [_line(block) for block in slack.homes[user]["blocks"]]


def _line(block: dict[str, Any]) -> str:
    if block["type"] == "actions":
        return " ".join(f"[{one['text']['text']}]" for one in block["elements"])
    if block["type"] == "context":
        return str(block["elements"][0]["text"])
    return str(block["text"]["text"])


def opened(slack: FakeSlack, user: str) -> list[str]:
    assert slack.open_home(user).status == 200
    return seen(slack, user)


def state(desk: FakeDesk, request: str = "req-1") -> tuple[str, str | None, str | None]:
    with desk.store.reading() as session:
        row = session.get_one(Request, request)
        return row.state, row.decided_by, row.decided_on


def test_the_tab_shows_what_waits_first_what_expires_soonest(desk: FakeDesk, slack: FakeSlack, serve: Serve) -> None:
    serve()
    ask(desk, 1)
    desk.clock.advance(timedelta(hours=1))
    ask(desk, 2)
    wish = "*12.00 USD* `req-{}` 24 core-hour a day of Virtual machine in eu-west-1 for 10 days\nfor Cy Twombly, until "
    assert opened(slack, "U0BOB") == [
        "Waiting for you",
        wish.format(1) + "23 Oct 2026, 09:00 UTC",
        "[Approve] [Deny] [Details]",
        wish.format(2) + "23 Oct 2026, 10:00 UTC",
        "[Approve] [Deny] [Details]",
        "Requested by me",
        "You wait for nothing.",
        "History",
        "Nothing yet.",
        "Bob Kahn, as of 20 Oct 2026, 10:00 UTC",
    ]


def test_an_approval_there_is_as_one_on_the_card_and_the_tab_shows_it(
    desk: FakeDesk, slack: FakeSlack, outbox: Outbox, serve: Serve
) -> None:
    ask(desk)
    outbox.drain()
    handler = serve(outbox.drain)
    opened(slack, "U0BOB")
    assert slack.press("U0BOB", "approve", "req-1#0").status == 200
    handler.close()
    assert state(desk) == ("approved", "bob", "slack")
    assert slack.in_channel("#shop")[0]["text"].startswith("Approved")
    after = seen(slack, "U0BOB")
    assert after[1] == "Nothing waits for you."
    assert "Approved by Bob Kahn at 20 Oct 2026, 09:00 UTC on slack" in after[5]
    with pytest.raises(NoSuchButtonError):
        slack.press("U0BOB", "approve", "req-1#0")


def test_a_denial_there_asks_for_its_reason(desk: FakeDesk, slack: FakeSlack, serve: Serve) -> None:
    ask(desk)
    handler = serve()
    opened(slack, "U0BOB")
    slack.press("U0BOB", "deny", "req-1#0")
    wait_until(lambda: bool(slack.views), "a form is opened")
    slack.submit(next(iter(slack.views.values())), {"reason": "use the cluster"}, "U0BOB")
    handler.close()
    assert state(desk)[0] == "denied"
    assert "Denied by Bob Kahn" in seen(slack, "U0BOB")[5]


def test_who_asked_takes_it_back_after_a_question_and_nobody_else_can(
    desk: FakeDesk, slack: FakeSlack, outbox: Outbox, serve: Serve
) -> None:
    ask(desk)
    handler = serve(outbox.drain)
    tab = opened(slack, "U0CY")
    assert tab[3].endswith("waits for Bob Kahn until 23 Oct 2026, 09:00 UTC")
    button = next(block for block in slack.homes["U0CY"]["blocks"] if block["type"] == "actions")["elements"][0]
    assert button["confirm"]["title"]["text"] == "Take this request back?"
    slack.homes["U0BOB"] = slack.homes["U0CY"]  # as if somebody had another's button
    slack.press("U0BOB", "withdraw", "req-1")
    wait_until(lambda: "only its requester" in seen(slack, "U0BOB")[0], "the refusal is shown")
    assert state(desk)[0] == "pending"
    slack.press("U0CY", "withdraw", "req-1")
    body, headers = slack.posted[-1]
    assert slack.post(body, headers).status == 200
    handler.close()
    assert state(desk) == ("withdrawn", "cy", "slack")
    assert slack.in_channel("#shop")[0]["text"].startswith("Withdrawn")
    assert "Withdrawn by Cy Twombly" in seen(slack, "U0CY")[5]


def test_a_refusal_is_told_on_top_of_the_tab(desk: FakeDesk, slack: FakeSlack, serve: Serve) -> None:
    ask(desk)
    handler = serve()
    opened(slack, "U0BOB")
    decide(desk, Decision("req-1", "bob", "approve", "page", "form-1"))
    slack.press("U0BOB", "approve", "req-1#0")
    handler.close()
    assert seen(slack, "U0BOB")[0] == "*Already approved by Bob Kahn at 20 Oct 2026, 09:00 UTC on page*"
    assert slack.ephemerals == []


def test_a_button_of_a_stage_that_is_over_answers_no_later_one(desk: FakeDesk, slack: FakeSlack, serve: Serve) -> None:
    with desk.store.transaction() as session:
        stages = "ask budget holder then finance"
        session.add(PolicyRule(name="two", position=1, conditions={}, outcome=stages, reason=""))
        session.get_one(Person, "bob").roles = ["finance"]
    ask(desk)
    handler = serve()
    opened(slack, "U0BOB")
    decide(desk, Decision("req-1", "bob", "approve", "page", "form-1"))
    slack.press("U0BOB", "deny", "req-1#0")
    wait_until(lambda: bool(slack.views), "a form is opened")
    slack.submit(next(iter(slack.views.values())), {"reason": "no"}, "U0BOB")
    handler.close()
    assert "Already approved by Bob Kahn at 20 Oct 2026, 09:00 UTC" in seen(slack, "U0BOB")[0]
    assert state(desk)[0] == "pending"


def test_a_decision_on_the_card_is_shown_in_the_tab_too(
    desk: FakeDesk, slack: FakeSlack, outbox: Outbox, serve: Serve
) -> None:
    ask(desk)
    outbox.drain()
    handler = serve(outbox.drain)
    slack.click(slack.in_channel("#shop")[0], "approve", "U0BOB")
    handler.close()
    assert "Approved by Bob Kahn" in seen(slack, "U0BOB")[5]


@pytest.mark.parametrize(("user", "reason"), [("U0EVE", "is no known person"), ("U0DAN", "is dan, dan-too")])
def test_a_user_who_is_not_one_person_sees_why_and_nothing_else(
    user: str, reason: str, desk: FakeDesk, slack: FakeSlack, serve: Serve
) -> None:
    ask(desk)
    serve()
    (only,) = opened(slack, user)
    assert reason in only


def test_however_much_there_is_the_tab_stays_within_slack_s_limits_and_says_how_much_more(
    desk: FakeDesk, slack: FakeSlack, serve: Serve
) -> None:
    with desk.store.transaction() as session:
        session.get_one(Person, "cy").title = "Cy <!channel> & co"
    ended = 12
    for number in range(40):
        ask(desk, number, justification="<!here>")
    for number in range(ended):
        decide(desk, Decision(f"req-{number}", "bob", "deny", "page", f"form-{number}", "no"))
    serve()
    for user in ("U0BOB", "U0CY"):
        lines = opened(slack, user)  # Slack refuses what is beyond its limits
        assert len(lines) <= MOST_BLOCKS
        assert f"and {40 - ended - 15} more" in lines
        assert len([line for line in lines if "Denied by" in line]) == 10
        assert mentions(slack.homes[user]) == []


def test_an_event_that_comes_again_changes_nothing(desk: FakeDesk, slack: FakeSlack, serve: Serve) -> None:
    ask(desk)
    handler = serve()
    first = opened(slack, "U0BOB")
    with desk.store.reading() as session:
        before = session.scalar(select(func.count()).select_from(AuditEntry))
    body, headers = slack.posted[-1]
    assert slack.post(body, headers).status == 200
    handler.close()
    with desk.store.reading() as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == before
    assert seen(slack, "U0BOB") == first


def test_the_messages_tab_publishes_nothing(desk: FakeDesk, slack: FakeSlack, serve: Serve) -> None:
    handler = serve()
    del desk
    event = {"type": "app_home_opened", "user": "U0BOB", "tab": "messages"}
    body = json.dumps({"type": "event_callback", "team_id": slack.team, "event": event}).encode()
    assert slack.post(body, {**slack.signed(body), "content-type": "application/json"}).status == 200
    handler.close()
    assert slack.homes == {}


def test_a_tab_that_slack_does_not_take_stops_no_decision(desk: FakeDesk, slack: FakeSlack, serve: Serve) -> None:
    ask(desk)
    handler = serve()
    opened(slack, "U0BOB")
    slack.refuse("views.publish", "not_enabled")
    assert slack.press("U0BOB", "approve", "req-1#0").status == 200
    handler.close()
    assert state(desk)[0] == "approved"
