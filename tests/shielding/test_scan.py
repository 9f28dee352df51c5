"""A planted leak of each kind is found, and what is no secret is left alone."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from openpyxl import Workbook
from pyarrow import parquet
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import delete

from tests.shielding.conftest import CHARGED, DISCOUNT, EFFECTIVE, LIST_TOTAL, LISTED, SECRET, Scan
from twinledger.books import Books
from twinledger.outbox import Message, enqueue
from twinledger.shielding import MOST_CHANCE, Bounds, ScanResult, Unread, read_place, scan
from twinledger.store.models import OutboxItem

ROUNDED = f"{SECRET:.2f}"
LogLine = Callable[..., ScanResult]


def _csv(path: Path) -> None:
    path.write_text(f"resource;amount\ni-9;12,50\ni-8;{SECRET:.2f}\n".replace(".", ","))


def _text(path: Path) -> None:
    path.write_text(f"all is well\nOctober cost us {SECRET:,.2f} USD.\n")


def _yaml(path: Path) -> None:
    path.write_text(f"plan:\n  amount: '{ROUNDED}'\n")


def _html(path: Path) -> None:
    path.write_text(f"<table><tr><td>2026-10</td><td>{SECRET:,.2f}&nbsp;USD</td></tr></table>")


def _attribute(path: Path) -> None:
    path.write_text(f'<p title="costs {SECRET:,.2f}">October</p>')


def _chart(path: Path) -> None:
    path.write_text(json.dumps({"series": [{"name": "cost", "data": [1, 2, float(SECRET)]}]}))


def _log(path: Path) -> None:
    entry = {"timestamp": "2026-11-05T09:00:00.123456Z", "event": f"rated, amount={SECRET}", "level": "info"}
    path.write_text(json.dumps({"event": "started"}) + "\n" + json.dumps(entry) + "\n")


def _gz(path: Path) -> None:
    path.write_bytes(gzip.compress(f"x {ROUNDED}".encode()))


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner/report.csv.gz", gzip.compress(f"a,b\n1,{ROUNDED}\n".encode()))


def _xlsx(path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["October", float(SECRET)])
    book.save(path)


def _formula(path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["October", f"={SECRET}*1"])
    book.save(path)


def _parquet(path: Path) -> None:
    parquet.write_table(pa.table({"name": ["a", "b"], "amount": [Decimal("1.00000000"), SECRET]}), path)


def _pdf(path: Path) -> None:
    canvas = Canvas(str(path))
    canvas.drawString(72, 720, f"Paid: {SECRET:,.2f} USD")
    canvas.save()


def _utf16(path: Path) -> None:
    path.write_text(f"amount\t{ROUNDED}\n", encoding="utf-16")


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("report.csv", _csv), ("note.txt", _text), ("plan.yaml", _yaml), ("page.html", _html),
        ("hint.html", _attribute),
        ("chart.json", _chart), ("task.log", _log), ("old.txt.gz", _gz), ("all.zip", _zip), ("book.xlsx", _xlsx),
        ("formula.xlsx", _formula),
        ("part.parquet", _parquet), ("statement.pdf", _pdf), ("export.txt", _utf16),
    ],
)  # fmt: skip
def test_a_secret_in_a_file_of_any_form_is_found_where_it_stands(
    name: str, write: Callable[[Path], None], tmp_path: Path, scanned: Scan
) -> None:
    write(tmp_path / name)

    result = scanned(tmp_path)

    assert {Path(leak.place.split("!")[0]).name for leak in result.leaks} == {name}
    assert {leak.chance < MOST_CHANCE for leak in result.leaks} == {True}
    assert result.unread == ()


def test_a_figure_on_a_given_line_is_reported_with_that_line(tmp_path: Path, scanned: Scan) -> None:
    (tmp_path / "note.txt").write_text(f"one\ntwo\nthree {ROUNDED}\n")

    (leak,) = scanned(tmp_path / "note.txt").leaks

    assert (leak.spot, leak.text, leak.times) == ("line 3", ROUNDED, 1)


# --- databases ----------------------------------------------------------------------------------


def _airflow(path: Path) -> sqlite3.Connection:
    """The tables of Airflow's metadata database that hold what tasks said."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE xcom (dag_id TEXT, key TEXT, value JSON)")
    connection.execute("CREATE TABLE rendered_task_instance_fields (dag_id TEXT, rendered_fields JSON)")
    connection.execute("CREATE TABLE serialized_dag (dag_id TEXT, data_compressed BLOB)")
    connection.execute("CREATE TABLE log (id INTEGER, extra TEXT, dttm TIMESTAMP)")
    return connection


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("xcom", ("reconcile", "return_value", json.dumps({"verdict": "breaks", "amount": str(SECRET)}))),
        ("rendered_task_instance_fields", ("reconcile", json.dumps({"bash_command": f"echo {SECRET:,.2f}"}))),
        ("serialized_dag", ("reconcile", zlib.compress(json.dumps({"doc": ROUNDED}).encode()))),
        ("log", (1, f"task said {ROUNDED}", "2026-11-05 09:00:00.123456")),
    ],
)
def test_a_secret_in_airflows_metadata_database_is_found(
    table: str, row: tuple[object, ...], tmp_path: Path, scanned: Scan
) -> None:
    database = tmp_path / "airflow.db"
    connection = _airflow(database)
    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - names of this test
    connection.commit()
    connection.close()

    by_path, by_url = scanned(tmp_path), scanned(f"sqlite:///{database}")

    assert {leak.place.rsplit(" ", 1)[1] for leak in by_path.leaks} == {table}
    assert {leak.place.rsplit(" ", 1)[1] for leak in by_url.leaks} == {table}


