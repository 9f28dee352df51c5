"""Reviews in Slack: the cards, their buttons, and who is told what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.reviews.example import COMPANY, SECRET, review_as_of
from tests.slack.company import FakeDesk
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import FakeSlack, Reply, problem_of, wait_until
from twinledger.outbox import entries
from twinledger.reviews import company_items, department_items, keep, sending_of
from twinledger.slack.handler import SlackHandler
from twinledger.slack.render import Links, render
from twinledger.slack.review_cards import DONE, EXPLAIN, NOT_APPLICABLE
from twinledger.slack.sender import slack_client

SHOP = review_as_of("shop", "Shop <!channel>")


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """What an answer does on both databases is tested with reviews."""
    return str(request.param)


@pytest.fixture
def handler(desk: FakeDesk, slack: FakeSlack, outbox: Outbox) -> Iterator[SlackHandler]:
    """Our side, with the shop's review and the company's sent."""
    for review in (SHOP, COMPANY):
        keep(desk, sending_of(review), "test")
    made = SlackHandler(desk, slack_client(desk.settings.slack), outbox.drain)

    def deliver(body: bytes, headers: Mapping[str, str]) -> Reply:
        reply = made.handle(body, headers)
        return Reply(reply.status, reply.body)

    slack.deliver = deliver
    outbox.drain()
    yield made
    made.close()


def states(desk: FakeDesk) -> dict[str, str]:
    with desk.store.reading() as session:
        return {one.id: one.state for one in department_items(session, "2026-10", "shop")}


def card(slack: FakeSlack, channel: str = "#shop") -> dict[str, Any]:
    return next(one for one in slack.in_channel(channel) if "blocks" in one)


def told(slack: FakeSlack) -> list[tuple[str, str]]:
    return [(one["user"], one["text"]) for one in slack.ephemerals]


def questions(message: Mapping[str, Any]) -> list[str]:
    """The items of a card that have buttons."""
    rows = [block["elements"] for block in message["blocks"] if block["type"] == "actions"]
    return [json.loads(row[0]["value"])["item"] for row in rows]


@pytest.mark.usefixtures("handler")
def test_a_review_shows_the_month_and_asks_its_questions_and_mentions_nobody(slack: FakeSlack) -> None:
    shown = json.dumps(card(slack))
    assert card(slack)["text"] == (
        "Shop &lt;!channel&gt; in 2026-10: 6,640.38 USD charged, +890.38 USD (+14.8 %) against a plan of 6,000.00 USD"
    )
    assert questions(card(slack)) == [
        "figures", "variance", "anomaly:an-1", "request:req-2", "request:req-4", "grant:gr-unused"
    ]  # fmt: skip
    assert "<!channel>" not in shown
    assert "271,828.18" not in shown
    assert "271,828.18 USD" in json.dumps(card(slack, "#finance"))
    assert SECRET not in shown


def test_a_button_answers_and_the_card_shows_who_did(desk: FakeDesk, slack: FakeSlack, handler: SlackHandler) -> None:
    slack.click(card(slack), DONE, "U0BOB")
    handler.close()

    assert states(desk)["figures"] == "done"
    assert "figures" not in questions(card(slack))
    assert "*Done* by Bob Kahn, 20 Oct 2026 on slack" in json.dumps(card(slack))
    assert told(slack) == []


def test_an_explanation_asks_for_its_words(desk: FakeDesk, slack: FakeSlack, handler: SlackHandler) -> None:
    slack.click(card(slack), EXPLAIN, "U0BOB")
    wait_until(lambda: bool(slack.views), "a form is opened")
    form = next(iter(slack.views.values()))
    assert slack.submit(form, {"reason": " "}, "U0BOB").json["errors"] == {"reason": "Some words are required."}
    assert slack.submit(form, {"reason": "the sale <!here>"}, "U0BOB").status == 200
    handler.close()

    assert states(desk)["figures"] == "explained"
    assert "&gt; the sale &lt;!here&gt;" in json.dumps(card(slack)) or "the sale &lt;!here&gt;" in json.dumps(
        card(slack)
    )


def test_a_second_answer_is_told_who_was_first(desk: FakeDesk, slack: FakeSlack, handler: SlackHandler) -> None:
    first, second = (slack.click_payload(card(slack), action, "U0BOB") for action in (DONE, NOT_APPLICABLE))
    slack.send(first)
    wait_until(lambda: states(desk)["figures"] == "done", "the first click answers")
    slack.send(second)
    handler.close()

    assert told(slack) == [("U0BOB", "Already done by bob at 20 Oct 2026, 09:00 UTC")]


@pytest.mark.parametrize(("user", "reason"), [("U0CY", "answer it"), ("U0NIL", "no known person"), ("U0DAN", "leave")])
def test_who_may_not_answer_is_told_so_privately(
    desk: FakeDesk, slack: FakeSlack, handler: SlackHandler, user: str, reason: str
) -> None:
    slack.click(card(slack), DONE, user)
    handler.close()
    assert set(states(desk).values()) == {"open"}
    assert [(who, reason in text) for who, text in told(slack)] == [(user, True)]


def test_a_click_on_a_card_of_other_figures_answers_nothing(
    desk: FakeDesk, slack: FakeSlack, handler: SlackHandler
) -> None:
    old = slack.click_payload(card(slack), DONE, "U0BOB")
    keep(desk, sending_of(replace(SHOP, month=replace(SHOP.month, actual=SHOP.month.plan))), "test")
    slack.send(old)
    handler.close()

    assert states(desk)["figures"] == "open"
    assert "look again" in told(slack)[0][1]
    assert "actual: 6,640.38 USD → 6,000.00 USD" in json.dumps(card(slack), ensure_ascii=False)


def test_finance_answers_the_companys_review(desk: FakeDesk, slack: FakeSlack, handler: SlackHandler) -> None:
    slack.click(card(slack, "#finance"), NOT_APPLICABLE, "U0ADA")
    slack.click(card(slack, "#finance"), DONE, "U0BOB")
    handler.close()

    with desk.store.reading() as session:
        assert {one.id: one.state for one in company_items(session, "2026-10")}["figures"] == "not applicable"
    assert [who for who, _ in told(slack)] == ["U0BOB"]


@pytest.mark.usefixtures("handler")
def test_slack_takes_cards_with_more_questions_than_it_allows_blocks(desk: FakeDesk) -> None:
    waiting = tuple(replace(SHOP.requests.waiting[0], id=f"req-{number}") for number in range(40))
    many = replace(SHOP, requests=replace(SHOP.requests, waiting=waiting), anomalies=tuple(
        replace(SHOP.anomalies[0], id=f"an-{number}", title="x" * 900) for number in range(40)))  # fmt: skip
    keep(desk, sending_of(many), "test")

    with desk.store.reading() as session:
        shown = [render(session, one, Links("https://a.example")) for one in entries(desk.store)]
    assert len(shown) >= 3
    assert [problem_of({"text": one.text, "blocks": one.blocks}) for one in shown] == [""] * len(shown)
