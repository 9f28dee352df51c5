"""Bill files: what kind they are, whether they are what their names say, and their content's digest.

What belongs here: looking at bytes. What does not: their meaning.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow.parquet as pq
from pyarrow import ArrowException

from twinledger.vocabulary.errors import EmptyFileError, UnreadableFileError

DATA_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".gz.parquet", ".snappy.parquet")
_MAGIC = {b"PAR1": "parquet", b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"%PDF": "pdf", b"\x7fELF": "program"}
_HEADER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class BillFile:
    """One file of a bill on this machine: its path, name, kind (csv or parquet) and header."""

    path: Path
    name: str
    kind: str
    header: tuple[str, ...]


def open_bill(path: Path, name: str) -> BillFile:
    """Look at a file's first bytes and header.

    Raises:
        EmptyFileError: no bytes, or no header.
        UnreadableFileError: not what its name says, or corrupt.
    """
    with path.open("rb") as raw:
        start = raw.read(4)
    if not start:
        raise EmptyFileError(name)
    kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "text")
    expected = "parquet" if name.endswith(".parquet") else "gzip" if name.endswith(".gz") else "text"
    if kind != expected:
        raise UnreadableFileError(name, f"its name says {expected}, its content is {kind}")
    if kind == "parquet":
        return BillFile(path, name, "parquet", _parquet_header(path, name))
    return BillFile(path, name, "csv", _csv_header(path, name, packed=kind == "gzip"))


def _parquet_header(path: Path, name: str) -> tuple[str, ...]:
    try:
        metadata = pq.read_metadata(path)
    except (ArrowException, OSError) as error:
        raise UnreadableFileError(name, str(error).splitlines()[0][:200]) from error
    if metadata.num_rows == 0:
        raise EmptyFileError(name)
    return tuple(metadata.schema.to_arrow_schema().names)


def _csv_header(path: Path, name: str, *, packed: bool) -> tuple[str, ...]:
    try:
        with cast("BinaryIO", gzip.open(path, "rb")) if packed else path.open("rb") as stream:
            start = stream.read(_HEADER_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFileError(name, f"truncated or corrupt gzip ({error})") from error
    try:
        text = start.decode("utf-8-sig", errors="strict" if len(start) < _HEADER_BYTES else "ignore")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(name, f"not UTF-8 at byte {error.start}") from error
    if "\x00" in text:
        raise UnreadableFileError(name, "its name says text, its content is binary")
    rows = csv.reader(io.StringIO(text, newline=""))
    header = next(rows, [])
    if not any(field.strip() for field in header):
        raise EmptyFileError(name)
    if next(rows, None) is None:
        raise EmptyFileError(name)
    return tuple(header)


def content_digest(checksums: Iterable[str]) -> str:
    """One digest of a delivery's files, whatever their names and order."""
    return hashlib.sha256("\n".join(sorted(checksums)).encode()).hexdigest()
