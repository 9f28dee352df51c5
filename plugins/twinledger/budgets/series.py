"""What budgets cost day by day: one pass over a ledger for all of them.

What belongs here: from a ledger's files to the daily amounts of each budget, in the reporting currency, exact. What
does not: which budgets there are (`scopes`), and what is to come (`evaluate`).

The ledger is read once into what each distinct kind of charge cost on each day; lines are matched with kinds, not with
charges, in SQL. Days are UTC, and a charge that is booked in another month than its day is on the nearest day of that
month, so that days add up to months. Amounts of more than `HISTORY_DAYS` before are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.budgets.scopes import Scoped
from twinledger.catalog import relations
from twinledger.engine import Engine
from twinledger.lake import partition_of
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, MONEY, TEXT, Column, Table
from twinledger.store.models import Rate
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.periods import Period

HISTORY_DAYS = 400
"""Days before the last final one that a forecast is made from: each day of the year once, and a month more."""

AT_ONCE = 512
"""Lines whose days are in memory together."""

BUDGET_LINES = (
    Column("line", "BIGINT", required=True),
    Column("dimensions", "BIGINT", required=True),
    Column("parted_by", TEXT, required=True),
    Column("first_day", "DATE", required=True),
    Column("last_day", "DATE", required=True),
)
LINE_VALUES = (
    Column("line", "BIGINT", required=True),
    Column("dimension", TEXT, required=True),
    Column("value", TEXT, required=True),
)
LABEL_KEYS = (Column("key", TEXT, required=True), Column("dimension", TEXT, required=True))
MONTH_RATES = (
    Column("period", TEXT, required=True),
    Column("currency", TEXT, required=True),
    Column("first_day", "DATE", required=True),
    Column("last_day", "DATE", required=True),
    Column("rate", MONEY, required=True),
)

_MODELS = ("budgets/scoped_cells", "budgets/cell_terms", "budgets/cell_days", "budgets/line_cells", "budgets/line_days")


@dataclass(frozen=True, slots=True)
class Spent:
    """One budget's days: what was booked on each, and the largest parts of its span's."""

    line: Scoped
    days: dict[date, Decimal]
    parts: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a ledger: a month, and the last day that may be final.

    In a replay that day is taken as final, and nothing that came later is read.
    """

    period: Period
    through: date
    is_replay: bool = False


class DailySeries:
    """The daily amounts of lines, in an open engine."""

    def __init__(self, engine: Engine, lines: Sequence[Scoped], asked: Asked) -> None:
        """Of lines numbered in their order."""
        self._engine, self._lines = engine, lines
        self.known_through: date = asked.through if asked.is_replay else _last_day(engine, asked.through)

    def __iter__(self) -> Iterator[list[Spent]]:
        """The lines in their order, some at a time."""
        for first in range(0, len(self._lines), AT_ONCE):
            yield self._some(first, min(first + AT_ONCE, len(self._lines)))

    def _some(self, first: int, end: int) -> list[Spent]:
        found = [Spent(line, {}, ()) for line in self._lines[first:end]]
        days = "SELECT line, day, amount FROM line_days WHERE line >= ? AND line < ? ORDER BY line, day"
        for number, day, amount in self._engine.query(days, [first, end]):
            found[number - first].days[day] = amount
        parts: dict[int, list[tuple[str, Decimal]]] = {}
        causes = "SELECT line, name, amount FROM line_causes WHERE line >= ? AND line < ? ORDER BY amount DESC, name"
        for number, name, amount in self._engine.query(causes, [first, end]):
            parts.setdefault(number - first, []).append((name, amount))
        return [Spent(one.line, one.days, tuple(parts.get(place, ()))) for place, one in enumerate(found)]


def _last_day(engine: Engine, through: date) -> date:
    """The last day with any charge, at most another one: what has not been delivered has not cost nothing."""
    found = engine.query("SELECT MAX(day) FROM cell_days WHERE day <= ?", [through])[0][0]
    return found if isinstance(found, date) else through


@contextmanager
def daily_series(books: Books, lines: Sequence[Scoped], asked: Asked) -> Iterator[DailySeries]:
    """The daily amounts of lines, all of one view, computed once; read them inside the block.

    Raises:
        MissingRateError: something is booked, in a month of a line, in a currency that has no rate in it.
    """
    months = _months(lines, asked)
    with books.engine() as engine:
        with books.store.reading() as session:
            relations.view(engine, [_rates(session, books, months, lines, asked.period)])
            _CHARGES[lines[0].view](books, session, engine, lines, months, asked)
        engine.view_rows("budget_lines", BUDGET_LINES, _rows(lines))
        engine.view_rows("line_values", LINE_VALUES, _value_rows(lines))
        engine.view_rows("label_keys", LABEL_KEYS, sorted({(k, d) for one in lines for d, k in one.tags.items()}))
        for model in _MODELS:
            engine.view_model(model)
            engine.materialise(model.rpartition("/")[-1])
        engine.view_model("budgets/line_causes")
        engine.materialise("line_causes")
        _check_rates(engine, _strict_from(lines, asked.period), books.settings.reporting_currency)
        yield DailySeries(engine, lines, asked)


