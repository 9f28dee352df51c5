from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.catalog.sql import SqlCatalog

from tests.lakes import EmptyLake
from twinledger.books import Books
from twinledger.engine.duck import DuckEngine
from twinledger.lake import Lake, SliceWrite, partition_of, slice_name
from twinledger.lake.tables import TABLES, USAGE
from twinledger.lake.transaction import CachedTransaction
from twinledger.store import Store
from twinledger.vocabulary.errors import ConcurrentSliceError
from twinledger.vocabulary.settings import ROOT

WRITER = """
import sys
from tests.lake.test_lake import write_days
write_days(sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4])
"""


def usage_row(feed: str, day: str, number: int, quantity: str) -> tuple[object, ...]:
    start = datetime(2026, 10, 1)
    values = {
        "feed": feed, "day": day, "delivery": "d", "row": number, "tenant": "t", "product": "p", "meter": "m",
        "started_at": start, "ended_at": start, "quantity": Decimal(quantity), "period": "2026-10", "late": False,
    }  # fmt: skip
    return tuple(values.get(name) for name in USAGE.names)


def write(lake: Lake, engine: DuckEngine, slice_of: tuple[str, str], quantities: Sequence[str], **state: str) -> bool:
    feed, day = slice_of
    engine.view_rows("rows", USAGE.columns, [usage_row(feed, day, i, q) for i, q in enumerate(quantities)])
    files = engine.copy("rows", USAGE, lake.staging(USAGE))
    return lake.replace(USAGE, {"feed": feed, "day": day}, files, **{"digest": "d", "version": ""} | state)


def write_days(url: str, warehouse: str, days: Sequence[str], feed: str) -> None:
    """Write each day once; what one of several writing processes does."""
    lake = Lake(url, warehouse)
    with DuckEngine("256MiB", 1, str(Path(warehouse) / "spill")) as engine:
        for day in days:
            write(lake, engine, (feed, day), ["1"], digest=f"{feed}-{day}-{os.getpid()}")
    lake.close()


def content(books: Books, cut: str = "") -> Mapping[tuple[str, str], Decimal]:
    with books.engine() as engine:
        engine.view_files("usage", USAGE, books.lake.files(USAGE, cut=cut))
        rows = engine.query("SELECT feed, day, SUM(quantity) FROM usage GROUP BY 1, 2 ORDER BY 1, 2")
    return {(row[0], row[1]): row[2] for row in rows}


def test_every_table_is_there_and_empty(store: Store, tmp_path: Path) -> None:
    lake = Lake(store.url, str(tmp_path / "lake"))
    lake.ensure()
    lake.ensure()
    for table in TABLES.values():
        assert lake.files(table) == []
        assert lake.cut(table) == ""
    lake.close()


def test_the_lake_that_tests_copy_is_as_one_that_is_made(store: Store, empty_lake: EmptyLake, tmp_path: Path) -> None:
    lake = empty_lake.copy_to(store, str(tmp_path / "lake"))
    made = EmptyLake.made_in(tmp_path / "made")
    assert _shapes(tmp_path / "lake") == _shapes(made.warehouse)
    lake.ensure()
    for table in TABLES.values():
        assert lake.files(table) == []
        assert lake.cut(table) == ""
    lake.close()


def test_a_transaction_says_what_the_table_would_be_after_each_change(
    store: Store, empty_lake: EmptyLake, tmp_path: Path
) -> None:
    lake = empty_lake.copy_to(store, str(tmp_path / "lake"))
    lake.close()
    catalog = SqlCatalog("twinledger", uri=store.url, init_catalog_tables="false")
    changing = CachedTransaction(catalog.load_table(USAGE.name))
    for number in range(3):
        changing.set_properties({"number": str(number)})
        assert changing.table_metadata.properties["number"] == str(number)
        assert changing.table_metadata is changing.table_metadata
    changing.commit_transaction()
    assert catalog.load_table(USAGE.name).properties["number"] == "2"
    catalog.close()


def _shapes(warehouse: Path) -> dict[str, dict[str, object]]:
    """What the files of each table say, but for its identity, its age and, above the warehouse, its place."""
    shapes = {}
    for file in warehouse.rglob("*.json"):
        said = json.loads(file.read_text().replace(str(warehouse), ""))
        own = {"table-uuid", "last-updated-ms"}
        shapes[str(file.parent.relative_to(warehouse))] = {key: said[key] for key in said.keys() - own}
    return shapes


def test_a_slice_is_replaced_and_its_neighbours_stay(books: Books) -> None:
    with DuckEngine("256MiB", 1, books.settings.spill) as engine:
        write(books.lake, engine, ("f", "2026-10-01"), ["1", "2"], digest="a")
        write(books.lake, engine, ("f", "2026-10-02"), ["5"], digest="b")
        before = books.lake.cut(USAGE)
        assert write(books.lake, engine, ("f", "2026-10-01"), ["0.000000001"], digest="c")
    assert content(books) == {("f", "2026-10-01"): Decimal("0.000000001"), ("f", "2026-10-02"): Decimal(5)}
    assert content(books, cut=before) == {("f", "2026-10-01"): Decimal(3), ("f", "2026-10-02"): Decimal(5)}
    assert books.lake.slices(USAGE) == {"day=2026-10-01/feed=f": "c", "day=2026-10-02/feed=f": "b"}


def test_a_slice_can_become_empty(books: Books) -> None:
    with DuckEngine("256MiB", 1, books.settings.spill) as engine:
        write(books.lake, engine, ("f", "2026-10-01"), ["1"], digest="a")
        assert write(books.lake, engine, ("f", "2026-10-01"), [], digest="b")
    assert content(books) == {}


