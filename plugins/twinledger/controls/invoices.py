"""Invoices as files: finance's small CSV, and FOCUS Invoice Detail.

What belongs here: reading one file, cell by cell, into totals. What does not: recording them, and any
other form of an invoice, such as PDF.

Finance's CSV has one line an invoice:

    provider,account,period,currency,invoice,amount[,tax]

`amount` is what is to be paid without `tax`; the control total is the sum of both.

FOCUS Invoice Detail (introduced in FOCUS 1.4) has one line an invoice line, CSV or Parquet. These of its
columns are read: InvoiceId, InvoiceIssuerName, BillingAccountId, BillingCurrency, BillingPeriodStart and
BilledCost, and where they are there ChargeCategory and InvoiceIssueStatus. Source:
https://focus.finops.org, specification/datasets/invoice_detail.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from twinledger.controls.totals import LONGEST_NAME, Origin, Total
from twinledger.vocabulary.errors import InvalidAmountError, InvalidPeriodError, InvalidTableError
from twinledger.vocabulary.money import exact_sum, parse_amount
from twinledger.vocabulary.periods import Period

INVOICES = ("provider", "account", "period", "currency", "invoice", "amount")
DETAIL = ("InvoiceId", "InvoiceIssuerName", "BillingAccountId", "BillingCurrency", "BillingPeriodStart", "BilledCost")
STATUSES = ("Open", "Issued", "Voided")
LARGEST = 64 << 20
"""Bytes of a file of invoices; a larger one is something else."""

_CURRENCY = re.compile(r"[A-Z]{3}")
_MIDDLE = timedelta(hours=12)
"""Half a day later is within the month in every time zone that a vendor closes its month in."""

Row = Mapping[str, Any]
Cells = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class InvoiceFile:
    """What a file states, and the invoices in it that are still open and so state nothing."""

    kind: Origin
    totals: tuple[Total, ...]
    open_invoices: tuple[str, ...] = ()


def read_invoices(path: Path, *, with_tax: bool = True) -> InvoiceFile:
    """Read one file of invoices, of either kind.

    Args:
        path: the file; CSV in UTF-8, or Parquet.
        with_tax: whether tax is a part of the control total. Not where the vendor's bill detail has
            no lines of tax: then the ledger has none either.

    Raises:
        InvalidTableError: it is neither kind, or has cells that are not what they should be; each is
            named by its row, from 1 below the header, and its column.
    """
    header, rows = _parquet(path) if _is_parquet(path) else _csv(path)
    if set(DETAIL) <= set(header):
        return _detail(path.name, rows, with_tax=with_tax)
    lacking = [name for name in INVOICES if name not in header]
    unknown = [name for name in header if name not in (*INVOICES, "tax")]
    if lacking or unknown:
        said = f"missing {', '.join(lacking)}" if lacking else f"unknown {', '.join(map(repr, unknown))}"
        expected = f"expected {','.join(INVOICES)}[,tax], or the columns of FOCUS Invoice Detail"
        raise InvalidTableError(path.name, [("header", f"{said[:200]}; {expected}")])
    return _invoices(path.name, rows, with_tax=with_tax)


# --- rows of a file ---------------------------------------------------------------------------


def _is_parquet(path: Path) -> bool:
    if path.stat().st_size > LARGEST:
        raise InvalidTableError(path.name, [("file", f"{path.stat().st_size} bytes, more than {LARGEST}")])
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _csv(path: Path) -> tuple[list[str], list[Row]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if any(map(str.strip, line))]
    except UnicodeDecodeError as error:
        raise InvalidTableError(path.name, [("file", f"is not UTF-8 at byte {error.start}")]) from None
    except csv.Error as error:
        raise InvalidTableError(path.name, [("file", f"is no CSV: {error}")]) from None
    if len(lines) < 2:  # noqa: PLR2004 - a header and a line
        raise InvalidTableError(path.name, [("file", "is empty: expected a header and at least one line")])
    header = [name.strip() for name in lines[0]]
    if double := sorted({name for name in header if header.count(name) > 1}):
        raise InvalidTableError(path.name, [("header", f"{double[0]!r} stands there twice")])
    wrong = [
        (f"row {number}", f"{len(line)} cells under a header of {len(header)}")
        for number, line in enumerate(lines[1:], start=1)
        if len(line) != len(header)
    ]
    if wrong:
        raise InvalidTableError(path.name, wrong)
    return header, [dict(zip(header, line, strict=True)) for line in lines[1:]]


def _parquet(path: Path) -> tuple[list[str], list[Row]]:
    try:
        schema = pq.read_schema(path)
        wanted = [name for name in (*DETAIL, "ChargeCategory", "InvoiceIssueStatus") if name in schema.names]
        if "BilledCost" in wanted and pa.types.is_floating(schema.field("BilledCost").type):
            problem = f"is {schema.field('BilledCost').type}, which holds no exact amount: expected a decimal"
            raise InvalidTableError(path.name, [("BilledCost", problem)])
        rows: list[Row] = pq.read_table(path, columns=wanted).to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidTableError(path.name, [("file", f"cannot be read: {str(error).splitlines()[0][:200]}")]) from error
    if set(DETAIL) - set(wanted):
        return list(schema.names), []
    return wanted, rows


# --- cells ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Cells:
    """One row's cells, and what is wrong with them."""

    number: int
    row: Row
    wrong: Cells = field(default_factory=list)

    def text(self, column: str) -> str:
        """What stands there, trimmed."""
        value = self.row.get(column)
        return "" if value is None else str(value).strip()

    def name(self, column: str) -> str:
        """A name: something printable, not too long for a key."""
        text = self.text(column)
        if not text or not text.isprintable() or len(text) > LONGEST_NAME:
            self._refuse(column, f"{text[:40]!r} is no name: expected 1 to {LONGEST_NAME} printable characters")
        return text

    def currency(self, column: str) -> str:
        """An ISO 4217 code."""
        text = self.text(column)
        if not _CURRENCY.fullmatch(text):
            self._refuse(column, f"{text[:40]!r} is no ISO 4217 code: expected three capital letters, as in USD")
        return text

    def amount(self, column: str, default: str = "") -> Decimal:
        """An exact amount, without thousands separators."""
        try:
            return parse_amount(self.text(column) or default)
        except InvalidAmountError as error:
            self._refuse(column, str(error))
            return Decimal(0)

    def period(self, column: str) -> str:
        """A month, YYYY-MM."""
        try:
            return str(Period.parse(self.text(column)))
        except InvalidPeriodError as error:
            self._refuse(column, str(error))
            return ""

    def month_of(self, column: str) -> str:
        """The month that begins at an instant, in whatever zone the vendor has."""
        value = self.row.get(column)
        try:
            instant = value if isinstance(value, datetime) else datetime.fromisoformat(self.text(column))
            utc = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
            middle = utc + _MIDDLE
        except (ValueError, OverflowError):
            self._refuse(column, f"{self.text(column)[:40]!r} is no instant: expected 2026-10-01T00:00:00Z")
            return ""
        return f"{middle.year:04d}-{middle.month:02d}"

    def one_of(self, column: str, known: Sequence[str]) -> str:
        """One of a few words; empty where there is none."""
        text = self.text(column)
        if text and text not in known:
            self._refuse(column, f"{text[:40]!r} is none of {', '.join(known)}")
        return text

    def _refuse(self, column: str, problem: str) -> None:
        self.wrong.append((f"row {self.number}, {column}", problem))


