"""`make bench-budgets`: what it costs to evaluate, forecast and alert budgets of 400 days each.

    make bench-budgets                       100, 1,000 and 10,000 budgets
    make bench-budgets ARGS="--most 1000"    fewer

Budgets are lines of one department and product each, plans of departments, and lines of finance of one account and
service each; one in five is of a quarter, one in ten of a year. Each has charges on each of 400 days, with a weekly
rhythm, written straight as Parquet. Every stage is a process of its own, and does what those above it do as well.

What a series costs, and how much more than the floor a stage does, is of the processors' time less that of starting.
The floor is bare DuckDB: the sum of the same files by day and by what they are grouped by. Exits with 1 if 10,000
budgets take more than five minutes.
"""

from __future__ import annotations

import argparse
import logging
import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import structlog

from tests.bench.__main__ import Measured, StageError, run, say
from tests.bench.stages import bare, settings_of
from twinledger.books import Books
from twinledger.budgets import budget_positions
from twinledger.clock import FixedClock
from twinledger.deployment import open_books, prepare
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, Column, Table
from twinledger.store import Store, models
from twinledger.vocabulary.periods import Period, span_name
from twinledger.vocabulary.settings import ROOT

NUMBERS = (100, 1_000, 10_000)
SECONDS = 300
DAYS, TODAY = 400, date(2026, 10, 20)
PERIOD = Period(2026, 10)
_SPANS = ((PERIOD,), tuple(Period(2026, month) for month in (10, 11, 12)),
          tuple(Period(2026, month) for month in range(1, 13)))  # fmt: skip

_AMOUNT = """
    CAST(
        (1000 + HASH(place) % 90000) * CASE WHEN ISODOW(on_day) > 5 THEN 4 ELSE 10 END
        * (900 + HASH(place, on_day) % 200) / 1000 AS BIGINT
    )
"""
_ROWS = f"""
    SELECT
        place,
        place // ? AS first,
        place % ? AS second,
        on_day,
        CAST(CAST({_AMOUNT} AS DECIMAL(20, 0)) / 100 AS DECIMAL(38, 18)) AS amount
    FROM RANGE(?) AS places (place)
    CROSS JOIN (SELECT CAST(? AS DATE) - CAST(back AS INTEGER) AS on_day FROM RANGE(?) AS days (back))
"""

INTERNAL = {
    "period": "STRFTIME(on_day, '%Y-%m')", "department": "'d' || first", "tenant": "'t' || first", "pool": "'pool'",
    "product": "'p' || second", "meter": "'hours'", "started_at": "CAST(on_day AS TIMESTAMP)", "quantity": "1",
    "unit": "'hour'", "price": "1", "amount": "amount", "currency": "'USD'", "kind": "'usage'", "late": "FALSE",
}  # fmt: skip
EXTERNAL = {
    "BillingCurrency": "'USD'", "BillingAccountId": "'payer'", "SubAccountId": "'a' || first",
    "ServiceName": "'s' || second", "RegionId": "'r' || (place % 7)", "ChargePeriodStart": "CAST(on_day AS TIMESTAMP)",
    "EffectiveCost": "amount", "Tags": """'{"env": "prod"}'""", "x_source": "'bench'",
    "x_period": "STRFTIME(on_day, '%Y-%m')", "x_slice": "'all'",
}  # fmt: skip
_EMPTY = {"VARCHAR": "''", "TIMESTAMP": "CAST(on_day AS TIMESTAMP)", "DATE": "on_day", "BOOLEAN": "FALSE"}


def sides(number: int) -> tuple[int, int]:
    """The side of the squares of internal and of effective lines: with a plan for each department, at least so many."""
    return math.ceil(math.sqrt(number * 0.66)), math.ceil(math.sqrt(number * 0.33))


