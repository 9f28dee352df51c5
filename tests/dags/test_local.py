"""Airflow on this machine: what its components are started with, and where a failure's log is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinledger.airflow.local import SERVICE, Components, LocalAirflow, end_leftovers
from twinledger.airflow.rest import Run
from twinledger.cli.demo import failure_of


@pytest.fixture
def airflow(tmp_path: Path) -> LocalAirflow:
    return LocalAirflow.new(tmp_path / "airflow", {"carol": "user"}, {"TWINLEDGER_HOME": str(tmp_path)})


def test_the_components_listen_on_loopback_and_share_a_long_secret(airflow: LocalAirflow) -> None:
    variables = airflow.environment()
    assert variables["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert len(variables["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    assert variables["AIRFLOW__API_AUTH__JWT_SECRET"] == airflow.environment()["AIRFLOW__API_AUTH__JWT_SECRET"]
    assert str(airflow.port) in variables["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]


def test_nothing_of_another_deployment_is_inherited(airflow: LocalAirflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLEDGER_SLACK__TOKEN", "xoxb-real")
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://production")
    variables = airflow.environment()
    assert "TWINLEDGER_SLACK__TOKEN" not in variables
    assert variables["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("sqlite:///")


def test_every_user_and_the_service_account_have_passwords_that_only_we_can_read(airflow: LocalAirflow) -> None:
    with Components(airflow):
        file = airflow.home / "passwords.json"
        assert set(json.loads(file.read_text())) == {"carol", SERVICE}
        assert file.stat().st_mode & 0o077 == 0


def test_passwords_are_not_in_the_repr(airflow: LocalAirflow) -> None:
    assert airflow.passwords["carol"] not in repr(airflow)


def test_leftovers_that_are_not_airflow_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "processes").write_text("1")
    end_leftovers(tmp_path)
    assert not (tmp_path / "processes").exists()


def test_a_failed_run_names_the_task_and_its_log(airflow: LocalAirflow) -> None:
    tasks = [
        {"task_id": "sources", "state": "success", "map_index": -1, "try_number": 1},
        {"task_id": "ingest", "state": "failed", "map_index": 2, "try_number": 3},
    ]
    failure = str(failure_of(Run("ingest_bills", "demo", "failed", None), tasks, airflow))
    log = airflow.logs / "dag_id=ingest_bills/run_id=demo/task_id=ingest/map_index=2/attempt=3.log"
    assert failure == f"ingest_bills: task ingest failed; its log is {log}"
