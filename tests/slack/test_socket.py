"""Socket Mode: the command answers over a real websocket what the pages answer over HTTP, and ends cleanly."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from sqlalchemy import select
from typer.testing import CliRunner, Result

from tests.slack.company import FakeDesk, ask, populate
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import APP_TOKEN, SIGNING_SECRET, TOKEN, FakeSlack, running_slack, wait_until
from tests.slack.fake_socket import FakeSocket, running_socket
from twinledger.cli import app
from twinledger.clock import FixedClock
from twinledger.slack.handler import SlackHandler
from twinledger.slack.sender import slack_client
from twinledger.slack.socket import SocketMode
from twinledger.store import Store
from twinledger.store.models import Request
from twinledger.vocabulary.errors import SocketModeError
from twinledger.vocabulary.settings import PREFIX

Serve = Callable[..., SlackHandler]


@pytest.fixture
def backend() -> str:
    """What is answered is tested on both databases elsewhere."""
    return "sqlite"


@pytest.fixture
def clock() -> FixedClock:
    """The command has the time of the machine."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def slack(clock: FixedClock) -> Iterator[FakeSlack]:
    """A workspace that hands everything over a socket, and has no address of ours."""
    with running_slack() as workspace, running_socket() as socket:
        workspace.now = clock.now
        workspace.socket_url = socket.url
        workspace.deliver = socket.deliver
        yield workspace


@pytest.fixture
def socket(slack: FakeSlack) -> FakeSocket:
    found: FakeSocket = slack.deliver.__self__  # type: ignore[union-attr]  # the socket's own method
    return found


@pytest.fixture
def deployment(
    tmp_path: Path, store: Store, slack: FakeSlack, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> FakeDesk:
    """A deployment that the environment describes, with a request of Cy's."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    values = {"TOKEN": TOKEN, "APP_TOKEN": APP_TOKEN, "BASE_URL": slack.base_url, "SIGNING_SECRET": SIGNING_SECRET}
    for name, value in values.items():
        monkeypatch.setenv(f"{PREFIX}SLACK__{name}", value)
    monkeypatch.setenv(f"{PREFIX}HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    from twinledger.vocabulary.settings import load_settings  # noqa: PLC0415 - reads what was just set

    populate(store)
    desk = FakeDesk(load_settings(), store, clock)
    ask(desk)
    return desk


@pytest.fixture
def deaf() -> Iterator[None]:
    """A signal that no command listens to any more ends no test."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    yield
    signal.signal(signal.SIGTERM, before)


def running(people: Callable[[], None]) -> Result:
    """Run the command until people have done what they do, then send it SIGTERM."""

    def then_end() -> None:
        try:
            people()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    with ThreadPoolExecutor(1) as beside:
        doing: Future[None] = beside.submit(then_end)
        result = CliRunner().invoke(app, ["slack"])
        doing.result()
    return result


def state(desk: FakeDesk, request: str = "req-1") -> str:
    with desk.store.reading() as session:
        return session.get_one(Request, request).state


@pytest.mark.usefixtures("deaf")
def test_the_command_answers_until_it_is_told_to_end_also_over_a_new_connection(
    deployment: FakeDesk, slack: FakeSlack, socket: FakeSocket
) -> None:
    def people() -> None:
        socket.wait_for_connections(1)
        Outbox(deployment).drain()
        assert slack.click(slack.in_channel("#shop")[0], "approve", "U0BOB").status == 200
        socket.refresh()
        socket.wait_for_connections(2)
        assert slack.command("/provision", "U0BOB").status == 200
        wait_until(lambda: bool(slack.views), "a form is opened")
        assert slack.open_home("U0BOB").status == 200

    result = running(people)
    assert result.exit_code == 0, result.output
    assert state(deployment) == "approved"
    assert slack.in_channel("#shop")[0]["text"].startswith("Approved")
    assert "Approved by Bob Kahn" in json.dumps(slack.homes["U0BOB"])
    assert result.stderr.splitlines() == [
        "connected to Slack; waiting for what people do there",
        "connected to Slack; waiting for what people do there",
        "ending: finishing what is under way",
    ]


@pytest.mark.usefixtures("deployment")
@pytest.mark.parametrize("name", ["TOKEN", "APP_TOKEN"])
def test_without_a_token_the_command_says_which_setting_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}SLACK__{name}", "")
    result = CliRunner().invoke(app, ["slack"])
    assert result.exit_code == 2
    assert f"set TWINLEDGER_SLACK__{name}" in " ".join(result.stderr.split())


