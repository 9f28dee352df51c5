"""Rating beside a bare join of the same tables: `make bench ARGS="--rating"`.

    python -m tests.bench.rating write|rate|bare FOLDER ROWS TIERED

What belongs here: a company with 2,000 prices, usage of one period, and the two stages. What does not:
running and comparing them (`__main__`).
"""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from tests.bench.stages import bare, settings_of
from twinledger.books import Books
from twinledger.catalog import CompanyConfig, apply_config, load_config, relations
from twinledger.deployment import open_books, prepare
from twinledger.engine.duck import DuckEngine
from twinledger.lake import SliceWrite
from twinledger.lake.tables import USAGE
from twinledger.rating import rate_period
from twinledger.vocabulary.periods import Period

PERIOD = Period(2026, 10)
PRODUCTS, METERS, PRICES = 20, 20, 5
"""Products, meters of each, and prices of each meter: 2,000 in all, four of each in force in the period."""
DEPARTMENTS, TENANTS = 50, 8
DAYS = 31

RECORDS = """
    SELECT
        'feed' AS feed,
        '{day}' AS "day",
        'bench' AS delivery,
        number AS "row",
        'd' || CAST(HASH(number, 1) % {departments} AS VARCHAR)
        || '-t' || CAST(HASH(number, 2) % {tenants} AS VARCHAR) AS tenant,
        'p' || CAST(HASH(number, 3) % {products} AS VARCHAR) AS product,
        'm' || CAST(HASH(number, 4) % {meters} AS VARCHAR) AS meter,
        'r-' || CAST(HASH(number, 5) % 20000 AS VARCHAR) AS resource,
        TIMESTAMP '{day} 00:00:00' + INTERVAL 1 HOUR * CAST(number % 24 AS INTEGER) AS started_at,
        TIMESTAMP '{day} 01:00:00' + INTERVAL 1 HOUR * CAST(number % 24 AS INTEGER) AS ended_at,
        CAST(CAST((1 + HASH(number, 6) % 400000) AS VARCHAR) || 'e-3' AS DECIMAL(19, 9)) AS quantity,
        '2026-10' AS period,
        FALSE AS late,
        CAST(NULL AS VARCHAR) AS event
    FROM RANGE({rows}) AS numbers (number)
"""

BARE = """
    SELECT
        usage.period,
        tenants.department,
        usage.tenant,
        meters.pool,
        usage.product,
        usage.meter,
        usage.resource,
        usage.started_at,
        usage.quantity,
        meters.unit,
        prices.amount AS price,
        CAST(usage.quantity * prices.amount AS DECIMAL(38, 18)) AS amount,
        prices.currency,
        usage.late
    FROM usage
    INNER JOIN prices
        ON
            usage.product = prices.product
            AND usage.meter = prices.meter
            AND usage.started_at >= prices.effective_from
            AND usage.started_at < COALESCE(prices.effective_to, TIMESTAMP '9999-12-31 00:00:00')
    INNER JOIN meters
        ON
            usage.product = meters.product
            AND usage.meter = meters.meter
    INNER JOIN tenants
        ON usage.tenant = tenants.tenant
"""


def catalog(tiered: int) -> str:
    """catalog.yaml; of `tiered` of the products, every price is in tiers."""
    lines = ["products:"]
    starts = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in (0, 273, 280, 287, 294)]
    for product in range(PRODUCTS):
        lines.append(
            f"  - {{name: p{product}, title: P, description: d, owner: ada, pool: shared, state: listed, meters: ["
        )
        for meter in range(METERS):
            prices = [
                f"{{from: {start:%Y-%m-%dT%H:%M:%SZ}, {_terms(meter + number, in_tiers=product < tiered)}, "
                "currency: USD}"
                for number, start in enumerate(starts[:PRICES])
            ]
            lines.append(f"      {{name: m{meter}, title: M, unit: hour, prices: [{', '.join(prices)}]}},")
        lines.append("    ]}")
    return "\n".join(lines) + "\n"


def _terms(number: int, *, in_tiers: bool) -> str:
    if in_tiers:
        return f'tiers: [{{up_to: "10000", amount: "0.0{number + 1:02}"}}, {{amount: "0.00{number + 1:02}"}}]'
    return f'amount: "0.0{number + 1:02}"'


def company(folder: Path, tiered: int) -> CompanyConfig:
    """The configuration of the benchmark."""
    departments = ["departments:"]
    for number in range(DEPARTMENTS):
        tenants = ", ".join(f"d{number}-t{tenant}" for tenant in range(TENANTS))
        departments.append(
            f'  - {{name: d{number}, title: D, cost_centre: "1", owner: ada, budget_holder: ada, channel: "#d", '
            f"tenants: [{tenants}]}}"
        )
    files = {
        "people": "people: [{name: ada, title: Ada}]\n",
        "departments": "\n".join(departments) + "\n",
        "pools": "pools: [{name: shared, title: S, owner: ada, rules: [{column: ServiceName, equals: [EC2]}]}]\n",
        "catalog": catalog(tiered),
    }
    config = folder / "config"
    config.mkdir(parents=True)
    for name, text in files.items():
        (config / f"{name}.yaml").write_text(text)
    return load_config(config)


def write(folder: Path, rows: int, tiered: int) -> None:
    """Empty the folder; a deployment with usage of every day of the period."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = settings_of(folder)
    prepare(settings)
    with open_books(settings) as books:
        apply_config(books.store, company(folder, tiered), books.clock)
        writes = [_day(books, day, rows // DAYS) for day in range(1, DAYS + 1)]
        books.lake.replace_all(USAGE, writes)


def _day(books: Books, day: int, rows: int) -> SliceWrite:
    name = f"2026-10-{day:02}"
    sql = RECORDS.format(
        day=name, rows=rows, departments=DEPARTMENTS, tenants=TENANTS, products=PRODUCTS, meters=METERS
    )
    folder = books.lake.staging(USAGE)
    file = folder / "part-00000.parquet"
    with bare(books.settings.home) as connection:
        connection.execute(f"COPY ({sql}) TO '{file}' (FORMAT parquet)")
    return SliceWrite({"feed": "feed", "day": name}, [str(file)], name)


def rate(folder: Path) -> None:
    """One period, with its gate and its commit."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with open_books(settings_of(folder)) as books:
        result = rate_period(books, PERIOD)
        assert result.changed, result


def join(folder: Path) -> None:
    """The bare join of usage with prices, meters and tenants, written as Parquet, with the same bound on memory."""
    with open_books(settings_of(folder)) as books:
        files = books.lake.files(USAGE)
        with books.store.reading() as session:
            tables = relations.company(session, PERIOD, books.settings)
    with DuckEngine(books.settings.lake.memory_limit, 0, str(folder / "bare-spill")) as engine:
        engine.view_files("usage", USAGE, files)
        relations.view(engine, [one for one in tables if one.name in ("prices", "meters", "tenants")])
        engine.query(f"COPY ({BARE}) TO '{folder / 'bare.parquet'}' (FORMAT parquet)")


def main(arguments: Sequence[str]) -> None:
    """Run one stage."""
    stage, folder = arguments[0], Path(arguments[1])
    if stage == "write":
        write(folder, int(arguments[2]), int(arguments[3]))
    else:
        {"rate": rate, "bare": join}[stage](folder)


if __name__ == "__main__":
    main(sys.argv[1:])
