"""Where rows are made: one DuckDB in memory, one thread, one file at a time.

What belongs here: from segments to a file or to sums. What does not: which files there are. One
thread per file keeps a file's bytes the same on every machine; several studios work side by side.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb

from twinledger.sample import company, fleet
from twinledger.sample.fleet import Line, Segment

_MODELS = ("lines", "usage", "measures")

_ROWS_A_RANGE = 50_000
_ROWS_A_STATEMENT = 50

_TABLES = """
CREATE TABLE fleet (
    line VARCHAR, line_no BIGINT, bill VARCHAR, name VARCHAR, kind VARCHAR, service VARCHAR, sku VARCHAR,
    sku_id VARCHAR, region VARCHAR, account VARCHAR, pool VARCHAR, prefix VARCHAR, unit VARCHAR, commitment VARCHAR,
    list_rate DECIMAL(12, 6), usual_rate DECIMAL(12, 6), effective_rate DECIMAL(12, 6), early_rate DECIMAL(12, 6),
    wrong_rate DECIMAL(12, 6), wrong_from TIMESTAMP, wrong_until TIMESTAMP,
    full_quantity DECIMAL(9, 4), partial_of_20 BIGINT, quantum DECIMAL(9, 4), span BIGINT,
    meters VARCHAR[], factors DECIMAL(9, 4)[], aside BOOLEAN
);
CREATE TABLE ranges (
    position BIGINT, line VARCHAR, starts_at TIMESTAMP, preliminary BOOLEAN, resources BIGINT, hours BIGINT,
    first_row BIGINT, last_row BIGINT
);
CREATE TABLE segments AS SELECT * EXCLUDE (position) FROM ranges INNER JOIN fleet USING (line);
"""

_LOAD = """
TRUNCATE segments;
INSERT INTO segments SELECT * EXCLUDE (position) FROM ranges INNER JOIN fleet USING (line) ORDER BY position;
TRUNCATE ranges;
"""


def _fleet_row(line: Line) -> tuple[object, ...]:
    wrong_from = wrong_until = None
    if line.wrong_rate is not None:
        first, last = (company.day_of(company.LAST_PERIOD, day) for day in line.wrong_days)
        wrong_from, wrong_until = first, last + timedelta(days=1)
    return (
        line.key,
        line.number,
        line.bill,
        line.name,
        line.kind,
        line.service,
        line.sku,
        line.sku_id,
        line.region,
        line.account,
        line.pool,
        line.prefix,
        line.unit,
        line.commitment or None,
        line.list_rate,
        line.billed_rate,
        line.effective_rate,
        line.early_rate,
        line.wrong_rate,
        wrong_from,
        wrong_until,
        line.full,
        line.partial,
        line.quantum,
        line.span,
        [meter for meter, _ in line.meters],
        [factor for _, factor in line.meters],
        line.aside,
    )


def _range_row(position: int, segment: Segment) -> tuple[object, ...]:
    starts_at = datetime(segment.period.year, segment.period.month, 1)  # noqa: DTZ001 - DuckDB's TIMESTAMP: UTC, unsaid
    return (
        position,
        segment.line.key,
        starts_at,
        segment.preliminary,
        segment.resources,
        segment.hours,
        segment.first,
        segment.last,
    )


class Studio:
    """One connection that knows some bills' lines."""

    def __init__(self, seed: int, lines: Sequence[Line]) -> None:
        """Open with a seed; equal seeds, equal rows."""
        self._models: set[str] = set()
        self._connection = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "1GiB"})
        self._connection.execute(_TABLES)
        self._set("seed", seed % 2147483647)
        self._set("tenants", [one.name for one in company.TENANTS])
        self._set("departments", [one.department for one in company.TENANTS])
        self._set("cost_centres", [one.cost_centre for one in company.TENANTS])
        self._fill("fleet", [_fleet_row(line) for line in lines])
        for model in _MODELS:
            self._model(model)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _model(self, name: str) -> None:
        if name not in self._models:
            text = resources.files("twinledger.sample").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
            self._connection.execute(text)
            self._models.add(name)

    def ready(self, model: str, dataset: str, delivered_at: datetime) -> None:
        """Make a bill's views, and say what is written and when; views ask for both with GETVARIABLE."""
        self._set("dataset", dataset)
        self._set("delivered_at", delivered_at.astimezone(UTC).replace(tzinfo=None))
        self._model(model)

    def _set(self, name: str, value: object) -> None:
        self._connection.execute(f"SET VARIABLE {name} = ?", [value])

    def _fill(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert some rows a statement: one a statement takes a hundred times as long."""
        for first in range(0, len(rows), _ROWS_A_STATEMENT):
            several = rows[first : first + _ROWS_A_STATEMENT]
            marks = ", ".join(f"({', '.join('?' for _ in row)})" for row in several)
            values = [value for row in several for value in row]
            self._connection.execute(f"INSERT INTO {table} VALUES {marks}", values)  # noqa: S608 - our own table names

    def _load(self, segments: Sequence[Segment]) -> None:
        """Hand over the rows in small ranges, which is what keeps memory bounded."""
        ranges = (piece for part in fleet.parts(segments, _ROWS_A_RANGE) for piece in part)
        self._fill("ranges", [_range_row(position, piece) for position, piece in enumerate(ranges)])
        self._connection.execute(_LOAD)

    def csv(
        self, view: str, segments: Sequence[Segment], path: Path, *, header: bool = True, gzip: bool = False
    ) -> None:
        """Write the segments' rows as CSV."""
        self._load(segments)
        self._connection.view(view).write_csv(str(path), header=header, compression="gzip" if gzip else "none")

    def parquet(self, view: str, segments: Sequence[Segment], path: Path) -> None:
        """Write the segments' rows as Parquet."""
        self._load(segments)
        self._connection.view(view).write_parquet(str(path), compression="zstd", row_group_size=122_880)

    def json_lines(self, view: str, segments: Sequence[Segment], path: Path) -> None:
        """Write the segments' rows as one JSON object a line."""
        self._load(segments)
        target = str(path).replace("'", "''")
        self._connection.execute(f"COPY {view} TO '{target}' (FORMAT json)")

    def columns(self, model: str, view: str) -> list[str]:
        """The column names of a bill's view."""
        self._model(model)
        return list(self._connection.view(view).columns)

    def sums(self, view: str, segments: Sequence[Segment]) -> list[dict[str, Any]]:
        """The rows of a small view over the segments; amounts are Decimals."""
        self._load(segments)
        found = self._connection.view(view)
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


@dataclass(frozen=True)
class Studios:
    """Some studios that jobs take turns in."""

    number: int
    _free: queue.SimpleQueue[Studio]

    @contextmanager
    def one(self) -> Iterator[Studio]:
        """A studio for one job."""
        studio = self._free.get()
        try:
            yield studio
        finally:
            self._free.put(studio)


@contextmanager
def open_studios(seed: int, number: int, lines: Sequence[Line]) -> Iterator[Studios]:
    """So many studios, closed at the end."""
    free: queue.SimpleQueue[Studio] = queue.SimpleQueue()
    opened = [Studio(seed, lines) for _ in range(number)]
    for studio in opened:
        free.put(studio)
    try:
        yield Studios(number, free)
    finally:
        for studio in opened:
            studio.close()


def exact(scale: float) -> Decimal:
    """A scale as the decimal that was written, not the nearest binary one."""
    return Decimal(str(scale))