def write(folder: Path, number: int) -> None:
    """A deployment with so many budgets and 400 days of both ledgers."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = settings_of(folder)
    prepare(settings)
    internal, effective = sides(number)
    store = Store(settings.database_url)
    with store.transaction() as session:
        session.add_all(budgets(internal, effective))
        session.flush()
        session.add_all(models.Budget(department=f"d{one}", period=str(PERIOD), amount=Decimal(9_000_000),
                                      currency="USD") for one in range(internal))  # fmt: skip
    store.close()
    with open_books(settings) as books:
        ledger(books, INTERNAL_CHARGES, INTERNAL, internal)
        ledger(books, EXTERNAL_CHARGES, EXTERNAL, effective)


def budgets(internal: int, effective: int) -> Iterator[models.Base]:
    """Departments and lines."""
    for one in range(internal):
        yield models.Department(name=f"d{one}", title=f"D{one}", cost_centre="1", owner="ada", budget_holder="ada",
                                channel="#d", tenants=[])  # fmt: skip
    for place in range(internal**2):
        scope = {"product": [f"p{place % internal}"]}
        yield line(place, "internal", f"d{place // internal}", scope)
    for place in range(effective**2):
        scope = {"account": [f"a{place // effective}"], "service": [f"s{place % effective}"]}
        yield line(place, "effective", "", scope)


def line(place: int, view: str, department: str, scope: dict[str, Any]) -> models.BudgetLine:
    """A line of a month, or one in five of a quarter, one in ten of a year."""
    months = _SPANS[0 if place % 10 > 2 else 1 if place % 10 else 2]
    return models.BudgetLine(
        name=f"{view}-{place}", period=span_name(months), title=f"Line {place}", view=view, department=department,
        scope=scope, amount=Decimal(120_000 * len(months)), currency="USD",
    )  # fmt: skip


def ledger(books: Books, table: Table, said: dict[str, str], side: int) -> None:
    """Charges of every place on each of the days, as the table's slices by month."""
    folder = books.lake.staging(table)
    columns = ", ".join(f'{_expression(one, said)} AS "{one.name}"' for one in table.columns)
    with bare(books.settings.home) as connection:
        connection.execute(f"CREATE TEMP TABLE charges AS {_ROWS}", [side, side, side * side, TODAY, DAYS])
        months = [
            row[0] for row in connection.execute(f"SELECT DISTINCT {said[_month(table)]} FROM charges").fetchall()
        ]
        for month in sorted(months):
            where = f"{said[_month(table)]} = '{month}'"
            select = f"SELECT {columns} FROM charges WHERE {where}"
            target = folder / f"{month}.parquet"
            connection.execute(f"COPY ({select}) TO '{target}' (FORMAT parquet)")
            known = {"x_source": "bench", "x_slice": "all"} if table is EXTERNAL_CHARGES else {}
            books.lake.replace(table, {_month(table): month, **known}, [str(target)], str(month))


def _month(table: Table) -> str:
    return "x_period" if table is EXTERNAL_CHARGES else "period"


def _expression(column: Column, said: dict[str, str]) -> str:
    value = said.get(column.name, _EMPTY.get(column.type, "0") if column.required else "NULL")
    return f"CAST({value} AS {column.type})"


# --- stages ------------------------------------------------------------------------------------


def start(books: Books) -> None:
    """Everything that is imported, and the books opened."""
    from twinledger import alerts

    assert alerts.load_rules(books.settings.config)
    assert books.lake.files(INTERNAL_CHARGES)


def floor(books: Books) -> None:
    """The bare sums of both ledgers."""
    internal, external = (books.lake.files(table) for table in (INTERNAL_CHARGES, EXTERNAL_CHARGES))
    with bare(books.settings.home) as connection:
        _sum(connection, internal, "CAST(started_at AS DATE), department, product", "amount")
        keys = "CAST(ChargePeriodStart AS DATE), SubAccountId, BillingAccountId, RegionId, ServiceName"
        _sum(connection, external, keys, "EffectiveCost")