def _months(lines: Iterable[Scoped], asked: Asked) -> list[Period]:
    """Every month from the beginning of the history to the end of the last span."""
    begins = min([asked.through - timedelta(days=HISTORY_DAYS), *(one.first_day for one in lines)])
    last = max([asked.period, *(one.months[-1] for one in lines)])
    months = [Period(begins.year, begins.month)]
    while months[-1] < last:
        months.append(months[-1].shift(1))
    return months


def _rows(lines: Sequence[Scoped]) -> list[tuple[object, ...]]:
    return [(number, len(one.values), one.parted_by, one.first_day, one.last_day) for number, one in enumerate(lines)]


def _value_rows(lines: Sequence[Scoped]) -> list[tuple[object, ...]]:
    return [
        (number, dimension, value)
        for number, one in enumerate(lines)
        for dimension, values in one.values.items()
        for value in values
    ]


# --- ledgers -----------------------------------------------------------------------------------


def _files(books: Books, table: Table, column: str, months: Sequence[Period]) -> list[str]:
    wanted = {str(month) for month in months}
    found = books.lake.slice_files(table)
    return sorted(path for name, paths in found.items() if partition_of(name)[column] in wanted for path in paths)


def _until(column: str, asked: Asked) -> str:
    """SQL that leaves out what comes after the day of a replay."""
    return f"{column} < TIMESTAMP '{asked.through + timedelta(days=1)} 00:00:00'" if asked.is_replay else "TRUE"


def _internal(
    books: Books, _session: Session, engine: Engine, _lines: Sequence[Scoped], months: Sequence[Period], asked: Asked
) -> None:
    files = _files(books, INTERNAL_CHARGES, "period", months)
    engine.view_files("internal_charges", INTERNAL_CHARGES, files, _until("started_at", asked))
    engine.view_model("budgets/scoped_charges")


def _effective(
    books: Books, session: Session, engine: Engine, lines: Sequence[Scoped], months: Sequence[Period], asked: Asked
) -> None:
    files = _files(books, EXTERNAL_CHARGES, "x_period", months)
    engine.view_files("external_charges", EXTERNAL_CHARGES, files, _until("ChargePeriodStart", asked))
    keys = {key for one in lines for key in one.tags.values()}
    tags = relations.tag_steps(session, *keys)
    # Rules of pools look at other tags: without one of a budget's, no charge's tags are read.
    asked_for = (one._replace(rows=[row for row in one.rows if row[0] in keys]) for one in tags)
    relations.view(engine, [*asked_for, relations.departments(session)])
    engine.view_model("pools/charge_tags")
    engine.view_model("ledger/label_sets")
    engine.materialise("label_sets")
    engine.view_model("ledger/effective_charges", "scoped_charges")


_CHARGES = {"internal": _internal, "effective": _effective}


# --- rates -------------------------------------------------------------------------------------


def _rates(
    session: Session, books: Books, months: Sequence[Period], lines: Sequence[Scoped], period: Period
) -> relations.Relation:
    """Each month's own rate of each currency; before every span, where there is none, that of the month asked about."""
    reporting = books.settings.reporting_currency
    known = {
        (one.day, one.currency): one.rate
        for one in session.scalars(select(Rate).where(Rate.kind == "period", Rate.quote == reporting))
    }
    strict = _strict_from(lines, period)
    rows: list[tuple[object, ...]] = []
    for month in months:
        last = month.shift(1).first_day - timedelta(days=1)
        for currency in sorted({one for _, one in known} - {reporting}):
            instead = known.get((period.first_day, currency)) if month < strict else None
            if rate := known.get((month.first_day, currency), instead):
                rows.append((str(month), currency, month.first_day, last, rate))
        rows.append((str(month), reporting, month.first_day, last, Decimal(1)))
    return relations.Relation("month_rates", MONTH_RATES, rows)


def _strict_from(lines: Sequence[Scoped], period: Period) -> Period:
    """The first month whose amounts are somebody's actual: there, no other month's rate will do."""
    return min((one.months[0] for one in lines), default=period)


def _check_rates(engine: Engine, first: Period, reporting: str) -> None:
    unrated = (
        "SELECT DISTINCT period, currency FROM cell_days WHERE amount IS NULL AND period >= ? "
        "ORDER BY period, currency LIMIT 1"
    )
    for period, currency in engine.query(unrated, [str(first)]):
        raise MissingRateError(currency, reporting, period)
