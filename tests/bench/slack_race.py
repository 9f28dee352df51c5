"""A hundred people press Approve and Deny at the same instant: part of `make soak`.

    python -m tests.bench.slack_race                  50 rounds
    python -m tests.bench.slack_race --rounds 2       fewer

Each round is a new request that a hundred people of finance may decide. Half of them press Approve, half send the form
with a reason to deny, all at once, to four processes that serve the real route on PostgreSQL; Slack is a fake on
loopback. Exits with 1 unless each round leaves one outcome, at most one grant, one settled commitment, and all others
are told who decided.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from sqlalchemy import select

from tests.bench.slack_acks import ROUTE, serving
from tests.conftest import _running_postgres
from tests.slack.company import WISH, FakeDesk, populate
from tests.slack.conftest import Outbox
from tests.slack.fake_slack import SIGNING_SECRET, TOKEN, FakeSlack, running_slack, wait_until
from twinledger.approvals import submit
from twinledger.clock import FixedClock
from twinledger.deployment import prepare
from twinledger.slack.cards import DENY
from twinledger.slack.forms import REASON, reason_form
from twinledger.store import Store
from twinledger.store.models import Commitment, Grant, Person, PolicyRule, Request
from twinledger.vocabulary.settings import PREFIX, ROOT, Settings

CROWD, WORKERS, ROUNDS = 100, 4, 50
CHANNEL = "#finance"

Json = dict[str, Any]


def people() -> list[str]:
    """The Slack users who may decide."""
    return [f"U0CROWD{number}" for number in range(CROWD)]


def populate_crowd(desk: FakeDesk) -> None:
    """A hundred people of finance, whom every request is put to."""
    populate(desk.store)
    with desk.store.transaction() as session:
        for user in people():
            session.add(Person(name=user.lower(), title=f"Person {user}", slack_user=user, roles=["finance"]))
        session.add(PolicyRule(position=1, name="all", conditions={}, outcome="ask finance", reason="for the race"))


def press(slack: FakeSlack, card: Json, request: str) -> list[Json]:
    """What Slack posts of each: every other one approves, the others send the form to deny."""
    channel = str(card["channel"])
    payloads = []
    for number, user in enumerate(people()):
        if number % 2 == 0:
            payloads.append(slack.click_payload(card, "approve", user))
            continue
        form = reason_form(
            DENY, {"request": request, "channel": channel}, (f"Deny {request}", "Deny a request"), "Reason", "Deny"
        )
        state = {"values": {REASON: {REASON: {"type": "plain_text_input", "value": f"no, says {user}"}}}}
        view = {**form, "id": f"V{request}{number}", "hash": "1", "state": state}
        payloads.append(
            {
                "type": "view_submission",
                "team": {"id": "T0", "domain": "example"},
                "user": {"id": user, "username": user, "team_id": "T0"},
                "trigger_id": f"deny.{request}.{number}",
                "view": view,
            }
        )
    return payloads


async def at_once(slack: FakeSlack, address: str, payloads: Sequence[Json]) -> list[httpx.Response]:
    """All of them posted at the same instant, each over a connection of its own."""
    bodies = [urlencode({"payload": json.dumps(one)}).encode() for one in payloads]
    limits = httpx.Limits(max_connections=CROWD, max_keepalive_connections=CROWD)
    async with httpx.AsyncClient(timeout=60, limits=limits) as client:
        posts = (client.post(address, content=body, headers=slack.signed(body)) for body in bodies)
        return list(await asyncio.gather(*posts))


def problems(store: Store, request: str, answers: Sequence[httpx.Response], told: int) -> list[str]:
    """What one round left that it must not."""
    with store.reading() as session:
        row = session.get_one(Request, request)
        grants = session.scalars(select(Grant.id).where(Grant.request == request)).all()
        commitment = session.get_one(Commitment, request).state
    wanted = {"approved": (1, "posted"), "denied": (0, "void")}.get(row.state, (0, "settled"))
    found = []
    if [one.status_code for one in answers] != [200] * CROWD:
        codes = Counter(one.status_code for one in answers)
        found.append(
            f"answered {dict(codes)}: {next(one.text for one in answers if one.status_code != httpx.codes.OK)[:200]}"
        )
    if wanted != (len(grants), commitment):
        found.append(f"{row.state} with {len(grants)} grants and a commitment that is {commitment}")
    if told != CROWD - 1:
        found.append(f"{told} told who decided, expected {CROWD - 1}")
    return found


def told_who_decided(slack: FakeSlack, answers: Sequence[httpx.Response], before: int) -> int:
    """How many were told: in the form that they sent, or privately where they pressed."""
    forms = sum(bool(one.content) and "Already" in one.text for one in answers)
    private = [one for one in slack.ephemerals[before:] if "Already" in str(one.get("text", ""))]
    return forms + len(private)


def race(url: str, home: Path, rounds: int) -> bool:
    """Every round; whether each left what it must."""
    outcomes = {"approved": 0, "denied": 0}
    wrong: list[str] = []
    with running_slack() as slack:
        account = {"token": TOKEN, "signing_secret": SIGNING_SECRET, "base_url": slack.base_url}
        settings = Settings.model_validate({"home": home, "store_url": url, "slack": account})
        prepare(settings)
        store = Store(url)
        desk = FakeDesk(settings, store, FixedClock(datetime.now(UTC)))
        populate_crowd(desk)
        variables = {f"{PREFIX}HOME": str(home), f"{PREFIX}STORE_URL": url}
        variables |= {f"{PREFIX}SLACK__{name.upper()}": value for name, value in account.items()}
        started = time.monotonic()
        with serving(variables, WORKERS) as address:
            for number in range(rounds):
                state, found = one_round(desk, slack, address + ROUTE, f"req-{number}")
                outcomes[state] = outcomes.get(state, 0) + 1
                wrong += [f"round {number + 1}: {one}" for one in found]
        store.close()
    said = ", ".join(f"{count} {state}" for state, count in outcomes.items())
    print("\n".join(wrong), end="\n" if wrong else "")
    print(f"{rounds} rounds of {CROWD} people on {WORKERS} processes in {time.monotonic() - started:.0f} s: {said}")
    return not wrong


def card_with(slack: FakeSlack, heading: str) -> Json | None:
    """The card with a heading, once it is there."""
    return next((one for one in slack.in_channel(CHANNEL) if one["blocks"][0]["text"]["text"] == heading), None)


def one_round(desk: FakeDesk, slack: FakeSlack, address: str, request: str) -> tuple[str, list[str]]:
    """A new request, a hundred answers; the state that it is left in, and what is wrong with that."""
    submit(desk, WISH, identify=lambda _: request)
    Outbox(desk).drain()
    heading = f"Waiting for approval: {request}"
    wait_until(lambda: card_with(slack, heading) is not None, f"a card says {heading}")  # any of the processes sends it
    card = card_with(slack, heading) or {}
    before = len(slack.ephemerals)
    answers = asyncio.run(at_once(slack, address, press(slack, card, request)))
    with suppress(TimeoutError, AssertionError):  # who was not told is counted below
        wait_until(lambda: told_who_decided(slack, answers, before) >= CROWD - 1, "everybody is told", 20)
    found = problems(desk.store, request, answers, told_who_decided(slack, answers, before))
    with desk.store.reading() as session:
        return session.get_one(Request, request).state, found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often")
    arguments = parser.parse_args()
    home = ROOT / ".cache" / "slack-race"
    shutil.rmtree(home, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="twinledger-pg-"))
    try:
        with _running_postgres(folder) as postgres:
            held = race(postgres.url(postgres.create()), home, arguments.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
    print("one outcome, one grant, everybody told" if held else "a round left what it must not")
    sys.exit(not held)


if __name__ == "__main__":
    main()
