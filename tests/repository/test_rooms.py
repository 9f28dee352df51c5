"""Every folder of the library says what belongs in it, and asks its neighbours at their door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

DOMAIN = (
    "alerts",
    "anomalies",
    "approvals",
    "bills",
    "budgets",
    "catalog",
    "controls",
    "deeds",
    "forecast",
    "metering",
    "plans",
    "pools",
    "rating",
    "reconciliation",
    "reviews",
    "shielding",
    "statements",
)

SIDE_DOORS = {
    "twinledger.pools.hygiene": "builds on catalog, which comes in through the door of pools",
    "twinledger.pools.savings": "likewise",
    "twinledger.statements.pdf": "draws with reportlab, which no other reader of statements needs",
}
"""Modules that are asked for themselves, and why."""


@pytest.fixture
def library(root: Path) -> Path:
    return root / "plugins" / "twinledger"


def _rooms(library: Path) -> list[Path]:
    """Folders with Python in them, but for what Alembic generates."""
    folders = {path.parent for path in library.rglob("*.py")}
    return sorted(folder for folder in folders if folder.name != "versions")


def test_every_room_says_what_belongs_in_it_and_what_does_not(library: Path) -> None:
    silent = []
    for room in _rooms(library):
        door = room / "__init__.py"
        docstring = (ast.get_docstring(ast.parse(door.read_text())) if door.exists() else None) or ""
        words = " ".join(docstring.split())
        if "belongs here" not in words or "What does not" not in words:
            silent.append(door.relative_to(library).as_posix())

    assert silent == []


def test_no_room_is_empty(library: Path) -> None:
    rooms = [folder for folder in library.iterdir() if folder.is_dir() and folder.name != "__pycache__"]

    empty = [
        room.name for room in rooms if not any(len(ast.parse(path.read_text()).body) > 1 for path in room.rglob("*.py"))
    ]

    assert empty == []


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def test_a_subject_asks_another_at_its_door_only(library: Path) -> None:
    inside = []
    for path in (path for subject in DOMAIN for path in (library / subject).rglob("*.py")):
        own = path.relative_to(library).parts[0]
        for line, module in _imports(path):
            parts = module.split(".")
            other = parts[0] == "twinledger" and len(parts) > 2 and parts[1] in DOMAIN and parts[1] != own
            if other and module not in SIDE_DOORS:
                inside.append(f"{path.relative_to(library)}:{line} imports {module}: ask twinledger.{parts[1]}")

    assert inside == []


def test_every_module_says_what_it_is_for(root: Path) -> None:
    folders = ("plugins", "dags", "requirements")
    modules = (path for folder in folders for path in (root / folder).rglob("*.py"))

    silent = [
        path.relative_to(root).as_posix() for path in modules if not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []
