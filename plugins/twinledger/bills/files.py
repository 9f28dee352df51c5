"""Bill files: what kind they are, whether they are what their names say, and their content's digest.

What belongs here: looking at bytes, unpacking archives within bounds, and bringing text to UTF-8. What
does not: their meaning.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ArrowException

from twinledger.places import checked_key
from twinledger.vocabulary.errors import EmptyFileError, UnreadableFileError

DATA_SUFFIXES = (".csv", ".csv.gz", ".zip", ".parquet")
_MAGIC = {
    b"PAR1": "parquet",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"%PDF": "pdf",
    b"\x7fELF": "program",
}
_EXPECTED = {".parquet": "parquet", ".gz": "gzip", ".zip": "zip"}
# What the library raises where an archive is not what it says: of a name that is no UTF-8 or empty, the last ones.
_CORRUPT = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, RuntimeError,
    ValueError, LookupError, OSError,
)  # fmt: skip
_HEADER_BYTES = 1 << 20
_BLOCK = 1 << 20
MOST_MEMBERS = 1000
"""Files that an archive may hold."""
MOST_UNPACKED_BYTES = 64 << 30
"""Bytes that the files of an archive may have together, counted while they are unpacked."""


@dataclass(frozen=True, slots=True)
class BillFile:
    """One file of a bill on this machine: its path, name, kind (csv or parquet), header and dataset.

    `rows` is whether there is a line below the header. `dataset` says which of two exports of one delivery
    it is of, where a format has several.
    """

    path: Path
    name: str
    kind: str
    header: tuple[str, ...]
    rows: bool = True
    dataset: str = ""
    encoding: str = "UTF-8"


def open_bills(path: Path, name: str, spool: Path, dataset: str = "") -> list[BillFile]:
    """Look at a file's first bytes and header; an archive is unpacked below `spool`, in order of its names.

    Text that is not UTF-8 is taken for GB 18030, what Chinese spreadsheets save, and rewritten below `spool`.

    Raises:
        EmptyFileError: no bytes, or no header; an archive without files.
        UnreadableFileError: not what its name says, corrupt, in another encoding, or an archive that is
            too large, encrypted, or holds something else than CSV.
        UnsafePathError: a name in an archive leads out of it.
    """
    with path.open("rb") as raw:
        start = raw.read(4)
    if not start:
        raise EmptyFileError(name)
    kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "text")
    expected = next((kind for suffix, kind in _EXPECTED.items() if name.lower().endswith(suffix)), "text")
    if kind != expected:
        raise UnreadableFileError(name, f"its name says {expected}, its content is {kind}")
    if kind == "zip":
        found = [bill for inner, label in _unpacked(path, name, spool) for bill in open_bills(inner, label, spool)]
    elif kind == "parquet":
        header, rows = _parquet_header(path, name)
        found = [BillFile(path, name, "parquet", header, rows=rows)]
    else:
        found = [_csv_bill(path, name, spool, packed=kind == "gzip")]
    if not found:
        raise EmptyFileError(name)
    return [replace(bill, dataset=dataset) for bill in found]


def _unpacked(path: Path, name: str, spool: Path) -> Iterator[tuple[Path, str]]:
    """The CSV files of an archive, one after another; what operating systems add is left out."""
    folder = spool / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.unpacked"
    folder.mkdir(parents=True, exist_ok=True)
    left = MOST_UNPACKED_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")
            ]
            if not members:
                raise EmptyFileError(name)
            if len(members) > MOST_MEMBERS:
                raise UnreadableFileError(name, f"{len(members)} files in it, more than {MOST_MEMBERS}")
            for number, member in enumerate(sorted(members, key=lambda one: one.filename)):
                label = f"{name}!{member.filename}"
                _check_member(member, name)
                target = folder / f"{number:04d}.csv"
                left -= _unpack(archive, member, target, left, name)
                if target.stat().st_size:
                    yield target, label
    except _CORRUPT as error:
        raise UnreadableFileError(name, f"corrupt archive ({error})") from error


def _check_member(member: zipfile.ZipInfo, name: str) -> None:
    checked_key(member.filename, name)
    if member.flag_bits & 1:
        raise UnreadableFileError(name, f"{member.filename} in it is encrypted")
    if not member.filename.lower().endswith(".csv"):
        raise UnreadableFileError(name, f"{member.filename} in it is no CSV file")


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, room: int, name: str) -> int:
    """Write a member out; returns its bytes, counted and not as the archive claims."""
    written = 0
    with archive.open(member) as source, target.open("wb") as sink:
        while block := source.read(_BLOCK):
            written += len(block)
            if written > room:
                raise UnreadableFileError(name, f"more than {MOST_UNPACKED_BYTES} bytes unpacked")
            sink.write(block)
    return written


def _parquet_header(path: Path, name: str) -> tuple[tuple[str, ...], bool]:
    """The names of the columns, and whether there are rows."""
    try:
        metadata = pq.read_metadata(path)
    except (ArrowException, OSError) as error:
        raise UnreadableFileError(name, str(error).splitlines()[0][:200]) from error
    names = (name for field in metadata.schema.to_arrow_schema() for name in _field_names(field))
    return tuple(names), metadata.num_rows > 0


def _field_names(field: pa.Field, above: str = "") -> Iterator[str]:
    """A column's name, and behind it the dotted names of the fields inside it, as `service.id` in `service`."""
    name = above + field.name
    yield name
    if pa.types.is_struct(field.type):
        for inner in field.type.fields:
            yield from _field_names(inner, f"{name}.")


