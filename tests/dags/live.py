"""A company that asks for approvals: the real Airflow on PostgreSQL, and a workspace of Slack beside it.

What belongs here: asking, killing a part of it all, and what is to be seen of a request everywhere. What does not: how
the parts are started and killed (`killable`), and the cases, which tests and soak programs say.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.dags.killable import DAGS, Killable, KillablePostgres, OnPostgres
from tests.slack.company import WISH, populate
from tests.slack.fake_slack import SIGNING_SECRET, TEAM, TOKEN, FakeSlack, Json, Reply, running_slack
from twinledger.airflow.rest import AirflowApi
from twinledger.approvals import submit
from twinledger.clock import SystemClock
from twinledger.deployment import prepare
from twinledger.outbox.drain import CLAIM_HOLDS
from twinledger.store import Store
from twinledger.store.models import AuditEntry, Commitment, Grant, Interaction, OutboxItem, Person, PolicyRule, Request
from twinledger.vocabulary.settings import Settings

APPROVAL, OUTBOX = DAGS
TASK = "finance"
"""The stage that all requests of this company are put to; the other two are skipped."""
CHANNEL, REQUESTER = "#finance", "U0CY"
ROUTE = "/twinledger/slack/interactions"
UP_WITHIN_S = 180.0
WITHIN_S = 120.0
LOOKS_S = 0.2
LONG_AGO = timedelta(minutes=5)

_SETTLES = {"approved": (1, "posted"), "denied": (0, "void"), "expired": (0, "expired"), "withdrawn": (0, "void")}
"""State -> grants, and how the commitment ends."""


class Watched(AirflowApi):
    """The REST API, also for what only tests ask it."""

    def returned(self, run: str, task: str) -> Any:  # noqa: ANN401 - whatever the task returned
        """What a task of an approval returned, or None where it has returned nothing."""
        path = f"/dags/{APPROVAL}/dagRuns/{quote(run, safe='')}/taskInstances/{task}/xcomEntries/return_value"
        answer = self._call("GET", path, also=(404,))
        return None if answer.status_code == httpx.codes.NOT_FOUND else answer.json()["value"]


@dataclass
class Desk:
    """What approvals need of a deployment."""

    settings: Settings
    store: Store
    clock: SystemClock = field(default_factory=SystemClock)


@dataclass
class Live:
    """All of it."""

    postgres: KillablePostgres
    airflow: OnPostgres
    components: Killable
    slack: FakeSlack
    desk: Desk
    api: Watched
    _killed_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def store(self) -> Store:
        return self.desk.store

    # --- asking and looking ---------------------------------------------------------------

    def ask(self, name: str, **changes: Any) -> str:  # noqa: ANN401 - fields of a wish
        """Cy's wish under a name of its own; nobody is told yet: `deliver` has them told."""
        wish = replace(WISH, **changes) if changes else WISH
        return submit(self.desk, wish, identify=lambda prefix: f"{prefix}-{name}")

    def ask_by_http(self) -> str:
        """Cy's wish on the pages; whatever else is due is delivered at once too."""
        body = {name: getattr(WISH, name) for name in ("department", "product", "meter", "days", "region")}
        body |= {"quantity": str(WISH.quantity), "justification": "asked by HTTP"}
        key = {"Idempotency-Key": str(time.monotonic_ns())}
        asked: list[str] = []

        def taken() -> bool:
            answer = client.post("/twinledger/requests", json=body, headers=key).raise_for_status()
            asked.append(answer.json()["request"])
            return True

        with self.as_person("cy") as client:
            self.until(taken, "the request is taken")  # a server whose database was killed may fail once
        return asked[0]

    def click(self, request: str, user: str, action: str = "approve") -> Reply:
        """Press a button of a request's card."""
        return self.slack.click(self.cards(request)[0], action, user)

    @contextmanager
    def undecided(self, request: str) -> Iterator[None]:
        """Nothing becomes of a request meanwhile: a click is written down, and its decision has to wait."""
        session = Session(self.store.engine)
        session.get_one(Request, request, with_for_update={"key_share": True})
        try:
            yield
        finally:
            with suppress(DBAPIError):  # the database may have been killed
                session.close()

    @contextmanager
    def as_person(self, user: str) -> Iterator[httpx.Client]:
        """A browser that is signed in to Airflow."""
        with httpx.Client(base_url=self.airflow.url, timeout=30) as client:
            login = {"username": user, "password": self.airflow.passwords[user]}
            token = client.post("/auth/token", json=login).raise_for_status().json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client

    def cards(self, request: str) -> list[Json]:
        """A request's cards in the channel of finance, as they are now."""
        found = self.slack.in_channel(CHANNEL)
        return [one for one in found if one["blocks"][0]["text"]["text"].endswith(f": {request}")]

    def replies(self, request: str) -> list[str]:
        """What the requester was told directly."""
        return [one["text"] for one in self.slack.in_channel(REQUESTER) if f"request {request} " in one["text"]]

    def told(self, *users: str) -> list[str]:
        """What people were told privately in the channel of finance."""
        channel = self.slack.channel_id(CHANNEL)
        return [one["text"] for one in self.slack.ephemerals if one["channel"] == channel and one["user"] in users]

    def state(self, request: str) -> str:
        with self.store.reading() as session:
            return session.get_one(Request, request).state

    def task_state(self, request: str) -> str:
        """The state of the task that asks."""
        return next(str(one["state"]) for one in self.api.tasks(APPROVAL, request) if one["task_id"] == TASK)

    def parked(self) -> set[str]:
        """The requests whose tasks wait for an answer."""
        return {one.run for one in self.api.waiting(APPROVAL, "~")}

    def has_ended(self, request: str) -> bool:
        """Whether Airflow's run has."""
        run = self.api.run(APPROVAL, request)
        return run is not None and run.state in ("success", "failed")

    def are_asked(self, *requests: str) -> bool:
        """Whether their cards are there and their tasks wait."""
        return all(map(self.cards, requests)) and self.parked().issuperset(requests)

    def until(self, holds: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
        """Wait for something; what is away for the moment is asked again, and what ended is started again."""
        deadline = time.monotonic() + within_s
        while True:
            self.components.revive()
            with suppress(httpx.HTTPError, DBAPIError):
                if holds():
                    return
            assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
            time.sleep(LOOKS_S)

    # --- killing, and starting again ------------------------------------------------------

    def kill(self, part: str) -> None:
        """Kill a component, the database, or the process of the task that delivers the outbox."""
        if part == "database":
            self.postgres.kill()
        elif part == "outbox worker":
            self._kill_worker()
        else:
            self.components.kill(part)
        self._killed_at = datetime.now(UTC)

    def _kill_worker(self) -> None:
        """Kill the process of `deliver_outbox` as soon as there is one that works."""
        pids: list[int] = []

        def works() -> bool:
            for run in self.api.runs():
                if run.dag == OUTBOX and run.state == "running":
                    pids.extend(one["pid"] for one in self.api.tasks(OUTBOX, run.id) if one["state"] == "running")
            return any(pids)

        self.until(works, "deliver_outbox works")
        for pid in filter(None, pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def start_again(self) -> None:
        """Start whatever does not run, and wait until all of it answers."""
        self.postgres.start()
        self.until(self.api.healthy, "all of it answers again", UP_WITHIN_S)
        self.make_due()

    def make_due(self) -> None:
        """Let the time pass that things wait for: retries, answers that were left, and claims of who was killed."""
        now = datetime.now(UTC)
        pending, claimed = OutboxItem.state == "pending", OutboxItem.state == "sending"
        dead = claimed & (OutboxItem.not_before < self._killed_at + CLAIM_HOLDS)
        with self.store.transaction() as session:
            session.execute(update(OutboxItem).where(pending | dead).values(not_before=now))
            session.execute(update(Interaction).where(Interaction.result == "").values(at=now - LONG_AGO))

    def deliver(self) -> None:
        """Have the outbox delivered by its DAG, without waiting for the minute."""
        self.api.start(OUTBOX, f"now-{time.monotonic_ns()}")

    # --- how it ended ---------------------------------------------------------------------

    def settled(self, *requests: str) -> None:
        """Wait until the requests have ended everywhere; raises AssertionError with what has not."""
        left: dict[str, list[str]] = {}

        def all_agree() -> bool:
            left.update({one: self.problems(one) for one in requests})
            return not any(left.values())

        with suppress(AssertionError):
            self.until(all_agree, "")
            return
        raise AssertionError("; ".join(f"{one}: {problem}" for one, found in left.items() for problem in found))

    def problems(self, request: str) -> list[str]:
        """What is not as it must be once a request has ended: in the store, in Slack, in Airflow."""
        return (
            [*self._store_problems(request), *self._slack_problems(request)]  # what is cheap to ask comes first
            or [*self._airflow_problems(request)]
        )

    def _store_problems(self, request: str) -> Iterator[str]:
        with self.store.reading() as session:
            state = session.get_one(Request, request).state
            grants = session.scalar(select(func.count()).select_from(Grant).where(Grant.request == request))
            commitment = session.get_one(Commitment, request).state
            actions = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == request)).all()
            unsent = session.scalar(
                select(func.count()).where(OutboxItem.subject == request, OutboxItem.state != "sent")
            )
        if state not in _SETTLES:
            yield f"is {state}"
        elif (grants, commitment) != _SETTLES[state]:
            yield f"{state} with {grants} grants and a commitment that is {commitment}"
        ended = [one for one in actions if one in {f"request.{event}" for event in ("approve", "deny", "expire")}]
        if len(ended) > 1:
            yield f"ended {len(ended)} times: {ended}"
        if unsent:
            yield f"{unsent} messages are not sent"

    def _slack_problems(self, request: str) -> Iterator[str]:
        state, cards, replies = self.state(request).capitalize(), self.cards(request), self.replies(request)
        if [one["blocks"][0]["text"]["text"] for one in cards] != [f"{state}: {request}"]:
            yield f"its cards say {[one['text'][:40] for one in cards]}, not once {state}"
        if any(block["type"] == "actions" for one in cards for block in one["blocks"]):
            yield "its card has buttons"
        if len(replies) != 1 or f": {state}" not in replies[0]:
            yield f"its requester was told {replies}"

    def _airflow_problems(self, request: str) -> Iterator[str]:
        run = self.api.run(APPROVAL, request)
        if run is None or run.state != "success":
            tasks = {one["task_id"]: one["state"] for one in self.api.tasks(APPROVAL, request)} if run else {}
            yield f"its run is {run and run.state}, its tasks {tasks}"
            return
        returned = self.api.returned(request, TASK)
        if returned != {"request": request, "state": self.state(request)}:
            yield f"its task returned {returned}"


