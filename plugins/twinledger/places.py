"""Places: where vendors and feeds leave their files.

What belongs here: the port, what a source may say of its place, and the folder of this machine. What
does not: clouds, which are adapters under `twinledger.cloud`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from twinledger.vocabulary.errors import InvalidConfigError, UnsafePathError


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
        """Every file, in order of key.

        Raises:
            PlaceUnreachableError: the place does not answer, or refuses.
        """
        ...

    def fetch(self, key: str, spool: Path) -> Path:
        """A local path with the file's content: the file itself, or a copy below `spool`.

        Raises:
            UnsafePathError: the key leads out of the place.
            FileNotFoundError: there is no such file.
            PlaceUnreachableError: the place does not answer, or refuses.
            ObjectChangedError: it is another one than the listing of this very place had.
        """
        ...


NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})
"""The options of a source that says nothing of its place."""


class OpenPlace(Protocol):
    """Opens a place by its address and what its source says of it."""

    def __call__(self, address: str, options: Mapping[str, Any] = NO_OPTIONS) -> Place:
        """The place of a folder's path, s3://bucket/prefix, az://container/prefix or an https address of Azure.

        Raises:
            InvalidConfigError: there is no such kind of place, or an option of it cannot be used.
        """
        ...


_SECRET = re.compile(
    r"secret|password|credential|(access|account|storage)_?key|connection_?string|(sas|session)_?token|^(sas|token|key)$"
)
_STYLES = ("", "path", "virtual", "auto")


@dataclass(frozen=True, slots=True)
class PlaceOptions:
    """What a source may say of its place, under `options` of its entry. Nothing secret: see `of`."""

    endpoint: str = ""
    """Another server: https://host, for what speaks S3 and for clouds of their own."""
    region: str = ""
    addressing_style: Literal["", "path", "virtual", "auto"] = ""
    """Where S3's bucket stands: in the path, in the host's name, or as the library finds best."""
    profile: str = ""
    """The profile of boto3's configuration that has this place's credentials."""
    account: str = ""
    """Azure's storage account."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> PlaceOptions:
        """Those of a source's options that are of its place; others are for its format.

        Raises:
            InvalidConfigError: a value cannot be used, or credentials stand there: they belong where
                the libraries look for them, not into a file that is read by many.
        """
        for name in options:
            if _SECRET.search(str(name).lower()):
                raise _wrong(name, "credentials are not configured here: use a profile, a role or the environment")
        found = {field.name: options[field.name] for field in fields(cls) if options.get(field.name) is not None}
        for name, value in found.items():
            if not isinstance(value, str):
                raise _wrong(name, f"expected a text, found {value!r}")
        chosen = cls(**found)
        if chosen.addressing_style not in _STYLES:
            raise _wrong("addressing_style", f"expected path, virtual or auto, found {chosen.addressing_style!r}")
        if chosen.endpoint:
            _check_endpoint(chosen.endpoint)
        return chosen


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
    except ValueError as problem:
        raise _wrong("endpoint", f"expected https://host: {problem}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong("endpoint", f"expected https://host, found {endpoint!r}")
    if parts.username or parts.password or parts.query:
        raise _wrong("endpoint", "it carries credentials or a query: expected https://host alone")


def _wrong(name: str, problem: str) -> InvalidConfigError:
    return InvalidConfigError("sources.yaml", f"options.{name}", problem)


_CHUNK = 1 << 20


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


def open_folder(address: str, options: Mapping[str, Any] = NO_OPTIONS) -> Place:
    """A folder of this machine; there is nothing to say of it."""
    del options
    return LocalPlace(Path(address))