def _read_all(name: str, rows: Iterable[Row], read: Callable[[_Cells], Total | None]) -> Iterator[tuple[int, Total]]:
    """(row number, total) of every row that states one; raises with every cell that is wrong."""
    wrong: Cells = []
    found = []
    for number, row in enumerate(rows, start=1):
        cells = _Cells(number, row)
        total = read(cells)
        wrong += cells.wrong
        if total is not None and not cells.wrong:
            found.append((number, total))
    if wrong:
        raise InvalidTableError(name, wrong)
    yield from found


# --- the two kinds ----------------------------------------------------------------------------


def _invoices(name: str, rows: Iterable[Row], *, with_tax: bool) -> InvoiceFile:
    def read(cells: _Cells) -> Total:
        tax = cells.amount("tax", "0")
        return Total(
            "invoice", cells.name("provider"), cells.name("account"), cells.period("period"),
            cells.currency("currency"), cells.name("invoice"),
            exact_sum((cells.amount("amount"), tax if with_tax else Decimal(0))),
        )  # fmt: skip

    totals: dict[tuple[str, ...], Total] = {}
    first: dict[tuple[str, ...], int] = {}
    twice: Cells = []
    for number, total in _read_all(name, rows, read):
        if total.key in totals:
            twice.append((f"row {number}", f"invoice {total.document} stands in row {first[total.key]} already"))
        totals[total.key] = total
        first.setdefault(total.key, number)
    if twice:
        raise InvalidTableError(name, twice)
    return InvoiceFile("invoice", _checked(name, totals.values()))


def _detail(name: str, rows: Iterable[Row], *, with_tax: bool) -> InvoiceFile:
    still_open: set[str] = set()

    def read(cells: _Cells) -> Total | None:
        status = cells.one_of("InvoiceIssueStatus", STATUSES)
        left_out = status == "Voided" or (cells.text("ChargeCategory") == "Tax" and not with_tax)
        amount = cells.amount("BilledCost")
        total = Total(
            "invoice-detail", cells.name("InvoiceIssuerName"), cells.name("BillingAccountId"),
            cells.month_of("BillingPeriodStart"), cells.currency("BillingCurrency"), cells.name("InvoiceId"),
            Decimal(0) if left_out else amount,
        )  # fmt: skip
        if status == "Open":
            still_open.add(total.document)
            return None
        return total

    lines: dict[tuple[str, ...], list[Total]] = defaultdict(list)
    for _, total in _read_all(name, rows, read):
        lines[total.key].append(total)
    # A voided invoice was taken back: it states nothing to pay, and so does not disappear.
    totals = [_summed(mine) for mine in lines.values()]
    return InvoiceFile("invoice-detail", _checked(name, totals), tuple(sorted(still_open)))


def _summed(lines: Sequence[Total]) -> Total:
    first = lines[0]
    amount = exact_sum(line.amount for line in lines)
    return Total(
        first.origin, first.provider, first.account, first.period, first.currency, first.document, amount
    )  # fmt: skip


def _checked(name: str, totals: Iterable[Total]) -> tuple[Total, ...]:
    """Sums that the ledger could hold as well, in a stable order."""
    wrong: Cells = []
    found = sorted(totals, key=lambda one: one.key)
    for total in found:
        try:
            parse_amount(f"{total.amount:f}")
        except InvalidAmountError as error:
            wrong.append((f"invoice {total.document}", str(error)))
    if wrong:
        raise InvalidTableError(name, wrong)
    return tuple(found)
