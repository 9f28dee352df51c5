"""Usage files: what kind they are, and how they become the relation that a format's model reads.

What belongs here: bytes and headers. What does not: the meaning of a row, which is SQL.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from twinledger.catalog import AllocationMeters, MeterQuery
from twinledger.engine import Engine
from twinledger.metering.dcgm import exported_lines
from twinledger.metering.opencost import allocation_lines
from twinledger.vocabulary.errors import EmptyFileError, InvalidConfigError, UnknownColumnsError, UnreadableFileError

COLUMNS = ("tenant", "product", "meter", "resource", "started_at", "ended_at", "quantity")
_OPTIONAL = frozenset({"resource"})
SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "csv": (".csv", ".csv.gz"),
    "jsonl": (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz"),
    "parquet": (".parquet",),
    "cloudevents": (".json", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz"),
    "prometheus": (".jsonl",),
    "opencost": (".json", ".json.gz"),
    "dcgm": (".jsonl", ".jsonl.gz"),
}
"""Which files of a place are a feed's, by format; others are left alone."""

_MODELS = {"prometheus": "jsonl", "opencost": "jsonl", "dcgm": "jsonl"}
"""Formats that are read as lines of another one, which we write: when they are fetched, or here."""

_GZIP = b"\x1f\x8b"


def checked_format(source: str, name: str) -> str:
    """A format that usage can come in; raises InvalidConfigError otherwise."""
    if name not in SUFFIXES:
        raise InvalidConfigError("sources.yaml", f"{source}.format", f"{name!r}: expected one of {', '.join(SUFFIXES)}")
    return name


@dataclass(frozen=True, slots=True)
class UsageFile:
    """One file of a feed on this machine: its path, its key at the feed's place, the feed's format and options."""

    path: Path
    key: str
    format: str
    options: Mapping[str, Any] = field(default_factory=dict)


def view_usage_files(
    engine: Engine, files: Mapping[str, UsageFile], spool: Path, names: Mapping[str, str] | None = None
) -> None:
    """Make files of one format (delivery -> file) readable as `usage_rows`.

    `names` says how the files call a column that they call otherwise.

    Raises:
        EmptyFileError: there is no byte in a file, or no row.
        UnreadableFileError: one is truncated, corrupt, or not what its name says.
        UnknownColumnsError: a column is missing.
    """
    labels = {f"raw_{number}": delivery for number, delivery in enumerate(files)}
    for name, delivery in labels.items():
        _view_file(engine, name, files[delivery], spool, names or {})
    engine.label("raw", labels)
    form = next(iter(files.values())).format
    form = _MODELS.get(form, form)
    engine.view_model(f"metering/{form}")
    engine.union("usage_rows", [form])
    engine.materialise("usage_rows")


def _view_file(engine: Engine, name: str, file: UsageFile, spool: Path, names: Mapping[str, str]) -> None:
    if file.path.stat().st_size == 0:
        raise EmptyFileError(file.key)
    _check_kind(file)
    if file.format == "parquet":
        engine.view_parquet(name, [str(file.path)], _binding(file, _parquet_header(file), names))
    elif file.format == "csv":
        header = _csv_header(file)
        engine.view_csv(name, [str(file.path)], _binding(file, header, names), header)
    elif file.format in ("opencost", "dcgm"):
        engine.view_lines(name, [str(_converted(file, spool))])
    else:
        engine.view_lines(name, [str(_as_lines(file, spool))])


def _check_kind(file: UsageFile) -> None:
    with file.path.open("rb") as stream:
        start = stream.read(4)
    expected = "Parquet" if file.format == "parquet" else "gzip" if file.key.endswith(".gz") else "text"
    kind = "Parquet" if start == b"PAR1" else "gzip" if start.startswith(_GZIP) else "text"
    if kind != expected:
        raise UnreadableFileError(file.key, f"its name says {expected}, its content is {kind}")


@contextmanager
def _text(file: UsageFile) -> Iterator[IO[str]]:
    """The file as text, unpacked."""
    try:
        with file.path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            unpacked = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
            with io.TextIOWrapper(unpacked, encoding="utf-8-sig", newline="") as stream:
                yield stream
    except UnicodeDecodeError as error:
        raise UnreadableFileError(file.key, f"not UTF-8 at byte {error.start}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFileError(file.key, f"truncated or corrupt gzip ({error})") from error


def _csv_header(file: UsageFile) -> tuple[str, ...]:
    with _text(file) as stream:
        rows = csv.reader(stream)
        header, first = next(rows, []), next(rows, None)
    if first is None:
        raise EmptyFileError(file.key)
    return tuple(header)


def _parquet_header(file: UsageFile) -> tuple[str, ...]:
    try:
        metadata = pq.read_metadata(file.path)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFileError(file.key, str(error).splitlines()[0][:200]) from error
    if metadata.num_rows == 0:
        raise EmptyFileError(file.key)
    return tuple(metadata.schema.to_arrow_schema().names)


def _binding(file: UsageFile, header: tuple[str, ...], names: Mapping[str, str]) -> dict[str, str | None]:
    wanted = {column: names.get(column, column) for column in COLUMNS}
    missing = [called for column, called in wanted.items() if called not in header and column not in _OPTIONAL]
    if missing:
        raise UnknownColumnsError(file.key, missing, f"usage {file.format}")
    return {column: called if called in header else None for column, called in wanted.items()}


def _converted(file: UsageFile, spool: Path) -> Path:
    """The records that a file of another structure comes to, as JSON lines."""
    with _text(file) as stream:
        if file.format == "opencost":
            meters = AllocationMeters.model_validate(file.options.get("allocation") or {})
            records = allocation_lines(stream.read(), file.key, meters)
        else:
            queries = [MeterQuery.model_validate(one) for one in file.options.get("meters") or ()]
            records = exported_lines(stream, file.key, queries)
        lines = spool / f"{hashlib.sha256(file.key.encode()).hexdigest()}.lines"
        with lines.open("w", encoding="utf-8") as target:
            target.writelines(f"{json.dumps(record)}\n" for record in records)
    if lines.stat().st_size == 0:
        raise EmptyFileError(file.key)
    return lines


def _as_lines(file: UsageFile, spool: Path) -> Path:
    """The file itself, or a JSON array (a CloudEvents batch) as lines, with every number's digits kept as text."""
    with _text(file) as stream:
        start = next((character for character in iter(lambda: stream.read(1), "") if not character.isspace()), "")
        if not start:
            raise EmptyFileError(file.key)
        if start != "[":
            return file.path
        stream.seek(0)
        try:
            batch = json.load(stream, parse_float=str, parse_int=str, parse_constant=str)
        except (ValueError, RecursionError) as error:
            raise UnreadableFileError(file.key, f"starts as a JSON array and is none ({error})") from error
    if not batch:
        raise EmptyFileError(file.key)
    lines = spool / f"{hashlib.sha256(file.key.encode()).hexdigest()}.lines"
    with lines.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{json.dumps(event)}\n" for event in batch)
    return lines
