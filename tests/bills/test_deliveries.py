"""How vendors hand over: increments, final months, archives, pairs, siblings, files that still change."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.bills.bill_files import focus_csv, write_file
from tests.bills.conftest import Configure
from twinledger.bills import ingest_source
from twinledger.bills.deliveries import Feed, Found, discover
from twinledger.bills.formats import Covers, FilePattern, SliceKind, format_named
from twinledger.books import Books
from twinledger.clock import FixedClock
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.places import NO_OPTIONS, LocalPlace, PlacedFile
from twinledger.store.models import ControlTotal, Source
from twinledger.vocabulary.errors import UnknownFileError


def leave(folder: Path, name: str, content: bytes, day: int = 2, month: int = 11) -> Path:
    path = write_file(folder, name, content)
    at = datetime(2026, month, day, 6, tzinfo=UTC).timestamp()
    os.utime(path, (at, at))
    return path


def zipped(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def billed(books: Books, source: str) -> dict[tuple[str, str], Decimal]:
    """Billed cost by period and slice."""
    with books.engine() as engine:
        engine.view_files("ledger", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES, {"x_source": source}))
        rows = engine.query('SELECT x_period, x_slice, SUM("BilledCost") FROM ledger GROUP BY 1, 2')
    return {(row[0], row[1]): row[2] for row in rows}


def huawei(folder: Path, name: str, costs: Sequence[str], day: int) -> Path:
    """A detail bill: its header's own spelling, with the columns that its format asks for."""
    required = [column for column in format_named("huawei_detail").columns.values() if column.required]
    hour = ("2026-10-02 00:00:00 GMT+08:00", "2026-10-02 01:00:00 GMT+08:00")
    values = {
        "账期": "2026-10",
        "账号": "nimbus-cn",
        "账单类型": "消费-使用",
        "使用开始时间": hour[0],
        "使用结束时间": hour[1],
        "消费时间": "-".join(hour),
        "产品类型": "弹性云服务器",
        "计费模式": "按需",
        "区域编码": "cn-north-4",
        "资源ID": "r-1",
        "使用量": "1",
        "官网价(¥)": "1",
    }
    names = list(dict.fromkeys([*values, *(column.names[0] for column in required), "应付金额(¥)"]))
    names = [name for name in names if name not in {"应付金额", "官网价"}]
    lines = [",".join({**values, "应付金额(¥)": cost}.get(name, "x") for name in names) for cost in costs]
    return leave(folder, name, ("\ufeff" + "\r\n".join([",".join(names), *lines]) + "\r\n").encode(), day)


@pytest.mark.parametrize("order", list(permutations(("1001", "1002", "final"))))
def test_a_final_month_stands_for_its_days_whatever_the_order_of_arrival(
    books: Books, source: Configure, bills_folder: Path, order: tuple[str, ...]
) -> None:
    source("huawei", "huawei_detail", account=None, currency=None, slice="day")
    files = {
        "1001": lambda: huawei(bills_folder, "2026-10-02/nimbus_PriceFactorBillDetail_20261001.csv", ["1.5"], 2),
        "1002": lambda: huawei(bills_folder, "2026-10-03/nimbus_PriceFactorBillDetail_20261002.csv", ["2", "0.25"], 3),
        "final": lambda: huawei(
            bills_folder, "2026-11-03/nimbus_PriceFactorBillDetail_20261001-20261031.csv", ["1.5", "2", "0.5"], 4
        ),
    }
    for name in order:
        files[name]()
        outcomes = ingest_source(books, "huawei")
        assert {outcome.state for outcome in outcomes} <= {"ingested", "superseded", "unchanged"}, outcomes
    assert billed(books, "huawei") == {("2026-10", "all"): Decimal(4)}


def test_days_add_up_until_the_month_is_final_and_a_day_that_comes_again_is_replaced(
    books: Books, source: Configure, bills_folder: Path
) -> None:
    source("huawei", "huawei_detail", account=None, currency=None, slice="day")
    huawei(bills_folder, "a/nimbus_PriceFactorBillDetail_20261001.csv", ["1.5"], 2)
    huawei(bills_folder, "b/nimbus_PriceFactorBillDetail_20261002.csv", ["2"], 3)
    ingest_source(books, "huawei")
    huawei(bills_folder, "c/nimbus_PriceFactorBillDetail_20261001.csv", ["1.75"], 5)
    ingest_source(books, "huawei")
    expected = {("2026-10", "day-20261001"): Decimal("1.75"), ("2026-10", "day-20261002"): Decimal(2)}
    assert billed(books, "huawei") == expected


