from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.bills.bill_files import focus_csv, line, report, write_assembly, write_file
from tests.bills.conftest import Configure
from tests.conftest import FakeGate
from twinledger.bills import ingest_source
from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.store.models import Delivery, DeliverySlice, OutboxItem
from twinledger.vocabulary.errors import InvalidConfigError

Ledger = Callable[[], list[tuple[str, int, Decimal]]]
Refused = Callable[[], list[tuple[int, str, str]]]


def quarantined(books: Books) -> tuple[str | None, str]:
    with books.store.transaction() as session:
        delivery = session.scalars(select(Delivery).where(Delivery.state == "quarantined")).one()
        return delivery.reason_code, str(delivery.reason)


def told(books: Books) -> int:
    with books.store.transaction() as session:
        return len(session.scalars(select(OutboxItem).where(OutboxItem.kind == "quarantine")).all())


def test_a_delivery_of_two_parts_becomes_the_slice_of_its_month(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger
) -> None:
    source()
    write_assembly(bills_folder, [report([line("0.10"), line("0.20")]), report([line("0.000000000000000001")])])
    (outcome,) = ingest_source(books, "aws")
    assert (outcome.state, outcome.rows_in, outcome.rows_ledger, outcome.periods) == ("ingested", 3, 3, ("2026-10",))
    assert ledger() == [("2026-10", 3, Decimal("0.300000000000000001"))]


def test_the_same_delivery_again_changes_nothing(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger
) -> None:
    source()
    write_assembly(bills_folder, [report([line("0.10")])])
    ingest_source(books, "aws")
    files = sorted(books.settings.home.rglob("*.parquet"))
    assert [outcome.state for outcome in ingest_source(books, "aws")] == ["unchanged"]
    write_assembly(bills_folder, [report([line("0.10")])], modified=datetime(2026, 10, 9, tzinfo=UTC))
    assert [outcome.state for outcome in ingest_source(books, "aws")] == ["unchanged"]
    assert sorted(books.settings.home.rglob("*.parquet")) == files
    assert ledger() == [("2026-10", 1, Decimal("0.10"))]


@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
def test_the_newest_assembly_wins_whatever_the_order_of_arrival(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger, order: tuple[str, str]
) -> None:
    source()
    days = {"old": 3, "new": 5}
    for which in order:
        modified = datetime(2026, 10, days[which], tzinfo=UTC)
        write_assembly(bills_folder, [report([line(f"0.{days[which]}")])], assembly=which, modified=modified)
        ingest_source(books, "aws")
    assert ledger() == [("2026-10", 1, Decimal("0.5"))]
    with books.store.transaction() as session:
        slices = session.scalars(select(DeliverySlice)).all()
        assert {(row.current, row.totals[0]["billed_cost"]) for row in slices} == {(False, "0.30"), (True, "0.50")}


def test_two_periods_in_one_file_become_two_slices(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger
) -> None:
    source("focus", "focus_1_2", account=None, currency="EUR")
    september = {
        "BillingPeriodStart": "2026-09-01T00:00:00Z",
        "BillingPeriodEnd": "2026-10-01T00:00:00Z",
        "ChargePeriodStart": "2026-09-03T00:00:00Z",
    }
    write_file(bills_folder, "both.csv", focus_csv([{}, september, {"BilledCost": "2.50"}]))
    (outcome,) = ingest_source(books, "focus")
    assert outcome.periods == ("2026-09", "2026-10")
    assert ledger() == [("2026-09", 1, Decimal(1)), ("2026-10", 2, Decimal("3.50"))]


@pytest.mark.parametrize(
    ("cost", "sentence"),
    [
        ("NaN", "lineItem/UnblendedCost: amount 'NaN' is no finite decimal number"),
        ("Infinity", "lineItem/UnblendedCost: amount 'Infinity' is no finite decimal number"),
        ("0.123456789012345678901234567890", "has more than 18 decimals"),
        ("1e-30", "has more than 18 decimals"),
        ("12.3.4", "is no finite decimal number"),
        ("", "no billed cost"),
    ],
)
def test_a_bad_amount_is_quarantined_with_its_row_and_reason(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger, refused: Refused, cost: str, sentence: str
) -> None:
    source()
    write_assembly(bills_folder, [report([line("0.10"), line(cost), line("0.20")])])
    (outcome,) = ingest_source(books, "aws")
    assert (outcome.rows_in, outcome.rows_ledger, outcome.rows_quarantined) == (3, 2, 1)
    assert ledger() == [("2026-10", 2, Decimal("0.30"))]
    ((row, code, reason),) = refused()
    assert (row, code) == (2, "amount")
    assert sentence in reason


