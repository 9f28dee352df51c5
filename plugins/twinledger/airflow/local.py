"""Airflow on this machine: its real components, each a process group of its own, on loopback.

What belongs here: the environment that the components share, starting them, and ending them so that
nothing is left behind. What does not: what is done with them (`cli.demo`), and production, which is
under `docker/`.

`airflow standalone` does the same and leaves its children behind when it is ended.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from twinledger.airflow.rest import CONNECTION, AirflowApi
from twinledger.vocabulary.errors import ComponentEndedError, NotStartedError
from twinledger.vocabulary.settings import ROOT

COMPONENTS = ("api-server", "scheduler", "dag-processor")
"""Approvals wait without a triggerer since Airflow 3.3; only a queue of notifications needs one."""

SERVICE = "twinledger"
"""The service account that wakes approval tasks."""

LOCK_WAIT_S = 60
"""So long does a component wait for another one's write before it says that the database is locked."""

ENDS_WITHIN_S = 5.0
_OURS = ("AIRFLOW", "TWINLEDGER_")
_PROCESSES = "processes"


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class LocalAirflow:
    """Where one Airflow of this machine lives, and who may log in."""

    home: Path
    port: int
    roles: Mapping[str, str]
    """User name -> viewer, user, op or admin."""
    passwords: Mapping[str, str] = field(repr=False)
    twinledger: Mapping[str, str] = field(default_factory=dict)
    """TWINLEDGER_ variables of the components."""

    @classmethod
    def new(cls, home: Path, roles: Mapping[str, str], twinledger: Mapping[str, str]) -> LocalAirflow:
        """One on a free port, with a password for every user and for the service account."""
        everyone = {**roles, SERVICE: "op"}
        passwords = {user: secrets.token_urlsafe(9) for user in everyone}
        port = free_port()
        ours = {**twinledger, "TWINLEDGER_PUBLIC_URL": f"http://127.0.0.1:{port}"}
        return cls(home.resolve(), port, everyone, passwords, ours)

    @property
    def url(self) -> str:
        """Where people and the components reach it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def logs(self) -> Path:
        """Logs of tasks, and of the components under `components`."""
        return self.home / "logs"

    def api(self) -> AirflowApi:
        """The REST API as the service account."""
        return AirflowApi(self.url, SERVICE, self.passwords[SERVICE])

    @property
    def database(self) -> Path:
        """Airflow's own database."""
        return self.home / "airflow.db"

    def environment(self) -> dict[str, str]:
        """What every component is started with: nothing of another Airflow or deployment is inherited."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)  # byte code halves the start of every task
        inherited.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".cache" / "pycache"))
        account = {"conn_type": "http", "host": "127.0.0.1", "port": self.port}
        account |= {"login": SERVICE, "password": self.passwords[SERVICE]}
        return {
            **inherited,
            **_SETTINGS,
            **self.twinledger,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in self.roles.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}?timeout={LOCK_WAIT_S}",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__SECRET_KEY": _secret(self.home, "page"),
            "AIRFLOW__API_AUTH__JWT_SECRET": _secret(self.home, "token"),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.logs),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            f"AIRFLOW_CONN_{CONNECTION.upper()}": json.dumps(account),
        }


_SETTINGS = {
    "AIRFLOW__API__HOST": "127.0.0.1",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__CORE__EXECUTOR": "twinledger.airflow.executor.PreloadedLocalExecutor",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__PARALLELISM": "4",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
    "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "http.access=WARNING airflow.models.dag=WARNING",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    # Every task process ends up to this many seconds late; an approval answered meanwhile fails (see `wake`).
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
}


def _secret(home: Path, name: str) -> str:
    """A secret of at least 64 bytes, as HS512 wants; the same for all components of one home."""
    file = home / f"{name}.secret"
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(64))
    return file.read_text()


class Components:
    """The running processes; ended at the end of the block, whatever ends it."""

    def __init__(self, airflow: LocalAirflow) -> None:
        """Nothing runs yet."""
        self.airflow = airflow
        self._environment = airflow.environment()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """The components, to be started."""
        self.airflow.home.mkdir(parents=True, exist_ok=True)
        passwords = self.airflow.home / "passwords.json"
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps(dict(self.airflow.passwords)))
        self._stack.callback(self.stop)
        return self

    def __exit__(self, *error: object) -> None:
        """End them all."""
        self._stack.close()

    def migrate(self) -> None:
        """Make Airflow's own database; raises ComponentEndedError when that fails."""
        process = self._spawn("migrate", "db", "migrate")
        if code := process.wait():
            raise ComponentEndedError("db migrate", code, self._log("migrate"))
        del self._running["migrate"]
        with closing(sqlite3.connect(self.airflow.database)) as connection:
            # Kept in the file: readers and the one writer do not wait for each other from now on.
            connection.execute("PRAGMA journal_mode=WAL").fetchone()

    def start(self, *more: str) -> None:
        """Start every component, and more: `triggerer` where a queue is watched."""
        for name in (*COMPONENTS, *more):
            self._spawn(name, name)

    def wait(self, dags: int, within_s: float, tell: Callable[[str], None]) -> None:
        """Wait until all are healthy and know so many DAGs.

        Raises:
            ComponentEndedError: a component ended.
            NotStartedError: they are not up in time, or a DAG file cannot be parsed.
        """
        deadline = time.monotonic() + within_s
        with self.airflow.api() as api:
            while time.monotonic() < deadline:
                self.check()
                if api.healthy():
                    if errors := api.import_errors():
                        raise NotStartedError("; ".join(errors), self.airflow.logs)
                    found = len(api.dags())
                    tell(f"{found} of {dags} DAGs")
                    if found >= dags:
                        return
                time.sleep(0.3)
        problem = f"not healthy after {within_s:.0f} s"
        raise NotStartedError(problem, self.airflow.logs)

    def check(self) -> None:
        """Raises ComponentEndedError where one has ended by itself."""
        for name, process in self._running.items():
            if (code := process.poll()) is not None:
                raise ComponentEndedError(name, code, self._log(name))

    def stop(self) -> None:
        """End every group: asked first, killed when it does not end."""
        for process in self._running.values():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + ENDS_WITHIN_S
        for process in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
        while time.monotonic() < deadline and any(_alive(process) for process in self._running.values()):
            time.sleep(0.1)
        for process in self._running.values():
            _signal(process, signal.SIGKILL)
            process.wait()
        self._running.clear()
        (self.airflow.home / _PROCESSES).unlink(missing_ok=True)

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        self._log(name).parent.mkdir(parents=True, exist_ok=True)
        log = self._stack.enter_context(self._log(name).open("ab"))
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, fixed arguments
            [sys.executable, "-m", "airflow", *arguments],
            cwd=self.airflow.home,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._running[name] = process
        (self.airflow.home / _PROCESSES).write_text("\n".join(str(one.pid) for one in self._running.values()))
        return process

    def _log(self, name: str) -> Path:
        return self.airflow.logs / "components" / f"{name}.log"


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a whole process group; each component was started as the leader of its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _alive(process: subprocess.Popen[bytes]) -> bool:
    try:
        os.killpg(process.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_leftovers(home: Path) -> None:
    """End components of an earlier run of the same home whose starter was killed.

    Two schedulers on one database are silent and dangerous.
    """
    listed = home / _PROCESSES
    if not listed.exists():
        return
    for line in listed.read_text().split():
        command = subprocess.run(  # noqa: S603 - fixed arguments and a number
            ["ps", "-o", "args=", "-p", str(int(line))],  # noqa: S607 - wherever ps is
            capture_output=True,
            text=True,
            check=False,
        )
        if "airflow" in command.stdout:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(int(line), signal.SIGKILL)
    listed.unlink()
