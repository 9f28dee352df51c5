"""Cells of tables, and CSV (RFC 4180).

What belongs here: what a text, a number or an instant is in a cell. What does not: which columns there are.

Text comes from catalogs, tenants and vendors. A spreadsheet takes a cell that begins with = + - @ or a tab as a
formula, so `cell_text` is what every text passes through; numbers stay numbers. See OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from twinledger.vocabulary.money import plain

Value = str | Decimal | int | None

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LONGEST = 32_000
"""Letters; a cell of a spreadsheet holds 32,767."""


def cell_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula: what would begin one has an apostrophe before it.

    Control characters, tabs and line ends among them, become spaces; what is harmless stays as it is.
    """
    cleaned = _CONTROLS.sub(" ", text)[:_LONGEST]
    return f"'{cleaned}" if cleaned.lstrip().startswith(_FORMULA) else cleaned


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Value]], money: frozenset[str] = frozenset()) -> str:
    """A heading and rows, lines ended by CR LF; numbers have all their decimals, those of `money` two at least."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_cell(value, name in money) for name, value in zip(columns, row, strict=True)])
    return text.getvalue()


def _csv_cell(value: Value, money: bool) -> str:  # noqa: FBT001 - the one flag of a private leaf
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return plain(value) if money else plain(value).rstrip("0").rstrip(".")
    return cell_text(value or "")
