"""Budgets from the spreadsheet that finance already has: XLSX or CSV, checked cell by cell.

What belongs here: from cells to lines of budgets. What does not: which departments there are (`config`), and what a
quarter is of each month (`BudgetLine`).

Two layouts are read. One line a plan, or one line a department with a column for each time:

    department,period,amount,currency        department,currency,2026-01,2026-02,2026-Q2,total
    storefront,2026-10,12000.00,USD          storefront,USD,12000.00,12000.00,36000.00,60000.00

A period is a month (2026-10), a quarter (2026-Q4) or a year (2026); in a heading also a date in that month. An empty
cell says nothing. A total is checked against its line. Of a workbook the sheet that is open when it is opened is read.

Either layout may have the columns of a line: name, title, product, group, account, region, service and tag. Several
values stand in one cell with semicolons between them, tags as env=prod.
"""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from pydantic import ValidationError

from twinledger.catalog.budget_forms import BudgetLine
from twinledger.vocabulary.errors import InvalidAmountError, InvalidTableError, UnknownNameError
from twinledger.vocabulary.money import exact_sum, parse_amount, plain, smallest_unit

SHEETS = ("budgets.xlsx", "budgets.csv")
LARGEST = 16 << 20
"""Bytes of a file, and a quarter of what it may unpack to."""

MOST_ROWS, MOST_COLUMNS = 20_000, 300
_LONG = ("department", "period", "amount", "currency")
_WIDE = ("department", "currency")
_TOTAL = "total"
_ONE = ("name", "title", "group")
_SEVERAL = ("product", "account", "region", "service")
_LINE = (*_ONE, *_SEVERAL, "tag")
_DIGITS = 15
"""Decimal digits that a spreadsheet keeps of a number."""

Cell = object
Row = Sequence[Cell]


def read_budget_sheet(path: Path, known: Mapping[str, Collection[str]] | None = None) -> tuple[BudgetLine, ...]:
    """The lines of a spreadsheet.

    Args:
        path: of the file.
        known: which names there are of a column, as department, product and group; without it, any.

    Raises:
        InvalidTableError: it cannot be read, or cells are not what they should be; each is named as the spreadsheet
            names it, as in C7.
    """
    rows = list(_workbook(path) if path.suffix.lower() == ".xlsx" else _csv(path))
    sheet = _Sheet(known or {})
    head = [_heading(value) for value in rows[0]] if rows else []
    found = tuple(sheet.long(head, rows) if "period" in head else sheet.wide(head, rows))
    if sheet.wrong:
        raise InvalidTableError(path.name, sheet.wrong)
    return found


# --- from a file to rows ---------------------------------------------------------------------


def _workbook(path: Path) -> Iterator[Row]:
    from openpyxl import load_workbook  # noqa: PLC0415 - takes a second to import, and most have none

    _check_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(one.file_size for one in archive.infolist()) > 4 * LARGEST:
                raise InvalidTableError(path.name, [("file", f"unpacks to more than {4 * LARGEST} bytes")])
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            sheet = book.active
            yield from _bounded(path.name, sheet.iter_rows(values_only=True) if sheet else ())
        finally:
            book.close()
    except (zipfile.BadZipFile, KeyError, ValueError, AttributeError) as error:
        raise InvalidTableError(path.name, [("file", f"is no workbook: {type(error).__name__}")]) from None


