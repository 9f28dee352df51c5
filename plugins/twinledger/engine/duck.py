"""DuckDB, in process: the default engine.

What belongs here: how relations are made from files and rows, and how results are written. What does
not: SQL with a meaning, which is under `sql/`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

from twinledger.engine import Binding
from twinledger.engine.models import Model, functions_called, load_model
from twinledger.lake import partition_of, slice_name
from twinledger.lake.tables import Column, Table
from twinledger.vocabulary.errors import UnknownNameError, UnreadableFileError

_FILE_BYTES = "512MB"
_LINE_BYTES = 8 << 20
_ONE_THREAD_BYTES = 32 << 20
"""A CSV file below that is read to its end before several threads would have begun."""
_NESTED = frozenset({"struct", "map", "list", "array"})

_ARROW: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "TIMESTAMP": pa.timestamp("us"),
    "DATE": pa.date32(),
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DECIMAL(38,18)": pa.decimal128(38, 18),
    "DECIMAL(19,9)": pa.decimal128(19, 9),
    "DECIMAL(18,9)": pa.decimal128(18, 9),
    "DECIMAL(10,8)": pa.decimal128(10, 8),
}


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal: for file names and headers, which DuckDB takes no parameters for."""
    return "'" + text.replace("'", "''") + "'"


def _list(texts: Iterable[str]) -> str:
    return "[" + ", ".join(literal(text) for text in texts) + "]"


