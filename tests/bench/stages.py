"""One stage of the benchmark in a process of its own, so that its time and memory are its own.

    python -m tests.bench.stages STAGE FOLDER

What belongs here: the stages, and the machine's floor beside each: the same files read, or read and
written, by DuckDB with nothing of ours. What does not: running and comparing them (`__main__`).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import structlog

from twinledger.books import Books
from twinledger.deployment import open_books
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, USAGE, Table
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import LakeSettings, Settings

PERIODS = tuple(Period(2026, month) for month in (8, 9, 10))
MEMORY_LIMIT = "2GiB"


def settings_of(folder: Path) -> Settings:
    """The settings of the benchmark's own deployment."""
    return Settings(home=folder / "home", lake=LakeSettings(memory_limit=MEMORY_LIMIT))


def bill_readers(folder: Path) -> list[str]:
    """One DuckDB table function for each kind of bill file."""
    bills = folder / "company" / "bills"
    csv = sorted(str(path) for path in bills.rglob("*.csv*"))
    parquet = sorted(str(path) for path in bills.rglob("*.parquet"))
    headers: dict[str, list[str]] = {}
    for path in csv:
        headers.setdefault(path.removeprefix(str(bills)).split("/")[1], []).append(path)
    readers = [f"read_csv({paths}, all_varchar=true, header=true)" for paths in headers.values()]
    return readers + ([f"read_parquet({parquet})"] if parquet else [])


def bare(folder: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB with the same bound on memory as ours."""
    return duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(folder / "bare-spill")})


def bare_read(folder: Path) -> None:
    """Read every bill file and count its rows."""
    with bare(folder) as connection:
        for reader in bill_readers(folder):
            connection.execute(f"SELECT COUNT(COLUMNS(*)) FROM {reader}").fetchall()


def bare_copy(folder: Path) -> None:
    """Read every bill file and write it as Parquet, unchanged."""
    target = folder / "bare"
    target.mkdir(exist_ok=True)
    with bare(folder) as connection:
        for number, reader in enumerate(bill_readers(folder)):
            connection.execute(f"COPY (SELECT * FROM {reader}) TO '{target / str(number)}.parquet' (FORMAT parquet)")


def ingest_bills(books: Books) -> None:
    """Every bill source into the external ledger: digests, gate, quarantine, commit and records included."""
    from twinledger.bills import ingest_source
    from twinledger.catalog import sources

    for name, kind in sources(books.store):
        if kind == "bill":
            outcomes = ingest_source(books, name)
            assert all(outcome.state != "quarantined" for outcome in outcomes), outcomes


def ingest_metering(books: Books) -> None:
    """Every metering feed into usage."""
    from twinledger.catalog import sources
    from twinledger.metering import ingest_feed

    for name, kind in sources(books.store):
        if kind == "usage":
            outcomes = ingest_feed(books, name)
            assert all(outcome.state != "quarantined" for outcome in outcomes), outcomes


def rate(books: Books) -> None:
    """Three periods of the internal ledger."""
    from twinledger.rating import rate_period

    for period in PERIODS:
        result = rate_period(books, period)
        assert result.rows, result


def reconcile(books: Books) -> None:
    """Three periods of the bridge, matches, claims and breaks."""
    from twinledger.reconciliation import reconcile_period

    for period in PERIODS:
        found = reconcile_period(books, period)
        assert found.bridge, found.verdict


def scan(books: Books, tables: tuple[Table, ...]) -> None:
    """The bare scan of every number and key that a stage reads: DuckDB over the same Parquet files."""
    with bare(books.settings.home) as connection:
        for table in tables:
            files = books.lake.files(table)
            columns = ", ".join(f'MAX("{c.name}")' for c in table.columns if c.type.startswith("DECIMAL") or c.required)
            connection.execute(f"SELECT {columns} FROM read_parquet({files})").fetchall()


FLOORS: dict[str, Callable[[Path], None]] = {"bare_read": bare_read, "bare_copy": bare_copy}
OURS: dict[str, Callable[[Books], None]] = {
    "ingest_bills": ingest_bills,
    "ingest_metering": ingest_metering,
    "rate": rate,
    "reconcile": reconcile,
    "scan_usage": lambda books: scan(books, (USAGE,)),
    "scan_ledgers": lambda books: scan(books, (EXTERNAL_CHARGES, INTERNAL_CHARGES)),
}


def main(stage: str, folder: Path) -> None:
    """Run one stage."""
    if stage in FLOORS:
        FLOORS[stage](folder)
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with open_books(settings_of(folder)) as books:
        OURS[stage](books)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
