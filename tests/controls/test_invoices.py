"""Files of invoices: exact totals, or the cell that is wrong by name."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinledger.controls import read_invoices
from twinledger.vocabulary.errors import InvalidAmountError, InvalidTableError
from twinledger.vocabulary.money import exact_sum, parse_amount

HEADER = "provider,account,period,currency,invoice,amount"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*lines: str, name: str = "invoices.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
        return path

    return written


def wrong(path: Path) -> list[tuple[str, str]]:
    with pytest.raises(InvalidTableError) as refused:
        read_invoices(path)
    return list(refused.value.cells)


def test_each_line_is_one_invoice_and_tax_is_added(write: Write) -> None:
    path = write(
        f"{HEADER},tax",
        "AWS,111122223333,2026-10,USD,EUINDE26-1,1000.10,190.02",
        "腾讯云,1,2026-10,CNY,发票-7,0.123456789012345678,",
    )
    read = read_invoices(path)
    assert [(one.provider, one.document, one.currency, one.amount) for one in read.totals] == [
        ("AWS", "EUINDE26-1", "USD", Decimal("1190.12")),
        ("腾讯云", "发票-7", "CNY", Decimal("0.123456789012345678")),
    ]
    assert read_invoices(path, with_tax=False).totals[0].amount == Decimal("1000.10")


def test_a_file_of_a_spreadsheet_is_read_too(write: Write) -> None:
    path = write(
        "amount, provider,account,period,currency,invoice", '"7.5", AWS ,1,2026-10,USD,i', ",,,,,", encoding="utf-8-sig"
    )
    assert [(one.provider, one.amount) for one in read_invoices(path).totals] == [("AWS", Decimal("7.5"))]


def test_every_wrong_cell_is_named_by_row_and_column(write: Write) -> None:
    path = write(
        f"{HEADER},tax",
        'AWS,1,2026-13,USD,i1,"1,000.00",',
        ",1,2026-10,usd,i2,1,x",
        "AWS,1,2026-10,USD,i3,NaN,",
    )
    assert [place for place, _ in wrong(path)] == [
        "row 1, period", "row 1, amount", "row 2, tax", "row 2, provider", "row 2, currency", "row 3, amount",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        (("colour,size", "red,1"), "header"),
        ((f"{HEADER},vat", "a,1,2026-10,USD,i,1,1"), "header"),
        ((f"{HEADER},amount", "a,1,2026-10,USD,i,1,1"), "header"),
        ((HEADER,), "file"),
        ((HEADER, "a,1,2026-10,USD,i"), "row 1"),
        ((HEADER, 'a,1,2026-10,USD,i,"1'), "file"),
    ],
)
def test_a_file_of_another_form_is_refused(write: Write, lines: tuple[str, ...], place: str) -> None:
    assert [where for where, _ in wrong(write(*lines))] == [place]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "invoices.csv"
    path.write_bytes(b"\xff\xfe\x00")
    assert wrong(path)[0][0] == "file"


def test_an_invoice_that_stands_there_twice_is_refused_with_both_rows(write: Write) -> None:
    line = "AWS,1,2026-10,USD,i1,1"
    assert wrong(write(HEADER, line, "AWS,1,2026-10,USD,i2,1", line)) == [
        ("row 3", "invoice i1 stands in row 1 already")
    ]


NAMES = ("provider", "account", "period", "currency", "invoice", "amount", "tax")
cells = st.one_of(
    st.text(max_size=12), st.sampled_from(["1.10", "-0.01", "1e3", "1,5", "NaN", "2026-10", "USD", " 7 ", ""])
)
GOOD = ("AWS", "1", "2026-10", "USD", "i1", "1.25", "0.05")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.dictionaries(st.integers(0, 6), cells, max_size=3))
def test_whatever_stands_in_a_cell_it_is_named_or_the_total_is_exact(tmp_path: Path, changes: dict[int, str]) -> None:
    row = [changes.get(index, cell) for index, cell in enumerate(GOOD)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([NAMES, row])
    path = tmp_path / "invoices.csv"
    path.write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))
    try:
        (total,) = read_invoices(path).totals
    except InvalidTableError as refused:
        places = {place for place, _ in refused.cells}
        assert places <= {"file", "row 1", *(f"row 1, {name}" for name in NAMES)}
        for place in places:
            if place.startswith("row 1, "):
                assert (
                    row[NAMES.index(place.removeprefix("row 1, "))] != GOOD[NAMES.index(place.removeprefix("row 1, "))]
                )
    else:
        expected = exact_sum((parse_amount(row[5]), parse_amount(row[6].strip() or "0")))
        assert total.amount == expected
        assert (total.currency, total.period) == (row[3].strip(), row[2].strip())


@given(st.text(max_size=20))
def test_an_amount_is_read_or_refused_and_never_guessed(text: str) -> None:
    try:
        amount = parse_amount(text)
    except InvalidAmountError:
        return
    assert amount == Decimal(text.strip())


# --- FOCUS Invoice Detail ----------------------------------------------------------------------

DETAIL = (
    "InvoiceId,InvoiceDetailId,InvoiceIssuerName,BillingAccountId,BillingCurrency,BillingPeriodStart,"
    "ChargeCategory,BilledCost,InvoiceIssueStatus"
)


def test_the_lines_of_an_invoice_detail_add_up_to_one_total_an_invoice(write: Write) -> None:
    path = write(
        DETAIL,
        "i1,1,Acme,acc,USD,2026-10-01T00:00:00Z,Usage,10.005,Issued",
        "i1,2,Acme,acc,USD,2026-10-01T00:00:00Z,Tax,1.90,Issued",
        "i2,1,Acme,acc,USD,2026-09-30T16:00:00Z,Usage,-3,Issued",
        "i3,1,Acme,acc,USD,2026-10-01T00:00:00Z,Usage,99,Open",
        "i4,1,Acme,acc,USD,2026-10-01T00:00:00Z,Usage,99,Voided",
    )
    read = read_invoices(path)
    assert (read.kind, read.open_invoices) == ("invoice-detail", ("i3",))
    assert [(one.document, one.period, one.amount) for one in read.totals] == [
        ("i1", "2026-10", Decimal("11.905")), ("i2", "2026-10", Decimal(-3)), ("i4", "2026-10", Decimal(0)),
    ]  # fmt: skip
    assert read_invoices(path, with_tax=False).totals[0].amount == Decimal("10.005")


def parquet(path: Path, costs: Sequence[object], kind: pa.DataType) -> Path:
    count = len(costs)
    start = datetime(2026, 10, 1, tzinfo=UTC)
    pq.write_table(
        pa.table({
            "InvoiceId": ["i1"] * count, "InvoiceIssuerName": ["Acme"] * count, "BillingAccountId": ["acc"] * count,
            "BillingPeriodStart": pa.array([start] * count, pa.timestamp("ms", "UTC")),
            "BillingCurrency": ["USD"] * count,
            "BilledCost": pa.array(costs, kind), "x_extra": [1.5] * count,
        }),
        path,
    )  # fmt: skip
    return path


def test_an_invoice_detail_in_parquet_loses_no_digit(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "detail.parquet", [Decimal("0.1"), Decimal("0.000000000000000002")], pa.decimal128(38, 18)
    )
    (total,) = read_invoices(path).totals
    assert (total.amount, total.period) == (Decimal("0.100000000000000002"), "2026-10")


def test_binary_fractions_are_no_amounts(tmp_path: Path) -> None:
    assert wrong(parquet(tmp_path / "detail.parquet", [0.1], pa.float64()))[0][0] == "BilledCost"


def test_a_corrupt_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "detail.parquet"
    path.write_bytes(b"PAR1 and nothing else")
    assert wrong(path)[0][0] == "file"


def test_lines_that_add_up_to_more_than_a_ledger_holds_are_refused(write: Write) -> None:
    line = "i1,1,Acme,acc,USD,2026-10-01T00:00:00Z,Usage,99999999999999999999,Issued"
    assert wrong(write(DETAIL, line, line))[0][0] == "invoice i1"


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.dictionaries(st.integers(0, 8), cells, max_size=3))
def test_whatever_stands_in_a_detail_it_is_named_or_the_total_is_exact(tmp_path: Path, changes: dict[int, str]) -> None:
    good = ["i1", "1", "Acme", "acc", "USD", "2026-10-01T00:00:00Z", "Usage", "1.5", "Issued"]
    row = [changes.get(index, cell) for index, cell in enumerate(good)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([DETAIL.split(","), row])
    path = tmp_path / "detail.csv"
    path.write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))
    try:
        read = read_invoices(path)
    except InvalidTableError:
        return
    if row[8].strip() != "Open":
        (total,) = read.totals
        assert total.amount == (0 if row[8].strip() == "Voided" else parse_amount(row[7]))
