"""A department's month as a document: its lines beside last month's, what moved most, and the months before.

What belongs here: reading statements and setting months beside each other. What does not: formats (`sheets`,
`pdf`), pages and messages.

Amounts are in the reporting currency, in whole smallest units, at published prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.catalog import closed_periods
from twinledger.rating import UNASSIGNED, Statement, StatementLine, statements
from twinledger.statements.moves import MIXED, Move, Side, split
from twinledger.store import models
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.money import Money, exact_sum, round_to
from twinledger.vocabulary.periods import Period

MONTHS = 6
"""How many months the history has, this one included."""

MOVERS = 5
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One meter of one product of one kind, this month and last month.

    `kind` is usage | direct | allocated | minimum. `price` is None where there were several, and where the
    line is of last month alone; `before` is last month's amount. `price_effect` + `quantity_effect` is the
    change, and `cause` (new | gone | price | quantity | both, or nothing) what it came from.
    """

    product: str
    product_title: str
    meter: str
    meter_title: str
    kind: str
    quantity: Decimal
    unit: str
    price: Decimal | None
    amount: Money
    before: Money
    price_effect: Money
    quantity_effect: Money
    cause: str

    @property
    def change(self) -> Money:
        """This month's amount less last month's."""
        return self.amount - self.before

    @property
    def percent(self) -> Decimal | None:
        """The change in percent of last month, to a tenth; None where that was nothing."""
        return _percent(self.change, self.before)