def _csv_bill(path: Path, name: str, spool: Path, *, packed: bool) -> BillFile:
    try:
        with _opened(path, packed=packed) as stream:
            start = stream.read(_HEADER_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFileError(name, f"truncated or corrupt gzip ({error})") from error
    encoding = "UTF-8"
    try:
        text = _decoded(start, "utf-8-sig")
    except UnicodeDecodeError as error:
        path, encoding = _rewritten(path, name, spool, error, packed=packed), "GB 18030"
        with path.open("rb") as stream:
            text = _decoded(stream.read(_HEADER_BYTES), "utf-8-sig")
    if "\x00" in text:
        raise UnreadableFileError(name, "its name says text, its content is binary")
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(rows, [])
        has_rows = next(rows, None) is not None
    except csv.Error as error:
        raise UnreadableFileError(name, f"no CSV ({error})") from error
    if not any(field.strip() for field in header):
        raise EmptyFileError(name)
    return BillFile(path, name, "csv", tuple(header), rows=has_rows, encoding=encoding)


def _opened(path: Path, *, packed: bool) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if packed else path.open("rb")


def _decoded(start: bytes, encoding: str) -> str:
    """The text of a file's beginning, which may end within a character."""
    decoder = codecs.getincrementaldecoder(encoding)()
    return decoder.decode(start, final=len(start) < _HEADER_BYTES)


def _rewritten(path: Path, name: str, spool: Path, refused: UnicodeDecodeError, *, packed: bool) -> Path:
    """The same text as UTF-8, where it is GB 18030."""
    # By its path: an archive may hold two files of one name.
    target = spool / f"{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.utf8.csv"
    spool.mkdir(parents=True, exist_ok=True)
    decoder = codecs.getincrementaldecoder("gb18030")()
    try:
        with _opened(path, packed=packed) as source, target.open("w", encoding="utf-8", newline="") as sink:
            while block := source.read(_BLOCK):
                sink.write(decoder.decode(block))
            sink.write(decoder.decode(b"", final=True))
    except UnicodeDecodeError:
        raise UnreadableFileError(name, f"neither UTF-8 (byte {refused.start}) nor GB 18030") from refused
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFileError(name, f"truncated or corrupt gzip ({error})") from error
    return target


def content_digest(checksums: Iterable[str]) -> str:
    """One digest of a delivery's files, whatever their names and order."""
    return hashlib.sha256("\n".join(sorted(checksums)).encode()).hexdigest()
