"""Buttons: from a click in Slack to one outcome in the store."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from tests.slack.company import FakeDesk, ask
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import FakeSlack, NoSuchButtonError, mentions, wait_until
from twinledger.approvals import Decision, by_airflow_user, decide, expire
from twinledger.approvals.inbox import LEFT_AFTER
from twinledger.slack.afterwards import Afterwards
from twinledger.slack.answers import carry_out_left
from twinledger.slack.handler import SlackHandler, verified
from twinledger.slack.sender import slack_client
from twinledger.store.models import AuditEntry, Department, Interaction, Request
from twinledger.vocabulary.errors import NotEntitledError

Serve = Callable[..., SlackHandler]


@pytest.fixture
def card(desk: FakeDesk, outbox: Outbox, slack: FakeSlack) -> dict[str, Any]:
    """The card of Cy's request, in the shop's channel."""
    ask(desk)
    outbox.drain()
    return slack.in_channel("#shop")[0]


def _state(desk: FakeDesk) -> tuple[str, str | None]:
    with desk.store.reading() as session:
        row = session.get_one(Request, "req-1")
        return row.state, row.decided_by


def _interactions(desk: FakeDesk) -> int:
    with desk.store.reading() as session:
        return len(session.scalars(select(Interaction)).all())


def _refusals(desk: FakeDesk) -> list[tuple[str, str]]:
    """Whose approval was refused, and of what, as the audit trail has it."""
    query = select(AuditEntry).where(AuditEntry.action == "request.approve.refused").order_by(AuditEntry.sequence)
    with desk.store.reading() as session:
        return [(one.who, one.subject) for one in session.scalars(query)]


def _told(slack: FakeSlack) -> list[tuple[str, str]]:
    return [(one["user"], one["text"]) for one in slack.ephemerals]


def test_an_approval_updates_the_card_takes_its_buttons_and_tells_the_requester(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, outbox: Outbox, serve: Serve
) -> None:
    handler = serve(outbox.drain)
    assert slack.click(card, "approve", "U0BOB").status == 200
    handler.close()
    assert _state(desk) == ("approved", "bob")
    after = slack.in_channel("#shop")
    assert len(after) == 1
    assert after[0]["text"].startswith("Approved: Cy Twombly asks for 24 core-hour a day of")
    assert not [block for block in after[0]["blocks"] if block["type"] == "actions"]
    assert {block["block_id"] for block in after[0]["blocks"]}.isdisjoint(block["block_id"] for block in card["blocks"])
    reply = slack.in_channel("U0CY")[0]
    assert reply["text"].startswith("Your request req-1 for 12.00 USD: Approved by Bob Kahn at 20 Oct 2026, 09:00 UTC")
    assert _told(slack) == []


def test_a_denial_asks_for_its_reason_and_shows_it(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, outbox: Outbox, serve: Serve
) -> None:
    handler = serve(outbox.drain)
    slack.click(card, "deny", "U0BOB")
    wait_until(lambda: bool(slack.views), "a form is opened")
    form = next(iter(slack.views.values()))
    blank = slack.submit(form, {"reason": "  "}, "U0BOB")
    assert blank.json["errors"] == {"reason": "A reason is required."}
    assert _state(desk) == ("pending", None)
    assert slack.submit(form, {"reason": "Use the <!channel> cluster"}, "U0BOB").status == 200
    handler.close()
    assert _state(desk) == ("denied", "bob")
    after = slack.in_channel("#shop")[0]
    assert "&lt;!channel&gt; cluster" in json.dumps(after["blocks"])
    assert mentions(after) == []


def test_a_second_click_sees_who_decided(desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve) -> None:
    handler = serve()
    decide(desk, Decision("req-1", "bob", "approve", "airflow", "answer-1"))
    assert slack.click(card, "approve", "U0BOB").status == 200
    handler.close()
    assert _told(slack) == [("U0BOB", "Already approved by Bob Kahn at 20 Oct 2026, 09:00 UTC on airflow")]


def test_two_clicks_at_once_make_one_decision_and_one_private_word(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    handler = serve()
    payloads = [slack.click_payload(card, "approve", "U0BOB") for _ in range(6)]
    with ThreadPoolExecutor(6) as people:
        replies = list(people.map(slack.send, payloads))
    handler.close()
    assert {reply.status for reply in replies} == {200}
    assert _state(desk) == ("approved", "bob")
    assert len(_told(slack)) == 5
    assert all("Already approved by Bob Kahn" in text for _, text in _told(slack))


def test_opposite_decisions_at_once_make_one_outcome(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    handler = serve()
    slack.click(card, "deny", "U0BOB")
    wait_until(lambda: bool(slack.views), "a form is opened")
    form = next(iter(slack.views.values()))
    click = slack.click_payload(card, "approve", "U0BOB")
    with ThreadPoolExecutor(2) as people:
        approving = people.submit(slack.send, click)
        denying = people.submit(slack.submit, form, {"reason": "no"}, "U0BOB")
    approval, denial = approving.result(), denying.result()
    handler.close()
    state, _ = _state(desk)
    assert (approval.status, denial.status) == (200, 200)
    assert state in {"approved", "denied"}
    assert [text.startswith(f"Already {state} by Bob Kahn") for _, text in _told(slack)] == [True]


def test_a_click_after_the_expiry_is_told_so(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    handler = serve()
    desk.clock.advance(timedelta(days=4))
    slack.click(card, "approve", "U0BOB")
    handler.close()
    assert _state(desk)[0] == "expired"
    assert _told(slack)[0][1].startswith("Already expired at 24 Oct 2026")


def test_an_expiry_and_an_approval_at_once_make_one_outcome(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    handler = serve()
    click = slack.click_payload(card, "approve", "U0BOB")
    with ThreadPoolExecutor(2) as both:
        both.submit(slack.send, click)
        both.submit(expire, desk, "req-1")
    handler.close()
    state, who = _state(desk)
    assert (state, who) in {("approved", "bob"), ("expired", "timer")}


def test_a_process_that_dies_after_the_acknowledgement_has_lost_nothing(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, outbox: Outbox, serve: Serve
) -> None:
    def die() -> None:
        raise SystemExit

    handler = serve(die)
    assert slack.click(card, "approve", "U0BOB").status == 200
    handler.close()
    outbox.drain()  # by the process that comes after
    assert _state(desk) == ("approved", "bob")
    assert slack.in_channel("#shop")[0]["text"].startswith("Approved")
    assert len(slack.in_channel("U0CY")) == 1


def _dying(send: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Slack post something to a process that dies as soon as it has acknowledged it."""
    with monkeypatch.context() as dead:
        dead.setattr(Afterwards, "decide", lambda *_: None)
        assert send().status == 200


