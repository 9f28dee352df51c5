"""Copies of objects on this machine: whole, or not there at all.

What belongs here: names and lives of local files. What does not: how their bytes are fetched.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from twinledger.places import checked_key

_NAME_CHARACTERS = 40


def path_of_copy(key: str, spool: Path, root: str) -> Path:
    """Where an object's copy lies: flat, since `a` and `a/b` may both be objects, and with the end of its name.

    Raises:
        UnsafePathError: the key leads out of its place.
    """
    name = checked_key(key, root).rpartition("/")[2]
    return spool / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}-{name[-_NAME_CHARACTERS:]}"


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """A stream to write a file by, which appears at `target` when the block has ended well, and else never."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".part-", delete=False) as stream:
        partial = Path(stream.name)
        try:
            yield cast("BinaryIO", stream)
            stream.close()
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
