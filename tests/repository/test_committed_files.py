"""What may stand in no file, and what must be there."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

from twinledger.lake.tables import TABLES
from twinledger.reconciliation.gated import LEDGER_SLICES, PERIOD_STATEMENTS

# In pieces, so that this file does not name them either.
REGISTRIES = tuple(
    "".join(parts)
    for parts in (
        ("py", "pi.org"),
        ("files.python", "hosted.org"),
        ("registry.npm", "js"),
        ("regist", "ry-1."),
        ("docker", ".io"),
        ("gh", "cr.io"),
        ("qu", "ay.io"),
        ("deb.deb", "ian"),
        ("/simp", "le/"),
    )
)
_HOMES = "|".join(("wor" + "k", "far" + "m", "roo" + "t", "Use" + "rs"))
MACHINE = re.compile(rf"(?<![\w:/.~{{}}-])/(?:{_HOMES})/\w")


def _lines_with(committed: dict[str, str], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in committed.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_registry(committed: dict[str, str]) -> None:
    pattern = re.compile("|".join(map(re.escape, REGISTRIES)))

    assert _lines_with(committed, pattern) == []


def test_no_file_names_a_path_of_somebodys_machine(committed: dict[str, str]) -> None:
    assert _lines_with(committed, MACHINE) == []


def test_the_patterns_would_find_what_they_look_for() -> None:
    assert MACHINE.search("cd /" + "wor" + "k/main")
    assert not MACHINE.search("s3://bucket/root/file")


def test_every_text_file_ends_with_one_newline(committed: dict[str, str]) -> None:
    code = (".py", ".md", ".yaml", ".yml", ".toml", ".sql", ".txt", "Makefile", "Dockerfile")
    wrong = [
        path
        for path, text in committed.items()
        if path.endswith(code) and text and (not text.endswith("\n") or text.endswith("\n\n"))
    ]

    assert wrong == []


def test_the_licence_is_apache_2_in_full(root: Path) -> None:
    licence = (root / "LICENSE").read_text()
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]

    assert project["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in licence
    assert [f"{number}." in licence for number in range(1, 10)] == [True] * 9
    assert "END OF TERMS AND CONDITIONS" in licence
    assert "APPENDIX: How to apply the Apache License to your work." in licence


def _refuse_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), f"a key stands twice among {names}"
    return dict(pairs)


def test_every_suite_is_json_without_double_keys_and_of_a_table(root: Path) -> None:
    suites = sorted((root / "expectations").glob("*.json"))
    # Some tables are made for the gate alone, and kept nowhere.
    tables = {table.partition(".")[2] for table in (*TABLES, LEDGER_SLICES.name, PERIOD_STATEMENTS.name)}

    for suite in suites:
        json.loads(suite.read_text(), object_pairs_hook=_refuse_doubles)
    assert {suite.stem for suite in suites} <= tables


def test_what_continuous_integration_runs_can_be_run(root: Path) -> None:
    run = root / ".ci" / "run"

    assert os.access(run, os.X_OK)
    assert "set -euo pipefail" in run.read_text()
