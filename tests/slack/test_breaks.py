"""A reconciliation message's breaks: who presses a button moves the break, and every message says so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.slack.company import FakeDesk
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import FakeSlack, NoSuchButtonError
from tests.slack.test_cards import RECONCILIATION
from twinledger.deeds import Act
from twinledger.outbox import Message, enqueue
from twinledger.reconciliation import assign, break_view, fix
from twinledger.slack.facts import BreakCauseFacts, BreakFacts, facts_json
from twinledger.slack.handler import SlackHandler
from twinledger.store.models import Break, Person
from twinledger.vocabulary.money import Money

Serve = Callable[..., SlackHandler]
ONE = "3f2a9c" + "0" * 58
FACTS = BreakFacts(
    rule="idle",
    pool="compute",
    subject="compute",
    amount=Money(Decimal("-98765.43"), "USD"),
    tolerance=Money(Decimal(250), "USD"),
    owner="cy",
    id=ONE,
    priority="critical",
    causes=(BreakCauseFacts("i-0a1b, Compute", Money(Decimal(-90000), "USD")),),
)


@pytest.fixture
def told(desk: FakeDesk, outbox: Outbox, slack: FakeSlack) -> dict[str, Any]:
    """The message of a reconciliation with one break, which Cy owns."""
    row = Break(
        id=ONE, rule="idle", pool="compute", period="2026-10", subject="compute", amount=FACTS.amount.amount,
        currency="USD", tolerance=Decimal(250), owner="cy", state="new", opened_at=desk.clock.now(), run="run-1",
    )  # fmt: skip
    with desk.store.transaction() as session:
        session.add(row)
        facts = facts_json(replace(RECONCILIATION, breaks=(FACTS,)))
        enqueue(session, Message("reconciliation", "2026-10", "#finance", "finance", facts), desk.clock)
    outbox.drain()
    return slack.in_channel("#finance")[0]


def state(desk: FakeDesk) -> tuple[str, str | None]:
    line = break_view(desk, ONE).line
    return line.state, line.acted_by


def private(slack: FakeSlack) -> list[tuple[str, str]]:
    return [(one["user"], one["text"]) for one in slack.ephemerals]


def test_the_message_names_a_breaks_largest_causes_and_priority(told: dict[str, Any]) -> None:
    said = json.dumps(told["blocks"], ensure_ascii=False)
    assert "*-98,765.43 USD* idle, compute: compute (tolerance 250.00 USD, owner cy, critical)" in said
    assert "Largest: i-0a1b, Compute -90,000.00 USD" in said


def test_acknowledging_updates_the_message_and_takes_the_button(
    desk: FakeDesk, told: dict[str, Any], slack: FakeSlack, outbox: Outbox, serve: Serve
) -> None:
    handler = serve(outbox.drain)
    assert slack.click(told, "break_acknowledge", "U0ADA").status == 200
    handler.close()
    assert state(desk) == ("acknowledged", "ada")
    (after,) = slack.in_channel("#finance")
    assert "_Acknowledged by Ada Lovelace at 20 Oct 2026, 09:00 UTC_" in json.dumps(after["blocks"])
    with pytest.raises(NoSuchButtonError):
        slack.click(after, "break_acknowledge", "U0CY")
    assert slack.click_payload(after, "break_snooze", "U0CY")


def test_a_second_click_is_told_who_was_first(
    desk: FakeDesk, told: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    handler = serve()
    payloads = [slack.click_payload(told, "break_acknowledge", user) for user in ("U0ADA", "U0CY", "U0ADA", "U0CY")]
    with ThreadPoolExecutor(4) as people:
        replies = list(people.map(slack.send, payloads))
    handler.close()
    assert {reply.status for reply in replies} == {200}
    _, who = state(desk)
    title = {"ada": "Ada Lovelace", "cy": "Cy Twombly"}[who or ""]
    assert [text for _, text in private(slack)] == [f"Already acknowledged by {title} at 20 Oct 2026, 09:00 UTC"] * 3


def test_a_click_after_somebody_fixed_it_elsewhere_is_told_so(
    desk: FakeDesk, told: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    handler = serve()
    fix(desk, Act(ONE, "cy", "page", "1"), "JE-7")
    slack.click(told, "break_snooze", "U0ADA")
    handler.close()
    assert private(slack) == [("U0ADA", "Already fixed by Cy Twombly at 20 Oct 2026, 09:00 UTC")]


def test_snoozing_takes_a_week(desk: FakeDesk, told: dict[str, Any], slack: FakeSlack, serve: Serve) -> None:
    handler = serve()
    slack.click(told, "break_snooze", "U0CY")
    handler.close()
    line = break_view(desk, ONE).line
    assert line.snoozed_until is not None
    assert (line.state, (line.snoozed_until - desk.clock.now()).days) == ("snoozed", 7)


@pytest.mark.parametrize(
    ("user", "sentence"), [("U0BOB", "bob may not decide break"), ("U0EVE", "people.yaml"), ("U0DAN", "people.yaml")]
)
def test_who_may_not_is_refused_by_name(
    desk: FakeDesk, told: dict[str, Any], slack: FakeSlack, serve: Serve, user: str, sentence: str
) -> None:
    handler = serve()
    slack.click(told, "break_acknowledge", user)
    handler.close()
    ((who, text),) = private(slack)
    assert (who, sentence in text, state(desk)) == (user, True, ("new", None))


def test_explaining_opens_a_form_that_comments_once(
    desk: FakeDesk, told: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    handler = serve()
    slack.click(told, "break_explain", "U0ADA")
    for _ in range(500):
        if slack.views:
            break
        time.sleep(0.01)
    (form,) = slack.views.values()
    assert form["title"]["text"] == f"Break {ONE[:12]}"
    assert slack.submit(form, {"reason": " "}, "U0ADA").json["errors"] == {"reason": "Some words are required."}
    assert slack.submit(form, {"reason": "the test cluster of <!channel>"}, "U0ADA").status == 200
    body, headers = slack.posted[-1]
    slack.post(body, headers)  # Slack sends it again
    handler.close()
    assert [(one.who, one.surface, one.text) for one in break_view(desk, ONE).comments] == [
        ("ada", "slack", "the test cluster of <!channel>")
    ]


def test_whom_a_break_is_given_to_is_told_directly_and_without_a_figure(
    desk: FakeDesk, told: dict[str, Any], slack: FakeSlack, outbox: Outbox
) -> None:
    del told
    with desk.store.transaction() as session:
        session.add(Person(name="gus", title="Gus Fring", slack_user="U0GUS", airflow_user=None, roles=[]))
    assign(desk, Act(ONE, "ada", "page", "1"), "gus")
    outbox.drain()
    (note,) = slack.in_channel("U0GUS")
    assert note["text"] == "ada asks you to look into a break: idle of compute in 2026-10"
    assert "98,765" not in json.dumps(note)
    (after,) = slack.in_channel("#finance")
    assert "given to Gus Fring" in json.dumps(after["blocks"])
