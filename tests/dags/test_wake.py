"""Waking Airflow's approval task, against a REST API that is a fake with memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from twinledger.airflow.rest import AirflowApi
from twinledger.airflow.wake import AirflowWaker, drain_until_woken
from twinledger.clock import FixedClock
from twinledger.outbox import Message, Outgoing, PermanentSendError, RetryableSendError, enqueue
from twinledger.store import Store
from twinledger.store.models import Department, Person, Pool, Product, Request

NOW = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)
RUN = "/api/v2/dags/provisioning_approval/dagRuns"


@dataclass
class FakeAirflow:
    """Answers as Airflow's API: runs by name, one of which may wait for an answer."""

    runs: dict[str, str] = field(default_factory=dict)
    asked_at: datetime = NOW
    answers: list[str] = field(default_factory=list)
    task: str = "budget_holder"
    ends_when_answered: bool = False
    status: int = 0
    """When set, what every call is answered with."""
    late: int = 0
    """How many answers to what changes something come too late; what they answer is done."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "token"})
        if self.status:
            return httpx.Response(self.status)
        answer = self._answer(request)
        if self.late and request.method != "GET":
            self.late -= 1
            message = "timed out"
            raise httpx.ReadTimeout(message, request=request)
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            name = json.loads(request.content)["dag_run_id"]
            taken = name in self.runs
            self.runs.setdefault(name, "running")
            return httpx.Response(409 if taken else 200, json={})
        if request.method == "PATCH":
            self.answers += json.loads(request.content)["chosen_options"]
            if self.ends_when_answered:
                self.runs = dict.fromkeys(self.runs, "success")
            return httpx.Response(200, json={})
        return self._read(request.url.path)

    def _read(self, path: str) -> httpx.Response:
        name = path.removeprefix(RUN).split("/")[1]
        if path.endswith("/hitlDetails"):
            return httpx.Response(200, json={"hitl_details": [] if self.answers else [self._detail(name)]})
        if name not in self.runs:
            return httpx.Response(404)
        run = {"dag_id": "provisioning_approval", "dag_run_id": name, "state": self.runs[name], "partition_key": None}
        return httpx.Response(200, json=run)

    def _detail(self, name: str) -> dict[str, Any]:
        task = {"dag_id": "provisioning_approval", "dag_run_id": name, "task_id": self.task, "map_index": -1}
        return {"task_instance": task, "created_at": self.asked_at.isoformat()}


def waker(store: Store, airflow: FakeAirflow) -> AirflowWaker:
    client = httpx.Client(transport=httpx.MockTransport(airflow), base_url="http://airflow")
    return AirflowWaker(store, AirflowApi("http://airflow", "twinledger", "made up", client), FixedClock(NOW))


def wake_up(request: str = "req-1") -> Outgoing:
    return Outgoing("key", "wake", "everyone", f"airflow/{request}", request, {}, 1, None)


def with_request(store: Store, state: str) -> Store:
    with store.transaction() as session:
        session.add(Person(name="judy", title="Judy", slack_user=None, airflow_user="judy", roles=[]))
        session.add(
            Department(
                name="storefront", title="S", parent=None, cost_centre="1", owner="judy", budget_holder="judy",
                channel="#s", tenants=[],
            )
        )  # fmt: skip
        session.add(
            Pool(name="gpu", title="G", owner="judy", kind="shared", position=1, rules=[], capacity=[], tolerance={})
        )
        session.flush()
        session.add(Product(name="gpu", title="G", description="", owner="judy", pool="gpu", state="listed"))
        session.flush()
        session.add(
            Request(
                id="req-1", requester="judy", department="storefront", product="gpu", meter="card-hours", quantity=1,
                region="r", days=1, period="2026-10", amount=1, currency="USD", justification="j", state=state,
                revision=1, approvers=["ivan"], created_at=NOW, expires_at=NOW, facts={},
            )
        )  # fmt: skip
    return store


def test_a_new_request_starts_its_run_once(store: Store) -> None:
    airflow = FakeAirflow()
    sender = waker(with_request(store, "pending"), airflow)
    sender.send(wake_up())
    sender.send(wake_up())
    assert airflow.runs == {"req-1": "running"}


def test_an_answer_that_comes_too_late_is_asked_for_again_and_nothing_is_done_twice(store: Store) -> None:
    airflow = FakeAirflow(late=2)
    waker(with_request(store, "pending"), airflow).send(wake_up())
    assert (airflow.runs, airflow.late) == ({"req-1": "running"}, 0)


@pytest.mark.parametrize(("state", "answer"), [("approved", "Approve"), ("denied", "Reject"), ("expired", "Reject")])
def test_a_decided_request_answers_the_waiting_task_and_looks_again(store: Store, state: str, answer: str) -> None:
    airflow = FakeAirflow({"req-1": "running"}, NOW - timedelta(seconds=5))
    sender = waker(with_request(store, state), airflow)
    with pytest.raises(RetryableSendError, match="has not ended yet"):
        sender.send(wake_up())
    assert airflow.answers == [answer]
    airflow.runs["req-1"] = "success"
    sender.send(wake_up())


def test_a_task_whose_stage_is_over_is_answered_and_the_present_one_is_left_alone(store: Store) -> None:
    with_request(store, "pending")
    with store.transaction() as session:
        row = session.get_one(Request, "req-1")
        row.stages, row.stage = [{"role": "manager"}, {"role": "budget holder"}], 1
    behind = FakeAirflow({"req-1": "running"}, NOW - timedelta(seconds=5), task="manager")
    with pytest.raises(RetryableSendError, match="has not come so far yet"):
        waker(store, behind).send(wake_up())
    assert behind.answers == ["Approve"]
    present = FakeAirflow({"req-1": "running"}, NOW - timedelta(seconds=5))
    waker(store, present).send(wake_up())
    assert present.answers == []


def test_a_task_that_has_just_begun_to_wait_is_left_alone_for_a_moment(store: Store) -> None:
    airflow = FakeAirflow({"req-1": "running"}, NOW - timedelta(seconds=1))
    with pytest.raises(RetryableSendError) as left:
        waker(with_request(store, "approved"), airflow).send(wake_up())
    assert airflow.answers == []
    assert left.value.retry_after_s == 3, "it is looked at again when the moment is over"


def test_the_worker_stays_with_what_it_woke_until_airflow_has_ended_it(store: Store) -> None:
    airflow = FakeAirflow({"req-1": "running"}, NOW - timedelta(seconds=2), ends_when_answered=True)
    clock = FixedClock(NOW)
    sender = replace(waker(with_request(store, "approved"), airflow), clock=clock)
    with store.transaction() as session:
        enqueue(session, Message("wake", "req-1", "airflow/req-1", "everyone"), clock)
    result = drain_until_woken(store, sender, clock)
    assert (airflow.answers, result.sent, result.retried) == (["Approve"], 1, 2)
    assert clock.now() - NOW <= timedelta(seconds=8)


def test_the_worker_does_not_stay_with_what_does_not_end(store: Store) -> None:
    airflow = FakeAirflow({"req-1": "running"}, NOW - timedelta(minutes=1))
    clock = FixedClock(NOW)
    sender = replace(waker(with_request(store, "approved"), airflow), clock=clock)
    with store.transaction() as session:
        enqueue(session, Message("wake", "req-1", "airflow/req-1", "everyone"), clock)
    assert drain_until_woken(store, sender, clock).sent == 0
    assert clock.now() - NOW <= timedelta(seconds=10)


def test_a_decided_request_that_never_had_a_run_needs_none(store: Store) -> None:
    airflow = FakeAirflow()
    waker(with_request(store, "approved"), airflow).send(wake_up())
    assert airflow.runs == {}


@pytest.mark.parametrize(("status", "error"), [(503, RetryableSendError), (403, PermanentSendError)])
def test_airflow_being_away_passes_and_airflow_refusing_stays(
    store: Store, status: int, error: type[Exception]
) -> None:
    airflow = FakeAirflow(status=status)
    with pytest.raises(error, match=f"Airflow answers {status}"):
        waker(with_request(store, "pending"), airflow).send(wake_up())


def test_an_unknown_request_is_refused_by_name(store: Store) -> None:
    with pytest.raises(PermanentSendError, match="no request 'req-9'"):
        waker(store, FakeAirflow()).send(wake_up("req-9"))
