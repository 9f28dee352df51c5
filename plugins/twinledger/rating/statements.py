"""A department's statement: what it is charged for a period, line by line.

What belongs here: lines and their total at list prices. What does not: what anything really cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from twinledger.books import Books
from twinledger.catalog import relations
from twinledger.engine import Engine
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.store.models import Department
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.money import Money, exact_sum
from twinledger.vocabulary.periods import Period

UNASSIGNED = "unassigned"
"""The department of charges that nobody's tenant or tag claims."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One meter of one product: `amount` is in whole smallest units, `price` None where it changed meanwhile.

    `kind` is how it came about, as the internal ledger has it: usage, direct, allocated, minimum.
    """

    product: str
    meter: str
    unit: str
    quantity: Decimal
    price: Decimal | None
    amount: Money
    kind: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What a department is charged for a period; the total is the sum of the lines as they stand."""

    department: str
    period: Period
    lines: tuple[StatementLine, ...]
    total: Money


def statement(books: Books, department: str, period: Period) -> Statement:
    """The statement of a department, in the reporting currency, lines in order of product and meter.

    Raises:
        UnknownNameError: there is no such department.
    """
    with books.store.reading() as session:
        if department != UNASSIGNED and session.get(Department, department) is None:
            known = [str(row[0]) for row in relations.departments(session).rows]
            raise UnknownNameError(kind="department", name=department, known=known)
    nothing = Statement(department, period, (), Money(Decimal(0), books.settings.reporting_currency))
    return next(iter(statements(books, [period], department)), nothing)


def statements(books: Books, periods: Sequence[Period], department: str = "") -> list[Statement]:
    """Every statement that has lines, of one department or of all, in order of period and department."""
    files = [file for period in periods for file in books.lake.files(INTERNAL_CHARGES, {"period": str(period)})]
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with books.engine() as engine:
        engine.view_files("internal_charges", INTERNAL_CHARGES, files)
        # Of all parameters, lines need those of the currency alone.
        relations.view(engine, [relations.parameters(max(periods), books.settings)])
        engine.view_model("rating/statement_lines")
        for row in _lines(engine, department):
            found.setdefault((row["period"], row["department"]), []).append(row)
    return [_statement(Period.parse(period), name, rows) for (period, name), rows in sorted(found.items())]


def _lines(engine: Engine, department: str) -> list[dict[str, Any]]:
    if not department:
        return engine.rows("statement_lines")
    names, rows = engine.select("statement_lines", "department", [department])
    return [dict(zip(names, row, strict=True)) for row in rows]


def _statement(period: Period, department: str, rows: Sequence[dict[str, Any]]) -> Statement:
    # A product may have moved to another pool: the department sees one line for each of both then.
    ordered = sorted(rows, key=lambda row: (row["product"], row["meter"], row["kind"], row["pool"]))
    lines = tuple(
        StatementLine(
            row["product"],
            row["meter"],
            row["unit"],
            row["quantity"],
            row["price"],
            Money(row["amount"], row["currency"]),
            row["kind"],
        )
        for row in ordered
    )
    total = exact_sum(line.amount.amount for line in lines)
    return Statement(department, period, lines, Money(total, lines[0].amount.currency))