# --- the listener, called as slack_sdk calls it ---------------------------------------------------


class FakeClient(BaseSocketModeClient):
    """Remembers what is acknowledged."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send_socket_mode_response(self, response: dict[str, Any] | SocketModeResponse) -> None:
        self.sent.append(response.to_dict() if isinstance(response, SocketModeResponse) else response)


@pytest.fixture
def connection(deployment: FakeDesk, slack: FakeSlack) -> Iterator[SocketMode]:
    named = deployment.settings.slack.model_copy(update={"team_id": slack.team})
    desk = FakeDesk(deployment.settings.model_copy(update={"slack": named}), deployment.store, deployment.clock)
    client = slack_client(desk.settings.slack)
    made = SocketMode(SlackHandler(desk, client), client, APP_TOKEN, lambda _: None)
    yield made
    made.close()


def withdrawal(team: str, trigger: str = "t1") -> SocketModeRequest:
    """Cy takes the request back, in a workspace."""
    pressed = {"type": "button", "action_id": "withdraw", "block_id": "b", "value": "req-1"}
    person = {"team": {"id": team}, "user": {"id": "U0CY"}, "trigger_id": trigger}
    return SocketModeRequest("interactive", "e1", {"type": "block_actions", **person, "actions": [pressed]})


def test_an_envelope_is_answered_once_and_one_that_comes_again_changes_nothing(
    connection: SocketMode, deployment: FakeDesk, slack: FakeSlack
) -> None:
    client = FakeClient()
    for _ in range(2):
        connection.hear(client, withdrawal(slack.team))
    connection.close()
    assert client.sent == [{"envelope_id": "e1"}] * 2
    with deployment.store.reading() as session:
        row = session.scalars(select(Request)).one()
    assert (row.state, row.revision) == ("withdrawn", 2)


def test_another_workspace_s_envelope_is_taken_and_does_nothing(
    connection: SocketMode, deployment: FakeDesk, caplog: pytest.LogCaptureFixture
) -> None:
    client = FakeClient()
    with caplog.at_level(logging.DEBUG):
        connection.hear(client, withdrawal("T0OTHER"))
    assert client.sent == [{"envelope_id": "e1"}]
    assert state(deployment) == "pending"
    assert "of another workspace" in caplog.text
    assert "U0CY" not in caplog.text


def test_what_nobody_answers_is_not_acknowledged_and_stops_nothing(
    connection: SocketMode, deployment: FakeDesk, slack: FakeSlack
) -> None:
    client = FakeClient()
    connection.hear(client, SocketModeRequest("interactive", "e0", {"type": "shortcut", "team": {"id": slack.team}}))
    assert client.sent == []
    connection.hear(client, withdrawal(slack.team))
    connection.close()
    assert state(deployment) == "withdrawn"


def test_an_end_waits_for_what_is_under_way_and_leaves_the_rest_to_slack(
    connection: SocketMode, deployment: FakeDesk, slack: FakeSlack
) -> None:
    released, entered = threading.Event(), threading.Event()

    class Slow(FakeClient):
        def send_socket_mode_response(self, response: dict[str, Any] | SocketModeResponse) -> None:
            entered.set()
            released.wait(20)
            super().send_socket_mode_response(response)

    slow, late = Slow(), FakeClient()
    with ThreadPoolExecutor(2) as both:
        both.submit(connection.hear, slow, withdrawal(slack.team))
        assert entered.wait(20)
        ending = both.submit(connection.close)
        wait_until(lambda: connection._ending, "the end has begun")  # noqa: SLF001 - nothing else tells
        connection.hear(late, withdrawal(slack.team, "t2"))
        assert not ending.done()
        released.set()
        ending.result()
    assert (slow.sent, late.sent) == ([{"envelope_id": "e1"}], [])
    assert state(deployment) == "withdrawn"


def test_a_token_that_slack_refuses_is_said_without_the_token(connection: SocketMode, slack: FakeSlack) -> None:
    slack.refuse("apps.connections.open", "invalid_auth")
    with pytest.raises(SocketModeError, match="no connection to Slack: invalid_auth; expected an app-level") as error:
        connection.open()
    assert APP_TOKEN not in str(error.value)