def test_a_line_charged_after_its_period_is_quarantined(
    books: Books, source: Configure, bills_folder: Path, refused: Refused
) -> None:
    source()
    late = line("0.10", start="2026-12-24T00:00:00Z", end="2026-12-24T01:00:00Z")
    write_assembly(bills_folder, [report([line("0.10"), late])])
    ingest_source(books, "aws")
    assert refused() == [(2, "date", "charged from 2026-12-24 00:00:00, after its billing period 2026-10")]


def test_a_truncated_gzip_is_quarantined_and_the_last_good_slice_stays(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger
) -> None:
    source()
    write_assembly(bills_folder, [report([line("0.10")])], modified=datetime(2026, 10, 3, tzinfo=UTC))
    ingest_source(books, "aws")
    folder = write_assembly(bills_folder, [report([line("0.10")] * 5000)], assembly="a2")
    part = folder / "a2" / "report-1.csv.gz"
    part.write_bytes(part.read_bytes()[:-40])
    assert [outcome.state for outcome in ingest_source(books, "aws")] == ["unchanged", "quarantined"]
    assert quarantined(books)[0] == "unreadable"
    assert ledger() == [("2026-10", 1, Decimal("0.10"))]
    ingest_source(books, "aws")
    assert told(books) == 1


def test_a_checksum_that_differs_from_the_manifest_is_refused(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger
) -> None:
    source()
    key = "report/20261001-20261101/a1/report-1.csv.gz"
    write_assembly(bills_folder, [report([line("0.10")])], checksums={key: "sha256:" + "0" * 64})
    ingest_source(books, "aws")
    assert quarantined(books)[0] == "checksum"
    assert ledger() == []


def test_a_missing_part_waits_and_completes_when_it_arrives(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger
) -> None:
    source()
    folder = write_assembly(bills_folder, [report([line("0.10")]), report([line("0.20")])])
    part = folder / "a1" / "report-2.csv.gz"
    content = part.read_bytes()
    part.unlink()
    ingest_source(books, "aws")
    code, reason = quarantined(books)
    assert code == "missing-part"
    assert "report-2.csv.gz" in reason
    part.write_bytes(content)
    assert [outcome.state for outcome in ingest_source(books, "aws")] == ["ingested"]
    assert ledger() == [("2026-10", 2, Decimal("0.30"))]


def test_a_manifest_key_that_climbs_out_of_its_folder_is_refused(
    books: Books, source: Configure, bills_folder: Path, tmp_path: Path
) -> None:
    source()
    (tmp_path / "secret.csv.gz").write_bytes(gzip.compress(report([line("9")])))
    write_assembly(bills_folder, [report([line("0.10")])], reportKeys=["report/../../secret.csv.gz"])
    ingest_source(books, "aws")
    assert quarantined(books)[0] == "unsafe-path"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"payer": "999999999999"}, "wrong-account"),
        ({"currency": "EUR"}, "wrong-currency"),
        (
            {"period_start": "2026-09-01T00:00:00Z", "period_end": "2026-10-01T00:00:00Z", "start": "2026-09-02"},
            "wrong-period",
        ),
    ],
)
def test_a_bill_of_another_account_currency_or_period_is_refused_whole(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger, changes: dict[str, str], code: str
) -> None:
    source()
    write_assembly(bills_folder, [report([line("0.10"), line("0.20", **changes)])])
    ingest_source(books, "aws")
    assert quarantined(books)[0] == code
    assert ledger() == []


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("bill.csv", b"", "empty"),
        ("bill.csv", b"BilledCost,BillingAccountId\n", "empty"),
        ("bill.csv", gzip.compress(b"a,b\n1,2\n", mtime=0), "unreadable"),
        ("bill.csv.gz", b"a,b\n1,2\n", "unreadable"),
        ("bill.parquet", b"PAR1 and then nothing", "unreadable"),
        ("bill.parquet", b"a,b\n1,2\n", "unreadable"),
        ("bill.csv", b"colour,size\nred,2\n", "unknown-columns"),
        ("bill.csv", focus_csv([{}]) + b"1.00,acc\n", "unreadable"),
        ("bill.csv", "BilledCost,Größe\n1,2\n".encode("latin-1"), "unreadable"),
    ],
)
def test_a_file_that_is_no_bill_is_refused_with_its_named_error(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger, name: str, content: bytes, code: str
) -> None:
    source("focus", "focus_1_2", account=None, currency=None)
    write_file(bills_folder, name, content)
    (outcome,) = ingest_source(books, "focus")
    assert (outcome.state, outcome.reason_code) == ("quarantined", code)
    assert ledger() == []
    assert told(books) == 1