class DuckEngine:
    """One in-memory database with a bound on its memory, that spills to disk beyond it."""

    def __init__(self, memory_limit: str, threads: int, spill: str) -> None:
        """Open; `threads` 0 is one for each core."""
        Path(spill).mkdir(parents=True, exist_ok=True)
        self._spill = tempfile.TemporaryDirectory(dir=spill, prefix="query-")
        config: dict[str, Any] = {
            "memory_limit": memory_limit,
            "temp_directory": self._spill.name,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        if threads:
            config["threads"] = threads
        self._connection = duckdb.connect(":memory:", config=config)
        self._connection.execute("SET TimeZone = 'UTC'")
        # Where it takes the process for an interactive one, it draws into what a command prints.
        self._connection.execute("SET enable_progress_bar = false")
        self._relations: dict[str, str] = {}
        self._functions: set[str] = set()

    def __enter__(self) -> Self:
        """The engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Give memory and spill back."""
        self._connection.close()
        self._spill.cleanup()

    # --- relations ---------------------------------------------------------------------------

    def view_files(self, name: str, table: Table, files: Sequence[str], where: str = "TRUE") -> None:
        """A relation over Parquet files of a table; empty where there are none."""
        if files:
            columns = ", ".join(quoted(column) for column in table.names)
            reader = f"read_parquet({_list(files)}, hive_partitioning=false)"
            self._view(name, f"SELECT {columns} FROM {reader} WHERE {where}")
        else:
            self.view_rows(name, table.columns, [])

    def view_rows(self, name: str, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
        """A small relation of rows that are handed in; naive datetimes are UTC, aware ones are converted."""
        values = list(zip(*rows, strict=True)) or [() for _ in columns]
        arrays = [pa.array(value, type=_ARROW[column.type]) for column, value in zip(columns, values, strict=True)]
        table = pa.Table.from_arrays(arrays, names=[column.name for column in columns])
        self._connection.register(f"{name}_rows", table)
        self._drop(name)
        source = quoted(f"{name}_rows")
        self._connection.execute(f"CREATE TEMP TABLE {quoted(name)} AS SELECT * FROM {source}")
        self._relations[name] = "TABLE"
        self._connection.unregister(f"{name}_rows")

    def view_model(self, model: str, name: str = "") -> None:
        """The result of a model, under the last part of its path or another name.

        Raises:
            UnknownNameError: the model, or a relation that it needs, is not there.
        """
        loaded = load_model(model)
        self._check_inputs(loaded)
        self._view(name or loaded.relation, loaded.query)

    def view_csv(self, name: str, files: Sequence[str], columns: Binding, header: Sequence[str]) -> None:
        """A relation over CSV files that share a header, all text; empty fields are NULL.

        `columns` says where each column of the relation stands in the header; `row_number` counts from 1.

        Raises:
            UnreadableFileError: a file is truncated, corrupt or has lines of another width.
        """
        # Columns are numbered: headers of real bills repeat names that differ in case only.
        positions = {original: f"c{index}" for index, original in reversed(list(enumerate(header)))}
        types = ", ".join(f"c{index}: 'VARCHAR'" for index in range(len(header)))
        packed = "gzip" if files[0].endswith(".gz") else "none"
        reader = (
            f"read_csv({_list(files)}, header=true, auto_detect=false, delim=',', quote='\"', escape='\"', "
            f"columns={{{types}}}, nullstr=['', 'NULL'], compression='{packed}', strict_mode=true, "
            f"max_line_size={_LINE_BYTES})"
        )
        select = f"SELECT {_fields(columns, positions)} FROM {reader}"
        if sum(Path(file).stat().st_size for file in files) < _ONE_THREAD_BYTES:
            self._view(name, f"SELECT *, row_number() OVER () AS row_number FROM ({select})")
            return
        # Numbering holds all that follows to one thread. Lines of a Parquet file are numbered by where they stand.
        spooled = Path(tempfile.mkdtemp(dir=self._spill.name)) / "lines.parquet"
        self._execute(f"COPY ({select}) TO {literal(str(spooled))} (FORMAT parquet)")
        self._view(name, f"SELECT *, file_row_number + 1 AS row_number FROM {_parquet([str(spooled)])}")

    def view_parquet(self, name: str, files: Sequence[str], columns: Binding) -> None:
        """A relation over Parquet files of anybody's, all text, with no digit of a number changed.

        Nested values are JSON whose leaves are strings; `a.b` in `columns` is field b of the struct a. A float
        that is no finite number is NULL: some vendors write NaN for nothing.

        Raises:
            UnreadableFileError: a file is no Parquet file or is truncated.
        """
        reader = _parquet(files)
        try:
            described = self._connection.execute(f"SELECT * FROM {reader} LIMIT 0").description
        except duckdb.Error as error:
            raise UnreadableFileError(files[0], _sentence(error)) from error
        types: dict[str, DuckDBPyType] = {column[0]: column[1] for column in described}
        texts: dict[str, str] = {}
        for original, kind in types.items():
            texts |= _struct_fields(original, quoted(original), kind)
        # A column of its own comes before a field inside another that is written alike.
        texts |= {original: _as_text(quoted(original), kind) for original, kind in types.items()}
        self._view(name, f"SELECT {_fields(columns, texts)}, {self._numbers(files, types)} AS row_number FROM {reader}")

    def view_lines(self, name: str, files: Sequence[str]) -> None:
        """A relation over the lines of text files: `line`, null where blank, and `row_number` from 1.

        Raises:
            UnreadableFileError: a file is truncated or corrupt, or a line is longer than 8 MiB.
        """
        packed = "gzip" if files[0].endswith(".gz") else "none"
        # No JSON document holds an unescaped control character: this one never splits a line.
        reader = (
            f"read_csv({_list(files)}, header=false, auto_detect=false, delim='\x01', quote='', escape='', "
            f"columns={{line: 'VARCHAR'}}, nullstr=[''], compression='{packed}', null_padding=true, "
            "max_line_size=8388608)"
        )
        self._view(name, f"SELECT line, row_number() OVER () AS row_number FROM {reader}")

    def union(self, name: str, relations: Sequence[str], *, renumber: bool = False) -> None:
        """One relation of several with the same columns, in their order; `row_number` counts on where asked."""
        columns = self._counting_on(relations) if renumber else ["*"] * len(relations)
        parts = [f"SELECT {each} FROM {quoted(one)}" for each, one in zip(columns, relations, strict=True)]
        self._view(name, " UNION ALL ".join(parts))

    def label(self, name: str, relations: Mapping[str, str], *, column: str = "label", renumber: bool = False) -> None:
        """One relation of several with the same columns (relation -> label): each row has its label in `column`."""
        columns = self._counting_on(list(relations)) if renumber else ["*"] * len(relations)
        parts = [
            f"SELECT {literal(label)} AS {quoted(column)}, {each} FROM {quoted(one)}"
            for each, (one, label) in zip(columns, relations.items(), strict=True)
        ]
        self._view(name, " UNION ALL ".join(parts))

    def materialise(self, relation: str) -> None:
        """Compute a relation once, for work that reads it several times."""
        self._execute(f"CREATE TEMP TABLE {quoted(relation + '_kept')} AS SELECT * FROM {quoted(relation)}")
        self._drop(relation)
        self._connection.execute(f"ALTER TABLE {quoted(relation + '_kept')} RENAME TO {quoted(relation)}")
        self._relations[relation] = "TABLE"

    # --- results -----------------------------------------------------------------------------

    def rows(self, relation: str) -> list[dict[str, Any]]:
        """All rows of a small relation; decimals are Decimal, instants naive UTC."""
        result = self._execute(f"SELECT * FROM {quoted(relation)}")
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """A small ad-hoc question; values go in as parameters."""
        return self._execute(sql, parameters).fetchall()

    def select(self, relation: str, key: str, values: Sequence[object]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The rows of a relation whose key is one of a few values: (column names, rows)."""
        sql = f"SELECT * FROM {quoted(relation)} WHERE {quoted(key)} IN (SELECT UNNEST(?))"
        result = self._execute(sql, [list(values)])
        return [column[0] for column in result.description or ()], result.fetchall()

    def copy(self, relation: str, table: Table, folder: Path) -> list[str]:
        """Write a relation as Parquet files of a table, one value of each partition column a file."""
        return [path for paths in self.copy_slices(relation, table, folder).values() for path in paths]

    def copy_slices(self, relation: str, table: Table, folder: Path) -> dict[str, list[str]]:
        """As `copy`, by slice: slice name -> files."""
        options = f"PARTITION_BY ({', '.join(quoted(name) for name in table.partition)}), WRITE_PARTITION_COLUMNS true"
        written = self._copy(f"SELECT {_typed(table)} FROM {quoted(relation)}", folder, options)
        slices: dict[str, list[str]] = {}
        for path, below in written.items():
            # DuckDB writes each value into its folder's name as a URL would have it.
            partition = partition_of(below)
            name = slice_name({column: unquote(value) for column, value in partition.items()})
            slices.setdefault(name, []).append(path)
        return slices

    def copy_unsplit(self, relation: str, table: Table, folder: Path) -> list[str]:
        """Write a relation as Parquet files of a table in its order, whatever its partition values.

        Half the time of `copy`; for large relations that are known to be of one slice, or split later.
        """
        select = f"SELECT {_typed(table)} FROM {quoted(relation)}"
        return list(self._copy(select, folder, f"FILE_SIZE_BYTES '{_FILE_BYTES}'"))

    def copy_model(self, model: str, table: Table, folder: Path, where: str = "TRUE") -> list[str]:
        """As `copy_unsplit` of the model's result, which is planned once and not for a view as well."""
        loaded = load_model(model)
        self._check_inputs(loaded)
        select = f"SELECT {_typed(table)} FROM ({loaded.query}) AS {quoted(loaded.relation)} WHERE {where}"
        return list(self._copy(select, folder, f"FILE_SIZE_BYTES '{_FILE_BYTES}'"))

    def export(self, relation: str, target: Path) -> int:
        """Write a relation as one Parquet file for others; returns the number of rows."""
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = f"COPY (SELECT * FROM {quoted(relation)}) TO {literal(str(target))} (FORMAT parquet)"
        result = self._execute(copy)
        return int(result.fetchall()[0][0])

    # --- inside ------------------------------------------------------------------------------

    def _numbers(self, files: Sequence[str], types: Mapping[str, DuckDBPyType]) -> str:
        """The number of a line of Parquet files, from 1 in the first, as an expression."""
        if {"file_row_number", "file_index"} & {name.lower() for name in types}:
            return "row_number() OVER ()"  # a bill's own columns of these names hide the reader's
        counts = [self._rows_of(Path(file)) for file in files]
        before = ", ".join(str(count) for count in accumulate(counts, initial=0))
        return f"file_row_number + 1 + CAST([{before}] AS BIGINT[])[CAST(file_index AS BIGINT) + 1]"

    def _counting_on(self, relations: Sequence[str]) -> list[str]:
        """All columns of each relation, its `row_number` going on where the one before ends."""
        counts = [self.query(f"SELECT COUNT(*) FROM {quoted(one)}")[0][0] for one in relations]
        return [f"* REPLACE (row_number + {before} AS row_number)" for before in accumulate(counts, initial=0)][:-1]

    def _copy(self, select: str, folder: Path, options: str) -> dict[str, str]:
        """Each file that has rows, with the folder below the target that DuckDB wrote it into."""
        folder.mkdir(parents=True, exist_ok=True)
        self._execute(f"COPY ({select}) TO {literal(str(folder))} (FORMAT parquet, {options})")
        kept: dict[str, str] = {}
        for number, path in enumerate(sorted(folder.rglob("*.parquet"))):
            if self._rows_of(path) == 0:
                path.unlink()
                continue
            # Folders named column=value would make readers guess columns and types from the path.
            below = path.parent.relative_to(folder).as_posix()
            kept[str(path.rename(folder / f"part-{number:05d}.parquet"))] = below
        for inner in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
            inner.rmdir()
        return kept

    def _rows_of(self, path: Path) -> int:
        sql = f"SELECT num_rows FROM parquet_file_metadata({literal(str(path))})"
        return int(self._connection.execute(sql).fetchall()[0][0])

    def _check_inputs(self, model: Model) -> None:
        for relation in model.inputs:
            if relation not in self._relations:
                raise UnknownNameError(f"relation for sql/{model.name}", relation, self._relations)

    def _view(self, name: str, sql: str) -> None:
        self._drop(name)
        self._execute(f"CREATE TEMP VIEW {quoted(name)} AS {sql}")
        self._relations[name] = "VIEW"

    def _drop(self, name: str) -> None:
        if kind := self._relations.pop(name, ""):
            self._connection.execute(f"DROP {kind} {quoted(name)}")

    def _execute(self, sql: str, parameters: Sequence[object] = ()) -> duckdb.DuckDBPyConnection:
        for function, definition in functions_called(sql).items():
            if function not in self._functions:
                self._connection.execute(definition)
                self._functions.add(function)
        try:
            return self._connection.execute(sql, list(parameters))
        except (
            duckdb.IOException,
            duckdb.InvalidInputException,
            duckdb.ConversionException,
            duckdb.OutOfRangeException,
        ) as error:
            raise UnreadableFileError("input", _sentence(error)) from error


def _fields(columns: Binding, expressions: Mapping[str, str]) -> str:
    return ", ".join(f"{_field(where, expressions)} AS {quoted(target)}" for target, where in columns.items())


def _parquet(files: Sequence[str]) -> str:
    return f"read_parquet({_list(files)}, union_by_name=true, hive_partitioning=false)"


def _field(where: str | Mapping[str, str] | None, expressions: Mapping[str, str]) -> str:
    if where is None or where == {}:
        return "CAST(NULL AS VARCHAR)"
    if isinstance(where, str):
        return expressions[where]
    pairs = [_json_pair(key, expressions[name]) for key, name in where.items()]
    return f"'{{' || concat_ws(', ', {', '.join(pairs)}) || '}}'"


def _json_pair(key: str, expression: str) -> str:
    name = literal(json.dumps(key) + ": ")
    return f"CASE WHEN {expression} IS NOT NULL THEN {name} || to_json({expression}) END"


def _typed(table: Table) -> str:
    return ", ".join(f"CAST({quoted(c.name)} AS {c.type}) AS {quoted(c.name)}" for c in table.columns)


def _struct_fields(name: str, value: str, kind: DuckDBPyType) -> dict[str, str]:
    """The fields of a struct as text, at any depth, by their dotted names."""
    texts: dict[str, str] = {}
    for field, inner in _children(kind).items() if kind.id == "struct" else ():
        dotted, extracted = f"{name}.{field}", f"struct_extract({value}, {literal(field)})"
        texts |= {dotted: _as_text(extracted, inner)} | _struct_fields(dotted, extracted, inner)
    return texts


def _as_text(value: str, kind: DuckDBPyType) -> str:
    if kind.id == "null":
        # A column of nothing but nulls may have no type, and DuckDB fails on reading such a field of a struct.
        return "CAST(NULL AS VARCHAR)"
    if kind.id in _NESTED:
        # JSON numbers would be read as floats later: every leaf is written as a string.
        return f"CAST(to_json(CAST({value} AS {_text_type(kind)})) AS VARCHAR)"
    if kind.id == "timestamp with time zone":
        return f"CAST({value} AT TIME ZONE 'UTC' AS VARCHAR)"
    if kind.id in {"float", "double"}:
        return f"CASE WHEN isfinite({value}) THEN CAST({value} AS VARCHAR) END"
    if kind.id == "varchar":
        return f"NULLIF(NULLIF(CAST({value} AS VARCHAR), ''), 'NULL')"
    return f"CAST({value} AS VARCHAR)"


def _children(kind: DuckDBPyType) -> dict[str, DuckDBPyType]:
    """The types inside a nested one, by name: an array's size, which is none, is left out."""
    return {name: inner for name, inner in kind.children if isinstance(inner, DuckDBPyType)}


def _text_type(kind: DuckDBPyType) -> str:
    """The type of the same shape in which every leaf is text."""
    if kind.id not in _NESTED:
        return "VARCHAR"
    children = _children(kind)
    if kind.id == "struct":
        return "STRUCT(" + ", ".join(f"{quoted(name)} {_text_type(inner)}" for name, inner in children.items()) + ")"
    if kind.id == "map":
        return f"MAP({_text_type(children['key'])}, {_text_type(children['value'])})"
    return f"{_text_type(children['child'])}[]"


def _sentence(error: Exception) -> str:
    """What DuckDB says, without the line that it cites: that is the vendor's data, and may be long."""
    said = str(error).strip().splitlines()
    wanted = [line for line in said[1:] if line.startswith("Expected Number of Columns")]
    return ", ".join([said[0], *wanted])[:300]
