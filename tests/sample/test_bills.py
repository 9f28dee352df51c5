"""Every bill of the sample company, and the ways of delivering that they share."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import FakeGate
from twinledger.bills.inspection import inspect_file
from twinledger.engine.duck import DuckEngine
from twinledger.sample import company, layouts
from twinledger.sample.bills import Bill, Delivery, appended, daily, deliveries, monthly
from twinledger.sample.fleet import Line, once
from twinledger.sample.layouts import Text, named_files
from twinledger.sample.studio import Studio
from twinledger.sample.vendors import BILLS, LINES

MONTHS = (company.LAST_PERIOD.shift(-1), company.LAST_PERIOD)
SERVERS = Line(
    name="servers", service="Servers", sku="small", sku_id="S1", region="here", account="team", prefix="srv-",
    resources=2, list_rate=Decimal(2), billed_rate=Decimal("1.5"), unit="Hours", partial=0,
)  # fmt: skip
FEE = once(SERVERS, name="fee", kind="purchase", prefix="", billed_rate=Decimal(90))


def bill(**changes: object) -> Bill:
    """A made-up vendor's bill of two servers and a fee, spelt as Stratus would."""
    plain = Bill(
        name="made-up", provider="Made Up", format="focus_1_2", account="M-1", currency="USD", model="stratus",
        view="stratus_focus", lines=(SERVERS, FEE), plan=monthly(), layout=named_files("{stamp}_{part}.csv"),
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]  # `replace` checks names, not types


def delivered(made: Bill) -> list[Delivery]:
    return list(deliveries([made], MONTHS, Decimal(1)))


@pytest.fixture
def studio() -> Iterator[Studio]:
    opened = Studio(1, bill().lines)
    yield opened
    opened.close()


def write(studio: Studio, delivery: Delivery, folder: Path) -> list[Path]:
    layout = delivery.bill.layout
    return [layout.write(studio, folder, delivery, number + 1) for number in range(layout.files(delivery))]


# --- what holds for every vendor's bill -------------------------------------------------------------


def test_names_and_accounts_of_bills_are_their_own() -> None:
    assert max(Counter(one.name for one in BILLS).values()) == 1
    assert max(Counter((one.provider, one.account) for one in BILLS).values()) == 1
    assert len(LINES) == sum(len(one.lines) for one in BILLS)


@pytest.mark.parametrize("one", BILLS, ids=lambda one: one.name)
def test_a_bill_has_sub_accounts_that_no_other_bill_of_its_vendor_has(one: Bill) -> None:
    others = [other for other in BILLS if other.provider == one.provider and other.name != one.name]
    theirs = {line.account for other in others for line in other.lines}

    assert not {line.account for line in one.lines if line.account} & theirs


@pytest.mark.parametrize("line", LINES.values(), ids=lambda line: line.key)
def test_rates_and_quantities_keep_costs_exact(line: Line) -> None:
    rates = (line.list_rate, line.billed_rate, line.effective_rate or Decimal(0), line.early_rate or Decimal(0))

    assert all(rate == rate.quantize(Decimal("0.000001")) for rate in rates)
    assert all(amount == amount.quantize(Decimal("0.0001")) for amount in (line.full, line.quantum))


@pytest.mark.parametrize("one", BILLS, ids=lambda one: one.name)
def test_what_stays_of_a_month_has_every_row_of_it_once(one: Bill) -> None:
    for period in MONTHS:
        kept = [each for each in deliveries([one], MONTHS, Decimal(1)) if each.period == period and not each.superseded]
        rows = Counter(
            (segment.line.key, number)
            for each in kept
            for segment in each.segments
            for number in range(segment.first, segment.last)
        )

        assert rows
        assert set(rows.values()) == {1}


@pytest.mark.parametrize("one", BILLS, ids=lambda one: one.name)
def test_every_bill_grows_with_the_scale(one: Bill) -> None:
    small, large = (
        sum(each.rows for each in deliveries([one], MONTHS[1:], Decimal(scale)) if not each.superseded)
        for scale in (1, 10)
    )

    assert large > 2 * small


# --- ways of delivering ---------------------------------------------------------------------------


def test_days_have_their_own_rows_and_the_final_month_has_all() -> None:
    *days, final = [one for one in delivered(bill(plan=daily("day"))) if one.period == MONTHS[1]]

    assert [(one.covers, one.words["stamp"], one.rows, one.superseded) for one in days] == [
        ("day", "20261029", 2, True),
        ("day", "20261030", 2, True),
    ]
    assert (final.covers, final.words["stamp"], final.rows, final.superseded) == ("month", "202610", 63, False)


def test_months_to_date_grow_and_have_the_rows_of_the_whole_month_from_the_start() -> None:
    *days, final = [one for one in delivered(bill(plan=daily("month_to_date"))) if one.period == MONTHS[1]]

    assert [one.rows for one in (*days, final)] == [59, 61, 63]


def test_what_is_delivered_before_the_final_month_comes_before_the_month_is_over() -> None:
    for plan in (daily("day"), daily("month_to_date")):
        early = [one for one in delivered(bill(plan=plan)) if one.superseded]
        assert all(one.delivered_at < one.period.end() for one in early)


