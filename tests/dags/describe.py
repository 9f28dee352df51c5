"""Says what every DAG file holds, as JSON: run by the tests in a process of its own."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag

HEAVY = {
    "azure",
    "boto3",
    "botocore",
    "duckdb",
    "great_expectations",
    "pandas",
    "pyarrow",
    "pyiceberg",
    "slack_bolt",
    "slack_sdk",
    "sqlglot",
}


def described(file: Path) -> dict[str, Any]:
    """One DAG file, parsed alone."""
    started = time.perf_counter()
    bag = DagBag(str(file))
    dags = [
        {
            "id": dag.dag_id,
            "doc": dag.doc_md or "",
            "tags": sorted(dag.tags),
            "tasks": {task.task_id: {"owner": task.owner, "retries": task.retries} for task in dag.tasks},
            "told": bool(dag.has_on_failure_callback),
        }
        for dag in bag.dags.values()
    ]
    seconds = time.perf_counter() - started
    lines = len(file.read_text().splitlines())
    return {"file": file.name, "dags": dags, "errors": bag.import_errors, "lines": lines, "seconds": seconds}


if __name__ == "__main__":
    before = set(sys.modules)
    files = [described(file) for file in sorted(Path(sys.argv[1]).glob("*.py"))]
    loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
    sys.stdout.write("\n" + json.dumps({"files": files, "heavy": sorted(loaded & HEAVY)}) + "\n")