def test_what_a_process_acknowledged_before_it_died_is_carried_out_once(
    desk: FakeDesk,
    card: dict[str, Any],
    slack: FakeSlack,
    outbox: Outbox,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve(outbox.drain)
    _dying(lambda: slack.click(card, "approve", "U0BOB"), monkeypatch)
    assert _state(desk) == ("pending", None)
    client = slack_client(desk.settings.slack)
    assert carry_out_left(desk, client) == 0  # it may still be under way
    desk.clock.advance(LEFT_AFTER)
    assert (carry_out_left(desk, client), carry_out_left(desk, client)) == (1, 0)
    outbox.drain()
    assert _state(desk) == ("approved", "bob")
    assert slack.in_channel("#shop")[0]["text"].startswith("Approved")
    assert len(slack.in_channel("U0CY")) == 1


def test_who_is_refused_what_a_dead_process_acknowledged_is_told_where_it_was_said(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    slack.click(card, "deny", "U0BOB")
    wait_until(lambda: bool(slack.views), "a form is opened")
    form = next(iter(slack.views.values()))
    _dying(lambda: slack.submit(form, {"reason": "no"}, "U0BOB"), monkeypatch)
    decide(desk, Decision("req-1", "bob", "approve", "airflow", "answer-1"))
    desk.clock.advance(LEFT_AFTER)
    assert carry_out_left(desk, slack_client(desk.settings.slack)) == 1
    assert _state(desk) == ("approved", "bob")
    assert _told(slack) == [("U0BOB", "Already approved by Bob Kahn at 20 Oct 2026, 09:00 UTC on airflow")]


def test_an_unmapped_user_decides_nothing_is_told_why_and_is_on_record_once(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    handler = serve()
    slack.click(card, "approve", "U0EVE")
    body, headers = slack.posted[-1]
    assert slack.post(body, headers).status == 200
    handler.close()
    assert _state(desk) == ("pending", None)
    assert _refusals(desk) == [("slack U0EVE", "req-1")]
    assert _told(slack) == [
        ("U0EVE", "Not recorded: Slack user 'U0EVE' is no known person: add the user to people.yaml")
    ]


def test_a_user_who_is_two_people_decides_nothing(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    handler = serve()
    slack.click(card, "approve", "U0DAN")
    handler.close()
    assert _state(desk) == ("pending", None)
    assert "dan, dan-too" in _told(slack)[0][1]


@pytest.mark.parametrize("user", ["U0CY", "U0ADA"])
def test_neither_the_requester_nor_somebody_else_decides(
    user: str, desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    handler = serve()
    slack.click(card, "approve", user)
    handler.close()
    assert _state(desk) == ("pending", None)
    assert "may not decide req-1" in _told(slack)[0][1]


def test_an_approver_who_was_removed_before_the_click_is_refused_and_it_is_on_record(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    with desk.store.transaction() as session:
        session.get_one(Department, "shop").budget_holder = "ada"
    handler = serve()
    slack.click(card, "approve", "U0BOB")
    handler.close()
    assert _state(desk) == ("pending", None)
    assert "asked as budget holder, and are not any more" in _told(slack)[0][1]
    assert _refusals(desk) == [("bob", "req-1")]


def test_the_requester_s_other_account_is_the_requester(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    """Cy asked; in Airflow they have an account too, and a second one in Slack is nobody's."""
    with desk.store.transaction() as session:
        session.get_one(Department, "shop").budget_holder = "cy"
    handler = serve()
    with desk.store.reading() as session:
        same = by_airflow_user(session, "cy")
    with pytest.raises(NotEntitledError, match="the requester never decides"):
        decide(desk, Decision("req-1", same, "approve", "airflow", "answer-1"))
    slack.click(card, "approve", "U0CYAGAIN")
    handler.close()
    assert _state(desk) == ("pending", None)
    assert _refusals(desk) == [("cy", "req-1"), ("slack U0CYAGAIN", "req-1")]


def test_a_form_with_more_than_it_lets_people_write_is_refused(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    serve()
    slack.click(card, "deny", "U0BOB")
    wait_until(lambda: bool(slack.views), "a form is opened")
    form = next(iter(slack.views.values()))
    refused = slack.submit(form, {"reason": "x" * 1001}, "U0BOB")
    assert refused.json["errors"] == {"reason": "Expected at most 1000 characters."}
    assert (_state(desk), _interactions(desk)) == (("pending", None), 0)
    assert "more than it lets people write" in caplog.text


def test_a_replayed_click_within_the_window_changes_nothing(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    handler = serve()
    slack.click(card, "approve", "U0BOB")
    body, headers = slack.posted[-1]
    assert slack.post(body, headers).status == 200
    handler.close()
    assert _interactions(desk) == 1
    assert _told(slack) == []


def test_nobody_can_press_a_button_of_a_decided_request(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, outbox: Outbox, serve: Serve
) -> None:
    serve()
    decide(desk, Decision("req-1", "bob", "approve", "page", "form-1"))
    outbox.drain()
    with pytest.raises(NoSuchButtonError):
        slack.click(card, "approve", "U0BOB")


def test_slack_being_down_does_not_stop_a_decision(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, outbox: Outbox, serve: Serve
) -> None:
    handler = serve(outbox.drain)
    slack.down = True
    assert slack.click(card, "approve", "U0BOB").status == 200
    handler.close()
    assert _state(desk) == ("approved", "bob")


# --- whose request it is -----------------------------------------------------------------------


def _click_body(slack: FakeSlack, card: dict[str, Any]) -> bytes:
    return urlencode({"payload": json.dumps(slack.click_payload(card, "approve", "U0BOB"))}).encode()


def _changed(headers: dict[str, str], **changes: str) -> dict[str, str]:
    return {**headers, **{f"x-slack-{name.replace('_', '-')}": value for name, value in changes.items()}}


def test_only_what_slack_signed_in_the_last_five_minutes_is_heard(
    desk: FakeDesk, card: dict[str, Any], slack: FakeSlack, serve: Serve
) -> None:
    handler = serve()
    body = _click_body(slack, card)
    good = slack.signed(body)
    refused = {
        "unsigned": (body, {"content-type": good["content-type"]}),
        "altered": (body.replace(b"U0BOB", b"U0ADA"), good),
        "stale": (body, slack.signed(body, at=desk.clock.now() - timedelta(seconds=301))),
        "from the future": (body, slack.signed(body, at=desk.clock.now() + timedelta(seconds=301))),
        "another secret": (body, slack.signed(body, secret="another")),
        "time is no number": (body, _changed(good, request_timestamp="yesterday")),
        "time is no ASCII number": (body, _changed(good, request_timestamp="١٧٩")),
        "time is endless": (body, _changed(good, request_timestamp="9" * 5000)),
        "signature is not ASCII": (body, _changed(good, signature="v0=é")),
        "signature is half a character": (body, _changed(good, signature="v0=\udce9")),
        "bytes that are no text": (b"\xff\xfe", good),
    }
    assert {name: slack.post(*sent).status for name, sent in refused.items()} == dict.fromkeys(refused, 401)
    assert slack.post(body, good).status == 200
    handler.close()
    assert _state(desk) == ("approved", "bob")
    assert _interactions(desk) == 1


def test_signed_bytes_that_are_no_text_are_a_bad_request(card: dict[str, Any], slack: FakeSlack, serve: Serve) -> None:
    del card
    serve()
    assert slack.post(b"\xff\xfe", slack.signed(b"\xff\xfe")).status == 400
    body = urlencode({"payload": "{not json"}).encode()
    assert slack.post(body, slack.signed(body)).status == 400


def test_without_a_signing_secret_nothing_is_heard(desk: FakeDesk) -> None:
    empty = {"x-slack-request-timestamp": "1", "x-slack-signature": "v0="}
    assert not verified("", b"", empty, desk.clock.now())


def test_a_refused_body_is_in_no_log(
    card: dict[str, Any], slack: FakeSlack, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    serve()
    body = _click_body(slack, card)
    with caplog.at_level(logging.DEBUG):
        slack.post(body, _changed(slack.signed(body), signature="v0=wrong"))
    assert "refused a request that is not signed by Slack" in caplog.text
    assert "U0BOB" not in caplog.text


def test_slack_s_challenge_is_answered(slack: FakeSlack, serve: Serve) -> None:
    serve()
    body = json.dumps({"type": "url_verification", "challenge": "made-up"}).encode()
    reply = slack.post(body, {**slack.signed(body), "content-type": "application/json"})
    assert (reply.status, reply.json) == (200, {"challenge": "made-up"})
