"""Reading a database for its figures: every table and view that the login can read, row by row.

What belongs here: taking tables apart into records. What does not: files (`readers`), and which tables
of the store are finance's, which `twinledger.store.roles` says.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, create_engine, inspect, make_url
from sqlalchemy.exc import SQLAlchemyError

from twinledger.shielding.readers import Cell, Record, Unread, json_records
from twinledger.store.roles import is_store, queries_for_everyone

_BATCH = 1000
_MOST_BYTES = 32 << 20


def read_database(url: str) -> Iterator[tuple[str, Record] | Unread]:
    """(place, record) of every row of every table and view; of a store of ours, of what everybody may read.

    Places name the database without its password. A table that the login may not read says so.
    """
    address = make_url(url)
    shown = address.database if address.get_backend_name() == "sqlite" else address.render_as_string()
    engine = create_engine(address)
    try:
        with engine.connect().execution_options(stream_results=True, yield_per=_BATCH) as connection:
            tables = _tables(connection)
            ours = is_store({table for schema, table in tables if not schema})
            for schema, table in tables:
                place = f"{shown} {schema + '.' if schema else ''}{table}"
                catalog = table.startswith("iceberg_")
                query = (
                    _all(connection, schema, table) if schema or catalog or not ours else queries_for_everyone(table)
                )
                if query:
                    yield from _rows(connection, query, place)
    except SQLAlchemyError as error:
        yield Unread(str(shown), _reason(error))
    finally:
        engine.dispose()


def _tables(connection: Connection) -> list[tuple[str, str]]:
    found = inspect(connection)
    system = {"information_schema", "pg_catalog", "mysql", "performance_schema", "sys"}
    schemas = [name for name in found.get_schema_names() if name not in system]
    default = found.default_schema_name
    return [
        ("" if schema == default else schema, table)
        for schema in schemas
        for table in sorted({*found.get_table_names(schema), *found.get_view_names(schema)})
    ]


def _all(connection: Connection, schema: str, table: str) -> str:
    quote = connection.dialect.identifier_preparer.quote_identifier
    return "SELECT * FROM " + (f"{quote(schema)}." if schema else "") + quote(table)  # noqa: S608 - quoted


def _rows(connection: Connection, query: str, place: str) -> Iterator[tuple[str, Record] | Unread]:
    try:
        rows = connection.exec_driver_sql(query)
        names = list(rows.keys())
        for number, row in enumerate(rows, start=1):
            for record in _records(f"row {number}", list(zip(names, row, strict=True))):
                yield place, record
    except SQLAlchemyError as error:
        connection.rollback()
        yield Unread(place, _reason(error))


def _records(spot: str, cells: list[Cell]) -> Iterator[Record]:
    """A row as one record; JSON in a column, as Airflow keeps XComs and rendered templates, as records of its own."""
    plain: list[Cell] = []
    for name, cell in cells:
        value = None if isinstance(cell, date | datetime | time) else readable(cell)
        if isinstance(value, str) and value[:1] in ("{", "[") and len(value) <= _MOST_BYTES:
            yield from (Record(f"{spot} {name}{one.spot}", one.cells) for one in json_records(value))
        else:
            plain.append((name, value))
    yield Record(spot, plain)


def readable(value: object) -> object:
    """Bytes as the text in them, unpacked where they are packed; anything else nested as its text."""
    if isinstance(value, bytes | memoryview):
        content = bytes(value)
        with suppress(zlib.error):
            content = zlib.decompressobj().decompress(content, _MOST_BYTES)
        return content.decode("utf-8", "replace")
    return str(value) if isinstance(value, dict | list | tuple | timedelta) else value


def _reason(error: SQLAlchemyError) -> str:
    """The kind of refusal alone: what a driver says may cite rows."""
    original = getattr(error, "orig", None)
    return f"not read: {type(original or error).__name__}"
