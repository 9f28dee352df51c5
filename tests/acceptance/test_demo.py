"""The demo as a newcomer runs it: the real Airflow, its events, and a report that names what was planted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from twinledger.deployment import open_books
from twinledger.outbox import entries
from twinledger.vocabulary.settings import PREFIX, ROOT, Settings


@pytest.mark.timeout(1200)
def test_the_demo_ends_by_itself_and_its_breaks_are_the_planted_ones_to_the_last_digit(tmp_path: Path) -> None:
    home = tmp_path / "demo"

    run = twinledger("demo", "--once", "--home", str(home))

    assert run.returncode == 0, run.stderr[-4000:]
    planted = json.loads(next(home.rglob("planted.json")).read_text())
    deviations = [fact for fact in planted if fact["fact"] not in ("tax", "other_charges", "over_budget")]
    section = run.stdout.partition("Breaks: ")[2].partition("Approval waiting")[0]
    found = sorted(Decimal(amount.replace(",", "")) for amount in re.findall(r"(-?[\d,]+\.\d+)  USD", section))
    assert found == sorted(Decimal(fact["amount"]) for fact in deviations)
    (tax,) = [fact for fact in planted if fact["fact"] == "tax"]
    (over,) = [fact for fact in planted if fact["fact"] == "over_budget"]
    assert f"{Decimal(tax['amount']):,.2f}" in run.stdout
    assert f"{over['department']} {over['period']}" in run.stdout
    assert "pending" in run.stdout
    assert not _running(str(home)), "a component outlived the demo"
    books = {f"{PREFIX}HOME": str(home / "twinledger"), f"{PREFIX}CONFIG": str(home / "company" / "config")}
    scan = twinledger("shield", "scan", str(home / "airflow"), "--json", **books)
    found = json.loads(scan.stdout)
    assert (scan.returncode, found["leaks"], found["unread"]) == (0, [], []), "logs, XComs and Airflow's database"
    assert found["figures"] > 1000
    with open_books(Settings(home=home / "twinledger")) as kept:
        told = Counter(one.subject for one in entries(kept.store, limit=1000) if one.kind == "reconciliation")
    assert set(told.values()) == {1}, f"finance is told of each period once, when all of its bills are in: {told}"


def twinledger(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command line, as a process of its own that knows nothing of this shell's deployment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "AIRFLOW"))}
    return subprocess.run(
        [sys.executable, "-c", "from twinledger.cli import app; app()", *arguments],
        capture_output=True, text=True, check=False, cwd=ROOT, env={**environment, "COLUMNS": "200", **variables},
    )  # fmt: skip


def _running(home: str) -> list[str]:
    """Processes whose environment names the demo's folder."""
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
        if home.encode() in environment:
            left.append(process.name)
    return left
