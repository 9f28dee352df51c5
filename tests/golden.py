"""Golden files: what a card or page looks like, kept beside its test.

`pytest --update-golden` writes them anew; look at the difference before committing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest


def add_option(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files as they are now")


@dataclass(frozen=True)
class Golden:
    """The golden files of one folder of tests."""

    folder: Path
    update: bool

    def check(self, name: str, text: str) -> None:
        """The text is that of the file, byte by byte."""
        file = self.folder / name
        if self.update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        assert file.exists(), f"{file.name} is missing: run pytest --update-golden and look at it"
        assert text == file.read_text(), f"{file.name} differs: run pytest --update-golden and look at the difference"
