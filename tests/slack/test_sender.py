"""From the outbox to the workspace: once, in order, whatever the network does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.slack.company import FakeDesk, ask
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import FakeSlack, Fault, mentions
from twinledger.approvals import Decision, decide
from twinledger.documents import File
from twinledger.outbox import Message, Outgoing, enqueue, entries
from twinledger.vocabulary.errors import UnknownNameError


def _tell(desk: FakeDesk, subject: str, channel: str = "#operators", **changes: Any) -> None:  # noqa: ANN401 - any field
    facts = {"dag": subject, "run": "manual__1", "period": "2026-10"}
    values = {"kind": "failure", "subject": subject, "channel": channel, "audience": "everyone", "facts": facts}
    with desk.store.transaction() as session:
        enqueue(session, Message(**{**values, **changes}), desk.clock)


def _states(desk: FakeDesk) -> list[tuple[str, str, str | None]]:
    return [(one.subject, one.state, one.error) for one in reversed(entries(desk.store))]


def test_a_request_becomes_a_card_and_its_decision_changes_that_card(
    desk: FakeDesk, slack: FakeSlack, outbox: Outbox
) -> None:
    ask(desk)
    outbox.drain()
    decide(desk, Decision("req-1", "bob", "deny", "page", "form-1", "next month"))
    outbox.drain()
    cards = slack.in_channel("#shop")
    assert [(card["text"].split(":")[0], card["edits"]) for card in cards] == [("Denied", 1)]


def test_a_card_that_somebody_removed_is_posted_again(desk: FakeDesk, slack: FakeSlack, outbox: Outbox) -> None:
    ask(desk)
    outbox.drain()
    slack.delete(slack.in_channel("#shop")[0])
    decide(desk, Decision("req-1", "bob", "approve", "page", "form-1"))
    outbox.drain()
    assert [card["text"].split(":")[0] for card in slack.in_channel("#shop")] == ["Approved"]


def test_new_evidence_changes_the_card_and_speaks_again_once(desk: FakeDesk, slack: FakeSlack, outbox: Outbox) -> None:
    facts = {"source": "aws", "key": "m.json", "code": "total", "reason": "expected 12.00, found 13.00"}
    _tell(desk, "delivery-1", kind="quarantine", audience="finance", facts=facts)
    outbox.drain()
    _tell(desk, "delivery-1", kind="quarantine", audience="finance", facts={**facts, "code": "checksum"})
    slack.fail("chat.postMessage", Fault("drop_after"))
    assert outbox.drain().retried == 1
    desk.clock.advance(timedelta(minutes=1))
    outbox.drain()
    card, word = slack.in_channel("#operators")
    assert card["text"] == "A delivery of aws was refused: checksum"
    assert (word["thread_ts"], word["reply_broadcast"], word["text"]) == (card["ts"], True, card["text"])


def test_slack_is_asked_again_when_it_said_to(desk: FakeDesk, slack: FakeSlack, outbox: Outbox) -> None:
    _tell(desk, "rate_usage")
    slack.fail("chat.postMessage", Fault("ratelimited", retry_after=30))
    assert outbox.drain().retried == 1
    desk.clock.advance(timedelta(seconds=29))
    assert outbox.drain().sent == 0
    desk.clock.advance(timedelta(seconds=1))
    assert outbox.drain().sent == 1
    assert slack.called("chat.postMessage") == 2


def test_after_an_hour_without_slack_all_messages_arrive_once_and_in_order(
    desk: FakeDesk, slack: FakeSlack, outbox: Outbox
) -> None:
    slack.down = True
    for number in range(5):
        _tell(desk, f"dag-{number}")
    for _ in range(12):
        outbox.drain()
        desk.clock.advance(timedelta(minutes=5))
    slack.down = False
    desk.clock.advance(timedelta(minutes=15))
    outbox.drain()
    said = [message["text"].split()[0] for message in slack.in_channel("#operators")]
    assert said == [f"dag-{number}" for number in range(5)]
    assert {state for _, state, _ in _states(desk)} == {"sent"}


def test_an_answer_that_is_lost_after_the_message_arrived_doubles_nothing(
    desk: FakeDesk, slack: FakeSlack, outbox: Outbox
) -> None:
    _tell(desk, "rate_usage")
    slack.fail("chat.postMessage", Fault("drop_after"))
    assert outbox.drain().retried == 1
    desk.clock.advance(timedelta(minutes=1))
    assert outbox.drain().sent == 1
    assert [message["edits"] for message in slack.in_channel("#operators")] == [1]


def test_a_lost_answer_to_a_direct_message_doubles_nothing(desk: FakeDesk, slack: FakeSlack, outbox: Outbox) -> None:
    _tell(desk, "rate_usage", channel="U0ADA")
    slack.fail("chat.postMessage", Fault("drop_after"))
    outbox.drain()
    desk.clock.advance(timedelta(minutes=1))
    outbox.drain()
    assert len(slack.in_channel("U0ADA")) == 1


def test_a_connection_that_drops_before_the_message_arrived_is_tried_again(
    desk: FakeDesk, slack: FakeSlack, outbox: Outbox
) -> None:
    _tell(desk, "rate_usage")
    slack.fail("chat.postMessage", Fault("drop"))
    outbox.drain()
    assert "could not be reached" in (_states(desk)[0][2] or "")
    desk.clock.advance(timedelta(minutes=1))
    outbox.drain()
    assert len(slack.in_channel("#operators")) == 1


def test_a_card_for_finance_never_goes_to_everyone(desk: FakeDesk, slack: FakeSlack, outbox: Outbox) -> None:
    facts = {"source": "aws", "key": "m.json", "code": "total", "reason": "expected 12.00, found 13.00"}
    _tell(desk, "delivery-1", kind="quarantine", audience="everyone", facts=facts)
    for _ in range(3):
        outbox.drain()
        desk.clock.advance(timedelta(hours=1))
    assert slack.messages == {}
    (state,) = _states(desk)
    assert state[1] == "failed"
    assert "is for finance, not for everyone" in (state[2] or "")
    assert "12.00" not in (state[2] or "")


@pytest.mark.parametrize("extra", [{"billed_cost": "12.00"}, {"dag": 1.5}])
def test_facts_that_are_not_of_their_kind_are_not_sent(
    extra: dict[str, Any], desk: FakeDesk, slack: FakeSlack, outbox: Outbox
) -> None:
    facts = {"dag": "rate_usage", "run": "manual__1", "period": "2026-10", **extra}
    _tell(desk, "rate_usage", facts=facts)
    outbox.drain()
    assert slack.messages == {}
    assert next(iter(extra)) in (_states(desk)[0][2] or "")


def test_a_justification_mentions_nobody(desk: FakeDesk, slack: FakeSlack, outbox: Outbox) -> None:
    ask(desk, justification="<!channel> <@U0ADA> please & <https://evil.example|click>\n> *Approved by Ada*")
    outbox.drain()
    card = slack.in_channel("#shop")[0]
    assert set(mentions(card)) == {"<@U0BOB>"}  # the approver, whom we ask
    sections = [block["text"]["text"] for block in card["blocks"] if "text" in block]
    assert (
        "> &lt;!channel&gt; &lt;@U0ADA&gt; please &amp; &lt;https://evil.example|click&gt;\n> &gt; *Approved by Ada*"
        in sections
    )


# --- files ---------------------------------------------------------------------------------------


PDF = File("statement-shop-2026-10.pdf", "application/pdf", b"%PDF-1.4 made up")


def _files(slack: FakeSlack) -> list[tuple[str, str | None]]:
    """Name and thread of every file in the workspace."""
    return [
        (file["name"], message.get("thread_ts")) for message in slack.in_channel("#operators")
        for file in message.get("files", [])
    ]  # fmt: skip


@pytest.fixture
def with_file(desk: FakeDesk) -> Outbox:
    return Outbox(desk, lambda _: PDF)


def test_a_file_stands_below_its_card(desk: FakeDesk, slack: FakeSlack, with_file: Outbox) -> None:
    _tell(desk, "rate_usage")
    assert with_file.drain().sent == 1
    card = slack.in_channel("#operators")[0]
    assert _files(slack) == [(PDF.name, card["ts"])]
    assert [upload.content for upload in slack.uploads.values()] == [PDF.content]


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
@pytest.mark.parametrize("fault", ["drop", "drop_after", "ratelimited", "status"])
def test_whatever_happens_to_an_upload_card_and_file_are_there_once(
    method: str, fault: str, desk: FakeDesk, slack: FakeSlack, with_file: Outbox
) -> None:
    _tell(desk, "rate_usage")
    slack.fail(method, Fault(fault))
    assert with_file.drain().retried == 1
    desk.clock.advance(timedelta(minutes=1))
    assert with_file.drain().sent == 1
    assert len(slack.in_channel("#operators")) == 2
    assert [name for name, _ in _files(slack)] == [PDF.name]


def test_a_workspace_that_takes_no_files_has_the_card_alone(
    desk: FakeDesk, slack: FakeSlack, with_file: Outbox
) -> None:
    _tell(desk, "rate_usage")
    slack.refuse("files.getUploadURLExternal", "missing_scope")
    assert with_file.drain().sent == 1
    assert len(slack.in_channel("#operators")) == 1
    assert _files(slack) == []


def test_a_file_that_cannot_be_made_stops_its_card(desk: FakeDesk, slack: FakeSlack) -> None:
    def attach(item: Outgoing) -> File | None:
        raise UnknownNameError("department", item.subject, [])

    _tell(desk, "rate_usage")
    Outbox(desk, attach).drain()
    assert slack.messages == {}
    assert "rate_usage" in (_states(desk)[0][2] or "")
