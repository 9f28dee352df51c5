"""Reading anything for its figures: records of cells out of files of any known form, within bounds.

What belongs here: which form a file has, and taking it apart. What does not: databases (`databases`),
what a figure is (`figures`), and which ones are secret (`leaks`).

Memory is bounded whatever comes: lines and pages are read in pieces, archives member by member
through a file, tables in batches.
"""

from __future__ import annotations

import base64
import csv
import gzip
import html
import json
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from pyarrow import ArrowException, parquet

Cell = tuple[str, object]
"""A column's name, empty in text, and what stands there: text, a number, bytes or nothing."""


class Record(NamedTuple):
    """What stands together: a table's row, a line, a paragraph or an object of JSON."""

    spot: str
    cells: Sequence[Cell]


class Unread(NamedTuple):
    """A place that was not read, wholly or in part, and why."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is unpacked of archives, and parsed at once of JSON."""

    unpacked_bytes: int = 4 << 30
    members: int = 100_000
    depth: int = 3
    json_bytes: int = 32 << 20


BOUNDS = Bounds()
_PIECE = 1 << 20
_BATCH = 4096
_SNIFF = 8192
_ROW_END = re.compile(r"</(?:tr|row|p|li|dl|h[1-6]|svg|section|pre)>|\n\s*\n", re.IGNORECASE)
_TAG = re.compile(r"</?(?:[A-Za-z][\w:.-]*)((?:\s[^<>]*)?)/?>")
_ATTRIBUTE = re.compile(r"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_CELL_NAMES = frozenset({"r", "s", "spans", "xmlns", "id", "href", "src", "class"})
_WORKBOOK = "xl/workbook.xml"
# What a workbook's rows are made of, and colours and widths, which are numbers too.
_READ_AS_CELLS = ("xl/worksheets/sheet", "xl/styles.xml", "xl/theme/")
# What openpyxl raises of XML that is none, and of parts that are not there or not what they should be.
_NO_WORKBOOK = (KeyError, SyntaxError, TypeError, AttributeError, ValueError, InvalidFileException)
_MARKUP = frozenset({".html", ".htm", ".xml", ".svg", ".xhtml"})


class TooLargeError(Exception):
    """An archive holds more than is unpacked."""


def read_file(path: Path, place: str, bounds: Bounds = BOUNDS, depth: int = 0) -> Iterator[tuple[str, Record] | Unread]:
    """(place, record) of everything in a file, by what its first bytes say it is; what cannot be read says so."""
    try:
        head = _head(path)
        if head.startswith(b"\x1f\x8b"):
            yield from _gzip(path, place, bounds, depth)
        elif head.startswith(b"PK\x03\x04"):
            yield from _zip(path, place, bounds, depth)
        elif head.startswith(b"PAR1"):
            yield from ((place, record) for record in _parquet(path))
        elif head.startswith(b"%PDF"):
            yield from _pdf(path, place, bounds)
        elif b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
            yield Unread(place, "binary, of no form that is known")
        else:
            yield from ((place, record) for record in _text(path, bounds))
    except (
        OSError,
        EOFError,
        zlib.error,
        zipfile.BadZipFile,
        ArrowException,
        ValueError,
        csv.Error,
        TooLargeError,
    ) as error:
        yield Unread(place, f"{type(error).__name__}: {error}"[:200])


def is_sqlite(path: Path) -> bool:
    """Whether a file is an SQLite database, which is read as a database."""
    return _head(path).startswith(b"SQLite format 3\x00")


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_SNIFF)


# --- text --------------------------------------------------------------------------------------


def _text(path: Path, bounds: Bounds) -> Iterator[Record]:
    suffix = path.suffix.lower()
    if suffix in _MARKUP:
        yield from _markup(path)
    elif suffix in (".csv", ".tsv"):
        yield from _csv(path)
    elif suffix == ".json" and path.stat().st_size <= bounds.json_bytes:
        with _open(path) as stream:
            yield from json_records(stream.read())
    else:
        yield from _lines(path)


def _open(path: Path) -> IO[str]:
    utf16 = _head(path)[:2] in (b"\xff\xfe", b"\xfe\xff")
    return path.open(encoding="utf-16" if utf16 else "utf-8-sig", errors="replace", newline="")


def _lines(path: Path) -> Iterator[Record]:
    """A record a line; a line that is an object of JSON, as logs have, is one of its values."""
    with _open(path) as stream:
        number, rest = 1, ""
        while piece := stream.readline(_PIECE):
            line, rest = _cut(rest + piece) if not piece.endswith("\n") else (rest + piece, "")
            yield from _line(f"line {number}", line)
            number += piece.endswith("\n")
        yield from _line(f"line {number}", rest)


