"""Runs DAGs to their end, one after the other, each play in a process of its own: a fork of one that imported all.

Run by `tests.dags.conftest`:

    python play.py

Reads lines of JSON: {"environment": ..., "cwd": ..., "out": ..., "dags": ..., "steps": [{"dag": ..., "conf": ...,
"answers": [[user, option], ...]}, ...]}, and answers each with `ended` and the return code of its play. A play
writes what it says into the file `out`, and as its last line, as JSON, the state of each run and of its tasks, and
the asset events with their keys. Airflow, the library and Great Expectations take ten seconds to import, most of the
time of a play.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, NoReturn

from airflow import settings
from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import handle_event_submit
from airflow.triggers.base import TriggerEvent
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select

from twinledger.airflow.executor import load_all

SETTLES_S = 1.5
GIVE_UP_S = 180
ENDED = "ended"


def events() -> list[tuple[str, str | None]]:
    """All asset events so far."""
    with create_session() as session:
        query = select(AssetModel.name, AssetEvent.partition_key).join(AssetEvent, AssetEvent.asset_id == AssetModel.id)
        return [(name, key) for name, key in session.execute(query.order_by(AssetEvent.id))]


def answer_all(answers: Sequence[tuple[str, str]]) -> None:
    """Answer as Airflow's page does, each time that the task asks; dies with the process on any mistake."""
    try:
        left = list(answers)
        while True:
            time.sleep(SETTLES_S)
            _answer(left)
    except BaseException:  # noqa: BLE001 - whatever it is would be swallowed by the thread, and the run wait for ever
        traceback.print_exc()
        os._exit(3)


def _answer(left: list[tuple[str, str]]) -> None:
    """As PATCH .../hitlDetails does it, if a task waits.

    `dag.test` writes a task's state back after it has parked: an answer that comes before is lost, and
    given once more.
    """
    with create_session() as session:
        task = session.scalar(select(TaskInstance).where(TaskInstance.state == TaskInstanceState.AWAITING_INPUT))
        if task is None:
            return
        detail = session.scalars(select(HITLDetail).where(HITLDetail.ti_id == task.id)).one()
        if detail.responded_at is None:
            user, option = left.pop(0)
            detail.responded_at = datetime.now(UTC)
            detail.responded_by = {"id": user, "name": user}
            detail.chosen_options = [option]
            detail.params_input = {}
        event = TriggerEvent(detail.as_resume_event_payload())  # type: ignore[no-untyped-call]  # Airflow's
        handle_event_submit(event, task_instance=task, session=session)


def played(bag: DagBag, step: dict[str, Any]) -> dict[str, Any]:
    """One DAG, run to its end."""
    if step.get("answers"):
        threading.Thread(target=answer_all, args=(step["answers"],), daemon=True).start()
    run = bag.dags[step["dag"]].test(run_conf=step.get("conf", {}))
    tasks: dict[str, list[str]] = {}
    for task in run.get_task_instances():
        tasks.setdefault(task.task_id, []).append(str(task.state))
    return {"dag": step["dag"], "state": str(run.state), "tasks": tasks}


def play(asked: dict[str, Any]) -> NoReturn:
    """Be the process of one play, as if started with its environment."""
    try:
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["cwd"])
        out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, sys.stdout.fileno())
        os.dup2(out, sys.stderr.fileno())
        faulthandler.dump_traceback_later(GIVE_UP_S, exit=True)
        settings.initialize()  # type: ignore[no-untyped-call]  # Airflow's; what it read while it was imported
        dags = DagBag(asked["dags"])
        runs = [played(dags, step) for step in asked["steps"]]
        sys.stdout.write("\n" + json.dumps({"runs": runs, "events": events()}) + "\n")
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - whatever it is, the fork must not go on as its parent
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def fork(asked: dict[str, Any]) -> int:
    """The return code of one play."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        play(asked)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    load_all()
    for module in ("airflow.api_fastapi.app", "airflow.api_fastapi.execution_api.app"):
        import_module(module)  # `dag.test` serves its tasks with it
    for line in sys.stdin:
        print(ENDED, fork(json.loads(line)), flush=True)  # noqa: T201 - read by the fixture
