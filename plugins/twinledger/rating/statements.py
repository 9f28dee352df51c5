"""A department's statement: what it is charged for a period, line by line.

What belongs here: lines and their total at list prices. What does not: what anything really cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from twinledger.books import Books
from twinledger.catalog import relations
from twinledger.lake.tables import INTERNAL_CHARGES
from twinledger.store.models import Department
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.money import Money, exact_sum
from twinledger.vocabulary.periods import Period

UNASSIGNED = "unassigned"
"""The department of charges that nobody's tenant or tag claims."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One meter of one product: `amount` is in whole smallest units, `price` None where it changed meanwhile."""

    product: str
    meter: str
    unit: str
    quantity: Decimal
    price: Decimal | None
    amount: Money


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
    files = books.lake.files(INTERNAL_CHARGES, {"period": str(period), "department": department})
    with books.engine() as engine:
        engine.view_files("internal_charges", INTERNAL_CHARGES, files)
        relations.view(engine, [relations.parameters(period, books.settings)])
        engine.view_model("rating/statement_lines")
        rows = engine.rows("statement_lines")
    # A product may have moved to another pool: the department sees one line for each of both then.
    ordered = sorted(rows, key=lambda row: (row["product"], row["meter"], row["pool"]))
    lines = tuple(
        StatementLine(
            row["product"],
            row["meter"],
            row["unit"],
            row["quantity"],
            row["price"],
            Money(row["amount"], row["currency"]),
        )
        for row in ordered
    )
    total = Money(exact_sum(line.amount.amount for line in lines), books.settings.reporting_currency)
    return Statement(department, period, lines, total)
