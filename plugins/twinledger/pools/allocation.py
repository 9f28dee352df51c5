"""Allocation: the cost of a pool, divided by its driver among departments, so that nothing is lost.

What belongs here: shares and their step-down over pools that serve pools, and the division of costs.
What does not: finding costs and quantities (`rating`), and the forms of drivers (`drivers`).

Shares are fractions, exact. A pool that serves another passes the part of its cost on by the other's
shares: with its driver's where that is allocated too, else with what departments are charged there. So
each department's share in a pool's cost is known, and the cost itself is divided once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import TypeVar

from twinledger.pools.drivers import Driver, EvenDriver, FixedDriver, UsageDriver
from twinledger.vocabulary.money import SCALE, allocate

UNIT = Decimal(1).scaleb(-SCALE)
"""What amounts are divided to: the ledger's last decimal, not the currency's smallest unit (decision 0013)."""

_Key = TypeVar("_Key")

Weights = Mapping[str, Decimal]
"""Department -> quantity, people or amount; what is below 0 counts as 0."""


@dataclass(frozen=True, slots=True)
class Receivers:
    """What the drivers of a period count: everything that shares follow from.

    Attributes:
        usage: by meter ("product/meter"), the metered quantity of each tenant.
        tenants: the department of each tenant; usage of others is `unassigned`'s.
        headcount: the people of each department that says how many it has.
        leaves: the departments that an even share goes to.
        charged: by pool that is not allocated, what each department is charged there.
    """

    usage: Mapping[str, Weights] = field(default_factory=dict)
    tenants: Mapping[str, str] = field(default_factory=dict)
    headcount: Weights = field(default_factory=dict)
    leaves: tuple[str, ...] = ()
    charged: Mapping[str, Weights] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a department is charged of a pool's cost, and its share in it."""

    pool: str
    department: str
    share: Fraction
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Unallocated:
    """What of a pool's cost stays where it is, since nobody was there to charge it to."""

    pool: str
    share: Fraction
    amount: Decimal


def department_shares(drivers: Mapping[str, Driver], counted: Receivers) -> dict[str, dict[str, Fraction]]:
    """Each allocated pool's shares by department, in order of name.

    The shares of a pool add up to 1; to less where a pool that it serves charges nobody, and to 0 where
    its driver has counted nothing. `drivers` must be free of circles (`driver_problems`).
    """
    found: dict[str, dict[str, Fraction]] = {}

    def shares_of(pool: str) -> dict[str, Fraction]:
        if pool not in drivers:
            return _proportions(counted.charged.get(pool, {}))
        if pool not in found:
            departments, pools = _first_shares(drivers[pool], counted)
            total = dict(departments)
            for other, part in pools.items():
                for department, share in shares_of(other).items():
                    total[department] = total.get(department, Fraction(0)) + part * share
            found[pool] = {name: total[name] for name in sorted(total) if total[name]}
        return found[pool]

    return {pool: shares_of(pool) for pool in sorted(drivers)}


def allocate_costs(
    costs: Mapping[str, Decimal], shares: Mapping[str, Mapping[str, Fraction]]
) -> tuple[list[Allocation], list[Unallocated]]:
    """Divide each pool's cost by its shares, to 18 decimals, by largest remainder.

    The allocations of a pool, and what of it stays unallocated, add up to its cost exactly; equal input
    gives equal rows. Amounts are in the currency of the costs.
    """
    allocated: list[Allocation] = []
    held: list[Unallocated] = []
    for pool, cost in sorted(costs.items()):
        if not cost:
            continue
        by_department = dict(sorted(shares.get(pool, {}).items()))
        rest = 1 - sum(by_department.values(), Fraction(0))
        parts = allocate(cost, _whole_weights((*by_department.values(), rest)), UNIT)
        pairs = zip(by_department.items(), parts, strict=False)
        allocated += [Allocation(pool, name, share, amount) for (name, share), amount in pairs if amount]
        if rest:
            held.append(Unallocated(pool, rest, parts[-1]))
    return allocated, held


def _first_shares(driver: Driver, counted: Receivers) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """What a driver itself gives: shares of departments, and of pools that the pool serves."""
    if isinstance(driver, FixedDriver):
        departments = {name: Fraction(share) for name, share in driver.shares.items()}
        return departments, {name: Fraction(share) for name, share in driver.pools.items()}
    if isinstance(driver, UsageDriver):
        return _usage_shares(driver, counted)
    if isinstance(driver, EvenDriver):
        return _proportions(dict.fromkeys(counted.leaves, Decimal(1))), {}
    return _proportions(counted.headcount), {}


def _usage_shares(driver: UsageDriver, counted: Receivers) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    stands_for = {tenant: pool for pool, tenants in driver.pools.items() for tenant in tenants}
    quantities: dict[tuple[str, str], Fraction] = {}
    for tenant, quantity in counted.usage.get(driver.meter, {}).items():
        department = counted.tenants.get(tenant, "unassigned")
        receiver = ("pool", stands_for[tenant]) if tenant in stands_for else ("department", department)
        quantities[receiver] = quantities.get(receiver, Fraction(0)) + Fraction(quantity)
    shares = _parts(quantities)
    return (
        {name: share for (kind, name), share in shares.items() if kind == "department"},
        {name: share for (kind, name), share in shares.items() if kind == "pool"},
    )


def _proportions(weights: Weights) -> dict[str, Fraction]:
    return _parts({name: Fraction(weight) for name, weight in weights.items()})


def _parts(quantities: Mapping[_Key, Fraction]) -> dict[_Key, Fraction]:
    """Each quantity's part of all that are above 0; none where none is."""
    above = {key: quantity for key, quantity in quantities.items() if quantity > 0}
    whole = sum(above.values(), Fraction(0))
    return {key: quantity / whole for key, quantity in above.items()}


def _whole_weights(shares: Iterable[Fraction]) -> list[Decimal]:
    """The shares in whole numbers of the same proportions."""
    listed = list(shares)
    denominator = lcm(*(share.denominator for share in listed))
    return [Decimal(share.numerator * (denominator // share.denominator)) for share in listed]