def _sum(connection: duckdb.DuckDBPyConnection, files: list[str], keys: str, amount: str) -> None:
    sums = f"SELECT {keys}, SUM({amount}) AS total FROM read_parquet({files}) GROUP BY ALL"
    connection.execute(f"SELECT COUNT(*), MAX(total) FROM ({sums})").fetchall()


def evaluate(books: Books) -> None:
    """The days of every budget."""
    from twinledger.budgets.evaluate import asked_of
    from twinledger.budgets.scopes import VIEWS, lines_of
    from twinledger.budgets.series import daily_series

    for view in VIEWS:
        with books.store.reading() as session:
            lines = lines_of(session, books, PERIOD, (view,))
        with daily_series(books, lines, asked_of(books, view, PERIOD)) as series:
            assert all(len(one.days) == DAYS for some in series for one in some)


def forecast(books: Books) -> None:
    """Where every budget stands and will end."""
    found = budget_positions(books, PERIOD)
    assert all(one.expected.amount > one.actual.amount > 0 for one in found)


def alert(books: Books) -> None:
    """And who is to be told."""
    from twinledger.alerts import evaluate as alerts

    alerts(books, PERIOD)


STAGES: dict[str, Callable[[Books], None]] = {
    "start": start, "floor": floor, "evaluate": evaluate, "forecast": forecast, "alert": alert,
}  # fmt: skip
TITLES = {"evaluate": "evaluated", "forecast": "and forecast", "alert": "and alerted"}


def measured(folder: Path, number: int) -> list[str]:
    """Print what so many budgets cost; returns the bounds that do not hold."""
    run("budgets", "write", str(folder), str(number))
    internal, effective = sides(number)
    count = internal**2 + internal + effective**2
    begun = run("budgets", "start", str(folder))
    bare_sums = run("budgets", "floor", str(folder))
    say(f"\n{count:,} budgets, {DAYS} days")
    say(f"{'':<14}{'wall s':>9}{'cpu s':>9}{'ms a series':>13}{'x floor':>9}{'peak MB':>9}")
    found = begun
    for title, one in (("start", begun), ("bare sums", bare_sums)):
        _show(title, one, begun, bare_sums, count)
    for name, title in TITLES.items():
        found = run("budgets", name, str(folder))
        _show(title, found, begun, bare_sums, count)
    shutil.rmtree(folder)
    return [f"{count:,} budgets took {found.wall_s:.0f} s, expected {SECONDS}"] if found.wall_s > SECONDS else []


def _show(title: str, one: Measured, begun: Measured, floor: Measured, count: int) -> None:
    worked, bare_work = one.cpu_s - begun.cpu_s, floor.cpu_s - begun.cpu_s
    beside = (
        f"{1000 * worked / count:>13.2f}{worked / bare_work:>9.1f}" if worked > 0 and bare_work > 0 else f"{'':>22}"
    )
    say(f"{title:<14}{one.wall_s:>9.1f}{one.cpu_s:>9.1f}{beside}{one.peak_mb:>9.0f}")


def stage(name: str, folder: Path) -> None:
    """One stage, in this process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    morning = FixedClock(datetime.combine(TODAY + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=6))
    with open_books(settings_of(folder), morning) as books:
        STAGES[name](books)


def main() -> int:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=NUMBERS[-1], help="budgets at most")
    arguments = parser.parse_args()
    broken = []
    (ROOT / ".cache").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".cache", prefix="bench-budgets-") as folder:
        for number in NUMBERS:
            try:
                broken += measured(Path(folder) / "books", number) if number <= arguments.most else []
            except StageError as error:
                broken.append(str(error))
    for sentence in broken:
        say(f"does not hold: {sentence}")
    return 1 if broken else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] and sys.argv[1] in STAGES:
        stage(sys.argv[1], Path(sys.argv[2]))
    else:
        sys.exit(main())