def _line(spot: str, line: str) -> Iterator[Record]:
    stripped = line.strip()
    if stripped.startswith("{"):
        with suppress(ValueError, RecursionError):
            yield from (Record(f"{spot} {one.spot}".strip(), one.cells) for one in _objects(_parsed(stripped), ""))
            return
    if stripped:
        yield Record(spot, (("", stripped),))


def _cut(text: str) -> tuple[str, str]:
    """Text up to where a number may end, and the rest: a number is never read in halves."""
    end = max(text.rfind(separator, len(text) // 2) for separator in " <>;|\t")
    return (text[:end], text[end:]) if end > 0 else (text, "")


def _csv(path: Path) -> Iterator[Record]:
    with _open(path) as stream:
        sample = stream.read(_SNIFF)
        stream.seek(0)
        try:
            dialect: type[csv.Dialect] | str = csv.Sniffer().sniff(sample, delimiters=",;\t|")
        except csv.Error:
            dialect = "excel"
        reader = csv.reader(stream, dialect)
        header = next(reader, [])
        yield Record("row 1", [("", cell) for cell in header])
        for number, row in enumerate(reader, start=2):
            names = [*header, *([""] * max(0, len(row) - len(header)))]
            yield Record(f"row {number}", list(zip(names, row, strict=False)))


def _markup(path: Path) -> Iterator[Record]:
    """A record a row of a table, paragraph or picture: their text and the values of their attributes."""
    with _open(path) as stream:
        number, rest = 0, ""
        while piece := stream.read(_PIECE):
            *rows, rest = _ROW_END.split(rest + piece)
            if not rows and len(rest) > _PIECE:
                row, rest = _cut(rest)
                rows = [row]
            for row in rows:
                number += 1
                yield Record(f"part {number}", markup_cells(row))
        yield Record(f"part {number + 1}", markup_cells(rest))


def markup_cells(markup: str) -> list[Cell]:
    """Text between tags, and attributes but for addresses and styles."""
    cells: list[Cell] = []
    after = 0
    for tag in _TAG.finditer(markup):
        cells.append(("", html.unescape(markup[after : tag.start()])))
        cells += [
            (found[1], html.unescape(found[2] or found[3] or ""))
            for found in _ATTRIBUTE.finditer(tag[1])
            if found[1].lower() not in _CELL_NAMES
        ]
        after = tag.end()
    cells.append(("", html.unescape(markup[after:])))
    return [(name, text) for name, text in cells if str(text).strip()]


def json_records(text: str) -> Iterator[Record]:
    """A record an object; lists of numbers beside each other, as charts have them, are read row by row."""
    try:
        parsed = _parsed(text)
    except (ValueError, RecursionError):
        yield from (Record(f"line {n}", (("", line),)) for n, line in enumerate(text.splitlines(), start=1))
        return
    yield from _objects(parsed, "")


def _parsed(text: str) -> object:
    parsed: object = json.loads(text, parse_float=str, parse_int=str)
    return parsed


def _objects(value: object, path: str) -> Iterator[Record]:
    if isinstance(value, dict):
        plain = [(str(key), one) for key, one in value.items() if not isinstance(one, dict | list)]
        keys = [("key", str(key)) for key in value]
        yield Record(path, plain + keys)
        series = {key: one for key, one in value.items() if isinstance(one, list) and not _has_objects(one)}
        for number in range(max(map(len, series.values()), default=0)):
            yield Record(f"{path}[{number}]", [(key, one[number]) for key, one in series.items() if number < len(one)])
        for key, one in value.items():
            if key not in series:
                yield from _objects(one, f"{path}.{key}")
    elif isinstance(value, list):
        if not _has_objects(value):
            yield Record(path, [("", one) for one in value])
            return
        for number, one in enumerate(value):
            yield from _objects(one, f"{path}[{number}]")
    elif path == "":
        yield Record("", (("", value),))


def _has_objects(values: list[object]) -> bool:
    return any(isinstance(one, dict | list) for one in values)


# --- archives, tables, pages -------------------------------------------------------------------


def _gzip(path: Path, place: str, bounds: Bounds, depth: int) -> Iterator[tuple[str, Record] | Unread]:
    with gzip.open(path) as stream:
        yield from _unpacked(stream, path.name.removesuffix(".gz"), place, bounds, depth)


def _zip(path: Path, place: str, bounds: Bounds, depth: int) -> Iterator[tuple[str, Record] | Unread]:
    with zipfile.ZipFile(path) as archive:
        files = [member for member in archive.infolist() if not member.is_dir()]
        if len(files) > bounds.members:
            message = f"{len(files)} members, at most {bounds.members} are read"
            raise TooLargeError(message)
        if _WORKBOOK in archive.namelist():
            _check_size(sum(member.file_size for member in files), bounds)
            try:
                yield from ((place, record) for record in _workbook(path))
            except _NO_WORKBOOK as error:
                yield Unread(place, f"no workbook: {type(error).__name__}: {error}"[:200])
            files = [member for member in files if not member.filename.startswith(_READ_AS_CELLS)]
        for member in files:
            inner = f"{place}!{member.filename}"
            try:
                with archive.open(member) as stream:
                    yield from _unpacked(stream, Path(member.filename).name, inner, bounds, depth)
            except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed in a way of its own
                yield Unread(inner, str(error)[:200])


def _workbook(path: Path) -> Iterator[Record]:
    """A record a row of a sheet: its values, then its formulas, which say more than what they came to."""
    with path.open("rb") as stream:
        for values in (True, False):
            book = load_workbook(stream, read_only=True, data_only=values)
            for sheet in book.worksheets:
                for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
                    cells = [("", cell) for cell in row if values or str(cell).startswith("=")]
                    if cells:
                        yield Record(f"{sheet.title} row {number}", cells)


def _check_size(size: int, bounds: Bounds) -> None:
    if size > bounds.unpacked_bytes:
        message = f"unpacked it has more than {bounds.unpacked_bytes} bytes"
        raise TooLargeError(message)


def _unpacked(
    stream: IO[bytes] | gzip.GzipFile, name: str, place: str, bounds: Bounds, depth: int
) -> Iterator[tuple[str, Record] | Unread]:
    """What an archive holds, through a file: whatever is in it can be read as any other file."""
    if depth >= bounds.depth:
        yield Unread(place, f"packed more than {bounds.depth} times")
        return
    with tempfile.TemporaryDirectory(prefix="twinledger-scan-") as folder:
        target = Path(folder, "member" + Path(name).suffix)
        size = 0
        with target.open("wb") as written:
            while piece := stream.read(_PIECE):
                size += len(piece)
                _check_size(size, bounds)
                written.write(piece)
        yield from read_file(target, place, bounds, depth + 1)


def _parquet(path: Path) -> Iterator[Record]:
    file = parquet.ParquetFile(path)
    number = 0
    for batch in file.iter_batches(batch_size=_BATCH):
        names = batch.schema.names
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            number += 1
            yield Record(f"row {number}", list(zip(names, row, strict=True)))


_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\n?endstream", re.DOTALL)
_SHOWN = re.compile(rb"\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f\s]+>|T\*|T[dDm]|ET")
_LINE_OPERATORS = frozenset({b"T*", b"Td", b"TD", b"Tm", b"ET"})


def _pdf(path: Path, place: str, bounds: Bounds) -> Iterator[tuple[str, Record] | Unread]:
    """The text of a PDF's pages as far as its fonts have an ASCII encoding; form after ISO 32000-1, 7.3.4 and 9.4.3."""
    if path.stat().st_size > bounds.json_bytes:
        yield Unread(place, f"PDF of more than {bounds.json_bytes} bytes")
        return
    content = path.read_bytes()
    if b"/Encrypt" in content or b"/Identity-H" in content:
        yield Unread(place, "PDF whose text has an encoding of its own")
    for number, stream in enumerate(_STREAM.finditer(content), start=1):
        body = stream[1]
        if body.rstrip().endswith(b"~>"):  # ASCII85, as ReportLab packs its pages
            body = base64.a85decode(b"<~" + body.strip(), adobe=True)
        with suppress(zlib.error):
            body = zlib.decompressobj().decompress(body, bounds.json_bytes)
        for line in _shown(body):
            yield place, Record(f"stream {number}", (("", line),))


def _shown(body: bytes) -> Iterator[str]:
    line = ""
    for found in _SHOWN.finditer(body):
        token = found[0]
        if token in _LINE_OPERATORS:
            if line.strip():
                yield line
            line = ""
        elif token.startswith(b"("):
            line += re.sub(r"\\(.)", r"\1", token[1:-1].decode("cp1252", "replace"))
        else:
            with suppress(ValueError):
                line += bytes.fromhex(token[1:-1].decode()).decode("cp1252", "replace")
    if line.strip():
        yield line
