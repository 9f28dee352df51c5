"""What the scheduler loads before it forks its workers."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from structlog.testing import capture_logs

from twinledger.airflow.executor import NAME, imported_by, load
from twinledger.airflow.local import LocalAirflow
from twinledger.vocabulary.settings import ROOT

DAG = """
from airflow.sdk import dag, task
from twinledger.airflow.policy import RETRIES

@dag()
def some():
    @task
    def work():
        import json
        from twinledger import catalog
        from twinledger.reconciliation import reconcile_period
"""


def test_what_a_dag_file_imports_is_found_at_its_top_and_inside_its_tasks(tmp_path: Path) -> None:
    (tmp_path / "some.py").write_text(DAG)

    assert imported_by(tmp_path) == {
        "airflow.sdk", "twinledger", "twinledger.airflow.policy", "twinledger.catalog", "twinledger.reconciliation",
    }  # fmt: skip


def test_what_is_found_in_the_dag_files_can_be_imported() -> None:
    found = imported_by(ROOT / "dags")

    assert {"twinledger.airflow.books", "twinledger.bills", "twinledger.reconciliation"} <= found
    assert [name for name in found if find_spec(name) is None] == []


def test_a_module_that_cannot_be_imported_does_not_keep_the_scheduler_from_starting(tmp_path: Path) -> None:
    (tmp_path / "loaded_after_it.py").write_text("")
    sys.path.insert(0, str(tmp_path))
    try:
        with capture_logs() as said:
            load(["twinledger.no_such_room", "loaded_after_it"])
        assert sys.modules.pop("loaded_after_it")
    finally:
        sys.path.remove(str(tmp_path))

    assert [(one["event"], one["module"]) for one in said] == [("executor.not_loaded", "twinledger.no_such_room")]


def test_airflow_of_this_machine_and_of_compose_run_tasks_with_it(tmp_path: Path) -> None:
    variables = LocalAirflow.new(tmp_path / "airflow", {}, {}).environment()

    assert variables["AIRFLOW__CORE__EXECUTOR"] == NAME
    assert f"AIRFLOW__CORE__EXECUTOR: {NAME}\n" in (ROOT / "docker" / "compose.yaml").read_text()