def test_files_that_add_rows_are_each_kept_and_each_counted_once(
    books: Books, source: Configure, bills_folder: Path
) -> None:
    source("focus", "focus_1_2", account=None, currency="EUR", slice="file")
    for number in range(3):
        leave(
            bills_folder, f"exports/2026/11/part-{number}.csv", focus_csv([{"BilledCost": f"{number}.5"}]), number + 1
        )
        ingest_source(books, "focus")
    assert sorted(billed(books, "focus").values()) == [Decimal("0.5"), Decimal("1.5"), Decimal("2.5")]
    assert {outcome.state for outcome in ingest_source(books, "focus")} == {"unchanged"}


def test_an_archive_of_several_parts_is_one_bill(books: Books, source: Configure, bills_folder: Path) -> None:
    source("focus", "focus_1_2", account=None, currency="EUR")
    parts = {"bill_2.csv": focus_csv([{"BilledCost": "2"}]), "bill_1.csv": focus_csv([{"BilledCost": "1"}] * 2)}
    leave(bills_folder, "october.zip", zipped({**parts, "__MACOSX/._bill_1.csv": b"x", "placeholder.csv": b""}))
    (outcome,) = ingest_source(books, "focus")
    assert (outcome.state, outcome.rows_in) == ("ingested", 3)
    assert billed(books, "focus") == {("2026-10", "all"): Decimal(4)}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (zipped({"../../outside.csv": focus_csv([{}])}), "unsafe-path"),
        (zipped({"bill.pdf": b"%PDF-1.7"}), "unreadable"),
        (zipped({"inner.csv": zipped({"bill.csv": focus_csv([{}])})}), "unreadable"),
        (zipped({"bill.csv": focus_csv([{}])})[:-30], "unreadable"),
        (zipped({}), "empty"),
        (zipped({"bill.csv": b""}), "empty"),
        (zipped({f"{number}.csv": b"a\n" for number in range(1001)}), "unreadable"),
    ],
)
def test_an_archive_that_is_not_a_bill_is_refused_with_its_named_error(
    books: Books, source: Configure, bills_folder: Path, content: bytes, code: str
) -> None:
    source("focus", "focus_1_2", account=None, currency=None)
    leave(bills_folder, "bill.zip", content)
    (outcome,) = ingest_source(books, "focus")
    assert (outcome.state, outcome.reason_code) == ("quarantined", code)
    assert not list(bills_folder.parent.rglob("outside.csv"))


def test_a_file_that_a_chinese_spreadsheet_saved_is_read(books: Books, source: Configure, bills_folder: Path) -> None:
    source("focus", "focus_1_2", account=None, currency="EUR")
    text = focus_csv([{"ServiceName": "云服务器"}]).decode()
    leave(bills_folder, "bill.csv", text.encode("gb18030"))
    ingest_source(books, "focus")
    with books.engine() as engine:
        engine.view_files("ledger", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES))
        assert engine.query('SELECT "ServiceName" FROM ledger') == [("云服务器",)]


def test_another_export_of_the_same_charges_is_refused_with_the_reason(
    books: Books, source: Configure, bills_folder: Path
) -> None:
    source("huawei", "huawei_detail", account=None, currency=None, slice="day")
    huawei(bills_folder, "2026-10-02/nimbus_InstanceBillMonth_202610.csv", ["1"], 2)
    huawei(bills_folder, "2026-10-02/nimbus_PriceFactorBillDetail_20261001.csv", ["1"], 2)
    states = {outcome.state: outcome.reason for outcome in ingest_source(books, "huawei")}
    assert states.keys() == {"sibling", "ingested"}
    assert states["sibling"]
    assert billed(books, "huawei") == {("2026-10", "day-20261001"): Decimal(1)}


def test_an_account_that_another_source_bills_is_not_counted_twice(
    books: Books, source: Configure, bills_folder: Path, tmp_path: Path
) -> None:
    source("one", "focus_1_2", account=None, currency="EUR")
    source("two", "focus_1_2", account=None, currency="EUR", place=str(tmp_path / "two"))
    leave(bills_folder, "bill.csv", focus_csv([{}]))
    leave(tmp_path / "two", "bill.csv", focus_csv([{"BilledCost": "2"}]))
    assert [outcome.state for outcome in ingest_source(books, "one")] == ["ingested"]
    (outcome,) = ingest_source(books, "two")
    assert (outcome.state, outcome.reason_code) == ("quarantined", "counted-twice")
    assert "one" in outcome.reason


