"""What Airflow's own loader makes of plugins/, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"

LOOK = """
import asyncio, json, pathlib, sys, warnings
warnings.simplefilter("ignore")
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
ours = [plugin for plugin in plugins if plugin.name == "twinledger"]
stems = {path.stem for path in pathlib.Path(sys.argv[1]).rglob("*.py")} - {"__init__", "twinledger_plugin"}
loaded = [name for name in stems if "twinledger" in (getattr(sys.modules.get(name), "__file__", "") or "")]
early = [name for name in ("twinledger.web", "twinledger.deployment", "slack_bolt", "duckdb") if name in sys.modules]
import httpx
app = ours[0].fastapi_apps[0]

async def ask(path):
    transport = httpx.ASGITransport(app["app"])
    async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as client:
        return (await client.get(path)).status_code

print("RESULT" + json.dumps({
    "errors": errors,
    "ours": len(ours),
    "loaded_as_top_level": loaded,
    "imported_before_asked": early,
    "prefix": app["url_prefix"],
    "same": ours[0].fastapi_apps[0]["app"] is app["app"],
    "views": ours[0].external_views,
    "without_token": asyncio.run(ask("/outbox")),
}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("airflow")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    environment |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "TWINLEDGER_HOME": str(home / "books"),
    }
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(PLUGINS)],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.rpartition("RESULT")[2])
    return result


def test_airflow_loads_the_one_entry_file_and_none_of_the_library(found: dict[str, Any]) -> None:
    assert (found["ours"], found["errors"]) == (1, {})
    assert found["loaded_as_top_level"] == []


def test_a_process_that_serves_no_pages_imports_none(found: dict[str, Any]) -> None:
    assert found["imported_before_asked"] == []


def test_the_app_is_one_and_is_where_the_link_points(found: dict[str, Any]) -> None:
    assert (found["prefix"], found["same"]) == ("/twinledger", True)
    assert [view["href"] for view in found["views"]] == ["/twinledger/"]


def test_airflow_s_own_sign_in_guards_the_pages(found: dict[str, Any]) -> None:
    assert found["without_token"] == 401
