"""`twinledger shield`, as people and scripts run it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.shielding.conftest import SECRET
from twinledger.books import Books
from twinledger.cli import app
from twinledger.vocabulary.settings import PREFIX


@pytest.fixture
def run(shielded: Books, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(f"{PREFIX}HOME", str(shielded.settings.home))
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def shield(run: CliRunner, *arguments: str) -> Result:
    return run.invoke(app, ["shield", *arguments])


def test_a_leak_is_shown_with_its_place_and_ends_with_exit_code_1(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f"<p>{SECRET:,.2f} USD</p>")

    result = shield(run, "scan", ".")

    assert result.exit_code == 1, result.output
    assert f"{SECRET:,.2f}" in result.output
    assert "page.html" in result.output


def test_nothing_found_is_exit_code_0(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>12,345.67 USD</p>")

    assert shield(run, "scan", str(tmp_path)).exit_code == 0


def test_scripts_get_json(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f"<p>{SECRET:,.2f} USD</p>")

    found = json.loads(shield(run, "scan", str(tmp_path), "--json").stdout)

    assert [leak["text"] for leak in found["leaks"]] == [f"{SECRET:,.2f}"]
    assert found["places"] == 1


def test_without_a_place_what_the_deployment_has_for_everyone_is_scanned(run: CliRunner) -> None:
    found = json.loads(shield(run, "scan", "--json").stdout)

    assert found["leaks"] == []
    assert found["places"] > 5


def test_a_place_that_is_not_there_is_exit_code_2(run: CliRunner) -> None:
    result = shield(run, "scan", "/no/such/folder")

    assert result.exit_code == 2
    assert "no file or folder" in result.output


def test_a_store_on_sqlite_has_no_roles_to_print(run: CliRunner) -> None:
    result = shield(run, "grants", "--json")

    assert (result.exit_code, json.loads(result.stdout)) == (0, [])