def test_a_day_is_left_on_the_day_after() -> None:
    day = delivered(bill(plan=daily("day")))[1]

    assert day.delivered_at - company.LAST_PERIOD.start() == timedelta(days=29, hours=4)


def test_appended_files_share_the_rows_and_none_is_superseded() -> None:
    files = [one for one in delivered(bill(plan=appended(4))) if one.period == MONTHS[1]]

    assert [one.rows for one in files] == [1 + 14, 16, 16, 16]
    assert not any(one.superseded for one in files)


def test_a_restating_bill_delivers_the_last_month_but_one_twice() -> None:
    line = replace(SERVERS, early_rate=Decimal(2))
    found = delivered(bill(lines=(line,), restates=True))

    assert [(str(one.period), one.preliminary) for one in found] == [
        ("2026-09", True),
        ("2026-09", False),
        ("2026-10", False),
    ]
    assert found[0].superseded
    assert found[0].delivered_at < found[1].delivered_at


def test_a_bill_starts_in_its_first_month() -> None:
    assert [str(one.period) for one in delivered(bill(last_months=1))] == ["2026-10"]
    assert len(list(deliveries([bill(last_months=None)], [MONTHS[0].shift(-1), *MONTHS], Decimal(1)))) == 3


def test_datasets_have_their_own_lines_and_every_charge_counts_once() -> None:
    lines = (SERVERS, replace(FEE, datasets=("actual",)), replace(FEE, name="note", aside=True))
    (_, one) = delivered(bill(lines=lines, datasets=("actual", "amortised")))

    assert [(part.dataset, part.rows) for part in one.parts] == [("actual", 64), ("amortised", 63)]
    assert one.rows == 63


# --- layouts --------------------------------------------------------------------------------------------


def test_a_zip_holds_all_parts_as_csv_and_has_the_same_bytes_every_time(studio: Studio, tmp_path: Path) -> None:
    layout = named_files("{account}/{stamp}.zip", member="{stamp}_{part}.csv")
    (_, one) = delivered(bill(layout=layout, least_parts=2))

    (first,), (second,) = write(studio, one, tmp_path / "a"), write(studio, one, tmp_path / "b")
    with zipfile.ZipFile(first) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}

    assert first == tmp_path / "a" / "M-1" / "202610.zip"
    assert first.read_bytes() == second.read_bytes()
    assert list(texts) == ["202610_1.csv", "202610_2.csv"]
    rows = [row for text in texts.values() for row in csv.DictReader(io.StringIO(text))]
    assert len(rows) == 63
    assert sum(Decimal(row["BilledCost"]) for row in rows) == 2 * 31 * 24 * Decimal("1.5") + 90
    assert [path.name for path in first.parent.iterdir()] == ["202610.zip"]


def test_characters_become_the_bytes_of_an_encoding(tmp_path: Path) -> None:
    line = replace(SERVERS, service="云服务器")
    for name, text in (("plain", Text()), ("gb", Text("gb18030", "\r\n")), ("bom", Text("utf-8-sig"))):
        made = bill(lines=(line,), layout=named_files(f"{name}.csv", text=text))
        with_line = Studio(1, made.lines)
        (path,) = write(with_line, delivered(made)[-1], tmp_path)
        with_line.close()
        content = path.read_bytes()
        assert "云服务器" in content.decode(text.encoding)
        assert (b"\r\n" in content) == (text.newline == "\r\n")
        assert content.startswith(b"\xef\xbb\xbf") == (name == "bom")


def test_gzip_is_read_back_and_has_no_time(studio: Studio, tmp_path: Path) -> None:
    for text in (layouts.PLAIN, Text("utf-8-sig", "\r\n")):
        made = bill(layout=named_files("{stamp}.csv.gz", text=text))
        (path,) = write(studio, delivered(made)[-1], tmp_path)
        assert path.read_bytes()[4:8] == b"\0\0\0\0"


# --- each bill, read by the product ---------------------------------------------------------------------


def _in_one_file(one: Bill) -> Delivery:
    return list(deliveries([replace(one, least_parts=1)], MONTHS, Decimal("0.05")))[-1]


@pytest.mark.parametrize(
    "one", [one for one in BILLS if one.layout.files(_in_one_file(one)) == 1], ids=lambda one: one.name
)
def test_a_bill_of_one_file_is_recognised_and_comes_to_its_total(one: Bill, tmp_path: Path, gate: FakeGate) -> None:
    last = _in_one_file(one)
    opened = Studio(1, one.lines)
    (path,) = write(opened, last, tmp_path / "bill")
    billed = sum((row["billed"] for row in opened.sums("billed_by_line", last.segments)), Decimal(0))
    opened.close()

    found = inspect_file(lambda: DuckEngine("512MiB", 1, str(tmp_path / "spill")), gate, path, tmp_path / "work")

    assert found.refused == ()
    assert found.format == one.format
    assert found.rows_ledger == last.rows
    assert sum(total.billed_cost for total in found.totals) == billed
