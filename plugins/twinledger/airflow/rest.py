"""Airflow's REST API, as far as we need it.

What belongs here: the calls. What does not: what they are for. Tasks reach the store and the lake
directly; only what belongs to Airflow (runs, waiting approvals) goes through here, as a service account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
)

CONNECTION = "twinledger_airflow"
"""Airflow connection (type http) of the service account: schema, host, port, login and password."""

TIMEOUT_S = 30.0
_AGAIN = Retrying(
    retry=retry_if_result(lambda answer: answer.is_server_error) | retry_if_exception_type(httpx.TimeoutException),
    stop=stop_after_attempt(4) | stop_after_delay(2 * TIMEOUT_S),
    wait=wait_exponential(multiplier=0.5, max=4),
    retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One task that waits for an answer."""

    dag: str
    run: str
    task: str
    map_index: int
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a DAG."""

    dag: str
    id: str
    state: str
    partition_key: str | None


class AirflowApi:
    """A session of one user; logs in on first use, and again when the token has run out."""

    def __init__(self, url: str, user: str, password: str, client: httpx.Client | None = None) -> None:
        """Open by the address people use, as in http://127.0.0.1:8080; nothing is sent yet."""
        self._client = client or httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT_S)
        self._login = {"username": user, "password": password}
        self._token = ""

    def __enter__(self) -> Self:
        """The session itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._client.close()

    def healthy(self, components: tuple[str, ...] = ("metadatabase", "scheduler", "dag_processor")) -> bool:
        """Whether the components answer and say that they are well; False where nothing answers."""
        try:
            answer = self._client.get("/api/v2/monitor/health")
        except httpx.TransportError:
            return False
        health = answer.json() if answer.is_success else {}
        return all((health.get(name) or {}).get("status") == "healthy" for name in components)

    def dags(self) -> list[str]:
        """Names of all DAGs that are parsed and known."""
        return [dag["dag_id"] for dag in self._call("GET", "/dags", params={"limit": 100}).json()["dags"]]

    def import_errors(self) -> list[str]:
        """Files that cannot be parsed, with the last line of why."""
        errors = self._call("GET", "/importErrors").json()["import_errors"]
        return [f"{one['filename']}: {one['stack_trace'].strip().splitlines()[-1]}" for one in errors]

    def start(
        self, dag: str, run: str, conf: Mapping[str, Any] | None = None, partition_key: str | None = None
    ) -> bool:
        """Start a run by name; False where a run of that name is there already."""
        body = {"dag_run_id": run, "logical_date": None, "conf": dict(conf or {})}
        if partition_key:
            body["partition_key"] = partition_key
        return self._call("POST", f"/dags/{dag}/dagRuns", json=body, also=(409,)).status_code != httpx.codes.CONFLICT

    def run(self, dag: str, run: str) -> Run | None:
        """One run, or None."""
        answer = self._call("GET", f"/dags/{dag}/dagRuns/{quote(run, safe='')}", also=(404,))
        return None if answer.status_code == httpx.codes.NOT_FOUND else _run(answer.json())

    def runs(self) -> list[Run]:
        """The newest thousand runs of all DAGs, oldest first."""
        found: list[Run] = []
        while len(found) < 1000:  # noqa: PLR2004 - the docstring's thousand
            parameters = {"limit": 100, "offset": len(found), "order_by": "-run_after"}
            page = self._call("GET", "/dags/~/dagRuns", params=parameters).json()["dag_runs"]
            found += [_run(one) for one in page]
            if len(page) < 100:  # noqa: PLR2004 - the limit above
                break
        return found[::-1]

    def tasks(self, dag: str, run: str) -> list[Mapping[str, Any]]:
        """The task instances of a run, as Airflow describes them."""
        path = f"/dags/{dag}/dagRuns/{quote(run, safe='')}/taskInstances"
        tasks: list[Mapping[str, Any]] = self._call("GET", path).json()["task_instances"]
        return tasks

    def waiting(self, dag: str, run: str) -> list[Waiting]:
        """Tasks of a run that wait for an answer."""
        path = f"/dags/{dag}/dagRuns/{quote(run, safe='')}/hitlDetails"
        answer = self._call("GET", path, params={"response_received": "false", "state": "awaiting_input"}).json()
        return [
            Waiting(
                dag=one["task_instance"]["dag_id"],
                run=one["task_instance"]["dag_run_id"],
                task=one["task_instance"]["task_id"],
                map_index=one["task_instance"]["map_index"],
                asked_at=datetime.fromisoformat(one["created_at"]),
            )
            for one in answer["hitl_details"]
        ]

    def answer(self, waiting: Waiting, option: str) -> bool:
        """Answer a task; False where somebody did so meanwhile."""
        path = f"/dags/{waiting.dag}/dagRuns/{quote(waiting.run, safe='')}"
        path += f"/taskInstances/{waiting.task}/{waiting.map_index}/hitlDetails"
        body = {"chosen_options": [option], "params_input": {}}
        return self._call("PATCH", path, json=body, also=(409,)).status_code != httpx.codes.CONFLICT

    def _call(self, method: str, path: str, *, also: tuple[int, ...] = (), **arguments: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own arguments
        """One call; raises httpx.HTTPStatusError for any status but a success and those in `also`.

        An answer of Airflow's own trouble (a busy database, most often), and one that does not come in time, is
        asked for again: what is started has a name and what is answered is answered once, so that nothing is done
        twice. After four attempts, or a minute, an answer is taken as it is, and httpx.TimeoutException raised.
        """
        answer = _AGAIN(self._request, method, path, arguments)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._token = ""
            answer = _AGAIN(self._request, method, path, arguments)
        if answer.status_code not in also:
            answer.raise_for_status()
        return answer

    def _request(self, method: str, path: str, arguments: Mapping[str, Any]) -> httpx.Response:
        if not self._token:
            granted = self._client.post("/auth/token", json=self._login)
            self._token = granted.raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._client.request(method, f"/api/v2{path}", headers=headers, **arguments)


def _run(described: Mapping[str, Any]) -> Run:
    return Run(described["dag_id"], described["dag_run_id"], described["state"], described.get("partition_key"))
