"""Why a period costs more or less than another one: price, volume, mix, and resources that came or went.

What belongs here: splitting a change so that its effects add up to it exactly. What does not: the variance against
plan (`variance`), and one line of a statement against the month before, which is `statements`'.

Of resources that both periods have, in one unit, with q their quantities by item, Q the sum of those and a the amounts:

    volume = sum(a before) x (Q after / Q before - 1)          as much more of everything, as it was used before
    price  = sum(a after) - sum(a before x q after / q before)   what each item would have cost at the price before
    mix    = the rest                                          items whose share grew or shrank
    new, gone = the amounts of resources that only one of the periods has

This is the usual price-volume-mix split of management accounting. Each effect is in whole smallest units of the
currency; mix is what is left, so nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from itertools import groupby
from typing import Any, Literal

from twinledger.books import Books
from twinledger.engine import Engine
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, TEXT, Column, Table
from twinledger.vocabulary.money import Money, exact_sum, round_to, smallest_unit
from twinledger.vocabulary.periods import Period

COMPARED = (Column("before", TEXT, required=True), Column("after", TEXT, required=True))
_EXACT = Context(prec=120)


@dataclass(frozen=True, slots=True)
class Item:
    """What is bought under one price in two periods; `seen` says which of them has its resources."""

    seen: Literal["kept", "new", "gone"]
    before_quantity: Decimal
    after_quantity: Decimal
    before_amount: Decimal
    after_amount: Decimal


@dataclass(frozen=True, slots=True)
class Effects:
    """How a product's cost changed; `after` is `before` and the five effects, to the smallest unit."""

    scope: str
    """A department, or of the external ledger a vendor."""
    product: str
    unit: str
    before: Money
    after: Money
    price: Money
    volume: Money
    mix: Money
    new: Money
    gone: Money

    @property
    def change(self) -> Money:
        """How much more it is than it was."""
        return self.after - self.before


def internal_effects(books: Books, before: Period, after: Period) -> list[Effects]:
    """By department and product, at internal prices; the largest changes first."""
    with books.engine() as engine:
        engine.view_files(
            "internal_charges", INTERNAL_CHARGES, _files(books, INTERNAL_CHARGES, "period", before, after)
        )
        return _read(engine, "budgets/moved_meters", before, after)


def external_effects(books: Books, before: Period, after: Period) -> list[Effects]:
    """By vendor and service, as EffectiveCost in the currency of the bill: for finance; the largest changes first."""
    with books.engine() as engine:
        files = _files(books, EXTERNAL_CHARGES, "x_period", before, after)
        engine.view_files("external_charges", EXTERNAL_CHARGES, files)
        return _read(engine, "ledger/moved_skus", before, after)


def effects(scope: str, product: str, unit: str, currency: str, items: Sequence[Item]) -> Effects:
    """The change of one product in one unit and currency, split."""
    kept = [one for one in items if one.seen == "kept"]
    smallest = smallest_unit(currency)

    def money(amount: Decimal) -> Money:
        return Money(round_to(amount, smallest), currency)

    before = money(exact_sum(one.before_amount for one in items))
    after = money(exact_sum(one.after_amount for one in items))
    new = money(exact_sum(one.after_amount for one in items if one.seen == "new"))
    gone = money(-exact_sum(one.before_amount for one in items if one.seen == "gone"))
    price = money(exact_sum([*(one.after_amount for one in kept), *(-_repriced(one) for one in kept)]))
    volume = money(_volume(kept))
    mix = after - before - new - gone - price - volume
    return Effects(scope, product, unit, before, after, price, volume, mix, new, gone)


def _repriced(item: Item) -> Decimal:
    """What the later quantity would have cost before; where a quantity explains nothing, what it cost then."""
    if item.before_quantity <= 0:
        return item.before_amount
    with localcontext(_EXACT):
        return item.before_amount * item.after_quantity / item.before_quantity


def _volume(kept: Sequence[Item]) -> Decimal:
    """What all would cost more at the old prices had each item grown as the sum of them did."""
    counted = [one for one in kept if one.before_quantity > 0]
    quantity_before = exact_sum(one.before_quantity for one in counted)
    if not quantity_before:
        return Decimal(0)
    with localcontext(_EXACT):
        amount = exact_sum(one.before_amount for one in counted)
        return amount * exact_sum(one.after_quantity for one in counted) / quantity_before - amount


def _files(books: Books, table: Table, column: str, *periods: Period) -> list[str]:
    return [one for period in periods for one in books.lake.files(table, {column: str(period)})]


def _read(engine: Engine, model: str, before: Period, after: Period) -> list[Effects]:
    engine.view_rows("compared", COMPARED, [(str(before), str(after))])
    engine.view_model(model)
    found = [effects(*key, items) for key, items in _grouped(engine.rows(model.rpartition("/")[-1]))]
    return sorted(found, key=lambda one: (-abs(one.change.amount), one.scope, one.product, one.unit))


def _grouped(rows: Iterable[Mapping[str, Any]]) -> Iterable[tuple[tuple[str, str, str, str], list[Item]]]:
    def key(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
        return row["scope"], row["product"], row["unit"], row["currency"]

    for names, found in groupby(sorted(rows, key=key), key):
        yield names, [Item(**{name: row[name] for name in Item.__slots__}) for row in found]
