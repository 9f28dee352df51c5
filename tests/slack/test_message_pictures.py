"""A message's picture: there once, beside its own words, and never in the way of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.slack.company import FakeDesk
from tests.slack.fake_slack import FakeSlack, Fault
from twinledger.charts import Picture
from twinledger.outbox import Message, Outgoing, drain, enqueue, entries
from twinledger.slack.render import Links
from twinledger.slack.sender import SlackSender, slack_client
from twinledger.vocabulary.errors import UnknownNameError, WrongAudienceError

CHART, OTHER = (Picture(b"\x89PNG made up " + name, f"Chart of {name.decode()} & <co>") for name in (b"one", b"two"))


@pytest.fixture
def backend() -> str:
    """What Slack does is the same with any database."""
    return "sqlite"


@dataclass
class Worker:
    """Sends what is told, with the picture that `draw` makes of it; `paused` is how long it waited."""

    desk: FakeDesk
    draw: Callable[[Outgoing], Picture | None] = lambda _: CHART
    paused: list[float] = field(default_factory=list)

    def tell(self, run: str = "manual__1") -> None:
        facts = {"dag": "rate_usage", "run": run, "period": "2026-10"}
        with self.desk.store.transaction() as session:
            enqueue(session, Message("failure", "rate_usage", "#operators", "everyone", facts), self.desk.clock)

    def send(self) -> tuple[int, int]:
        links, client = Links("https://airflow.example"), slack_client(self.desk.settings.slack)
        sender = SlackSender(self.desk.store, client, links, draw=self.draw, pause=self.paused.append)
        result = drain(self.desk.store, sender, self.desk.clock)
        self.desk.clock.advance(timedelta(hours=1))
        return result.sent, result.retried


@pytest.fixture
def worker(desk: FakeDesk) -> Worker:
    made = Worker(desk)
    made.tell()
    return made


def pictures(slack: FakeSlack) -> list[list[bytes]]:
    """What each message of the channel shows."""
    shown: list[list[bytes]] = []
    for message in slack.in_channel("#operators"):
        images = [block for block in message.get("blocks") or () if block["type"] == "image"]
        shown.append([slack.uploads[block["slack_file"]["id"]].content for block in images])
    return shown


def test_a_message_shows_its_picture_before_its_small_print_and_says_it_in_words(
    slack: FakeSlack, worker: Worker
) -> None:
    assert worker.send() == (1, 0)
    (card,) = slack.in_channel("#operators")
    assert [block["type"] for block in card["blocks"]] == ["header", "section", "image", "context"]
    assert card["blocks"][2]["alt_text"] == "Chart of one &amp; &lt;co&gt;"
    assert pictures(slack) == [[CHART.png]]


def test_an_update_with_the_same_picture_uploads_nothing(slack: FakeSlack, worker: Worker) -> None:
    worker.send()
    worker.tell("manual__2")
    assert worker.send() == (1, 0)
    assert slack.called("files.getUploadURLExternal") == 1
    assert pictures(slack)[0] == [CHART.png]
    assert slack.in_channel("#operators")[0]["edits"] == 1


def test_an_update_with_another_picture_leaves_one_file(slack: FakeSlack, worker: Worker) -> None:
    worker.send()
    worker.draw = lambda _: OTHER
    worker.tell("manual__2")
    worker.send()
    assert pictures(slack)[0] == [OTHER.png]
    assert [upload.content for upload in slack.uploads.values()] == [OTHER.png]


def test_a_message_waits_until_slack_is_done_with_its_file(slack: FakeSlack, worker: Worker) -> None:
    slack.slow_files = 2
    assert worker.send() == (1, 0)
    assert worker.paused == [0.5, 1.0]
    assert pictures(slack) == [[CHART.png]]


def test_a_file_that_slack_never_shows_keeps_nobody_waiting(slack: FakeSlack, worker: Worker) -> None:
    slack.slow_files = 100
    assert worker.send() == (1, 0)
    assert pictures(slack) == [[]]
    assert slack.uploads == {}
    assert sum(worker.paused) < 10


def test_a_workspace_that_takes_no_files_has_the_message_without(slack: FakeSlack, worker: Worker) -> None:
    slack.refuse("files.getUploadURLExternal", "missing_scope")
    assert worker.send() == (1, 0)
    assert pictures(slack) == [[]]


@pytest.mark.parametrize(
    ("method", "fault"),
    [("files.getUploadURLExternal", "ratelimited"), ("files.completeUploadExternal", "drop")],
)
def test_an_upload_that_fails_for_now_is_tried_again(slack: FakeSlack, worker: Worker, method: str, fault: str) -> None:
    slack.fail(method, Fault(fault))
    assert worker.send() == (0, 1)
    assert worker.send() == (1, 0)
    assert pictures(slack) == [[CHART.png]]


def test_an_upload_that_always_fails_keeps_nobody_waiting(slack: FakeSlack, worker: Worker) -> None:
    slack.fail("files.getUploadURLExternal", *(Fault("drop"),) * 9)
    assert [worker.send() for _ in range(3)] == [(0, 1), (0, 1), (1, 0)]
    assert pictures(slack) == [[]]


@pytest.mark.parametrize("fault", ["ratelimited", "drop", "drop_after"])
def test_attempts_to_tell_leave_one_message_with_one_picture(slack: FakeSlack, worker: Worker, fault: str) -> None:
    slack.fail("chat.postMessage", Fault(fault), *([Fault("ratelimited")] if fault == "ratelimited" else []))
    while worker.send() != (1, 0):
        assert slack.called("chat.postMessage") < 9
    assert pictures(slack) == [[CHART.png]]
    assert fault == "drop" or len(slack.uploads) == 1  # who knows whether a dropped message arrived?


def test_a_message_that_is_refused_leaves_no_file(slack: FakeSlack, worker: Worker) -> None:
    slack.refuse("chat.postMessage", "is_archived")
    worker.send()
    assert slack.uploads == {}


def test_where_messages_may_not_be_read_an_update_has_a_new_file(slack: FakeSlack, worker: Worker) -> None:
    worker.send()
    worker.tell("manual__2")
    slack.refuse("conversations.history", "missing_scope")
    assert worker.send() == (1, 0)
    assert pictures(slack)[0] == [CHART.png]


def test_a_picture_that_cannot_be_drawn_keeps_nobody_waiting(slack: FakeSlack, worker: Worker) -> None:
    problems: list[Exception] = [UnknownNameError("budget", "shop", []), ZeroDivisionError()]

    def draw(_: Outgoing) -> Picture:
        raise problems.pop()

    worker.draw = draw
    assert worker.send() == (1, 0)
    worker.tell("manual__2")
    assert worker.send() == (1, 0)
    assert (pictures(slack)[0], problems) == ([], [])


def test_a_picture_for_finance_stops_a_message_to_everyone(slack: FakeSlack, worker: Worker) -> None:
    def draw(_: Outgoing) -> Picture:
        raise WrongAudienceError("alert 3f2a9c", "finance", "everyone")

    worker.draw = draw
    worker.send()
    assert slack.messages == {}
    (item,) = entries(worker.desk.store)
    assert "is for finance" in (item.error or "")


def test_what_is_told_again_below_the_card_has_no_picture_of_its_own(slack: FakeSlack, worker: Worker) -> None:
    worker.send()
    worker.tell("manual__2")
    worker.send()
    card, word = slack.in_channel("#operators")
    assert word["thread_ts"] == card["ts"]
    assert not word.get("blocks")
