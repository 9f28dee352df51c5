"""A real Airflow with two DAGs on a real PostgreSQL, whose parts can be killed and started again.

What belongs here: starting, killing and starting again. What does not: what they are there for (`live`).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Postgres, PostgresUnavailableError, _binaries, _identity, _wait_until_ready
from twinledger.airflow.local import COMPONENTS, Components, LocalAirflow
from twinledger.vocabulary.settings import ROOT

DAGS = ("provisioning_approval", "deliver_outbox")

# The shell ends the server when its standard input closes: also when the tests are killed.
_SUPERVISED = '"$@" & server=$!; read -r _; kill -INT $server; wait $server'
# Commits are in the files when they are answered: they outlive the server's processes, though not the machine.
_OPTIONS = ("fsync=off", "autovacuum=off", "shared_buffers=64MB", "max_connections=200", "listen_addresses=")
_QUICKLY = {
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "3",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "1",
}
"""What a killed component leaves is found after seconds; by default it takes up to five minutes."""


# --- the database -----------------------------------------------------------------------------


class KillablePostgres:
    """A server on a socket, for Airflow and for the store."""

    def __init__(self, folder: Path) -> None:
        """Make its files; raises PostgresUnavailableError where there is no server to be had."""
        self.server = Postgres(folder)
        self._data = folder / "data"
        self._binaries, self._identity = _binaries(folder), _identity(folder)
        command = [self._binaries / "initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
        try:
            subprocess.run([*command, "-D", self._data], check=True, capture_output=True, cwd=folder, **self._identity)  # type: ignore[call-overload]  # user as keyword
        except (OSError, subprocess.CalledProcessError) as error:
            message = f"initdb failed: {error}"
            raise PostgresUnavailableError(message) from error
        self._shell: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it where it does not run, and wait until it answers."""
        if self._shell:
            return
        folder = self.server.folder
        options = [part for option in _OPTIONS for part in ("-c", option)]
        command = [str(self._binaries / "postgres"), "-D", str(self._data), "-k", str(folder), *options]
        with (folder / "log").open("ab") as log:
            self._shell = subprocess.Popen(  # type: ignore[call-overload]  # user as keyword
                ["/bin/sh", "-c", _SUPERVISED, "sh", *command],
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder, start_new_session=True, **self._identity,
            )  # fmt: skip
        assert self._shell
        _wait_until_ready(self.server, self._shell)

    def kill(self) -> None:
        """Kill every process of it at once."""
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for process in (main, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """End it, or what is left of it."""
        if self._shell:
            assert self._shell.stdin
            self._shell.stdin.close()
            self._shell.wait(60)
            self._shell = None


# --- Airflow ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OnPostgres(LocalAirflow):
    """An Airflow with two DAGs on PostgreSQL."""

    database_url: str = ""

    def environment(self) -> dict[str, str]:
        folder = self.home / "dags"
        folder.mkdir(parents=True, exist_ok=True)
        for dag in DAGS:
            shutil.copy(ROOT / "dags" / f"{dag}.py", folder)
        return {
            **LocalAirflow.environment(self),
            **_QUICKLY,
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.database_url,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": self.database_url,
        }


class Killable(Components):
    """Components that somebody kills, and that something starts again, as a service manager does."""

    def kill(self, name: str) -> None:
        """Kill every process of a component at once."""
        process = self._running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def revive(self) -> None:
        """Start what does not run."""
        for name in COMPONENTS:
            process = self._running.get(name)
            if process is not None and process.poll() is not None:
                self.kill(name)  # what it leaves of its group
            if name not in self._running:
                self._spawn(name, name)
