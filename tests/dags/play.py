"""Runs DAGs to their end in this process, one after the other: run by the tests in a process of its own.

Arguments: the DAG folder, then JSON objects {"dag": ..., "conf": ..., "answers": [[user, option], ...]}.
Prints, as JSON, the state of each run and of its tasks, and the asset events with their keys.
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
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import handle_event_submit
from airflow.triggers.base import TriggerEvent
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select

SETTLES_S = 1.5
GIVE_UP_S = 180


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


if __name__ == "__main__":
    folder, *steps = sys.argv[1:]
    faulthandler.dump_traceback_later(GIVE_UP_S, exit=True)
    dags = DagBag(folder)
    runs = [played(dags, json.loads(step)) for step in steps]
    sys.stdout.write("\n" + json.dumps({"runs": runs, "events": events()}) + "\n")
    sys.stdout.flush()
    os._exit(0)
