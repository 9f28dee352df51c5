"""A DAG's surroundings: Airflow's database migrated once and copied, and a company in a folder of its own."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from twinledger.vocabulary.settings import ROOT

os.environ.setdefault("AIRFLOW_HOME", str(ROOT / ".cache" / "airflow"))  # importing airflow makes a folder in the home

HERE = Path(__file__).parent
Play = Callable[..., dict[str, Any]]


def airflow_variables(home: Path) -> dict[str, str]:
    """The environment of one Airflow of a test, and of nothing else."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "TWINLEDGER_"))}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    inherited.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".cache" / "pycache"))
    return inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "TWINLEDGER_HOME": str(home / "twinledger"),
        "TWINLEDGER_CONFIG": str(home / "company" / "config"),
        "TWINLEDGER_LAKE__MEMORY_LIMIT": "512MiB",
    }


def run_script(script: str, variables: Mapping[str, str], *arguments: str, cwd: Path) -> dict[str, Any]:
    """Run one of the scripts beside this file; its last line is JSON."""
    command = [sys.executable, str(HERE / script), *arguments]
    ended = subprocess.run(
        command, cwd=cwd, env=dict(variables), capture_output=True, text=True, timeout=200, check=False
    )
    assert ended.returncode == 0, f"{ended.stdout[-4000:]}\n{ended.stderr[-4000:]}"
    answer: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return answer


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Airflow's database as new: made once for all workers of a session."""
    shared = tmp_path_factory.getbasetemp().parent / "airflow-migrated"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        database = shared / "airflow.db"
        if not (shared / "done").exists():
            command = [sys.executable, "-m", "airflow", "db", "migrate"]
            subprocess.run(command, env=airflow_variables(shared), check=True, capture_output=True, timeout=280)
            (shared / "done").touch()
    return database


@pytest.fixture
def airflow_home(migrated: Path, tmp_path: Path) -> Path:
    """The home of an Airflow of one test."""
    shutil.copy(migrated, tmp_path / "airflow.db")
    return tmp_path


@pytest.fixture(scope="session")
def stage(migrated: Path) -> Iterator[subprocess.Popen[str]]:
    """The process that plays are forks of, started when first asked for."""
    with (
        (migrated.parent / "stage.log").open("w") as said,
        subprocess.Popen(
            [sys.executable, str(HERE / "play.py")], cwd=ROOT, env=airflow_variables(migrated.parent),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
        ) as process,
    ):  # fmt: skip
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def play(airflow_home: Path, migrated: Path, stage: subprocess.Popen[str]) -> Play:
    """Runs DAGs to their end, in order, on the books in `airflow_home`."""

    def steps(*steps: Mapping[str, Any]) -> dict[str, Any]:
        out = airflow_home / "played.log"
        asked = {"environment": airflow_variables(airflow_home), "cwd": str(airflow_home), "out": str(out)}
        assert stage.stdin
        assert stage.stdout
        stage.stdin.write(json.dumps({**asked, "dags": str(ROOT / "dags"), "steps": steps}) + "\n")
        stage.stdin.flush()
        ended = next((line for line in stage.stdout if line.startswith("ended ")), "")  # its imports may print too
        printed = out.read_text() if out.exists() else (migrated.parent / "stage.log").read_text()
        assert ended == "ended 0\n", printed[-8000:]
        played: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return played

    return steps
