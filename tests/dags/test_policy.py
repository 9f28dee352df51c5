"""What every DAG file must be; a failure names the file and what to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dags.conftest import airflow_variables, run_script
from twinledger.vocabulary.settings import ROOT

FILES = sorted(path.name for path in (ROOT / "dags").glob("*.py"))
LONGEST = 130


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All DAG files, parsed in a process of their own."""
    home = tmp_path_factory.mktemp("describe")
    return run_script("describe.py", airflow_variables(home), str(ROOT / "dags"), cwd=home)


def test_no_dag_file_loads_heavy_modules(described: dict[str, Any]) -> None:
    assert described["heavy"] == [], "import them inside the task: DAG files are parsed all the time"


def test_the_time_that_parsing_takes_is_printed(described: dict[str, Any]) -> None:
    for file in described["files"]:
        sys.stdout.write(f"{file['file']}: {file['seconds'] * 1000:.0f} ms\n")


@pytest.mark.parametrize("name", FILES)
def test_a_dag_file_keeps_the_policy(described: dict[str, Any], name: str) -> None:
    file = next(one for one in described["files"] if one["file"] == name)
    assert not file["errors"], f"{name} cannot be parsed: {json.dumps(file['errors'])}"
    assert file["lines"] <= LONGEST, f"{name} has {file['lines']} lines: move what is no wiring into the library"
    assert [dag["id"] for dag in file["dags"]] == [name.removesuffix(".py")], f"{name}: one DAG, named as its file"
    (dag,) = file["dags"]
    assert "**When" in dag["doc"], f"{name}: doc_md=__doc__, and the docstring says what to do when it fails"
    assert "**Runs**" in dag["doc"], f"{name}: the docstring says when it runs"
    assert dag["tags"], f"{name}: give it a tag"
    assert dag["told"], f"{name}: on_failure_callback=tell_operators, a failed run is its own message"
    for task, settings in dag["tasks"].items():
        assert settings["owner"] != "airflow", f"{name}: task {task} has no owner: set it in default_args"
        assert settings["retries"] >= 1, f"{name}: task {task} has no retries: use RETRIES or QUICK_RETRIES"


def test_airflow_scans_the_entry_file_of_the_plugins_folder_and_nothing_else() -> None:
    lines = (ROOT / "plugins" / ".airflowignore").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["*", "!twinledger_plugin.py"]


def test_no_sql_stands_in_a_dag_file() -> None:
    for name in FILES:
        text = Path(ROOT / "dags" / name).read_text()
        assert "SELECT " not in text, f"{name}: SQL belongs in sql/"
