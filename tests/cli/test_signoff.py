"""Signing, closing and proving the audit trail by commands, on the sample company of another module's size."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from pathlib import Path

import pytest

from tests.commands import run, said
from twinledger.clock import SystemClock
from twinledger.deployment import open_books, prepare
from twinledger.signing import record
from twinledger.store import audit
from twinledger.store.models import Person
from twinledger.vocabulary.canonical import canonical_json
from twinledger.vocabulary.settings import PREFIX, load_settings

PERIOD = "2026-10"


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with two people of finance and one statement that no run of both ledgers stands behind."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TWINLEDGER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    prepare(settings)
    with open_books(settings) as books, books.store.transaction() as session:
        session.add_all(Person(name=name, title=name, roles=["finance"]) for name in ("carol", "dave"))
        record(session, books, PERIOD, {"compute": {"deviation": "2.00", "unexplained": "0.00"}}, "l1")
        audit.append(session, SystemClock(), who="carol", action="test", subject="s", facts={"said": "é"})
    return tmp_path


@pytest.mark.usefixtures("deployment")
def test_what_is_to_be_signed_is_listed_and_what_forbids_it_is_said_with_exit_code_2() -> None:
    (one,) = said("signoff", "list", PERIOD)
    assert (one["pool"], one["state"], one["figures"]["deviation"]) == ("compute", "open", "2.00")
    refused = run("signoff", "prepare", PERIOD, "compute", "--by", "carol")
    assert refused.exit_code == 2
    assert "cannot be signed" in refused.stderr
    every = run("signoff", "prepare", PERIOD, "--all", "--by", "carol", "--json")
    assert every.exit_code == 2
    assert "cannot be signed" in json.loads(every.stdout)["refused"][0]
    assert run("signoff", "sign", PERIOD, "--by", "carol").exit_code == 2
    assert run("signoff", "refuse", PERIOD, "compute", "--by", "carol", "--reason", "no").exit_code == 2


@pytest.mark.usefixtures("deployment")
def test_each_exported_line_without_its_hash_is_what_the_hash_is_of() -> None:
    run("signoff", "prepare", PERIOD, "compute", "--by", "carol")
    lines = [json.loads(line) for line in run("audit", "export").stdout.splitlines()]

    assert [one["action"] for one in lines] == ["test", "statement.prepare.refused"]
    for one in lines:
        kept = one.pop("hash")
        assert hashlib.sha256(canonical_json(one).encode()).hexdigest() == kept
    assert [one["sequence"] for one in said("audit", "show", "--who", "carol", "--last", "1")] == [2]
    shown = run("audit", "show", "--subject", f"{PERIOD} compute").stdout
    assert "1 entries" in shown
    assert "cannot" in shown


def test_the_trail_is_proven_whole_and_what_was_cut_off_is_found_by_a_head_that_was_kept(deployment: Path) -> None:
    run("signoff", "prepare", PERIOD, "compute", "--by", "carol")
    kept = run("audit", "head").stdout.strip()
    assert said("audit", "verify", "--head", kept) == {
        "whole": True, "entries": 2, "head": kept, "heads": 1, "fault": None,
    }  # fmt: skip
    with sqlite3.connect(deployment / "home" / "store.db") as database:
        database.execute("DROP TRIGGER audit_no_delete")
        database.execute("DELETE FROM audit WHERE sequence = 2")
    database.close()

    assert run("audit", "verify").exit_code == 0
    cut = run("audit", "verify", "--head", kept)
    assert cut.exit_code == 1
    assert "the chain was cut" in cut.stdout
    assert run("audit", "verify", "--head", "x").exit_code == 2
