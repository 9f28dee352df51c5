"""The app on a free port, with the real Slack libraries behind it and people in front of it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Header, HTTPException

from tests.slack.company import FakeDesk, populate
from tests.slack.conftest import Outbox, slack_settings
from tests.slack.fake_slack import FakeSlack, Reply, running_slack
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.vocabulary.settings import Settings
from twinledger.web import create_app

MOUNT = "/twinledger"


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """Pages only read and call the domain, which is tested on both databases."""
    return str(request.param)


@pytest.fixture
def slack(clock: FixedClock) -> Iterator[FakeSlack]:
    with running_slack() as workspace:
        workspace.now = clock.now
        yield workspace


@pytest.fixture
def settings(tmp_path: Path, slack: FakeSlack) -> Settings:
    return slack_settings(tmp_path / "home", slack)


@pytest.fixture
def desk(books: Books, clock: FixedClock) -> FakeDesk:
    populate(books.store)
    return FakeDesk(books.settings, books.store, clock)


@pytest.fixture
def outbox(desk: FakeDesk) -> Outbox:
    return Outbox(desk)


def _user(x_test_user: Annotated[str | None, Header()] = None) -> str:
    """Stands for Airflow's sign-in: a header says who it is."""
    if x_test_user is None:
        raise HTTPException(401)
    return x_test_user


@contextmanager
def _serving(app: FastAPI) -> Iterator[str]:
    """Real HTTP on a port that is taken before the server starts."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def address(books: Books, desk: FakeDesk, outbox: Outbox) -> Iterator[str]:
    """Where the app is, mounted as in Airflow."""
    del desk

    @contextmanager
    def open_books() -> Iterator[Books]:
        yield books

    outer = FastAPI()
    inner = create_app(open_books, _user, outbox.drain)
    outer.mount(MOUNT, inner)
    with _serving(outer) as url:
        yield url + MOUNT
    inner.state.context.close()


Browser = Callable[[str], httpx.Client]


@pytest.fixture
def browser(address: str) -> Iterator[Browser]:
    """A browser with somebody signed in; `` is nobody."""
    opened: list[httpx.Client] = []

    def sign_in(user: str) -> httpx.Client:
        headers = {"x-test-user": user} if user else {}
        opened.append(httpx.Client(base_url=address, headers=headers))
        return opened[-1]

    yield sign_in
    for client in opened:
        client.close()


@pytest.fixture
def connected(address: str, slack: FakeSlack) -> FakeSlack:
    """The workspace, with the app's route as its request URL."""

    def deliver(body: bytes, headers: Mapping[str, str]) -> Reply:
        answer = httpx.post(f"{address}/slack/interactions", content=body, headers=dict(headers))
        return Reply(answer.status_code, answer.text)

    slack.deliver = deliver
    return slack
