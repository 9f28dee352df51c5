"""Reporters on the command line: a token is printed once, and is nowhere else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.bills.bill_files import write_file
from tests.commands import run
from twinledger.vocabulary.settings import PREFIX

SOURCES = """sources:
  - {name: events, kind: usage, format: cloudevents, place: ../inbox, slice: day}
  - name: files
    kind: usage
    format: csv
    place: ../files
    slice: day
    options: {coverage: {expected_days: 1, delay_hours: 1}}
"""
DEPARTMENTS = """departments:
  - {name: shop, title: Shop, cost_centre: "1", owner: ada, budget_holder: ada, channel: "#shop", tenants: [shop]}
"""
PEOPLE = "people: [{name: ada, title: Ada}]"
POOLS = """pools:
  - {name: kube, title: Kubernetes, owner: ada, kind: shared, rules: [{column: ServiceName, equals: [EKS]}]}
"""
CATALOG = """products:
  - name: kube
    title: Kubernetes
    description: A namespace.
    owner: ada
    pool: kube
    state: listed
    meters: [{name: hours, title: Core-hours, unit: core-hour}]
"""


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWINLEDGER_HOME", str(tmp_path / "home"))
    write_file(tmp_path, "config/sources.yaml", SOURCES.encode())
    for command in (("store", "upgrade"), ("catalog", "apply", "config")):
        result = run(*command)
        assert result.exit_code == 0, result.output
    return tmp_path


def test_a_token_is_printed_once_and_lies_nowhere(deployed: Path) -> None:
    added = run("metering", "reporters", "add", "eu", "--feed", "events")
    token = added.stdout.strip().splitlines()[-1]
    assert token.startswith("eu.")
    listed = run("metering", "reporters", "list", "--json")
    assert token not in listed.stdout
    (entry,) = json.loads(listed.stdout)
    assert (entry["name"], entry["feed"], entry["active"]) == ("eu", "events", True)
    secret = token.partition(".")[2].encode()
    assert not [path for path in deployed.rglob("*") if path.is_file() and secret in path.read_bytes()]


def test_a_reporter_is_revoked_and_may_be_given_a_new_token(deployed: Path) -> None:
    del deployed
    first = json.loads(run("metering", "reporters", "add", "eu", "--feed", "events", "--json").stdout)["token"]
    assert run("metering", "reporters", "revoke", "eu").exit_code == 0
    assert "revoked" in run("metering", "reporters", "list").stdout
    second = json.loads(run("metering", "reporters", "add", "eu", "--feed", "events", "--json").stdout)["token"]
    assert first != second
    assert "active" in run("metering", "reporters", "list").stdout


def test_missing_hours_are_listed_and_need_somebody(deployed: Path) -> None:
    for name, text in (("departments", DEPARTMENTS), ("people", PEOPLE), ("pools", POOLS), ("catalog", CATALOG)):
        write_file(deployed, f"config/{name}.yaml", text.encode())
    applied = run("catalog", "apply", "config")
    assert applied.exit_code == 0, applied.output
    rows = [f"shop,kube,hours,n1,2026-10-17T{hour:02d}:00:00Z,2026-10-17T{hour:02d}:30:00Z,1" for hour in (0, 1, 4)]
    header = "tenant,product,meter,resource,started_at,ended_at,quantity"
    write_file(deployed, "files/a.csv", "\n".join([header, *rows, ""]).encode())
    assert run("ingest", "files").exit_code == 0
    shown = run("metering", "coverage", "2026-10")
    assert shown.exit_code == 1, shown.output
    assert all(text in shown.stdout for text in ("files", "shop", "kube/hours", " 26 ", "10-17 02:00"))
    listed = run("metering", "coverage", "2026-10", "--json")
    (entry,) = json.loads(listed.stdout)
    assert (entry["uncovered"]["tenant"], entry["hours"], entry["found"]) == ("shop", 2 + 24, None)
    assert run("metering", "coverage", "2026-09").exit_code == 0


def test_what_cannot_report_is_refused_with_a_sentence(deployed: Path) -> None:
    del deployed
    for arguments, sentence in (
        (("add", "eu", "--feed", "files"), "takes no events"),
        (("add", "eu", "--feed", "nothing"), "no metering feed named 'nothing'"),
        (("add", "EU!", "--feed", "events"), "expected a lower-case letter"),
        (("revoke", "nobody"), "no reporter named 'nobody'"),
    ):
        result = run("metering", "reporters", *arguments)
        assert (result.exit_code, sentence in " ".join(result.stderr.split())) == (2, True), result.output
