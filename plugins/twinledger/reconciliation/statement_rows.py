"""A statement's components, opened down to their rows.

What belongs here: listing rows, and saying how much is not listed. What does not: what a row contributes, which
`sql/reconciliation/component_rows` says. Finance only.

Of a pool, rows are those of the ledgers. Of a department, they are its parts of pools: each pool's statement opens
them further.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from twinledger.books import Books
from twinledger.documents import Value
from twinledger.engine import Engine
from twinledger.lake.tables import TEXT, Column
from twinledger.pools import COMPONENTS
from twinledger.reconciliation.evidence import listed
from twinledger.reconciliation.inputs import gather, view_ledgers
from twinledger.reconciliation.result import ComponentRow
from twinledger.reconciliation.statement import Component, PeriodStatement
from twinledger.store import models
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.errors import StaleRunError, UnknownNameError
from twinledger.vocabulary.money import exact_sum, plain

POOL_COLUMNS = (
    "side", "source", "delivery", "line", "started_at", "resource", "service", "sku", "department", "product", "meter",
    "amount",
)  # fmt: skip
DEPARTMENT_COLUMNS = ("pool", "of", "amount")

_ASKED = (Column("pool", TEXT), Column("component", TEXT))
_MOST = 10_000
"""As many rows as `sql/reconciliation/largest_rows` gives."""


@dataclass(frozen=True, slots=True)
class Opened(ForFinance):
    """The rows of one component, the most money first; `count` and `amount` are of all, listed or not."""

    component: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    count: int
    amount: Decimal

    @property
    def unlisted(self) -> int:
        """How many rows are not listed."""
        return self.count - len(self.rows)

    @property
    def unlisted_amount(self) -> Decimal:
        """What they come to."""
        place = self.columns.index("amount")
        given = (row[place] for row in self.rows)
        return exact_sum((self.amount, *(-one for one in given if isinstance(one, Decimal))))

    def rest(self, currency: str) -> str:
        """What the list leaves out, as a sentence; nothing where it is whole."""
        if not self.unlisted:
            return ""
        return f"{self.unlisted:,} more rows are not listed; they come to {plain(self.unlisted_amount)} {currency}"

    def first(self, most: int) -> Opened:
        """The same with fewer rows listed."""
        return Opened(self.component, self.columns, self.rows[:most], self.count, self.amount)


def open_components(books: Books, statement: PeriodStatement, names: Iterable[str] = COMPONENTS) -> dict[str, Opened]:
    """Components of a statement by name, each with up to ten thousand rows.

    Raises:
        UnknownNameError: there is no such component.
        StaleRunError: the ledgers or the configuration are not those of the statement any more.
        MissingRateError: a currency without a rate.
    """
    wanted = tuple(names)
    for name in wanted:
        if name not in COMPONENTS:
            raise UnknownNameError("component", name, COMPONENTS)
    if statement.kind == "department":
        return {name: _parts(statement, name) for name in wanted}
    if statement.missing or not any(map(_has_rows, map(statement.component, wanted))):
        return {name: _opened(name, [], None) for name in wanted}
    return _of_pool(books, statement, wanted)


def _has_rows(component: Component) -> bool:
    # Rows that offset each other leave nothing, as of what is passed through.
    return bool(component.amount or component.rows or component.name == "unexplained")


def _of_pool(books: Books, statement: PeriodStatement, names: tuple[str, ...]) -> dict[str, Opened]:
    inputs = gather(books, statement.period)
    with books.store.reading() as session:
        run = session.get(models.ReconciliationRun, statement.run)
    if run is None or run.digest != inputs.digest:
        raise StaleRunError(str(statement.period), statement.run)
    found: dict[str, Opened] = {}
    with books.engine() as engine:
        view_ledgers(engine, inputs)
        for name in names:
            engine.view_rows("asked", _ASKED, [(statement.subject, name)])
            if not found:
                engine.view_model("reconciliation/component_rows")
                engine.view_model("reconciliation/largest_rows")
            asked = _has_rows(statement.component(name))
            rows = listed(engine, "largest_rows", ComponentRow) if asked else ()
            found[name] = _opened(name, rows, engine if len(rows) == _MOST else None)
    return found


def _opened(name: str, rows: Iterable[ComponentRow], engine: Engine | None) -> Opened:
    """Counted by the engine where it may hold more rows than it gave."""
    shown = tuple(_values(row) for row in rows)
    count, amount = len(shown), exact_sum(row.amount for row in rows)
    if engine:
        counted = "SELECT COUNT(*), CAST(SUM(amount) AS DECIMAL(38, 18)) FROM component_rows"
        ((count, amount),) = engine.query(counted)
    return Opened(name, POOL_COLUMNS, shown, count, amount)


def _values(row: ComponentRow) -> tuple[Value, ...]:
    named: Mapping[str, Value] = {name: getattr(row, name) for name in POOL_COLUMNS if name != "started_at"} | {
        "started_at": row.started_at.isoformat() if row.started_at else None
    }
    return tuple(named[name] for name in POOL_COLUMNS)


def _parts(statement: PeriodStatement, name: str) -> Opened:
    parts = sorted(
        (one for one in statement.parts if one.component == name), key=lambda one: (-abs(one.amount), one.pool)
    )
    rows = tuple((one.pool, one.of, one.amount) for one in parts)
    return Opened(name, DEPARTMENT_COLUMNS, rows, len(rows), exact_sum(one.amount for one in parts))