def test_slices_that_are_gone_leave_in_the_commit_that_writes_others(books: Books) -> None:
    with DuckEngine("256MiB", 1, books.settings.spill) as engine:
        for day in ("2026-10-01", "2026-10-02"):
            write(books.lake, engine, ("f", day), ["1"], digest="a")
    written = SliceWrite({"feed": "f", "day": "2026-10-02"}, [], "b")
    gone = ["day=2026-10-01/feed=f"]
    assert books.lake.replace_all(USAGE, [written], gone)
    assert (books.lake.files(USAGE), books.lake.slices(USAGE)) == ([], {"day=2026-10-02/feed=f": "b"})
    assert not books.lake.replace_all(USAGE, [written], gone)
    assert books.lake.replace_all(USAGE, [], ["day=2026-10-02/feed=f"])
    assert books.lake.slices(USAGE) == {}


def test_files_are_told_by_slice_whatever_its_name(books: Books) -> None:
    rows = [usage_row(feed, "2026-10-01", 1, "1") for feed in ("plain", "a b%=c&é:", "it's")]
    with DuckEngine("256MiB", 1, books.settings.spill) as engine:
        engine.view_rows("rows", USAGE.columns, rows)
        slices = engine.copy_slices("rows", USAGE, books.lake.staging(USAGE))
        for name, files in slices.items():
            engine.view_files("of_slice", USAGE, files)
            assert {slice_name({"feed": row["feed"], "day": row["day"]}) for row in engine.rows("of_slice")} == {name}
    assert len(slices) == len(rows)
    writes = [SliceWrite(partition_of(name), files, "a") for name, files in slices.items()]
    books.lake.replace_all(USAGE, writes)
    assert books.lake.slice_files(USAGE) == {name: tuple(files) for name, files in slices.items()}


def test_the_same_digest_writes_nothing(books: Books) -> None:
    with DuckEngine("256MiB", 1, books.settings.spill) as engine:
        assert write(books.lake, engine, ("f", "2026-10-01"), ["1"], digest="a")
        cut = books.lake.cut(USAGE)
        assert not write(books.lake, engine, ("f", "2026-10-01"), ["1"], digest="a")
    assert books.lake.cut(USAGE) == cut


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations([1, 2, 3, 4]), number=st.uuids())
def test_whatever_the_order_the_newest_version_is_what_stays(
    books: Books, order: Sequence[int], number: object
) -> None:
    with DuckEngine("256MiB", 1, books.settings.spill) as engine:
        for version in order:
            state = {"digest": f"{number}-{version}", "version": f"{version:03d}"}
            write(books.lake, engine, (str(number), "2026-10-01"), [str(version)], **state)
    assert content(books)[str(number), "2026-10-01"] == max(order)


@pytest.mark.timeout(600)
def test_writers_of_other_slices_lose_nothing_and_writers_of_the_same_slice_double_nothing(books: Books) -> None:
    days = [f"2026-10-{day:02d}" for day in range(1, 6)]
    arguments = [(",".join(days), "f1"), (",".join(days), "f2"), (",".join(days), "f1"), (",".join(days[:2]), "f3")]
    command = [sys.executable, "-c", WRITER, books.store.url, books.settings.warehouse]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    writers = [subprocess.Popen([*command, *each], env=environment, cwd=ROOT) for each in arguments]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    expected = [("f1", day) for day in days] + [("f2", day) for day in days] + [("f3", day) for day in days[:2]]
    assert content(books) == dict.fromkeys(expected, Decimal(1))


def test_orphans_are_files_that_no_snapshot_knows_and_that_are_old(books: Books) -> None:
    with DuckEngine("256MiB", 1, books.settings.spill) as engine:
        write(books.lake, engine, ("f", "2026-10-01"), ["1"], digest="a")
        write(books.lake, engine, ("f", "2026-10-01"), ["2"], digest="b")
        engine.view_rows("rows", USAGE.columns, [usage_row("f", "2026-10-02", 1, "1")])
        (left,) = engine.copy("rows", USAGE, books.lake.staging(USAGE))
    now = datetime.now(UTC)
    assert list(books.lake.orphans(USAGE, now - timedelta(days=1))) == []
    os.utime(left, (time.time() - 90000,) * 2)
    assert [str(path) for path in books.lake.orphans(USAGE, now - timedelta(days=1))] == [left]


def test_a_slice_is_named_by_its_columns_in_order() -> None:
    assert slice_name({"x_source": "aws", "x_period": "2026-10"}) == "x_period=2026-10/x_source=aws"


def test_a_slice_that_moved_on_is_not_replaced_by_what_was_made_from_the_old_one(books: Books) -> None:
    partition = {"feed": "f", "day": "2026-10-01"}
    with DuckEngine("256MiB", 1, books.settings.spill) as engine:
        write(books.lake, engine, ("f", "2026-10-01"), ["1"], digest="a")
        write(books.lake, engine, ("f", "2026-10-01"), ["2"], digest="b")
        with pytest.raises(ConcurrentSliceError, match="was written by somebody else meanwhile"):
            books.lake.replace_all(USAGE, [SliceWrite(partition, [], "c", base="a")])
        assert not books.lake.replace_all(USAGE, [SliceWrite(partition, [], "b", base="a")])
        assert books.lake.replace_all(USAGE, [SliceWrite(partition, [], "c", base="b")])
    assert content(books) == {}
