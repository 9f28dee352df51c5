"""Airflow's LocalExecutor, whose workers have what tasks import.

What belongs here: what is loaded before workers are forked. What does not: how tasks are run, which is Airflow's.

Airflow forks its workers from the scheduler, and each task from a worker. What the scheduler has loaded is there in
every task, and in memory once for all of them. Otherwise each task's process imports the library and Great
Expectations anew: seconds, and most of the time of a task that does little.

Loading opens no connection and reads no setting. The threads that DuckDB's and numpy's libraries start with it are
theirs to end and to start again around a fork, which both do.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

import structlog
from airflow.executors.local_executor import LocalExecutor

from twinledger.vocabulary.settings import ROOT

log = structlog.get_logger(__name__)

NAME = f"{__name__}.PreloadedLocalExecutor"
"""What AIRFLOW__CORE__EXECUTOR is set to."""

OF_EVERY_TASK = (
    "airflow.dag_processing.dagbag",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "twinledger.slack.delivery",
    "twinledger.slack.sender",
)
"""What a task's process imports before it gets to its task, and what the library imports when it is first needed."""

_OURS = ("airflow", "twinledger")


class PreloadedLocalExecutor(LocalExecutor):
    """Runs tasks on the scheduler's machine, in processes that need not import the library first."""

    def start(self) -> None:
        """Load, then start the workers."""
        started = time.monotonic()
        load_all()
        log.info("executor.preloaded", seconds=round(time.monotonic() - started, 1))
        super().start()


def load_all() -> None:
    """Import what every task imports, what some do, and what gates need."""
    from twinledger.quality.gx import load_checkpoint  # noqa: PLC0415 - every component imports this module

    load_checkpoint()
    load((*OF_EVERY_TASK, *sorted(imported_by(ROOT / "dags"))))


def load(modules: Iterable[str]) -> None:
    """Import modules by name; one that cannot be imported is left to the task that wants it, which says so."""
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            log.warning("executor.not_loaded", module=module, reason=str(error))


def imported_by(folder: Path) -> set[str]:
    """Modules of Airflow and of the library that DAG files import, also inside their tasks; the files are not run."""
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.py")))
    names = {name for tree in trees for node in ast.walk(tree) for name in _names(node)}
    return {name for name in names if name.partition(".")[0] in _OURS}


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        if node.module == "twinledger":  # its rooms are modules, what others hold are not
            yield from (f"twinledger.{alias.name}" for alias in node.names)