def _csv(path: Path) -> Iterator[Row]:
    _check_size(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
        yield from _bounded(path.name, csv.reader(io.StringIO(text, newline=""), strict=True))
    except UnicodeDecodeError as error:
        raise InvalidTableError(path.name, [("file", f"is not UTF-8 at byte {error.start}")]) from None
    except csv.Error as error:
        raise InvalidTableError(path.name, [("file", f"is no CSV: {error}")]) from None


def _check_size(path: Path) -> None:
    if path.stat().st_size > LARGEST:
        raise InvalidTableError(path.name, [("file", f"{path.stat().st_size} bytes, more than {LARGEST}")])


def _bounded(name: str, rows: Iterable[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        if number > MOST_ROWS or len(row) > MOST_COLUMNS:
            problem = f"is larger than {MOST_ROWS} rows of {MOST_COLUMNS} columns"
            raise InvalidTableError(name, [("file", problem)])
        yield row


# --- from rows to lines ----------------------------------------------------------------------


@dataclass
class _Sheet:
    """Reads rows, and remembers what is wrong with their cells."""

    known: Mapping[str, Collection[str]]
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def long(self, head: Sequence[str], rows: Sequence[Row]) -> list[BudgetLine]:
        """One line a plan."""
        at = self._columns(head, _LONG, _LINE)
        lines = []
        for number, row in self._lines(rows) if at else ():
            currency = _text(_cell(row, at["currency"]))
            amount = self._amount(number, at["amount"], _cell(row, at["amount"]), currency)
            if amount is not None:
                period = _heading(_cell(row, at["period"]))
                said = self._whose(number, at, row) | {"period": period, "currency": currency, "amount": amount}
                lines += self._line(number, at, said)
            elif f"{_letters(at['amount'])}{number}" not in dict(self.wrong):
                self._refuse(number, at["amount"], "is empty: expected an amount")
        return lines

    def wide(self, head: Sequence[str], rows: Sequence[Row]) -> list[BudgetLine]:
        """One line a department, with a column for each time."""
        times = {column: name for column, name in enumerate(head) if name and name not in (*_WIDE, *_LINE, _TOTAL)}
        at = self._columns(head, _WIDE, _LINE, (_TOTAL, *times.values()))
        lines = []
        for number, row in self._lines(rows) if at else ():
            currency, whose = _text(_cell(row, at["currency"])), self._whose(number, at, row)
            amounts: list[Decimal] = []
            for column, period in times.items():
                amount = self._amount(number, column, _cell(row, column), currency)
                if amount is None:
                    continue
                amounts.append(amount)
                places = {**at, "period": column, "amount": column}
                lines += self._line(number, places, whose | {"period": period, "currency": currency, "amount": amount})
            if _TOTAL in head:
                self._check_total(number, head.index(_TOTAL), row, currency, amounts)
        return lines

    def _whose(self, number: int, at: Mapping[str, int], row: Row) -> dict[str, object]:
        """What a row is the budget of; names that there are not are refused."""
        said: dict[str, object] = {name: _text(_cell(row, at[name])) for name in ("department", *_ONE) if name in at}
        said["name"] = said.get("name") or None
        for name in _SEVERAL:
            said[name] = self._values(number, at[name], _cell(row, at[name]), name) if name in at else []
        said["tag"] = self._tags(number, at["tag"], _cell(row, at["tag"])) if "tag" in at else {}
        for name, names in self.known.items():
            written = said.get(name) or ()
            for one in (written,) if isinstance(written, str) else tuple(written):  # type: ignore[arg-type]
                if one not in names:
                    self._refuse(number, at[name], str(UnknownNameError(name, str(one), names)))
        return said

    def _values(self, number: int, column: int, value: Cell, name: str) -> list[str]:
        """The values of a cell; an account that is a number has lost the zeros that it began with."""
        if name == "account" and isinstance(value, (int, float)):
            self._refuse(number, column, "is a number: write an account as text, or zeros at its beginning are lost")
        return [one.strip() for one in _text(value).split(";") if one.strip()]

    def _tags(self, number: int, column: int, value: Cell) -> dict[str, list[str]]:
        tags: dict[str, list[str]] = defaultdict(list)
        for one in self._values(number, column, value, "tag"):
            key, equals, meant = (part.strip() for part in one.partition("="))
            if not (key and equals and meant):
                self._refuse(number, column, f"{one[:40]!r} is no tag: expected key=value, as env=prod")
            tags[key].append(meant)
        return dict(tags)

    def _columns(
        self, head: Sequence[str], needed: Sequence[str], others: Sequence[str], times: Sequence[str] = ()
    ) -> dict[str, int]:
        """Where each needed column is, and each other that is there; nothing where the heading is not as it should be.

        What is wrong with it is remembered.
        """
        said = [name for name in head if name]
        lacking = [name for name in needed if name not in said]
        if lacking:
            self.wrong.append(("heading", f"missing {', '.join(lacking)}; see docs/guides/budgets.md"))
        for column, name in enumerate(head):
            if name and head.index(name) != column:
                self._refuse(1, column, f"{name!r} stands there twice")
            elif name and name not in (*needed, *others, *times):
                self._refuse(1, column, f"{name[:40]!r} is not known: expected {', '.join(needed)}")
        return {} if self.wrong else {name: head.index(name) for name in (*needed, *others) if name in said}

    def _lines(self, rows: Sequence[Row]) -> Iterator[tuple[int, Row]]:
        """The rows below the heading that say something, by their number in the spreadsheet."""
        return ((number, row) for number, row in enumerate(rows[1:], start=2) if any(_text(one) for one in row))

    def _line(self, number: int, at: Mapping[str, int], said: Mapping[str, object]) -> list[BudgetLine]:
        try:
            return [BudgetLine.model_validate(said)]
        except ValidationError as error:
            for one in error.errors(include_url=False, include_input=False):
                column = at.get(str(one["loc"][0]) if one["loc"] else "name")
                problem = str(one["msg"]).removeprefix("Value error, ")
                is_heading = one["loc"][:1] == ("period",) and at["period"] == at["amount"]
                self._refuse(1 if is_heading else number, column or 0, problem)
            return []

    def _amount(self, number: int, column: int, value: Cell, currency: str) -> Decimal | None:
        """An exact amount, or None where the cell is empty or wrong."""
        if _text(value) == "":
            return None
        try:
            amount = _exact(value)
        except (InvalidAmountError, ValueError) as error:
            self._refuse(number, column, str(error))
            return None
        unit = smallest_unit(currency)
        if amount < 0 or amount % unit:
            self._refuse(number, column, f"{plain(amount)} is no plan: expected 0 or more, in whole {unit} {currency}")
            return None
        return amount

    def _check_total(self, number: int, column: int, row: Row, currency: str, amounts: Sequence[Decimal]) -> None:
        total = self._amount(number, column, _cell(row, column), currency)
        found = exact_sum(amounts)
        if total is not None and total != found:
            self._refuse(number, column, f"the total is {plain(total)}, its line adds up to {plain(found)}")

    def _refuse(self, number: int, column: int, problem: str) -> None:
        place = f"{_letters(column)}{number}"
        if (place, problem) not in self.wrong:
            self.wrong.append((place, problem))


def _exact(value: Cell) -> Decimal:
    """A number as the spreadsheet shows it: text without separators, or a number with the digits that it keeps."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        problem = f"{str(value)[:40]!r} is no amount"
        raise ValueError(problem)  # noqa: TRY004 - a cell is wrong, not the program
    if isinstance(value, float):
        if not math.isfinite(value):
            problem = f"{value} is no amount"
            raise ValueError(problem)
        return parse_amount(f"{value:.{_DIGITS}g}")
    return parse_amount(str(value))


def _heading(value: Cell) -> str:
    """What a heading or a period says: a date is its month, a number a year."""
    if isinstance(value, (datetime, date)):
        return f"{value.year:04d}-{value.month:02d}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = _text(value)
    return text if text[:1].isdigit() else text.lower()


def _text(value: Cell) -> str:
    return "" if value is None else str(value).strip()


def _cell(row: Row, column: int) -> Cell:
    return row[column] if column < len(row) else None


def _letters(column: int) -> str:
    """A column's name: A, B, ..., Z, AA."""
    name, rest = "", column + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
