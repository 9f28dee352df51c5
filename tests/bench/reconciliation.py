"""Reconciling one period beside a bare scan of the same columns: `make bench ARGS="--reconciliation"`.

    python -m tests.bench.reconciliation write FOLDER ROWS
    python -m tests.bench.reconciliation bare|sum|reconcile|files FOLDER
    python -m tests.bench.reconciliation restate FOLDER SOURCE

What belongs here: a company with both ledgers of one period, and the stages. What does not: running and
comparing them (`__main__`), and the other program's comparison (`datacompare`).

ROWS charges of ten sources, each its own slice, and half as many internal charges, on the same resources. They are
written straight into the lake: what is measured is reconciling.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from tests.bench.stages import bare, settings_of
from twinledger.books import Books
from twinledger.catalog import CompanyConfig, apply_config, load_config
from twinledger.deployment import open_books, prepare
from twinledger.lake import SliceWrite
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, Table
from twinledger.reconciliation import reconcile_period, sum_slices
from twinledger.vocabulary.periods import Period

PERIOD = Period(2026, 10)
RESOURCES = 200_000
"""Of all sources: each source has resources of its own."""
SKUS = 60
"""Of ten services: one of pool `direct`, one of `spread`, one in no pool; six SKUs of each."""
LARGE = 8
"""Sources that share all but the rows of the two others."""
HUNDREDTH = "hundredth"
"""The source that has one row in a hundred."""
CONSTANT, CONSTANT_ROWS = "constant", 100_000
"""The source that has as many rows whatever the ledger has."""
PRODUCTS, DEPARTMENTS, TENANTS = 7, 50, 8
"""A product for each pool of meters; a meter for each of its SKUs."""

# A charge's resource says all of what it is but when, how much and for what price: as in bills.
CHARGES = """
    WITH numbered AS (
        SELECT
            number,
            {first} + HASH(number, {seed}) % {resources} AS resource,
            CAST(HASH(number, {seed}, 2) % 1000 AS INTEGER) AS chance,
            CAST(number * 744 // {rows} AS INTEGER) AS hour
        FROM RANGE({rows}) AS numbers (number)
    ),

    described AS (
        SELECT
            numbered.*,
            CAST(resource % 10 AS INTEGER) AS service,
            CAST(resource % {skus} AS INTEGER) AS sku,
            CAST(resource % 48 AS INTEGER) AS account,
            -- Hours of machines are whole; what is stored or transferred has any digits.
            CASE
                WHEN resource % 5 = 4
                    THEN CAST(1 + HASH(number, {seed}, 3) % 1000000000000 AS DECIMAL(18, 0)) * 0.000000000001
                ELSE 1
            END AS consumed,
            CAST(1 + HASH(number, {seed}, 4) % 90000 AS DECIMAL(18, 10)) * 0.0001 AS listed
        FROM numbered
    )

    SELECT {columns}
    FROM described
"""
MADE = {
    "BilledCost": "listed * 0.8",
    "BillingAccountId": "'payer-{source}'",
    "BillingCurrency": "'{currency}'",
    "BillingPeriodStart": "TIMESTAMP '2026-10-01 00:00:00'",
    "BillingPeriodEnd": "TIMESTAMP '2026-11-01 00:00:00'",
    "ChargeCategory": "CASE WHEN chance < 10 THEN 'Tax' WHEN chance < 15 THEN 'Credit' ELSE 'Usage' END",
    "ChargeClass": "CASE WHEN chance = 999 THEN 'Correction' END",
    "ChargePeriodStart": "TIMESTAMP '2026-10-01 00:00:00' + INTERVAL 1 HOUR * hour",
    "ChargePeriodEnd": "TIMESTAMP '2026-10-01 01:00:00' + INTERVAL 1 HOUR * hour",
    "ConsumedQuantity": "consumed",
    "ConsumedUnit": "'Hours'",
    "ContractedCost": "listed * 0.8",
    "ContractedUnitPrice": "listed * 0.8",
    "EffectiveCost": "listed * 0.8",
    "InvoiceId": "'invoice-{source}'",
    "InvoiceIssuerName": "'Vendor {vendor}'",
    "ListCost": "listed",
    "ListUnitPrice": "listed",
    "PricingQuantity": "consumed",
    "PricingUnit": "'Hours'",
    "ProviderName": "'Vendor {vendor}'",
    "PublisherName": "'Vendor {vendor}'",
    "ServiceProviderName": "'Vendor {vendor}'",
    "RegionId": "'region-' || CAST(account % 8 AS VARCHAR)",
    "ResourceId": "CASE WHEN chance >= 60 THEN 'arn:vendor:resource/' || LPAD(CAST(resource AS VARCHAR), 8, '0') END",
    "ServiceCategory": "'Compute'",
    "ServiceName": "'Service ' || CAST(service AS VARCHAR)",
    "SkuId": "'sku-' || CAST(sku AS VARCHAR) || '-' || CAST(account % 8 AS VARCHAR)",
    "SkuMeter": "'meter-' || CAST(sku AS VARCHAR)",
    "SubAccountId": "'account-' || LPAD(CAST(account AS VARCHAR), 4, '0')",
    "Tags": """'{{"team": "t' || CAST(account % 12 AS VARCHAR) || '", "department": "d' || CAST(account AS VARCHAR)
        || '", "environment": "' || CASE resource % 3 WHEN 0 THEN 'production' WHEN 1 THEN 'staging' ELSE 'test' END
        || '"}}'""",
    "x_source": "'{source}'",
    "x_period": "'2026-10'",
    "x_slice": "'all'",
    "x_delivery": "'bench'",
    "x_row": "number + 1",
}
"""Column of the external ledger -> SQL over `described`; one that is not here is null."""

USED = """
    WITH numbered AS (
        SELECT
            number,
            -- Of the resources that are billed; those of three services have no meters.
            HASH(number, 1) % {resources} // 10 * 10 + HASH(number, 2) % {products} AS resource,
            CAST(number * 744 // {rows} AS INTEGER) AS hour
        FROM RANGE({rows}) AS numbers (number)
    ),

    measured AS (
        SELECT
            numbered.*,
            CAST(resource % {skus} AS INTEGER) AS sku,
            CAST(resource % {departments} AS INTEGER) AS department,
            CAST(1 + HASH(number, 3) % 8000 AS DECIMAL(18, 9)) * 0.001 AS used
        FROM numbered
    )

    SELECT
        '2026-10' AS period,
        'd' || CAST(department AS VARCHAR) AS department,
        'd' || CAST(department AS VARCHAR) || '-t' || CAST(resource % {tenants} AS VARCHAR) AS tenant,
        'pool-' || CAST(resource % 10 AS VARCHAR) AS pool,
        'p' || CAST(resource % 10 AS VARCHAR) AS product,
        'm' || CAST(sku AS VARCHAR) AS meter,
        CASE WHEN resource % 97 = 0 THEN 'pod/' ELSE 'arn:vendor:resource/' END
        || LPAD(CAST(resource AS VARCHAR), 8, '0') AS resource,
        TIMESTAMP '2026-10-01 00:00:00' + INTERVAL 1 HOUR * hour AS started_at,
        CAST(used AS DECIMAL(19, 9)) AS quantity,
        'hour' AS unit,
        CAST(0.021 AS DECIMAL(18, 9)) AS price,
        CAST(CAST(used AS DECIMAL(19, 9)) * 0.021 AS DECIMAL(38, 18)) AS amount,
        'USD' AS currency,
        'usage' AS kind,
        FALSE AS late
    FROM measured
"""

COMPARED: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (
        EXTERNAL_CHARGES,
        (
            "BillingAccountId", "BillingCurrency", "BillingPeriodStart", "ChargeCategory", "ChargeClass",
            "ChargePeriodStart", "ConsumedQuantity", "EffectiveCost", "ListCost", "ProviderName", "RegionId",
            "ResourceId", "ServiceCategory", "ServiceName", "SkuId", "SkuMeter", "SubAccountId", "Tags", "x_restates",
        ),
    ),
    (
        INTERNAL_CHARGES,
        (
            "period", "department", "pool", "product", "meter", "resource", "started_at", "quantity", "unit", "price",
            "amount", "currency", "kind", "late",
        ),
    ),
)  # fmt: skip
"""The columns that a bridge is made of."""


def company(folder: Path) -> CompanyConfig:
    """The configuration of the benchmark."""
    files = {
        "people.yaml": "people: [{name: ada, title: Ada}]\n",
        "departments.yaml": _departments(),
        "pools.yaml": _pools(),
        "catalog.yaml": _catalog(),
        "rates.csv": "kind,day,currency,quote,rate,origin\nperiod,2026-10-01,EUR,USD,1.0850,bench\n"
        + "".join(f"day,2026-10-{day:02},EUR,USD,1.08{day:02},bench\n" for day in range(1, 32)),
        "contracts.yaml": "contracts:\n"
        + "".join(
            f"  - {{id: card-{sku}, vendor: Vendor 0, sku: meter-{sku}, from: 2026-01-01, unit_price: '7.0', "
            "currency: USD, clause: '1'}\n"
            for sku in range(3)
        ),
    }
    config = folder / "config"
    config.mkdir(parents=True)
    for name, text in files.items():
        (config / name).write_text(text)
    return load_config(config)


def _departments() -> str:
    lines = ["departments:"]
    for number in range(DEPARTMENTS):
        tenants = ", ".join(f"d{number}-t{tenant}" for tenant in range(TENANTS))
        lines.append(
            f'  - {{name: d{number}, title: D, cost_centre: "1", owner: ada, budget_holder: ada, channel: "#d", '
            f"tenants: [{tenants}]}}"
        )
    return "\n".join(lines) + "\n"


def _pools() -> str:
    team = "{column: Tags.team, equals: [t11]}, {column: ServiceName, equals: [Service 0]}"
    lines = ["pools:", f"  - {{name: team, title: T, owner: ada, rules: [{team}]}}"]
    kinds = {7: "kind: direct, ", 8: "kind: allocated, driver: {kind: even}, "}
    for pool in range(9):
        skus = range(pool, SKUS, 10) if pool < PRODUCTS else ()
        capacity = ", ".join(
            f"{{sku: meter-{sku}, meter: p{pool}/m{sku}, factor: '{_FACTORS[sku // 10]}'}}" for sku in skus
        )
        lines.append(
            f"  - {{name: pool-{pool}, title: P, owner: ada, {kinds.get(pool, '')}"
            f"rules: [{{column: ServiceName, equals: [Service {pool}]}}], capacity: [{capacity}]}}"
        )
    return "\n".join(lines) + "\n"


_FACTORS = ("1", "2", "4", "8", "16", "0.5")


def _catalog() -> str:
    lines = ["products:"]
    for product in range(PRODUCTS):
        lines.append(
            f"  - {{name: p{product}, title: P, description: d, owner: ada, pool: pool-{product}, state: listed, "
            "meters: ["
        )
        for sku in range(product, SKUS, 10):
            later = 'tiers: [{up_to: "100", amount: "0.025"}, {amount: "0.02"}]' if sku == 0 else 'amount: "0.025"'
            lines.append(
                f"      {{name: m{sku}, title: M, unit: hour, prices: ["
                '{from: 2026-01-01T00:00:00Z, amount: "0.021", currency: USD}, '
                f"{{from: 2026-10-15T00:00:00Z, {later}, currency: USD}}]}},"
            )
        lines.append("    ]}")
    return "\n".join(lines) + "\n"


def sources(rows: int) -> dict[str, int]:
    """Each source with its rows: `rows` in all."""
    small = {HUNDREDTH: rows // 100, CONSTANT: min(CONSTANT_ROWS, rows // 10)}
    rest = rows - sum(small.values())
    return {f"large-{number}": rest // LARGE for number in range(LARGE)} | small


def write(folder: Path, rows: int) -> None:
    """Empty the folder; a deployment with both ledgers of one period."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = settings_of(folder)
    prepare(settings)
    (folder / "rows.txt").write_text(str(rows))
    with open_books(settings) as books:
        apply_config(books.store, company(folder), books.clock)
        for source, lines in sources(rows).items():
            books.lake.replace_all(EXTERNAL_CHARGES, [_bill(books, source, lines, "first")])
        sql = USED.format(
            rows=rows // 2, resources=RESOURCES, skus=SKUS, products=PRODUCTS, departments=DEPARTMENTS, tenants=TENANTS
        )
        files = _copied(books, INTERNAL_CHARGES, sql)
        books.lake.replace(INTERNAL_CHARGES, {"period": str(PERIOD)}, files, "first")


def _bill(books: Books, source: str, rows: int, delivery: str) -> SliceWrite:
    """One source's slice; another delivery has other amounts."""
    number = list(sources(0)).index(source)
    resources = RESOURCES // (LARGE + 2)
    values = {
        "source": source,
        "vendor": number % 5,
        "currency": "EUR" if number in (1, 2) else "USD",
        "seed": number + (100 if delivery == "first" else 200),
        "rows": rows,
        "first": number * resources,
        "resources": resources,
        "skus": SKUS,
    }
    columns = ", ".join(
        f'CAST({MADE.get(column.name, "NULL")} AS {column.type}) AS "{column.name}"'
        for column in EXTERNAL_CHARGES.columns
    ).format(**values)
    sql = CHARGES.format(**values, columns=columns)
    partition = {"x_source": source, "x_period": str(PERIOD), "x_slice": "all"}
    return SliceWrite(partition, _copied(books, EXTERNAL_CHARGES, sql), delivery)


def _copied(books: Books, table: Table, sql: str) -> list[str]:
    file = books.lake.staging(table) / "part-00000.parquet"
    with bare(books.settings.home) as connection:
        connection.execute(f"COPY ({sql}) TO '{file}' (FORMAT parquet)")
    return [str(file)]


def restate(folder: Path, source: str) -> None:
    """One source delivers its slice anew, with other amounts."""
    rows = sources(int((folder / "rows.txt").read_text()))[source]
    with open_books(settings_of(folder)) as books:
        books.lake.replace_all(EXTERNAL_CHARGES, [_bill(books, source, rows, "second")])


def sum_changed(folder: Path) -> None:
    """What `sum_ledgers` does when bills are ingested and usage is rated."""
    _quiet()
    with open_books(settings_of(folder)) as books:
        assert sum_slices(books, PERIOD), "nothing was summed"


def reconcile(folder: Path) -> None:
    """Bridge and statement of one period, with its gate, its commits and its message."""
    _quiet()
    with open_books(settings_of(folder)) as books:
        found = reconcile_period(books, PERIOD)
        assert found.changed, found.verdict
        assert found.bridge, found.verdict


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


def scan(folder: Path) -> None:
    """The bare scan: DuckDB over the same files and columns, with the same bound on memory."""
    with open_books(settings_of(folder)) as books:
        files = {table: books.lake.files(table) for table, _ in COMPARED}
    with bare(folder) as connection:
        for table, names in COMPARED:
            columns = ", ".join(f'MAX("{name}")' for name in names)
            connection.execute(f"SELECT {columns} FROM read_parquet({files[table]})").fetchall()


def name_files(folder: Path) -> None:
    """Write down where both ledgers' files are, for a program that knows no lake."""
    with open_books(settings_of(folder)) as books:
        ledgers = {"external": books.lake.files(EXTERNAL_CHARGES), "internal": books.lake.files(INTERNAL_CHARGES)}
    (folder / "ledgers.json").write_text(json.dumps(ledgers))


STAGES: Mapping[str, Callable[[Path], None]] = {
    "sum": sum_changed,
    "reconcile": reconcile,
    "bare": scan,
    "files": name_files,
}


def main(arguments: Sequence[str]) -> None:
    """Run one stage."""
    stage, folder = arguments[0], Path(arguments[1])
    if stage == "write":
        write(folder, int(arguments[2]))
    elif stage == "restate":
        restate(folder, arguments[2])
    else:
        STAGES[stage](folder)


if __name__ == "__main__":
    main(sys.argv[1:])
