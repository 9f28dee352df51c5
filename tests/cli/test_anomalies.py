"""Anomalies on the command line: what each command says and does."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from tests import commands
from tests.lakes import EmptyLake
from twinledger.store import Store
from twinledger.store.models import AnomalyRow, Person
from twinledger.vocabulary.settings import PREFIX

START = datetime(2026, 10, 14, tzinfo=UTC)
ONE, OTHER, PAID = "3f2a9c00", "3f2b0000", "81c00000"


run = partial(commands.run, "anomaly")
said = partial(commands.said, "anomaly")


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mary is of finance; two anomalies of a department, one of them over, and one of what a vendor charged."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWINLEDGER_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    shutil.copy(sqlite_template, tmp_path / "home" / "store.db")
    store = Store(f"sqlite:///{tmp_path / 'home' / 'store.db'}")
    with store.transaction() as session:
        session.add(Person(name="mary", title="Mary", roles=["finance"]))
        for identity, view, actual, state in (
            (ONE, "internal", "350.50", "open"),
            (OTHER, "internal", "90", "over"),
            (PAID, "effective", "700", "open"),
        ):
            session.add(
                AnomalyRow(
                    id=identity, series="shop / vm", view=view, bucket="day", title=f"Shop / {view}", department="shop",
                    shape="spike", started_at=START, ended_at=START + timedelta(days=1), actual=Decimal(actual),
                    expected=Decimal(100), currency="USD", state=state, reason="new resource", answer="",
                    causes=[{"dimension": "resource", "name": "i-9", "change": "250.50"}],
                    known_through=START + timedelta(days=3), found_at=START + timedelta(days=3),
                )
            )  # fmt: skip
    store.close()


def test_open_anomalies_are_listed_and_those_of_vendors_only_when_asked_for() -> None:
    assert [(one["id"], one["impact"]["amount"]) for one in said("list")] == [(ONE, "250.50")]
    assert [one["id"] for one in said("list", "--all")] == [ONE, OTHER]
    assert [one["id"] for one in said("list", "--effective")] == [PAID]
    assert "700" not in run("list").output


def test_an_anomaly_is_shown_with_its_causes_by_the_beginning_of_its_id() -> None:
    shown = run("show", "3f2a").output
    assert all(text in shown for text in ("250.50 USD", "i-9", "new resource", "2026-10-14"))
    assert run("show", "81c0").exit_code == 2
    assert run("show", "3f2").exit_code == 2
    assert said("show", "81c0", "--effective")["actual"]["amount"] == "700.00"


def test_an_answer_is_given_once() -> None:
    assert "dismissed: planned, says mary" in run("answer", "3f2a", "planned", "--by", "mary").output
    again = run("answer", "3f2a", "no", "--by", "mary")
    assert (again.exit_code, "already answered planned by mary" in again.output) == (2, True)
    assert [one["verdict"] for one in said("show", "3f2a")["answers"]] == ["planned"]


def test_without_charges_nothing_is_found(tmp_path: Path, empty_lake: EmptyLake) -> None:
    store = Store(f"sqlite:///{tmp_path / 'home' / 'store.db'}")
    empty_lake.copy_to(store, str(tmp_path / "home" / "lake")).close()
    store.close()
    assert said("find", "--through", "2026-10-19") == []
    assert "0 anomalies found, not kept" in run("find", "--dry-run").output