def test_of_a_store_of_ours_what_everybody_may_read_is_looked_at(shielded: Books, scanned: Scan) -> None:
    told = [
        Message("budget", "shop", "#shop", "everyone", {"amount": str(SECRET)}),
        Message("reconciliation", "2026-10", "#finance", "finance", {"amount": str(SECRET)}),
    ]
    with shielded.store.transaction() as session:
        for message in told:
            enqueue(session, message, shielded.clock)

    try:
        leaks = scanned(shielded.store.url).leaks
    finally:
        with shielded.store.transaction() as session:
            session.execute(delete(OutboxItem))

    assert [leak.place.rsplit(" ", 1)[1] for leak in leaks] == ["outbox"]


def test_a_database_that_cannot_be_opened_is_named_without_its_password(scanned: Scan) -> None:
    (unread,) = scanned("postgresql+psycopg://reader:hunter2@127.0.0.1:1/airflow").unread

    assert "hunter2" not in unread.place + unread.reason
    assert "127.0.0.1" in unread.place


# --- pairs --------------------------------------------------------------------------------------


def test_two_figures_whose_quotient_is_a_discount_are_found_though_neither_is_a_secret(looked_at: LogLine) -> None:
    result = looked_at("list 7,312,455.18", "paid 5,068,262.69")

    assert [(leak.text, leak.kind.split(":")[0]) for leak in result.leaks] == [("5068262.69 / 7312455.18", "ratio")]


def test_a_pair_in_two_lists_of_a_chart_is_found(tmp_path: Path, scanned: Scan) -> None:
    listed = [Decimal("7312455.18"), Decimal("81440.19")]
    chart = {"list": [str(one) for one in listed], "paid": [f"{one * DISCOUNT:.2f}" for one in listed]}
    (tmp_path / "chart.json").write_text(json.dumps(chart))

    assert "[0]" in [leak.spot for leak in scanned(tmp_path).leaks]


def test_pairs_of_list_figures_and_short_ones_say_nothing(looked_at: LogLine) -> None:
    assert looked_at("10.00", "6.93").leaks == ()
    assert looked_at(*(str(one) for one in LISTED.values())).leaks == ()