def test_a_delivery_with_too_many_bad_rows_is_refused_whole(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger
) -> None:
    source()
    write_assembly(bills_folder, [report([line("0.10")] * 200 + [line("x")] * 150)])
    ingest_source(books, "aws")
    assert quarantined(books) == (
        "total",
        (
            "report/20261001-20261101/a1/report-1.csv.gz: expected at most 1% refused rows, found 150 of 350 "
            "(the first: amount: lineItem/UnblendedCost x)"
        ),
    )
    assert ledger() == []


def test_a_gate_that_stops_keeps_the_delivery_out(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger, gate: FakeGate
) -> None:
    source()
    gate.stops["delivery"] = ("BilledCost is null in 1 row",)
    write_assembly(bills_folder, [report([line("0.10")])])
    ingest_source(books, "aws")
    assert quarantined(books) == ("gate", "gate delivery stopped: BilledCost is null in 1 row")
    assert ledger() == []


def test_a_closed_period_is_not_changed_by_a_restatement(
    books: Books, source: Configure, bills_folder: Path, ledger: Ledger
) -> None:
    source()
    write_assembly(bills_folder, [report([line("0.10")])], modified=datetime(2026, 11, 3, tzinfo=UTC))
    (first,) = ingest_source(books, "aws")
    books.lake.freeze(EXTERNAL_CHARGES, "x_period", "2026-10", books.lake.slices(EXTERNAL_CHARGES))
    write_assembly(bills_folder, [report([line("0.90")])], assembly="a2", modified=datetime(2026, 11, 9, tzinfo=UTC))
    outcome = ingest_source(books, "aws")[-1]
    assert (outcome.state, outcome.periods) == ("ingested", ("2026-11",))
    assert ledger() == [("2026-10", 1, Decimal("0.10")), ("2026-11", 2, Decimal("0.80"))]
    with books.engine() as engine:
        partition = {"x_source": "aws", "x_period": "2026-11"}
        engine.view_files("posted", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES, partition))
        sql = 'SELECT x_slice, x_restates, "BilledCost", "ChargeClass", "BillingPeriodStart" FROM posted ORDER BY 3'
        october = datetime(2026, 10, 1)
        assert engine.query(sql) == [
            ("restates-2026-10", f"2026-10/{first.delivery}#1", Decimal("-0.10"), "Correction", october),
            ("restates-2026-10", "2026-10", Decimal("0.90"), "Correction", october),
        ]


def test_an_azure_manifest_with_another_row_count_is_refused(
    books: Books, source: Configure, bills_folder: Path
) -> None:
    source("azure", "azure_ea", account=None, currency="EUR")
    rows = (
        b"SubscriptionId,Date,MeterId,MeterCategory,Quantity,Cost,BillingCurrency\ns,10/02/2026,m,Storage,1,2.5,EUR\n"
    )
    write_file(bills_folder, "20261001-20261031/202610030000/part_0_0001.csv", rows)
    write_file(bills_folder, "20261001-20261031/202610030000/manifest.json", b'{"dataRowCount": 2, "blobs": []}')
    ingest_source(books, "azure")
    assert quarantined(books) == (
        "total",
        "20261001-20261031/202610030000: expected 2 rows, found 1 rows (-1 rows)",
    )


def test_a_bill_source_of_an_unknown_slice_is_refused(books: Books, source: Configure) -> None:
    source(slice="week")
    with pytest.raises(InvalidConfigError, match="expected period, day, file"):
        ingest_source(books, "aws")
