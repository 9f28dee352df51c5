"""Allocation conserves: whatever the drivers, the step-down, the order and the magnitude."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from twinledger.pools import (
    Allocation,
    Driver,
    EvenDriver,
    FixedDriver,
    HeadcountDriver,
    PoolConfig,
    Receivers,
    Unallocated,
    UsageDriver,
    allocate_costs,
    department_shares,
    driver_problems,
)
from twinledger.vocabulary.money import exact_sum

DEPARTMENTS = ("data", "infra", "shop", "tools")
TENANTS = {"t-data": "data", "t-infra": "infra", "t-shop": "shop"}
POOLS = ("p0", "p1", "p2", "p3")
METERED = ("kube", "own")
ALL = {f"{meter}/x" for meter in ("m", "n")}

T = TypeVar("T")

magnitudes = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(-(10**6), 10**6), st.integers(-18, 6)
) | st.integers(-(10**30), 10**30).map(lambda units: Decimal(f"{units}e-18"))
"""From 1e-18 to 1e12, of either sign, with few digits or all that the ledger holds."""
quantities = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(0, 10**12), st.integers(-9, 0)
)


def test_shares_of_usage_are_those_of_the_metered_quantities() -> None:
    driver = UsageDriver(kind="usage", meter="m/x")
    counted = Receivers(
        usage={"m/x": {"t-shop": Decimal(30), "t-data": Decimal(10), "nobody": Decimal(40)}}, tenants=TENANTS
    )
    assert department_shares({"p": driver}, counted) == {
        "p": {"data": Fraction(1, 8), "shop": Fraction(3, 8), "unassigned": Fraction(1, 2)}
    }


def test_headcount_counts_people_and_even_counts_departments() -> None:
    counted = Receivers(headcount={"shop": Decimal(3), "data": Decimal(1)}, leaves=("data", "infra", "shop"))
    shares = department_shares({"h": HeadcountDriver(kind="headcount"), "e": EvenDriver(kind="even")}, counted)
    assert shares["h"] == {"data": Fraction(1, 4), "shop": Fraction(3, 4)}
    assert shares["e"] == dict.fromkeys(("data", "infra", "shop"), Fraction(1, 3))


def test_a_pool_that_serves_pools_reaches_departments_through_them() -> None:
    drivers: dict[str, Driver] = {
        "support": FixedDriver(
            kind="fixed", shares={"tools": Decimal("0.2")}, pools={"network": Decimal("0.5"), "kube": Decimal("0.3")}
        ),
        "network": UsageDriver(kind="usage", meter="m/x", pools={"kube": ("t-kube",)}),
    }
    counted = Receivers(
        usage={"m/x": {"t-shop": Decimal(1), "t-kube": Decimal(3)}},
        tenants=TENANTS,
        charged={"kube": {"shop": Decimal(4), "data": Decimal(1)}},
    )
    shares = department_shares(drivers, counted)
    assert shares["network"] == {"data": Fraction(3, 20), "shop": Fraction(17, 20)}
    assert shares["support"] == {"data": Fraction(27, 200), "shop": Fraction(133, 200), "tools": Fraction(1, 5)}


def test_what_nobody_is_there_for_is_held_and_not_lost() -> None:
    drivers: dict[str, Driver] = {
        "net": UsageDriver(kind="usage", meter="m/x"),
        "support": FixedDriver(kind="fixed", shares={"shop": Decimal("0.4")}, pools={"net": Decimal("0.6")}),
    }
    allocated, held = allocate_costs(
        {"net": Decimal(7), "support": Decimal(10)}, department_shares(drivers, Receivers(tenants=TENANTS))
    )
    assert [(one.pool, one.department, one.amount) for one in allocated] == [("support", "shop", Decimal(4))]
    assert [(one.pool, one.share, one.amount) for one in held] == [
        ("net", Fraction(1), Decimal(7)),
        ("support", Fraction(3, 5), Decimal(6)),
    ]


def test_what_is_charged_below_zero_takes_nothing() -> None:
    driver = FixedDriver(kind="fixed", pools={"kube": Decimal(1)})
    counted = Receivers(charged={"kube": {"shop": Decimal(-5), "data": Decimal(2), "tools": Decimal(0)}})
    assert department_shares({"p": driver}, counted) == {"p": {"data": Fraction(1)}}


def test_thirds_add_up_to_the_last_decimal() -> None:
    shares = {"p": dict.fromkeys(("a", "b", "c"), Fraction(1, 3))}
    allocated, held = allocate_costs({"p": Decimal("1.000000000000000001")}, shares)
    assert [one.amount for one in allocated] == [
        Decimal("0.333333333333333334"), Decimal("0.333333333333333334"), Decimal("0.333333333333333333"),
    ]  # fmt: skip
    assert held == []


@st.composite
def fixed(draw: st.DrawFn, later: tuple[str, ...]) -> FixedDriver:
    """Shares of departments and of later pools, of 18 decimals, that are exactly 1."""
    names = draw(st.lists(st.sampled_from([*DEPARTMENTS, *later]), min_size=1, max_size=5, unique=True))
    cuts = draw(st.lists(st.integers(1, 10**18 - 1), min_size=len(names) - 1, max_size=len(names) - 1, unique=True))
    edges = [0, *sorted(cuts), 10**18]
    parts = {name: Decimal(b - a).scaleb(-18) for name, a, b in zip(names, edges, edges[1:], strict=False)}
    return FixedDriver(
        kind="fixed",
        shares={name: part for name, part in parts.items() if name in DEPARTMENTS},
        pools={name: part for name, part in parts.items() if name in later},
    )


@st.composite
def driver_sets(draw: st.DrawFn) -> dict[str, Driver]:
    """Drivers of up to four pools; each may serve later ones, and those that meters charge."""
    drivers: dict[str, Driver] = {}
    for index, name in enumerate(POOLS[: draw(st.integers(1, 4))]):
        later = (*POOLS[index + 1 :], *METERED)
        served = draw(st.lists(st.sampled_from(later), max_size=2, unique=True))
        drivers[name] = draw(
            st.one_of(
                fixed(later),
                st.builds(
                    UsageDriver,
                    kind=st.just("usage"),
                    meter=st.sampled_from(sorted(ALL)),
                    pools=st.just({pool: (f"t-{pool}",) for pool in served}),
                ),
                st.just(HeadcountDriver(kind="headcount")),
                st.just(EvenDriver(kind="even")),
            )
        )
    return drivers


tenants = st.sampled_from([*TENANTS, "nobody", *(f"t-{pool}" for pool in (*POOLS, *METERED))])
countings = st.builds(
    Receivers,
    usage=st.dictionaries(st.sampled_from(sorted(ALL)), st.dictionaries(tenants, quantities, max_size=5)),
    tenants=st.just(TENANTS),
    headcount=st.dictionaries(st.sampled_from(DEPARTMENTS), st.integers(0, 500).map(Decimal)),
    leaves=st.sampled_from([(), ("shop",), ("data", "infra", "shop")]),
    charged=st.dictionaries(
        st.sampled_from(METERED), st.dictionaries(st.sampled_from([*DEPARTMENTS, "unassigned"]), magnitudes)
    ),
)
costs = st.dictionaries(st.sampled_from(POOLS), magnitudes)


@settings(max_examples=300, deadline=None)
@given(driver_sets(), countings, costs)
def test_the_parts_of_every_pool_s_cost_add_up_to_it_exactly(
    drivers: dict[str, Driver], counted: Receivers, costs: dict[str, Decimal]
) -> None:
    shares = department_shares(drivers, counted)
    allocated, held = allocate_costs(costs, shares)
    parts: dict[str, list[Decimal]] = defaultdict(list)
    parted: list[Allocation | Unallocated] = [*allocated, *held]
    for one in parted:
        parts[one.pool].append(one.amount)
        assert (Fraction(one.amount) * 10**18).denominator == 1
    assert {pool: exact_sum(amounts) for pool, amounts in parts.items() if any(amounts)} == {
        pool: cost for pool, cost in costs.items() if cost
    }
    for pool in drivers:
        total = sum(shares[pool].values(), Fraction(0))
        assert 0 <= total <= 1
        assert all(share > 0 for share in shares[pool].values())


def passed_on(pool: str, amount: Fraction, drivers: dict[str, Driver], counted: Receivers) -> dict[str, Fraction]:
    """The slow way: an amount that arrives at a pool is handed on until it is at departments, or held."""
    at: dict[str, Fraction] = defaultdict(Fraction)
    for kind, name, part in receivers(pool, drivers, counted):
        arrived = passed_on(name, amount * part, drivers, counted) if kind == "pool" else {name: amount * part}
        for department, share in arrived.items():
            at[department] += share
    return dict(at) if at else {"held": amount}


def receivers(pool: str, drivers: dict[str, Driver], counted: Receivers) -> list[tuple[str, str, Fraction]]:
    driver = drivers.get(pool)
    if isinstance(driver, FixedDriver):
        to = [("department", name, Fraction(share)) for name, share in driver.shares.items()]
        return to + [("pool", name, Fraction(share)) for name, share in driver.pools.items()]
    if isinstance(driver, UsageDriver):
        used = counted.usage.get(driver.meter, {})
        stands = {tenant: name for name, names in driver.pools.items() for tenant in names}
        to = [
            ("pool", stands[tenant], Fraction(quantity))
            if tenant in stands
            else ("department", counted.tenants.get(tenant, "unassigned"), Fraction(quantity))
            for tenant, quantity in used.items()
        ]
    elif isinstance(driver, HeadcountDriver):
        to = [("department", name, Fraction(people)) for name, people in counted.headcount.items()]
    elif isinstance(driver, EvenDriver):
        to = [("department", name, Fraction(1)) for name in counted.leaves]
    else:
        charged = counted.charged.get(pool, {})
        to = [("department", name, Fraction(amount)) for name, amount in charged.items() if amount > 0]
    whole = sum(weight for _, _, weight in to)
    return [(kind, name, weight / whole) for kind, name, weight in to] if whole else []


@settings(max_examples=200, deadline=None)
@given(driver_sets(), countings, costs)
def test_step_down_is_what_handing_amounts_on_from_pool_to_pool_gives(
    drivers: dict[str, Driver], counted: Receivers, costs: dict[str, Decimal]
) -> None:
    costs = {pool: cost for pool, cost in costs.items() if pool in drivers}
    allocated, held = allocate_costs(costs, department_shares(drivers, counted))
    found = {(one.pool, one.department): Fraction(one.amount) for one in allocated}
    found |= {(one.pool, "held"): Fraction(one.amount) for one in held}
    for pool, cost in costs.items():
        for department, exact in passed_on(pool, Fraction(cost), drivers, counted).items():
            assert abs(found.get((pool, department), Fraction(0)) - exact) < Fraction(1, 10**18)


@settings(max_examples=100, deadline=None)
@given(driver_sets(), countings, costs, st.randoms(use_true_random=False))
def test_the_order_of_anything_changes_nothing(
    drivers: dict[str, Driver], counted: Receivers, costs: dict[str, Decimal], order: Random
) -> None:
    def shuffled(entries: dict[str, T]) -> dict[str, T]:
        listed = list(entries.items())
        order.shuffle(listed)
        return dict(listed)

    again = Receivers(
        usage={meter: shuffled(dict(used)) for meter, used in shuffled(dict(counted.usage)).items()},
        tenants=shuffled(dict(counted.tenants)),
        headcount=shuffled(dict(counted.headcount)),
        leaves=tuple(reversed(counted.leaves)),
        charged={pool: shuffled(dict(charged)) for pool, charged in shuffled(dict(counted.charged)).items()},
    )
    first = allocate_costs(costs, department_shares(drivers, counted))
    assert allocate_costs(shuffled(costs), department_shares(shuffled(drivers), again)) == first


# --- configurations that cannot be -------------------------------------------------------------


def pool(name: str, driver: dict[str, object]) -> PoolConfig:
    rules = [{"column": "ServiceName", "equals": [name]}]
    return PoolConfig.model_validate(
        {"name": name, "title": name, "owner": "ada", "kind": "allocated", "rules": rules, "driver": driver}
    )


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(POOLS), st.sets(st.sampled_from(POOLS), min_size=1)))
def test_pools_that_serve_each_other_in_a_circle_are_refused_by_name(serves: dict[str, set[str]]) -> None:
    pools = [
        pool(name, {"kind": "usage", "meter": "m/x", "pools": {other: [f"t-{other}"] for other in sorted(others)}})
        for name, others in serves.items()
    ]
    others = [pool(name, {"kind": "even"}) for name in POOLS if name not in serves]
    found = [problem for _, problem in driver_problems([*pools, *others], ALL, (), {})]
    reach = {name: set(to) for name, to in serves.items()}
    for _ in POOLS:
        for to in reach.values():
            to |= {further for name in set(to) for further in reach.get(name, set())}
    assert bool(found) == any(name in to for name, to in reach.items())
    for problem in found:
        circle = problem.removeprefix("pools serve each other in a circle: ").partition(";")[0].split(" -> ")
        assert circle[0] == circle[-1]
        assert all(after in serves[before] for before, after in pairwise(circle))


def test_a_circle_of_three_is_named_pool_by_pool() -> None:
    pools = [pool(a, {"kind": "fixed", "pools": {b: "1"}}) for a, b in (("p0", "p1"), ("p1", "p2"), ("p2", "p0"))]
    assert [problem for _, problem in driver_problems(pools, (), (), {})] == [
        "pools serve each other in a circle: p0 -> p1 -> p2 -> p0; leave one of them out"
    ]


def test_drivers_that_refer_to_what_is_not_there_are_refused() -> None:
    pools = [
        pool("a", {"kind": "usage", "meter": "m/none", "pools": {"b": ["t-shop"], "c": [], "x": ["k"]}}),
        pool("b", {"kind": "fixed", "shares": {"nobody": "1"}}),
        pool("c", {"kind": "usage", "meter": "m/x", "pools": {"b": ["k"], "own": ["k"]}}),
        pool("own", {"kind": "even"}),
    ]
    assert list(driver_problems(pools, ALL, {"shop"}, {"t-shop": "shop"})) == [
        ("pools[0] (a).driver.pools", "no pool named 'x': expected one of a, b, c, own"),
        ("pools[0] (a).driver.meter", "no meter 'm/none' in catalog.yaml"),
        ("pools[0] (a).driver.pools.b", "'t-shop' is a tenant of department 'shop'"),
        ("pools[0] (a).driver.pools.c", "expected the tenants that the pool's own usage is metered under"),
        ("pools[1] (b).driver.shares", "no department named 'nobody' in departments.yaml"),
        ("pools[2] (c).driver.pools.own", "'k' stands for pool 'b' already"),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"driver": {"kind": "fixed", "shares": {"shop": "0.4", "data": "0.5"}}},
            r"add up to 0\.90, expected exactly 1",
        ),
        ({"driver": {"kind": "fixed", "shares": {"shop": "1.5", "data": "-0.5"}}}, "not above zero"),
        ({"driver": {"kind": "fixed", "shares": {"shop": 0.5, "data": "0.5"}}}, "in quotes"),
        ({"driver": None}, "a driver is what an allocated pool has"),
        ({"kind": "direct", "driver": {"kind": "even"}}, "a driver is what an allocated pool has"),
        ({"driver": {"kind": "weather"}}, "headcount"),
    ],
)
def test_a_driver_that_is_none_is_refused(change: dict[str, object], said: str) -> None:
    form = pool("p", {"kind": "even"}).model_dump(mode="json", exclude_none=True)
    with pytest.raises(ValidationError, match=said):
        PoolConfig.model_validate(form | change)
