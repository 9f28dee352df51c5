"""Runs every case of tests/sql: small input relations, and the rows that the model must make of them.

A case is tests/sql/<group>/<model>/<case>.yaml:

    says: one sentence of what must hold
    inputs: {relation: [rows]}     # a relation that is not given is empty; a column that is not given is NULL
    expect: [rows]                 # in any order; only the columns that are named are compared

A relation has the columns and types of the lake's table of that name, else of the catalog's relation,
else of the model of that name; a relation that nothing knows has the columns its rows name, all text.
What a bill format's model reads is known: `bill` has the columns of its format.
Decimals are quoted: they are compared exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from twinledger.anomalies.causes import SPANS
from twinledger.bills.formats import format_named
from twinledger.budgets.series import BUDGET_LINES, LABEL_KEYS, LINE_VALUES, MONTH_RATES
from twinledger.catalog import company
from twinledger.engine.duck import DuckEngine, quoted
from twinledger.engine.models import Model, list_models, load_model
from twinledger.lake.tables import EXTERNAL_CHARGES, FOCUS, INTERNAL_CHARGES, TABLES, TEXT, Column
from twinledger.metering.card_use import CARD_RELATIONS
from twinledger.metering.coverage import COVERAGE_FEEDS, COVERAGE_HOURS
from twinledger.pools.savings import POLICIES
from twinledger.reconciliation.ungranted import CONTROLLED_PRODUCTS, GRANTS
from twinledger.shielding.leaks import FIGURES, PERIOD_RATES
from twinledger.store.models import Base
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

HERE = Path(__file__).parent
CASES = sorted(HERE.rglob("*.yaml"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckEngine]:
    with DuckEngine("512MiB", 1, str(tmp_path / "spill")) as opened:
        yield opened


@pytest.mark.parametrize("path", CASES, ids=lambda path: str(path.relative_to(HERE).with_suffix("")))
def test_the_model_makes_the_expected_rows(path: Path, engine: DuckEngine) -> None:
    case = yaml.safe_load(path.read_text())
    model = load_model(str(path.parent.relative_to(HERE)))
    unknown = case["inputs"].keys() - set(model.inputs)
    assert not unknown, f"{model.name} reads no {', '.join(sorted(unknown))}"
    for relation in model.inputs:
        declare(engine, relation, case["inputs"].get(relation, []), read_by(model))
    for relation, rows in case["inputs"].items():
        fill(engine, relation, rows)
    engine.view_model(model.name)
    expected = case["expect"] or []
    named = list(dict.fromkeys(name for row in expected for name in row))
    found = engine.rows(model.relation)
    types = {name: type(value) for row in found for name, value in row.items() if value is not None}
    wanted = Counter(tuple(comparable(row.get(name), types.get(name)) for name in named) for row in expected)
    got = Counter(tuple(comparable(row[name], types.get(name)) for name in named) for row in found)
    assert got == wanted, f"{case['says']}\ncolumns {named}\nmissing {wanted - got}\nsurplus {got - wanted}"


def test_every_case_is_of_a_model() -> None:
    models = set(list_models())
    assert [str(path) for path in CASES if str(path.parent.relative_to(HERE)) not in models] == []


@pytest.mark.parametrize("name", [name for name in list_models() if name.startswith("reconciliation/")])
def test_every_model_of_reconciliation_has_a_case(name: str) -> None:
    assert list((HERE / name).glob("*.yaml"))


def fill(engine: DuckEngine, relation: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows into a declared relation."""
    for row in rows:
        names = ", ".join(quoted(name) for name in row)
        marks = ", ".join("?" for _ in row)
        values = [str(value) if isinstance(value, date) else value for value in row.values()]
        engine.query(f"INSERT INTO {quoted(relation)} ({names}) VALUES ({marks})", values)  # noqa: S608 - quoted


def declare(
    engine: DuckEngine,
    relation: str,
    rows: Sequence[Mapping[str, Any]],
    known: Mapping[str, tuple[Column, ...]] | None = None,
) -> None:
    """An empty relation of the name; a model's is what the model makes of nothing.

    Declares what the model reads as well, so all are declared before any is filled.
    """
    columns = (known or {}).get(relation) or known_columns().get(relation)
    model = models_by_relation().get(relation)
    if columns is None and model is not None:
        for wanted in model.inputs:
            declare(engine, wanted, [])
        engine.view_model(model.name)
        engine.materialise(relation)
        return
    named = dict.fromkeys(name for row in rows for name in row)
    engine.view_rows(relation, columns or [Column(name, TEXT) for name in named], [])


def read_by(model: Model) -> dict[str, tuple[Column, ...]]:
    """What only models of the external ledger read: charges under other names; a format's bill, all text."""
    if model.name.startswith(("ledger/", "adjustments/")):
        charges = ("charges", "before", "after")
        return {name: EXTERNAL_CHARGES.columns for name in model.inputs if name.endswith(charges)}
    delivery = ("source", "delivery", "slice", "account", "currency", "period")
    parameters = tuple(Column(name, TEXT) for name in delivery)
    if model.name == "focus/charges":
        return {
            "bill_charges": (*FOCUS, Column("row_number", "BIGINT"), Column("aside", TEXT), Column("refusal", TEXT)),
            "parameters": parameters,
        }
    if not model.name.startswith("focus/") or "bill" not in model.inputs:
        return {}
    form = format_named(model.name.removeprefix("focus/"))
    names = [*form.columns, *(["dataset"] if form.datasets else [])]
    return {
        "bill": (*(Column(name, TEXT) for name in names), Column("row_number", "BIGINT")),
        "parameters": parameters,
    }


@cache
def models_by_relation() -> dict[str, Model]:
    return {model.relation: model for model in map(load_model, list_models())}


@cache
def known_columns() -> dict[str, tuple[Column, ...]]:
    """Columns of the lake's tables and of the catalog's relations."""
    database = create_engine("sqlite://")
    Base.metadata.create_all(database)
    with Session(database) as session:
        relations = company(session, Period(2026, 10), Settings())
    database.dispose()
    configured = {relation.name: relation.columns for relation in relations}
    tables = {table.name.split(".")[1]: table.columns for table in TABLES.values()}
    metered = {"coverage_hours": COVERAGE_HOURS, "coverage_feeds": COVERAGE_FEEDS, **CARD_RELATIONS}
    scanned = {"figures": FIGURES.columns, "period_rates": PERIOD_RATES}
    billed = {"billed_sums": TABLES["finance.billed_slices"].columns}
    divided = {"allocated_charges": INTERNAL_CHARGES.columns, "savings_policies": POLICIES}
    compared = {"anomaly_spans": SPANS}
    opened = {"asked": (Column("pool", TEXT), Column("component", TEXT))}
    before = {"earlier_charges": EXTERNAL_CHARGES.columns, "earlier_internal": INTERNAL_CHARGES.columns}
    granted = {"grants": GRANTS, "controlled_products": CONTROLLED_PRODUCTS} | before
    budgeted = {
        "budget_lines": BUDGET_LINES, "line_values": LINE_VALUES, "label_keys": LABEL_KEYS, "month_rates": MONTH_RATES,
    }  # fmt: skip
    return budgeted | tables | configured | scanned | metered | billed | divided | compared | opened | granted


def comparable(value: object, kind: type | None) -> object:
    """A value of a case as the engine gives it."""
    if value is None:
        return None
    if kind is Decimal:
        assert not isinstance(value, float), f"{value}: quote decimals"
        return Decimal(str(value))
    if kind is datetime:
        return datetime.fromisoformat(str(value))
    if kind is date:
        return date.fromisoformat(str(value))
    return value
