"""What tests of the checkout itself look at: its root, and every file that would be committed."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _ignored(path: Path, patterns: list[str]) -> bool:
    relative = path.relative_to(ROOT).as_posix()
    return any(fnmatch(relative if "/" in pattern else path.name, pattern) for pattern in patterns)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def committed() -> dict[str, str]:
    """Every text file that .gitignore lets through: path below the root -> content."""
    lines = (ROOT / ".gitignore").read_text().splitlines()
    patterns = [".git", *(line.rstrip("/") for line in lines if line and not line.startswith("#"))]
    texts = {}
    for folder, folders, names in os.walk(ROOT):
        here = Path(folder)
        folders[:] = [name for name in folders if not _ignored(here / name, patterns)]
        for path in (here / name for name in names if not _ignored(here / name, patterns)):
            try:
                texts[path.relative_to(ROOT).as_posix()] = path.read_bytes().decode()
            except UnicodeDecodeError:
                continue
    return texts


@pytest.fixture(scope="session")
def pages(committed: dict[str, str]) -> dict[str, str]:
    """The documentation: path below the root -> content."""
    return {path: text for path, text in committed.items() if path.endswith(".md")}
