"""The lock files: exact versions, complete, and from nowhere in particular."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

LOCKS = ("build.txt", "runtime.txt", "dev.txt")
PINNED = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]*)(\[[a-z0-9,_-]+\])?==(?P<version>[0-9][A-Za-z0-9.+!]*)( ; .+)?")


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith((" ", "#"))]


def _versions(path: Path) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for line in _lines(path):
        found = PINNED.fullmatch(line)
        assert found, f"{path.name}: {line} is not pinned to one version"
        versions.setdefault(found["name"], set()).add(found["version"])
    return versions


def _name(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name
    return re.sub(r"[-_.]+", "-", name[0]).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned(root: Path, lock: str) -> None:
    assert _versions(root / "requirements" / lock)


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_file_says_where_to_download(root: Path, lock: str) -> None:
    text = (root / "requirements" / lock).read_text()

    assert not re.search(r"://|--(extra-)?index|--find-links|--hash|\s@\s|^-e", text, re.MULTILINE)


def test_tests_run_on_the_versions_that_production_runs_on(root: Path) -> None:
    runtime, dev = (_versions(root / "requirements" / name) for name in ("runtime.txt", "dev.txt"))

    assert {name: dev.get(name) for name in runtime} == runtime


def test_every_dependency_of_the_project_is_locked(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    runtime = {_name(each) for each in (*project["dependencies"], *extras["postgres"])}
    dev = {_name(each) for each in extras["dev"]}

    assert runtime <= set(_versions(root / "requirements" / "runtime.txt"))
    assert dev <= set(_versions(root / "requirements" / "dev.txt"))


def test_what_builds_the_package_is_locked(root: Path) -> None:
    needed = tomllib.loads((root / "pyproject.toml").read_text())["build-system"]["requires"]

    assert {_name(each) for each in needed} <= set(_versions(root / "requirements" / "build.txt"))
