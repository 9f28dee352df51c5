"""The bridge's arithmetic, over random small companies, against a reference that adds row by row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.reconciliation.company import (
    END,
    START,
    ZERO,
    Charge,
    Company,
    Internal,
    Price,
    class_of,
    configuration,
    converted,
    ledgers,
    matched_subjects,
    pool_of,
    reference,
)
from tests.reconciliation.reference_matching import Alias
from twinledger.catalog import view
from twinledger.engine.duck import DuckEngine
from twinledger.engine.models import load_model
from twinledger.lake.tables import TEXT, Column
from twinledger.pools.definition import COMPONENTS
from twinledger.reconciliation.inputs import BASE_MODELS, BRIDGE_MODELS, BRIDGE_SUMS, KEPT
from twinledger.vocabulary.money import exact_sum

RESOURCES = (None, "", "r1", "r2", "r3")
SKUS = (None, "m1", "m2", "s1")

amounts = st.decimals(min_value=-50, max_value=5000, places=12, allow_nan=False, allow_infinity=False)
quantities = st.none() | st.decimals(min_value=0, max_value=800, places=11, allow_nan=False, allow_infinity=False)
instants = st.integers(-40 * 24, 33 * 24).map(lambda hours: START + timedelta(hours=hours))
rates = st.decimals(min_value="0.5", max_value="2", places=8, allow_nan=False, allow_infinity=False)

charges = st.builds(
    Charge,
    row=st.just(0),
    service=st.sampled_from(("Compute", "Compute", "Compute", "Network", "Storage", "Support", "Unknown")),
    resource=st.sampled_from(RESOURCES),
    sku_meter=st.sampled_from(SKUS),
    sku=st.sampled_from(SKUS),
    category=st.sampled_from(("Usage", "Usage", "Usage", "Usage", "Tax", "Purchase", "Credit", "Adjustment")),
    correction=st.sampled_from((False, False, False, True)),
    restates=st.sampled_from((None, None, None, "d0/7")),
    currency=st.sampled_from(("USD", "EUR")),
    effective=amounts,
    listed=amounts,
    consumed=quantities,
    started_at=instants.filter(lambda instant: instant >= START - timedelta(days=29)),
    team=st.sampled_from(("", "", "red", "blue")),
)
metered = st.builds(
    Internal,
    pool=st.sampled_from(("cluster", "cluster", "team", "network", "direct")),
    amount=st.decimals(min_value=0, max_value=900, places=15, allow_nan=False, allow_infinity=False),
    resource=st.sampled_from(RESOURCES),
    meter=st.sampled_from(("core", "gib")),
    department=st.sampled_from(("shop", "data")),
    late=st.sampled_from((False, False, True)),
    quantity=st.decimals(min_value=0, max_value=900, places=9, allow_nan=False, allow_infinity=False),
)
minimums = st.builds(
    Internal,
    pool=st.sampled_from(("cluster", "team")),
    amount=st.decimals(min_value="0.01", max_value=50, places=15, allow_nan=False, allow_infinity=False),
    department=st.sampled_from(("shop", "data")),
    kind=st.just("minimum"),
    quantity=st.just(ZERO),
)
shared_out = st.builds(
    Internal,
    pool=st.just("spread"),
    amount=amounts,
    product=st.just("spread"),
    meter=st.just("fixed shares"),
    department=st.sampled_from(("shop", "data")),
    kind=st.just("allocated"),
)
list_prices = st.decimals(min_value=0, max_value=3, places=9, allow_nan=False, allow_infinity=False)
capacities = st.lists(
    st.tuples(
        st.sampled_from(("cluster", "team")),
        st.sampled_from(("m1", "m2")),
        st.sampled_from(("core", "gib")),
        st.sampled_from((Decimal(2), Decimal(16), Decimal("0.5"), Decimal("0.000976563"))),
    ),
    max_size=6,
    unique_by=lambda entry: entry[:3],
)


names = st.lists(st.sampled_from(("r1", "r2", "r3", "nowhere")), min_size=1, max_size=2, unique=True)
aliases = st.lists(
    st.builds(
        Alias,
        name=st.sampled_from(("one", "two", "three")),
        billed=names.map(tuple),
        metered=names.map(tuple),
        pool=st.sampled_from((None, "cluster", "team")),
    ),
    max_size=2,
    unique_by=lambda one: one.name,
)
"""Of one with one, of several, of what is there and what is not; some of them contradict each other."""


@st.composite
def prices(draw: st.DrawFn) -> list[Price]:
    """Some meters without a price, some with one, some with a change amid the month."""
    drawn = []
    for meter in draw(st.sets(st.sampled_from(("core", "gib")))):
        starts = sorted(draw(st.lists(instants, min_size=1, max_size=2, unique=True)))
        for index, start in enumerate(starts):
            end = starts[index + 1] if index + 1 < len(starts) else None
            amount = draw(st.decimals(min_value=0, max_value=3, places=9, allow_nan=False, allow_infinity=False))
            drawn.append(Price(meter, start, end, amount))
    return drawn


def passed_through(company: Company, charge: Charge) -> Internal:
    amount = converted(charge.listed, charge.currency, company.period_rate)
    return Internal("direct", amount, charge.resource, "direct", "Storage", kind="direct")


@st.composite
def companies(draw: st.DrawFn) -> Company:
    """Charges of all kinds, usage, and a pass-through of each direct charge, now and then forgotten."""
    billed = [replace(charge, row=n) for n, charge in enumerate(draw(st.lists(charges, max_size=14)), start=1)]
    company = Company(
        charges=tuple(billed),
        prices=tuple(draw(prices())),
        capacity=tuple(draw(capacities)),
        period_rate=draw(rates),
        day_rates=tuple(draw(st.lists(rates, min_size=3, max_size=3)) * 21),
        listed=draw(st.dictionaries(st.sampled_from(("core", "gib")), list_prices)),
        aliases=tuple(draw(aliases)),
    )
    direct = [
        passed_through(company, one)
        for one in billed
        if class_of(company, one) == "direct" and draw(st.sampled_from((True, True, True, False)))
    ]
    return replace(company, internal=(*draw(st.lists(metered | minimums | shared_out, max_size=10)), *direct))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    with DuckEngine("1GiB", 1, str(tmp_path_factory.mktemp("spill"))) as opened:
        yield opened


def run_models(engine: DuckEngine, company: Company) -> None:
    view(engine, [*ledgers(company), *configuration(company)])
    of_slices = [model for kept in BRIDGE_SUMS for model in kept.models]
    for model in (*of_slices, *BASE_MODELS, *BRIDGE_MODELS):
        engine.view_model(model)
        if load_model(model).relation in KEPT:
            engine.materialise(load_model(model).relation)


def bridge_of(engine: DuckEngine) -> dict[tuple[str, str], Decimal]:
    return {(row["pool"], row["component"]): row["amount"] for row in engine.rows("bridge")}


several = examples(40)


@several
@given(company=companies())
def test_the_bridge_is_what_adding_row_by_row_gives(engine: DuckEngine, company: Company) -> None:
    run_models(engine, company)
    expected = reference(company)
    found = bridge_of(engine)
    assert {key: amount for key, amount in found.items() if amount} == {
        key: amount for key, amount in expected.bridge.items() if amount
    }
    assert {component for _, component in found} <= set(COMPONENTS)


@several
@given(company=companies())
def test_the_bridge_of_every_pool_closes_exactly(engine: DuckEngine, company: Company) -> None:
    run_models(engine, company)
    expected = reference(company)
    explained: dict[str, list[Decimal]] = defaultdict(list)
    for (pool, _), amount in bridge_of(engine).items():
        explained[pool].append(amount)
    totals = {row["pool"]: row for row in engine.rows("pool_totals")}
    assert totals.keys() == explained.keys()
    for pool, total in totals.items():
        assert total["external_amount"] == expected.external.get(pool, ZERO)
        assert total["internal_amount"] == expected.internal.get(pool, ZERO)
        deviation = exact_sum((total["internal_amount"], -total["external_amount"]))
        assert total["deviation"] == exact_sum(explained[pool]) == deviation


@several
@given(company=companies())
def test_every_charge_is_in_exactly_one_class_and_its_cost_is_counted_once(
    engine: DuckEngine, company: Company
) -> None:
    run_models(engine, company)
    classes: dict[int, set[str]] = defaultdict(set)
    counted: Counter[int] = Counter()
    for part in engine.rows("charge_parts"):
        classes[part["x_row"]].add(part["class"])
        counted[part["x_row"]] += part["charges"]
    assert dict(classes) == {row: {kind} for row, kind in reference(company).classes.items()}
    assert dict(counted) == {charge.row: 1 for charge in company.charges}
    external = exact_sum(row["external_amount"] for row in engine.rows("pool_totals"))
    assert external == exact_sum(reference(company).external.values())


@examples(15)
@given(company=companies())
def test_the_rows_of_every_component_add_up_to_it(engine: DuckEngine, company: Company) -> None:
    run_models(engine, company)
    for (pool, component), amount in bridge_of(engine).items():
        engine.view_rows("asked", (Column("pool", TEXT), Column("component", TEXT)), [(pool, component)])
        engine.view_model("reconciliation/component_rows")
        assert exact_sum(row["amount"] for row in engine.rows("component_rows")) == amount, (pool, component)


@examples(15)
@given(company=companies(), order=st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(engine: DuckEngine, company: Company, order: Random) -> None:
    run_models(engine, company)
    before = bridge_of(engine)
    shuffled, internal = list(company.charges), list(company.internal)
    order.shuffle(shuffled)
    order.shuffle(internal)
    run_models(engine, replace(company, charges=tuple(shuffled), internal=tuple(internal)))
    assert bridge_of(engine) == before


@examples(30)
@given(company=companies())
def test_a_resource_has_one_match_in_its_pool(engine: DuckEngine, company: Company) -> None:
    run_models(engine, company)
    matches = engine.rows("resource_matches")
    assert len({(row["pool"], row["resource"]) for row in matches}) == len(matches)
    matched = matched_subjects(company)
    billed = {
        (pool_of(one), matched(pool_of(one) or "", one.resource))
        for one in company.charges
        if class_of(company, one) == "capacity"
    }
    assert {(row["pool"], row["resource"]) for row in matches if row["component"] != "unbilled"} == billed


def test_what_a_driver_charged_on_is_no_component_and_what_it_held_is_unmetered(engine: DuckEngine) -> None:
    support = Charge(1, service="Support", listed=Decimal(100), effective=Decimal(70))
    shares = [Internal("spread", Decimal(part), product="spread", kind="allocated", department=name)
              for part, name in ((60, "shop"), (40, "data"))]  # fmt: skip
    run_models(engine, Company(charges=(support,), internal=tuple(shares)))
    assert {key: amount for key, amount in bridge_of(engine).items() if amount} == {
        ("spread", "discount_kept"): Decimal(30)
    }
    run_models(engine, Company(charges=(support,), internal=tuple(shares[:1])))
    assert {key: amount for key, amount in bridge_of(engine).items() if amount} == {
        ("spread", "discount_kept"): Decimal(30),
        ("spread", "unmetered"): Decimal(-40),
    }


def test_charges_that_start_after_the_month_are_booked_at_its_last_day(engine: DuckEngine) -> None:
    late = Charge(1, service="Network", currency="EUR", effective=Decimal(100), started_at=END + timedelta(days=5))
    run_models(engine, Company(charges=(late,), day_rates=(Decimal("1.1"),) * 60 + (Decimal("1.3"),) * 2))
    assert bridge_of(engine)["network", "currency"] == Decimal(-20)


def test_a_price_change_amid_the_month_values_capacity_at_the_price_of_its_hour(engine: DuckEngine) -> None:
    change = datetime(2026, 10, 15)
    company = Company(
        charges=tuple(
            Charge(row, resource="r1", sku_meter="m1", consumed=Decimal(1), listed=Decimal(1), started_at=at)
            for row, at in ((1, change - timedelta(hours=1)), (2, change))
        ),
        capacity=(("cluster", "m1", "core", Decimal(4)),),
        prices=(Price("core", START, change, Decimal("0.25")), Price("core", change, None, Decimal("0.30"))),
    )
    run_models(engine, company)
    assert bridge_of(engine)["cluster", "pricing"] == Decimal("0.20")
    assert bridge_of(engine)["cluster", "unmetered"] == Decimal("-2.20")