def test_what_a_department_was_charged_in_two_months_says_nothing_whatever_the_quotient(looked_at: LogLine) -> None:
    before, after = CHARGED.values()

    assert looked_at(f"{before:,.2f}", f"{after:,.2f}").leaks == ()
    assert [leak.text for leak in looked_at("7091.48", "4915.1").leaks] == ["4915.1 / 7091.48"]


def test_in_many_records_a_short_pair_is_an_accident_and_a_long_one_is_not(tmp_path: Path, scanned: Scan) -> None:
    lines = [f"pid {20_000 + 37 * number} port {31_000 + 53 * number}" for number in range(400)]
    (tmp_path / "a.log").write_text("\n".join([*lines, "list 7,312,455.18 paid 5,068,262.69", "7091.48 4915.1"]))

    assert [leak.text for leak in scanned(tmp_path).leaks] == ["5068262.69 / 7312455.18"]


# --- what is no secret --------------------------------------------------------------------------


def test_list_figures_instants_and_short_numbers_are_no_secrets(looked_at: LogLine) -> None:
    texts = (f"{LIST_TOTAL:,.2f}", *(str(one) for one in LISTED.values()), "0.194417", "0", "1", "0.5", "16178", "2026")

    assert looked_at(*texts).leaks == ()
    assert looked_at(f"2026-11-05T09:00:00.{str(SECRET).replace('.', '')[:6]}Z").leaks == ()
    assert looked_at(f"i-0abc{ROUNDED}").leaks == ()


def test_what_one_resource_cost_is_a_secret_and_its_list_cost_is_none(looked_at: LogLine) -> None:
    assert looked_at(str(EFFECTIVE["i-1"])).leaks
    assert looked_at(str(LISTED["i-1"])).leaks == ()


# --- what cannot be read ------------------------------------------------------------------------


def test_what_is_not_read_is_named_with_the_reason(tmp_path: Path, scanned: Scan) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 10_000)[:-20])
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing else")

    reasons = {Path(one.place).name: one.reason for one in scanned(tmp_path).unread}

    assert set(reasons) == {"cut.gz", "picture.png", "broken.parquet"}
    assert reasons["cut.gz"].startswith("EOFError")


def test_an_archive_that_unpacks_to_more_than_the_bound_is_not_read_on(tmp_path: Path, shielded: Books) -> None:
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"0" * 3_000_000))

    found = list(read_place(str(tmp_path), Bounds(unpacked_bytes=2_000_000)))

    assert [type(one) for one in found] == [Unread]
    assert scan(shielded, found).figures == 0


def test_archives_within_archives_end_at_a_depth(tmp_path: Path) -> None:
    content = b"1234.56"
    for _ in range(5):
        content = gzip.compress(content)
    (tmp_path / "deep.gz").write_bytes(content)

    assert [one.reason for one in read_place(str(tmp_path)) if isinstance(one, Unread)] == ["packed more than 3 times"]


def test_a_number_across_two_pieces_of_one_long_line_is_read_whole(tmp_path: Path, scanned: Scan) -> None:
    (tmp_path / "long.txt").write_text("word " * 209_714 + f"{ROUNDED} " + "word " * 10_000)

    assert scanned(tmp_path).leaks


def test_a_scan_says_what_it_looked_at(shielded: Books, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1234.5678")
    told: list[str] = []

    result = scan(shielded, read_place(str(tmp_path)), told.append)

    assert (result.places, result.figures, told) == (1, 1, [str(tmp_path / "a.txt")])
    assert result.secrets > 20


def test_the_clock_of_the_books_is_not_a_figure(looked_at: LogLine) -> None:
    assert looked_at(str(datetime(2026, 11, 5, 9, 30, 12, 161784, tzinfo=UTC))).figures == 0
