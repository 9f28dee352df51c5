"""A workspace on loopback, a company with requests, and the real slack_sdk and slack_bolt between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.slack.company import FakeDesk, populate
from tests.slack.fake_slack import SIGNING_SECRET, TOKEN, FakeSlack, Reply, running_slack
from twinledger.clock import FixedClock
from twinledger.outbox import ByKind, DrainResult, LocalSender, drain
from twinledger.slack.attachments import Attach, no_file
from twinledger.slack.handler import SlackHandler
from twinledger.slack.render import Links
from twinledger.slack.sender import SlackSender, slack_client
from twinledger.store import Store
from twinledger.vocabulary.settings import Settings


@pytest.fixture
def slack(clock: FixedClock) -> Iterator[FakeSlack]:
    with running_slack() as workspace:
        workspace.now = clock.now
        yield workspace


def slack_settings(home: Path, slack: FakeSlack) -> Settings:
    """The settings of a deployment whose Slack is the workspace on loopback."""
    account = {"token": TOKEN, "signing_secret": SIGNING_SECRET, "base_url": slack.base_url}
    return Settings.model_validate({"home": home, "public_url": "https://airflow.example", "slack": account})


@pytest.fixture
def settings(tmp_path: Path, slack: FakeSlack) -> Settings:
    return slack_settings(tmp_path / "home", slack)


@pytest.fixture
def desk(store: Store, clock: FixedClock, settings: Settings) -> FakeDesk:
    populate(store)
    return FakeDesk(settings, store, clock)


@dataclass(frozen=True)
class Outbox:
    """The worker that drains the outbox into the workspace."""

    desk: FakeDesk
    attach: Attach = no_file

    @property
    def sender(self) -> ByKind:
        client = slack_client(self.desk.settings.slack)
        slack = SlackSender(self.desk.store, client, Links(self.desk.settings.public_url), self.attach)
        return ByKind({"wake": LocalSender()}, slack)

    def drain(self) -> DrainResult:
        return drain(self.desk.store, self.sender, self.desk.clock)


@pytest.fixture
def outbox(desk: FakeDesk) -> Outbox:
    return Outbox(desk)


@pytest.fixture
def serve(desk: FakeDesk, slack: FakeSlack) -> Iterator[Callable[..., SlackHandler]]:
    """Starts our side and gives the workspace its request URL; what is under way is waited for at the end."""
    started: list[SlackHandler] = []

    def start(after_decision: Callable[[], object] = lambda: None) -> SlackHandler:
        handler = SlackHandler(desk, slack_client(desk.settings.slack), after_decision)
        started.append(handler)

        def deliver(body: bytes, headers: Mapping[str, str]) -> Reply:
            reply = handler.handle(body, headers)
            return Reply(reply.status, reply.body)

        slack.deliver = deliver
        return handler

    yield start
    for handler in started:
        handler.close()