@contextmanager
def live(folder: Path, people: Sequence[str] = ("cy", "ada")) -> Iterator[Live]:
    """Everything, ended at the end of the block."""
    folder = folder.resolve()
    with ExitStack() as stack:
        database = Path(tempfile.mkdtemp(prefix="twinledger-pg-"))
        stack.callback(shutil.rmtree, database, ignore_errors=True)
        postgres = KillablePostgres(database)
        postgres.start()
        stack.callback(postgres.stop)
        slack = stack.enter_context(running_slack())
        url = postgres.server.url(postgres.server.create())
        account = {"token": TOKEN, "signing_secret": SIGNING_SECRET, "base_url": slack.base_url, "team_id": TEAM}
        settings = Settings.model_validate({"home": folder / "twinledger", "store_url": url, "slack": account})
        variables = {"TWINLEDGER_HOME": str(settings.home), "TWINLEDGER_STORE_URL": url}
        variables |= {f"TWINLEDGER_SLACK__{name.upper()}": value for name, value in account.items()}
        described = OnPostgres.new(folder / "airflow", {"admin": "admin", **dict.fromkeys(people, "user")}, variables)
        assert isinstance(described, OnPostgres)
        described = replace(described, database_url=postgres.server.url(postgres.server.create()))
        components = stack.enter_context(Killable(described))
        desk = Desk(settings, Store(url))
        stack.callback(desk.store.close)
        migrating = threading.Thread(target=components.migrate)
        migrating.start()
        prepare(settings)
        populate(desk.store)
        put_to_finance(desk.store)
        migrating.join()
        components.start()
        components.wait(len(DAGS), UP_WITHIN_S, lambda _: None)
        api = stack.enter_context(Watched(described.url, "admin", described.passwords["admin"]))
        slack.deliver = _delivering(described.url + ROUTE)
        yield Live(postgres, described, components, slack, desk, api)


FINANCE = ("fay", "gil", "hal", "ida")
"""Of finance beside Ada; the Slack user of each is U0FAY and so on."""


def put_to_finance(store: Store) -> None:
    """Five people of finance are asked for everything."""
    with store.transaction() as session:
        for name in FINANCE:
            user = f"U0{name.upper()}"
            session.add(Person(name=name, title=user, slack_user=user, airflow_user=name, roles=["finance"]))
        session.add(PolicyRule(position=1, name="all", conditions={}, outcome="ask finance", reason="to be looked at"))


def _delivering(address: str) -> Callable[[bytes, Mapping[str, str]], Reply]:
    """Posts to the real route; a server that is not there raises httpx.TransportError."""

    def deliver(body: bytes, headers: Mapping[str, str]) -> Reply:
        answer = httpx.post(address, content=body, headers=dict(headers), timeout=30)
        return Reply(answer.status_code, answer.text)

    return deliver