class GrowingPlace(LocalPlace):
    """A folder whose file is still being written between two looks."""

    def __init__(self, folder: Path, growing: Path) -> None:
        super().__init__(folder)
        self.looks = 0
        self.growing = growing

    def list(self) -> Iterator[PlacedFile]:
        self.looks += 1
        found = [*super().list()]
        if self.looks == 1:
            with self.growing.open("ab") as stream:
                stream.write(focus_csv([{"BilledCost": "7"}]).splitlines(keepends=True)[1])
        yield from found


def test_files_that_change_between_two_looks_wait_for_the_next_run(
    books: Books, source: Configure, bills_folder: Path
) -> None:
    source("focus", "focus_1_2", account=None, currency="EUR")
    growing = leave(bills_folder, "bill.csv", focus_csv([{}]))
    place = GrowingPlace(bills_folder, growing)

    def open_place(address: str, options: Mapping[str, Any] = NO_OPTIONS) -> GrowingPlace:
        assert (address, dict(options)) == (str(bills_folder), {})
        return place

    (outcome,) = ingest_source(replace(books, places=open_place), "focus")
    assert (outcome.state, billed(books, "focus")) == ("waiting", {})
    (outcome,) = ingest_source(books, "focus")
    assert (outcome.state, billed(books, "focus")) == ("ingested", {("2026-10", "all"): Decimal(8)})


def test_a_young_delivery_without_a_manifest_is_given_time_to_settle(
    books: Books, source: Configure, bills_folder: Path, clock: FixedClock
) -> None:
    source("focus", "focus_1_2", account=None, currency="EUR")
    leave(bills_folder, "bill.csv", focus_csv([{}]), 2)
    clock.instant = datetime(2026, 11, 2, 6, 0, 1, tzinfo=UTC)
    said: list[str] = []
    ingest_source(books, "focus", said.append)
    assert said[0] == "focus: waiting 4 s to see that bill.csv is complete"
    assert clock.instant >= datetime(2026, 11, 2, 6, 0, 5, tzinfo=UTC)


def test_a_source_that_promises_manifests_waits_for_them(books: Books, source: Configure, bills_folder: Path) -> None:
    source("focus", "focus_1_2", account=None, currency="EUR")
    with books.store.transaction() as session:
        row = session.get_one(Source, "focus")
        row.options = {"complete": "manifest"}
    leave(bills_folder, "20261001-20261031/202611020600/part_0_0001.csv", focus_csv([{}]))
    (outcome,) = ingest_source(books, "focus")
    assert (outcome.state, outcome.reason) == ("waiting", "its manifest")
    leave(bills_folder, "20261001-20261031/202611020600/manifest.json", b'{"dataRowCount": 1, "blobs": []}')
    assert [outcome.state for outcome in ingest_source(books, "focus")] == ["ingested"]


def test_a_source_that_is_complete_by_its_total_waits_for_the_invoice_that_says_it(
    books: Books, source: Configure, bills_folder: Path
) -> None:
    source("focus", "focus_1_2", account=None, currency="EUR")
    with books.store.transaction() as session:
        session.get_one(Source, "focus").options = {"complete": "total"}
    leave(bills_folder, "bill.csv", focus_csv([{"BilledCost": "7.25"}]))
    (outcome,) = ingest_source(books, "focus")
    assert (outcome.state, outcome.reason.split(":")[0]) == ("waiting", "an invoice")
    invoice(books, "1", "7")
    (outcome,) = ingest_source(books, "focus")
    assert outcome.reason.endswith("7.25 EUR is billed, 7.00 invoiced")
    invoice(books, "2", "0.25")
    assert [outcome.state for outcome in ingest_source(books, "focus")] == ["ingested"]


def invoice(books: Books, document: str, amount: str) -> None:
    with books.store.transaction() as session:
        session.add(
            ControlTotal(
                origin="invoice", provider="Acme", account="acc", period="2026-10", currency="EUR", document=document,
                amount=Decimal(amount), recorded_at=books.clock.now(), recorded_by="finance",
            )
        )  # fmt: skip


# --- what a name says --------------------------------------------------------------------------


def named(covers: Covers, pattern: str, sibling: str = "") -> FilePattern:
    return FilePattern(re.compile(pattern, re.IGNORECASE), covers, sibling)


PATTERNS = (
    named("month_to_date", r"(?P<account>\d+)-(?P<day>\d{8})-bill(_(?P<part>\d+))?\.csv"),
    named("month", r"(?P<account>\d+)-(?P<month>\d{6})-bill\.csv"),
    named("file", r"hours-\d+\.csv"),
    named("month", r".*-pack\.csv", "bills the same charges by package"),
)


