"""Figures that only finance may know, and the figures that everybody can read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from pyarrow import parquet

from twinledger import rating
from twinledger.books import Books
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.outbox import entries
from twinledger.sample.company import PLANNING_RATES
from twinledger.slack.render import CARDS, Links, render
from twinledger.slack.terminal import as_lines
from twinledger.vocabulary.periods import Period

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_TELLING_DIGITS = 5
"""A figure of fewer digits, as 0.05 or 2026, turns up by chance."""

_SUMS = """
SELECT figure FROM (
    SELECT SUM({column}) AS figure FROM ledger GROUP BY GROUPING SETS (
        ("x_source", "x_period", "x_row"), ("ResourceId", "x_period"), ("SkuMeter", "x_period"),
        ("ServiceName", "x_period"), ("x_source", "x_period"), ("x_period"), ()
    )
) WHERE figure != 0
"""


def secret_figures(books: Books) -> set[Decimal]:
    """Contracted, effective and billed amounts, by line and as sums, less those that are list costs too."""
    with books.engine() as engine:
        engine.view_files("ledger", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES))
        secret = {
            abs(row[0])
            for column in ('"BilledCost"', '"EffectiveCost"', '"ContractedCost"')
            for row in engine.query(_SUMS.format(column=column))
        }
        secret |= {row[0] for row in engine.query('SELECT DISTINCT "ContractedUnitPrice" FROM ledger') if row[0]}
        known = {abs(row[0]) for row in engine.query(_SUMS.format(column='"ListCost"'))}
        known |= {row[0] for row in engine.query('SELECT DISTINCT "ListUnitPrice" FROM ledger') if row[0]}
        # Statements are in the reporting currency.
        known |= {figure * rate for figure in known for rate in PLANNING_RATES.values()}
    return {figure for figure in secret - known if _is_telling(figure)}


def _is_telling(figure: Decimal) -> bool:
    return len(figure.normalize().as_tuple().digits) >= _TELLING_DIGITS


def published_figures(books: Books, periods: tuple[Period, ...]) -> Iterator[tuple[str, Decimal]]:
    """(where, figure) of everything that a role other than finance can read."""
    for path in Path(books.settings.warehouse, "shared").rglob("*.parquet"):
        for row in parquet.read_table(path).to_pylist():
            yield from ((str(path.name), abs(value)) for value in row.values() if isinstance(value, Decimal))
    for path in (books.settings.home / "data_docs" / "everyone").rglob("*.html"):
        yield from _figures(path.name, path.read_text())
    for department in ("data-science", "storefront", "analytics", "payments", "logistics"):
        for period in periods:
            yield from _figures(f"statement {department}", str(rating.statement(books, department, period)))
    with books.store.reading() as session:
        for item in entries(books.store, audience="everyone", limit=10_000):
            if item.kind in CARDS:
                yield from _figures(f"message {item.id}", as_lines(render(session, item, Links("http://localhost"))))
            yield from _figures(f"facts {item.id}", str(dict(item.facts)))


def _figures(where: str, text: str) -> Iterator[tuple[str, Decimal]]:
    for found in _NUMBER.findall(text):
        yield where, Decimal(found.replace(",", ""))
