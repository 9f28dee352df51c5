"""The files of a statement: right, repeatable, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from pypdf import PdfReader

from tests.golden import Golden
from tests.statements.example import DOCUMENT, EMPTY
from twinledger.documents import cell_text
from twinledger.statements import FORMATS, Document, statement_file
from twinledger.statements.sheets import COLUMNS
from twinledger.vocabulary.errors import UnknownNameError

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def _content(document: Document, kind: str) -> bytes:
    return statement_file(document, kind).content


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_file_of_text_looks_as_agreed(kind: str, golden: Golden) -> None:
    golden.check(f"statement.{kind}", _content(DOCUMENT, kind).decode().replace("\r\n", "\n"))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("document", [DOCUMENT, EMPTY])
def test_the_same_statement_is_the_same_bytes(kind: str, document: Document) -> None:
    file = statement_file(document, kind)

    assert file == statement_file(replace(document), kind)
    assert file.name == f"statement-{document.department}-2026-10.{kind}"
    assert len(file.content) > 100


def test_a_format_that_there_is_not_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="docx"):
        statement_file(DOCUMENT, "docx")


# --- CSV ---------------------------------------------------------------------------------------


def test_the_rows_of_a_csv_add_up_to_its_last_one() -> None:
    rows = list(csv.DictReader(io.StringIO(_content(DOCUMENT, "csv").decode())))

    for column in ("amount", "last_month", "change"):
        assert sum(Decimal(row[column]) for row in rows[:-1]) == Decimal(rows[-1][column])
    assert [row["kind"] for row in rows] == ["direct", "usage", "usage", "allocated", "usage", "minimum", "total"]


# --- XLSX --------------------------------------------------------------------------------------


def _sheets(content: bytes) -> dict[str, list[list[Any]]]:
    book = load_workbook(io.BytesIO(content))
    return {sheet.title: [list(row) for row in sheet.iter_rows()] for sheet in book.worksheets}


def test_a_workbook_holds_the_figures_as_numbers() -> None:
    sheets = _sheets(_content(DOCUMENT, "xlsx"))
    values = [[cell.value for cell in row] for row in sheets["Statement"]]
    amount = COLUMNS.index("amount")

    assert list(sheets) == ["Statement", "Top movers", "Months"]
    assert values[2] == [name.replace("_", " ") for name in COLUMNS]
    assert [Decimal(str(row[amount])) for row in values[3:]] == [
        *(line.amount.amount for line in DOCUMENT.lines),
        DOCUMENT.total.amount,
    ]
    assert [cell.data_type for cell in sheets["Statement"][4]][amount] == "n"
    assert [Decimal(str(row[-1].value)) for row in sheets["Months"][3:]] == [
        month.total.amount for month in DOCUMENT.history
    ]


def test_a_workbook_keeps_every_digit_in_its_file() -> None:
    with zipfile.ZipFile(io.BytesIO(_content(DOCUMENT, "xlsx"))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        stamps = {entry.date_time for entry in book.infolist()}

    assert "<v>0.019872</v>" in sheet
    assert "<v>3691.23</v>" in sheet
    assert stamps == {(1980, 1, 1, 0, 0, 0)}


def test_a_workbook_has_the_chart_of_the_months() -> None:
    with zipfile.ZipFile(io.BytesIO(_content(DOCUMENT, "xlsx"))) as book:
        charts = [name for name in book.namelist() if name.startswith("xl/charts/")]

    assert len(charts) == 1


# --- formulas ----------------------------------------------------------------------------------


HOSTILE = st.text(max_size=60) | st.builds(
    "{}{}".format, st.sampled_from([*_FORMULA, " =", "\x00=", "\t@"]), st.text(max_size=20)
)


@given(HOSTILE)
def test_no_text_begins_a_formula_and_what_is_harmless_stays(text: str) -> None:
    cleaned = cell_text(text)

    assert not cleaned.lstrip().startswith(_FORMULA)
    assert cell_text(cleaned) == cleaned
    if text.isprintable() and not text.lstrip().startswith(_FORMULA):
        assert cleaned == text


def _named(text: str) -> Document:
    line = replace(DOCUMENT.lines[1], product=text, meter=text, kind=text, unit=text, product_title=text)
    months = tuple(replace(month, products=((text, month.total),)) for month in DOCUMENT.history)
    return replace(DOCUMENT, department=text, title=text, cost_centre=text, lines=(line,), history=months)


def _csv_texts(document: Document) -> Iterator[str]:
    for row in csv.reader(io.StringIO(_content(document, "csv").decode(), newline="")):
        yield from (cell for name, cell in zip(COLUMNS, row, strict=True) if name in {"product", "meter", "unit"})


@settings(deadline=None, max_examples=30)
@given(HOSTILE)
def test_whatever_things_are_called_no_spreadsheet_runs_it(text: str) -> None:
    document = _named(text)

    assert not any(cell.startswith(_FORMULA) for cell in _csv_texts(document))
    for rows in _sheets(_content(document, "xlsx")).values():
        for cell in (cell for row in rows for cell in row):
            assert cell.data_type != "f"
            assert not str(cell.value).startswith(_FORMULA) or cell.data_type == "n"


def test_a_negative_amount_stays_a_number() -> None:
    rows = list(csv.DictReader(io.StringIO(_content(DOCUMENT, "csv").decode())))

    assert rows[0]["change"] == "-150.00"


# --- PDF ---------------------------------------------------------------------------------------


def _text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def test_a_pdf_says_what_the_statement_says() -> None:
    text = _text(_content(DOCUMENT, "pdf"))

    for words in ("数据科学", "容器平台", "<Data Science>", "3,691.23 USD", "+741.23 USD", "share of a pool", "minimum",
                  "price and quantity", "no longer used", "6.11k", "2026-08"):  # fmt: skip
        assert words in text, words
    assert str(DOCUMENT.total) in text


def test_a_pdf_tells_neither_when_nor_by_which_machine_it_was_written() -> None:
    reader = PdfReader(io.BytesIO(_content(DOCUMENT, "pdf")))

    assert len(reader.pages) == 1
    assert reader.metadata
    assert str(reader.metadata["/CreationDate"]).startswith("D:20000101")
    assert reader.metadata.title == "数据科学 <Data Science> 2026-10"


def test_a_long_statement_goes_on_over_pages_with_its_heads() -> None:
    lines = tuple(replace(DOCUMENT.lines[1], meter_title=f"meter {number}") for number in range(120))
    reader = PdfReader(io.BytesIO(_content(replace(DOCUMENT, lines=lines), "pdf")))

    texts = [page.extract_text() for page in reader.pages]
    assert len(texts) > 3
    assert all("Last month" in text for text in texts[:3])
    assert "meter 119" in "".join(texts)


@settings(deadline=None, max_examples=30)
@given(st.text(max_size=80))
def test_a_pdf_is_written_whatever_things_are_called(text: str) -> None:
    assert _content(_named(text), "pdf").startswith(b"%PDF-")


def test_an_empty_statement_says_so() -> None:
    assert "No internal charges in this period" in _text(_content(EMPTY, "pdf"))
    assert json.loads(_content(EMPTY, "json"))["lines"] == []
