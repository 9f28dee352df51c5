"""Spool files: where accepted events lie until their feed is ingested.

What belongs here: files that are open, closed, or left by a process that died. What does not: which events
go into one (`gateway`).

An open file is hidden, so that no listing of the feed's place has it, and locked by the process that writes it.
Closing renames it: from then on it is an ordinary delivery and never changes. The lock dies with its process;
whoever then gets it closes the file. What stands behind its last line's end was never acknowledged and is cut off.
"""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

_OPEN = ".open-"
_BLOCK = 1 << 16


class SpoolFile:
    """One open file of this process."""

    def __init__(self, folder: Path) -> None:
        """Make it, locked; the folder is made where it is not there.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        while True:
            self._path = folder / f"{_OPEN}{uuid.uuid4().hex}.jsonl"
            self._handle = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o640)
            # Somebody who looks for files of the dead may have been faster, and removes it: make another one.
            if _locked(self._handle) and os.fstat(self._handle).st_nlink:
                break
            os.close(self._handle)
        _sync_folder(folder)
        self.size = 0
        self.opened_at = time.monotonic()

    def append(self, lines: Iterable[bytes]) -> None:
        """Write lines, each with its end, and return when they are on disk.

        Raises:
            OSError: they are not; nothing of them is in the file then. It takes no more: close it.
        """
        content = b"".join(lines)
        try:
            written = 0
            while written < len(content):
                written += os.write(self._handle, content[written:])
            os.fdatasync(self._handle)
        except OSError:
            os.ftruncate(self._handle, self.size)
            raise
        self.size += len(content)

    def close(self) -> None:
        """Make it a delivery; an empty file goes away."""
        _deliver(self._path, self._handle)
        os.close(self._handle)


def close_abandoned(place: str) -> int:
    """Close the open files below a feed's folder whose processes have died; returns how many there were."""
    folder = Path(place)
    if "://" in place or not folder.is_dir():
        return 0
    closed = 0
    for path in sorted(folder.glob(f"{_OPEN}*")):
        try:
            handle = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue  # its process has closed it meanwhile
        try:
            if _locked(handle) and _is_at(path, handle):
                os.ftruncate(handle, _acknowledged(handle))
                os.fsync(handle)
                _deliver(path, handle)
                closed += 1
        finally:
            os.close(handle)
    return closed


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, handle: int) -> bool:
    """Whether the path still names the file: it may have been closed between opening and locking it."""
    try:
        return path.stat().st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False


def _acknowledged(handle: int) -> int:
    """The bytes up to the end of the last whole line."""
    end = os.fstat(handle).st_size
    while end:
        start = max(0, end - _BLOCK)
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _deliver(path: Path, handle: int) -> None:
    if os.fstat(handle).st_size:
        name = path.name.removeprefix(_OPEN)
        path.rename(path.with_name(f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{name}"))
    else:
        path.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Names are the folder's content: they too must outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
