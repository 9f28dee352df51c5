"""Where a backtest's histories come from: the internal ledger, or a CSV file.

What belongs here: daily amounts by department and product, and by the series of a file. What does not: the finance
ledger, which nothing here reads, and forecasting.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from twinledger.books import Books
from twinledger.forecast.series import History
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.vocabulary.errors import InvalidAmountError, InvalidTableError, NoHistoryError
from twinledger.vocabulary.money import exact_sum, parse_amount

MOST_BYTES = 100_000_000
"""Of a CSV file: four million days."""

_REQUIRED = {"date", "amount"}


def ledger_histories(books: Books, final_through: date) -> list[History]:
    """The daily internal charges of each department and product, at internal prices, by the day of usage in UTC.

    Args:
        books: of the deployment.
        final_through: the last day that is final; later ones are left out, and series that begin later.
    """
    with books.engine() as engine:
        engine.view_files("internal_charges", INTERNAL_CHARGES, books.lake.files(INTERNAL_CHARGES))
        engine.view_model("budgets/metered_days")
        rows = engine.rows("metered_days")
    sums: dict[tuple[str, str], dict[date, Decimal]] = defaultdict(dict)
    for row in rows:
        if row["day"] <= final_through:
            _add(sums[f"{row['department']} / {row['product']}", row["currency"]], row["day"], row["amount"])
    return _histories(sums, final_through)


def csv_histories(path: Path, currency: str) -> list[History]:
    """The series of a CSV file with a heading: date, amount, and, for several, series. All end on the file's last day.

    Amounts of one day and series add up.

    Args:
        path: of the file, UTF-8, at most 100 MB.
        currency: of all amounts.

    Raises:
        InvalidTableError: cells that are no day or no amount, or a column that is missing.
        NoHistoryError: it has no row.
    """
    if path.stat().st_size > MOST_BYTES:
        raise InvalidTableError(path.name, [("file", f"is larger than {MOST_BYTES:,} bytes: give it in parts")])
    sums: dict[tuple[str, str], dict[date, Decimal]] = defaultdict(dict)
    for series, day, amount in _rows(path):
        _add(sums[series, currency], day, amount)
    if not sums:
        raise NoHistoryError(path.name, "a row with a day and an amount", "none")
    return _histories(sums, max(max(amounts) for amounts in sums.values()))


def _rows(path: Path) -> Iterator[tuple[str, date, Decimal]]:
    wrong: list[tuple[str, str]] = []
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        if missing := _REQUIRED - set(reader.fieldnames or ()):
            raise InvalidTableError(path.name, [("line 1", f"has no column {' or '.join(sorted(missing))}")])
        for row in reader:
            try:
                yield (
                    row.get("series") or path.stem,
                    date.fromisoformat(row["date"] or ""),
                    parse_amount(row["amount"] or ""),
                )
            except InvalidAmountError as error:
                wrong.append((f"line {reader.line_num}, amount", error.problem))
            except ValueError:
                wrong.append((f"line {reader.line_num}, date", "is no day: expected YYYY-MM-DD"))
    if wrong:
        raise InvalidTableError(path.name, wrong)


def _add(amounts: dict[date, Decimal], day: date, amount: Decimal) -> None:
    amounts[day] = exact_sum((amounts.get(day, Decimal(0)), amount))


def _histories(sums: dict[tuple[str, str], dict[date, Decimal]], final_through: date) -> list[History]:
    return [History(series, currency, amounts, final_through) for (series, currency), amounts in sorted(sums.items())]
