"""The Makefile, and what it runs before anything is installed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def install(root: Path) -> ModuleType:
    """requirements/install.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("requirements_install", root / "requirements" / "install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _make(root: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_make_alone_prints_every_target_with_what_it_does(root: Path) -> None:
    declared = re.search(r"^\.PHONY: (.*)$", (root / "Makefile").read_text(), re.MULTILINE)
    assert declared

    printed = re.findall(r"^  make ([a-z-]+) +\S", _make(root), re.MULTILINE)

    assert sorted(printed) == sorted(declared[1].split())


def test_airflow_has_its_home_and_byte_code_in_the_checkout(root: Path) -> None:
    lines = (root / "Makefile").read_text().splitlines()

    assert "export AIRFLOW_HOME := $(CURDIR)/.cache/airflow" in lines
    assert "export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/pycache" in lines
    assert "unexport PYTHONDONTWRITEBYTECODE" in lines


def test_a_python_that_is_too_old_is_refused_in_words(root: Path, tmp_path: Path) -> None:
    shutil.copy(root / "Makefile", tmp_path)

    done = subprocess.run(
        ["make", "--no-print-directory", ".venv/.python", "PYTHON=false"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "no Python 3.11, 3.12 or 3.13 found" in done.stderr


def test_progress_counts_what_pip_has_seen(
    install: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "some.txt"
    lock.write_text("one==1.0\n    # via two\ntwo==2.0 ; sys_platform == 'win32'\n")
    progress = install.Progress(lock)

    for line in ("Collecting one==1.0\n", "  Using cached one\n", "Ignoring two: markers do not match\n"):
        progress.note(line)
    progress.show(final=True)

    assert "some.txt: finding packages, 2 of 2 packages" in capsys.readouterr().err


def test_a_failed_installation_shows_what_pip_said(root: Path, tmp_path: Path) -> None:
    lock = tmp_path / "some.txt"
    lock.write_text("./not-there.whl\n")

    done = subprocess.run(
        [sys.executable, root / "requirements" / "install.py", lock],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "not-there.whl" in done.stderr