@dataclass(frozen=True, slots=True)
class MonthTotal:
    """What a month came to, and its products by title, in order of name."""

    period: Period
    total: Money
    products: tuple[tuple[str, Money], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One department's statement of one month, complete: everything that any format of it shows."""

    department: str
    title: str
    cost_centre: str
    period: Period
    closed: bool
    """Whether the period is closed: its figures stay as they are."""
    lines: tuple[DocumentLine, ...]
    total: Money
    before: Money
    history: tuple[MonthTotal, ...]
    """The months up to this one, from the first that has charges on; at most MONTHS of them."""

    @property
    def change(self) -> Money:
        """This month's total less last month's."""
        return self.total - self.before

    @property
    def percent(self) -> Decimal | None:
        """The change in percent of last month, to a tenth; None where that was nothing."""
        return _percent(self.change, self.before)

    @property
    def comparable(self) -> bool:
        """Whether last month has charges to compare with."""
        return any(month.period == self.period.shift(-1) and month.products for month in self.history)

    @property
    def movers(self) -> tuple[DocumentLine, ...]:
        """The lines that changed most, the largest change first; none where there is nothing to compare with."""
        if not self.comparable:
            return ()
        moved = (line for line in self.lines if line.change.amount)
        return tuple(sorted(moved, key=lambda line: (-abs(line.change.amount), _key(line)))[:MOVERS])


def document(books: Books, department: str, period: Period) -> Document:
    """A department's document; without lines where it has no charges.

    Raises:
        UnknownNameError: there is no such department.
    """
    with books.store.reading() as session:
        named = _names(session)
    if department not in named.departments:
        raise UnknownNameError(kind="department", name=department, known=sorted(named.departments))
    found, currency = statements(books, _periods(period), department), books.settings.reporting_currency
    return _document(named, department, period, found, closed=_closed(books, period), currency=currency)


def documents(books: Books, period: Period) -> list[Document]:
    """The document of every department that has charges in a period, in order of name."""
    with books.store.reading() as session:
        named = _names(session)
    found = statements(books, _periods(period))
    charged = sorted({one.department for one in found if one.period == period})
    closed, currency = _closed(books, period), books.settings.reporting_currency
    return [
        _document(
            named, name, period, [one for one in found if one.department == name], closed=closed, currency=currency
        )
        for name in charged
    ]


# --- inside ------------------------------------------------------------------------------------


class _Names(NamedTuple):
    """How things are called: departments with their cost centre, products (and pools), meters."""

    departments: Mapping[str, tuple[str, str]]
    products: Mapping[str, str]
    meters: Mapping[tuple[str, str], str]


def _names(session: Session) -> _Names:
    departments = {one.name: (one.title, one.cost_centre) for one in session.scalars(select(models.Department))}
    # What nobody owns and what is passed through stand under the name of no product.
    products = {one.name: one.title for one in session.scalars(select(models.Pool))}
    products |= {one.name: one.title for one in session.scalars(select(models.Product))}
    meters = {(one.product, one.name): one.title for one in session.scalars(select(models.Meter))}
    return _Names({UNASSIGNED: ("Unassigned", "")} | departments, products, meters)


def _periods(period: Period) -> list[Period]:
    return [period.shift(-back) for back in range(MONTHS - 1, -1, -1)]


def _closed(books: Books, period: Period) -> bool:
    return str(period) in closed_periods(books.store)


def _document(
    named: _Names, department: str, period: Period, found: Sequence[Statement], *, closed: bool, currency: str
) -> Document:
    by_period = {one.period: one for one in found}
    now, last = by_period.get(period), by_period.get(period.shift(-1))
    nothing = Money(Decimal(0), currency)
    title, cost_centre = named.departments.get(department, (department, ""))
    return Document(
        department=department,
        title=title or department,
        cost_centre=cost_centre,
        period=period,
        closed=closed,
        lines=_lines(named, now, last),
        total=now.total if now else nothing,
        before=last.total if last else nothing,
        history=_history(named, by_period, period, nothing),
    )


def _history(
    named: _Names, by_period: Mapping[Period, Statement], period: Period, nothing: Money
) -> tuple[MonthTotal, ...]:
    if not by_period:
        return ()
    months = (one for one in _periods(period) if one >= min(by_period))
    return tuple(
        MonthTotal(month, by_period[month].total, _by_product(named, by_period[month].lines))
        if month in by_period
        else MonthTotal(month, nothing, ())
        for month in months
    )


def _by_product(named: _Names, lines: Iterable[StatementLine]) -> tuple[tuple[str, Money], ...]:
    sums: dict[str, Money] = {}
    for line in lines:
        title = named.products.get(line.product) or line.product
        sums[title] = sums[title] + line.amount if title in sums else line.amount
    return tuple(sorted(sums.items()))


_Key = tuple[str, str, str]


def _key(line: StatementLine | DocumentLine) -> _Key:
    return line.product, line.meter, line.kind


def _sides(statement: Statement | None) -> dict[_Key, Side]:
    """Each meter once: a product that moved between pools has two lines on the statement, and one here."""
    sides: dict[_Key, Side] = {}
    for line in statement.lines if statement else ():
        side = Side(line.quantity, line.unit, line.price, line.amount)
        held = sides.get(_key(line))
        sides[_key(line)] = _together(held, side) if held else side
    return sides


def _together(one: Side, other: Side) -> Side:
    return Side(
        quantity=exact_sum((one.quantity, other.quantity)),
        unit=one.unit if one.unit == other.unit else MIXED,
        price=one.price if one.price == other.price else None,
        amount=one.amount + other.amount,
    )


def _lines(named: _Names, now: Statement | None, last: Statement | None) -> tuple[DocumentLine, ...]:
    """This month's lines, and with nothing charged those that last month alone had."""
    after, before = _sides(now), _sides(last)
    return tuple(_line(named, key, before.get(key), after.get(key)) for key in sorted(before.keys() | after.keys()))


def _line(named: _Names, key: _Key, before: Side | None, after: Side | None) -> DocumentLine:
    move: Move = split(before, after)
    product, meter, kind = key
    nothing = Money(Decimal(0), move.price.currency)
    return DocumentLine(
        product=product,
        product_title=named.products.get(product) or product,
        meter=meter,
        meter_title=named.meters.get((product, meter)) or meter,
        kind=kind,
        quantity=after.quantity if after else Decimal(0),
        unit=after.unit if after else (before.unit if before else ""),
        price=after.price if after else None,
        amount=after.amount if after else nothing,
        before=before.amount if before else nothing,
        price_effect=move.price,
        quantity_effect=move.quantity,
        cause=move.cause,
    )


def _percent(change: Money, before: Money) -> Decimal | None:
    return round_to(change.amount * 100 / abs(before.amount), _TENTH) if before.amount else None
