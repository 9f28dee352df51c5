"""What a scan is pointed at: a folder, a file, an SQLite database or the URL of another one.

What belongs here: which of them a text means. What does not: reading them (`readers`, `databases`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from twinledger.shielding.databases import read_database
from twinledger.shielding.readers import BOUNDS, Bounds, Record, Unread, is_sqlite, read_file
from twinledger.vocabulary.errors import UnknownNameError


def read_place(place: str, bounds: Bounds = BOUNDS) -> Iterator[tuple[str, Record] | Unread]:
    """(place, record) of everything in a folder, file or database; links are not followed out of a folder.

    Args:
        place: a path, or a SQLAlchemy URL.
        bounds: how much is unpacked.

    Raises:
        UnknownNameError: there is nothing of that path.
    """
    if "://" in place:
        yield from read_database(place)
        return
    root = Path(place)
    if not root.exists():
        raise UnknownNameError("file or folder", place, [])
    for path in [root] if root.is_file() else sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        try:
            database = is_sqlite(path)
        except OSError as error:
            yield Unread(str(path), type(error).__name__)
            continue
        if database:
            yield from read_database(f"sqlite:///file:{path.resolve()}?mode=ro&uri=true")
        else:
            yield from read_file(path, str(path), bounds)