def found_in(folder: Path, kind: SliceKind, names: Sequence[str]) -> dict[str, Found]:
    for name in names:
        leave(folder, name, b"x")
    form = replace(format_named("focus_1_2"), layout="named_files", files=PATTERNS)
    found = discover(Feed(form, kind), LocalPlace(folder), folder)
    return {one.key: one for one in found}


def test_a_name_says_account_period_and_what_a_file_covers(tmp_path: Path) -> None:
    names = ["7-20261017-bill.csv", "7-202610-bill.csv", "hours-1.csv", "7-202610-pack.csv", "notes.txt"]
    found = found_in(tmp_path, "period", names)
    to_date, final = found["7-20261017-bill.csv"], found["7-202610-bill.csv"]
    assert (to_date.account, to_date.slice, to_date.final, to_date.as_of) == ("7", "all", False, "20261017")
    assert (final.period, final.slice, final.final) == ("2026-10", "all", True)
    assert final.version > to_date.version
    assert found["hours-1.csv"].slice.startswith("file-")
    assert found["7-202610-pack.csv"].sibling == "bills the same charges by package"
    assert "notes.txt" not in found


def test_parts_of_one_name_are_one_delivery_and_the_same_name_elsewhere_is_another(tmp_path: Path) -> None:
    names = ["a/7-20261017-bill_1.csv", "a/7-20261017-bill_2.csv", "b/7-20261017-bill_1.csv"]
    found = found_in(tmp_path, "period", names)
    assert sorted(len(one.files) for one in found.values()) == [1, 2]


def test_a_later_day_says_more_than_an_earlier_one_that_was_left_later(tmp_path: Path) -> None:
    leave(tmp_path, "7-20261018-bill.csv", b"x", 1)
    found = found_in(tmp_path, "period", ["7-20261017-bill.csv"])
    assert max(found.values(), key=lambda one: one.version).key == "7-20261018-bill.csv"


def test_a_file_of_another_name_is_a_whole_bill_or_refused_where_bills_come_in_increments(tmp_path: Path) -> None:
    assert found_in(tmp_path, "period", ["october.csv"])["october.csv"].slice == "all"
    refusal = found_in(tmp_path, "day", ["october.csv"])["october.csv"].refusal
    assert isinstance(refusal, UnknownFileError)


def test_a_pair_of_exports_waits_until_both_are_there(tmp_path: Path) -> None:
    form = replace(format_named("focus_1_2"), layout="azure_pair", datasets=("actual", "amortized"))
    feed = Feed(form, "period", {"actual": "exports/a"})
    leave(tmp_path, "exports/a/20261001-20261031/202611020600/part.csv", b"x")
    (waiting,) = discover(feed, LocalPlace(tmp_path), tmp_path)
    assert waiting.waits_for == "the amortized export of 2026-10"
    leave(tmp_path, "amortized/20261001-20261031/202611020500/part.csv", b"y")
    leave(tmp_path, "amortized/20261001-20261031/202611010500/part.csv", b"older")
    (pair,) = discover(feed, LocalPlace(tmp_path), tmp_path)
    assert (pair.waits_for, pair.period, sorted(pair.datasets.values())) == ("", "2026-10", ["actual", "amortized"])
    assert [file.key for file in pair.files] == [
        "exports/a/20261001-20261031/202611020600/part.csv",
        "amortized/20261001-20261031/202611020500/part.csv",
    ]


@pytest.mark.parametrize(
    "manifest",
    [
        {"executionId": "e", "dataFiles": ["s3://bucket/cur/export/data/BILLING_PERIOD=2026-10/export-00001.csv.gz"]},
        {"files": [{"location": {"key": "export/data/BILLING_PERIOD=2026-10/export-00001.csv.gz"}}]},
    ],
)
def test_a_manifest_of_data_exports_is_read_whatever_it_calls_its_list(
    tmp_path: Path, manifest: dict[str, object]
) -> None:
    leave(tmp_path, "export/data/BILLING_PERIOD=2026-10/export-00001.csv.gz", b"x")
    leave(tmp_path, "export/data/BILLING_PERIOD=2026-10/export-00002.csv.gz", b"left from an earlier, longer run")
    leave(tmp_path, "export/metadata/BILLING_PERIOD=2026-10/export-Manifest.json", json.dumps(manifest).encode())
    feed = Feed(format_named("aws_cur_2"), "period")
    (found,) = discover(feed, LocalPlace(tmp_path), tmp_path)
    assert found.refusal is None
    assert (found.period, found.announced) == ("2026-10", True)
    assert [file.key for file in found.files] == ["export/data/BILLING_PERIOD=2026-10/export-00001.csv.gz"]
