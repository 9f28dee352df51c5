"""Statements of periods as pages: money, tolerances and rows in words.

What belongs here: from a statement to values that the template prints. What does not: what a statement says
(`reconciliation`). For finance only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from twinledger.documents import Value
from twinledger.pools import COMPONENTS
from twinledger.reconciliation import Opened, PeriodStatement, statement_digest
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.money import Money

ROWS_SHOWN = 100
"""Of a page of rows."""

FILES = ("statement.pdf", "statement.xlsx", "statement.json", "bridge.csv", "breaks.csv", "manifest.json")


@dataclass(frozen=True, slots=True)
class ComponentLine(ForFinance):
    """One of the twelve."""

    name: str
    amount: Money
    rows: int
    tolerance: str
    within: bool


@dataclass(frozen=True, slots=True)
class RollLine(ForFinance):
    """One step of the way from opening to closing breaks."""

    name: str
    count: int
    amount: Money


@dataclass(frozen=True, slots=True)
class BreakRow(ForFinance):
    """One open break."""

    id: str
    rule: str
    subject: str
    amount: Money
    tolerance: Money
    owner: str
    since: str


@dataclass(frozen=True, slots=True)
class PeriodPage(ForFinance):
    """One statement; `address` is its page, below where the app is mounted."""

    statement: PeriodStatement
    address: str
    digest: str
    internal: Money
    external: Money
    deviation: Money
    components: list[ComponentLine]
    roll: list[RollLine]
    breaks: list[BreakRow]
    files: tuple[str, ...]
    row_files: list[str]


@dataclass(frozen=True, slots=True)
class RowsPage(ForFinance):
    """Some rows of one component."""

    statement: PeriodStatement
    address: str
    component: ComponentLine
    columns: tuple[str, ...]
    rows: list[list[str | Money]]
    page: int
    pages: int
    rest: str


def address_of(kind: str, subject: str, period: object) -> str:
    """A statement's page, below where the app is mounted."""
    return f"/reconciliation/{period}/{subject if kind == 'pool' else f'department/{subject}'}"


def period_page(found: PeriodStatement) -> PeriodPage:
    """What the page of a statement shows."""

    def money(amount: Decimal) -> Money:
        return Money(amount, found.currency)

    roll = found.roll_forward
    way = (("opening", roll.opening), ("new", roll.new), ("resolved", roll.resolved), ("closing", roll.closing))
    return PeriodPage(
        statement=found,
        address=address_of(found.kind, found.subject, found.period),
        digest=statement_digest(found),
        internal=money(found.internal),
        external=money(found.external),
        deviation=money(found.deviation),
        components=[component_line(found, name) for name in COMPONENTS],
        roll=[RollLine(name, tally.count, money(tally.amount)) for name, tally in way],
        breaks=[
            BreakRow(
                one.id, one.rule, one.subject, money(one.amount), money(one.tolerance), one.owner,
                f"{one.opened_at:%Y-%m-%d}",
            )
            for one in found.breaks
        ],
        files=FILES,
        row_files=[f"rows-{name}.csv" for name in COMPONENTS],
    )  # fmt: skip


def component_line(found: PeriodStatement, name: str) -> ComponentLine:
    """One component with its tolerance in words."""
    one = found.component(name)
    above = "any" if one.above is None else f"+{Money(one.above, found.currency)}"
    below = "any" if one.below is None else f"-{Money(one.below, found.currency)}"
    tolerance = "any" if (one.above, one.below) == (None, None) else f"{above} / {below}"
    return ComponentLine(name, Money(one.amount, found.currency), one.rows, tolerance, one.within)


def rows_page(found: PeriodStatement, opened: Opened, page: int) -> RowsPage:
    """One page of a component's rows, counted from 1; the last one says what is not listed at all."""
    pages = max(1, -(-len(opened.rows) // ROWS_SHOWN))
    number = min(max(page, 1), pages)
    shown = opened.rows[(number - 1) * ROWS_SHOWN : number * ROWS_SHOWN]
    used = [place for place, _ in enumerate(opened.columns) if any(row[place] is not None for row in opened.rows)]
    used.sort(key=lambda place: opened.columns[place] not in ("amount", "of"))  # the money first: tables are wide
    return RowsPage(
        statement=found,
        address=address_of(found.kind, found.subject, found.period),
        component=component_line(found, opened.component),
        columns=tuple(opened.columns[place] for place in used),
        rows=[_cells(row, used, found.currency) for row in shown],
        page=number,
        pages=pages,
        rest=opened.rest(found.currency),
    )


def _cells(row: Sequence[Value], used: Sequence[int], currency: str) -> list[str | Money]:
    return [
        Money(value, currency) if isinstance(value, Decimal) else ("" if value is None else str(value))
        for value in (row[place] for place in used)
    ]
