"""Places: where vendors and feeds leave their files.

What belongs here: the port, and the folder of this machine. What does not: clouds, which are
adapters under `twinledger.cloud`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from twinledger.vocabulary.errors import UnsafePathError


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """One file of a place; `key` is its path below the place, with forward slashes."""

    key: str
    size: int
    modified: datetime
    etag: str = ""


class Place(Protocol):
    """A folder or bucket prefix that files appear in."""

    def list(self) -> Iterator[PlacedFile]:
        """Every file, in order of key."""
        ...

    def fetch(self, key: str, spool: Path) -> Path:
        """A local path with the file's content: the file itself, or a copy below `spool`.

        Raises:
            UnsafePathError: the key leads out of the place.
            FileNotFoundError: there is no such file.
        """
        ...


_CHUNK = 1 << 20

OpenPlace = Callable[[str], Place]
"""Opens a place by its address: a folder's path, or s3://bucket/prefix."""


def checked_key(key: str, root: str) -> str:
    """A key that stays below its place; raises UnsafePathError otherwise."""
    parts = key.split("/")
    if key.startswith(("/", "\\")) or ".." in parts or "\\" in key or "\x00" in key or ":" in parts[0]:
        raise UnsafePathError(key, root)
    return key


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, read in chunks."""
    state = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            state.update(chunk)
    return state.hexdigest()


class LocalPlace:
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        """Open; the folder need not exist yet."""
        self._folder = folder.resolve()

    def list(self) -> Iterator[PlacedFile]:
        """Every file below the folder, in order of key; hidden ones are left out."""
        for path in sorted(self._folder.rglob("*")):
            key = path.relative_to(self._folder).as_posix()
            if path.is_file() and not any(part.startswith(".") for part in key.split("/")):
                found = path.stat()
                yield PlacedFile(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def fetch(self, key: str, spool: Path) -> Path:
        """The file itself; raises UnsafePathError where the key or a link leads out of the folder."""
        del spool
        path = (self._folder / checked_key(key, str(self._folder))).resolve()
        if not path.is_relative_to(self._folder):
            raise UnsafePathError(key, str(self._folder))
        if not path.is_file():
            raise FileNotFoundError(str(path))
        return path
