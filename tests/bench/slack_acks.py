"""`make bench-slack`: how soon Slack has its acknowledgement, at 50 interactions a second.

    make bench-slack                          20 seconds, of which the 99th percentile has to stay below 500 ms
    make bench-slack ARGS="--seconds 5"       shorter

People press Approve, each on another request, at fixed instants whether or not earlier ones are answered; every time
counts from its instant. The server is one uvicorn process with the real route, PostgreSQL and real slack_sdk; Slack
is a fake on loopback, to which cards, replies and App Home are sent meanwhile. Beside it stands a route of the same
server that answers 200 and does nothing. PostgreSQL does not wait for its disk. Exits with 1 if a bound does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import httpx
from sqlalchemy import func, select

from tests.conftest import _running_postgres
from tests.slack.company import WISH, FakeDesk, populate
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import SIGNING_SECRET, TOKEN, FakeSlack, running_slack
from twinledger.approvals import submit
from twinledger.clock import FixedClock
from twinledger.deployment import open_books, prepare
from twinledger.outbox import ByKind, LocalSender, drain
from twinledger.slack.render import Links
from twinledger.slack.sender import SlackSender, slack_client
from twinledger.store import Store
from twinledger.store.models import Department, Person, Request
from twinledger.vocabulary.settings import PREFIX, ROOT, Settings
from twinledger.web import create_app

P99_S, LIMIT_S = 0.5, 3.0
APPROVERS = 50
WARM_UP = 50
BARE, ROUTE = "/bare", "/twinledger/slack/interactions"
_SLOWEST_END_S = 60.0

Send = tuple[bytes, dict[str, str]]


# --- the server, in a process of its own ----------------------------------------------------------


def serve(handle: int) -> None:
    """Serve on a listening socket that is inherited; the environment says which deployment."""
    import uvicorn
    from fastapi import FastAPI, Response

    def send_due() -> None:
        with open_books() as books:
            slack = SlackSender(books.store, slack_client(books.settings.slack), Links(books.settings.public_url))
            drain(books.store, ByKind({"wake": LocalSender()}, slack), books.clock)  # no Airflow here to be woken

    def bare() -> Response:
        return Response()

    outer = FastAPI()
    inner = create_app(open_books, lambda: "nobody", send_due)
    outer.mount("/twinledger", inner)
    outer.post(BARE)(bare)
    inner.state.context.slack()  # opening the books and making the handler is not what is measured
    print("ready", flush=True)
    uvicorn.Server(uvicorn.Config(outer, log_level="error", ws="none")).run(sockets=[socket.socket(fileno=handle)])
    inner.state.context.close()


@contextmanager
def serving(settings: dict[str, str], workers: int) -> Iterator[str]:
    """The servers' address, once each of them answers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment = {**kept, **settings, "PYTHONPATH": str(ROOT)}
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        handle = listening.fileno()
        command = [sys.executable, "-m", "tests.bench.slack_acks", "--serve", str(handle)]
        processes = [
            subprocess.Popen(command, pass_fds=(handle,), env=environment, cwd=ROOT, stdout=subprocess.PIPE)
            for _ in range(workers)
        ]
        try:
            for process in processes:
                assert process.stdout
                process.stdout.readline()  # it is ready
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.communicate(timeout=_SLOWEST_END_S)


# --- who presses what -----------------------------------------------------------------------------


def populate_workspace(desk: FakeDesk, count: int) -> None:
    """As many requests, each of one of many departments with a holder of its own, and their cards in Slack."""
    populate(desk.store)
    with desk.store.transaction() as session:
        for one in range(APPROVERS):
            holder = f"holder-{one}"
            session.add(Person(name=holder, title=holder, slack_user=f"U0HOLDER{one}", roles=[]))
            where = {"title": f"Team {one}", "cost_centre": "1", "channel": f"#team-{one}", "tenants": []}
            session.add(Department(name=f"team-{one}", owner=holder, budget_holder=holder, **where))
    for number in range(count):
        wish = replace(WISH, department=f"team-{number % APPROVERS}")
        submit(desk, wish, identify=lambda prefix, number=number: f"{prefix}-{number}")  # type: ignore[misc]
    Outbox(desk).drain()


def clicks(slack: FakeSlack) -> list[Callable[[], Send]]:
    """One Approve for each request, signed when it is sent."""
    cards = [message for message in slack.messages.values() if '"approve"' in json.dumps(message["blocks"])]
    return [_click(slack, card) for card in cards]


def _click(slack: FakeSlack, message: dict[str, object]) -> Callable[[], Send]:
    channels = {number: name for name, number in slack.channels.items()}
    team = channels[str(message["channel"])].removeprefix("#team-")
    payload = slack.click_payload(message, "approve", f"U0HOLDER{team}")
    body = urlencode({"payload": json.dumps(payload)}).encode()
    return lambda: (body, slack.signed(body))


# --- measuring ------------------------------------------------------------------------------------


async def at_rate(address: str, sends: list[Callable[[], Send]], rate: float) -> tuple[list[float], Counter[int]]:
    """Seconds to each answer from the instant at which it was due, and how often each status was answered."""
    times: list[float] = []
    statuses: Counter[int] = Counter()

    async def one(client: httpx.AsyncClient, due: float, send: Callable[[], Send]) -> None:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        body, headers = send()
        answer = await client.post(address, content=body, headers=headers)
        times.append(time.monotonic() - due)
        statuses[answer.status_code] += 1

    start = time.monotonic() + 0.1
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=200)) as client:
        await asyncio.gather(*(one(client, start + place / rate, send) for place, send in enumerate(sends)))
    return times, statuses


def line(name: str, times: list[float]) -> str:
    """p50, p99 and maximum in milliseconds."""
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return f"{name:<28}{cuts[49] * 1000:>9,.1f}{cuts[98] * 1000:>9,.1f}{max(times) * 1000:>9,.1f}"


def approved(store: Store) -> int:
    """How many requests were approved."""
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(Request).where(Request.state == "approved")) or 0


def all_approved(store: Store, count: int) -> tuple[int, float]:
    """How many requests are approved once all are, and after how many seconds; at the latest after a minute."""
    start = time.monotonic()
    while (done := approved(store)) < count and time.monotonic() - start < _SLOWEST_END_S:
        time.sleep(0.05)
    return done, time.monotonic() - start


def measure(url: str, home: Path, seconds: float, rate: float, workers: int) -> bool:
    """Populate, press, print; whether every bound holds."""
    count = int(seconds * rate)
    with running_slack() as slack:
        account = {"token": TOKEN, "signing_secret": SIGNING_SECRET, "base_url": slack.base_url}
        settings = Settings.model_validate({"home": home, "store_url": url, "slack": account})
        prepare(settings)
        store = Store(url)
        populate_workspace(FakeDesk(settings, store, FixedClock(datetime.now(UTC))), count + WARM_UP)
        variables = {f"{PREFIX}HOME": str(home), f"{PREFIX}STORE_URL": url}
        variables |= {f"{PREFIX}SLACK__{name.upper()}": value for name, value in account.items()}
        with serving(variables, workers) as address:
            waiting = clicks(slack)
            asyncio.run(at_rate(address + ROUTE, waiting[:WARM_UP], rate))
            floor, _ = asyncio.run(at_rate(address + BARE, [lambda: (b"", {})] * min(count, 500), rate))
            times, statuses = asyncio.run(at_rate(address + ROUTE, waiting[WARM_UP:], rate))
            done, behind_s = all_approved(store, count + WARM_UP)
        store.close()
    print(
        f"{os.cpu_count()} cores, {workers} workers, {rate:g} interactions a second for {seconds:g} s, {count:,} in all"
    )
    print(f"{'milliseconds':<28}{'p50':>9}{'p99':>9}{'max':>9}")
    print(line("acknowledgement to Slack", times))
    print(line("bare 200 of the same server", floor))
    print(
        f"answered {dict(statuses)}; {done:,} of {count + WARM_UP:,} requests approved, {behind_s:.1f} s after the end"
    )
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return set(statuses) == {httpx.codes.OK} and done == count + WARM_UP and cuts[98] < P99_S and max(times) < LIMIT_S


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="how long people press")
    parser.add_argument("--rate", type=float, default=50, help="interactions a second")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that serve")
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    home = ROOT / ".cache" / "bench-slack"
    shutil.rmtree(home, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="twinledger-pg-"))
    try:
        with _running_postgres(folder) as postgres:
            held = measure(postgres.url(postgres.create()), home, arguments.seconds, arguments.rate, arguments.workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
    print("every bound holds" if held else "a bound does not hold")
    sys.exit(not held)


if __name__ == "__main__":
    main()
