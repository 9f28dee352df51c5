"""Allocated pools of a period: what their drivers count, and the internal charges that follow.

What belongs here: gathering costs and quantities, and rows of the internal ledger. What does not: the
division itself, which is `twinledger.pools`, and the sums, which are SQL under `sql/rating`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.engine import Engine
from twinledger.lake.tables import INTERNAL_CHARGES, TEXT, Column
from twinledger.pools import Driver, Receivers, UsageDriver, allocate_costs, department_shares, served_pools
from twinledger.store import models
from twinledger.vocabulary.money import QUANTITY_SCALE
from twinledger.vocabulary.periods import Period

KIND = "allocated"
PASSED_MODELS = ("rating/passed_charges", "rating/pool_costs")
"""Models that a period's charges of direct and allocated pools are made of."""

_DRIVER: TypeAdapter[Driver] = TypeAdapter(Driver)
_METERS = (Column("product", TEXT), Column("meter", TEXT))


@dataclass(frozen=True, slots=True)
class Drivers:
    """How a company divides what no meter charges: by pool, with whom it may go to."""

    by_pool: Mapping[str, Driver]
    tenants: Mapping[str, str]
    headcount: Mapping[str, Decimal]
    leaves: tuple[str, ...]

    @property
    def said(self) -> str:
        """Everything that charges follow from, as text for a digest; "" where no pool is allocated."""
        people, tenants = sorted(self.headcount.items()), sorted(self.tenants.items())
        return repr((sorted(self.by_pool.items()), people, self.leaves, tenants)) if self.by_pool else ""


def read_drivers(session: Session) -> Drivers:
    """The drivers in force, and the departments that they count."""
    departments = session.scalars(select(models.Department).order_by(models.Department.name)).all()
    pools = session.scalars(select(models.Pool).where(models.Pool.kind == KIND))
    parents = {one.parent for one in departments}
    return Drivers(
        by_pool={one.name: _DRIVER.validate_python(one.driver) for one in pools if one.driver},
        tenants={tenant: one.name for one in departments for tenant in one.tenants},
        headcount={one.name: Decimal(one.headcount) for one in departments if one.headcount},
        leaves=tuple(one.name for one in departments if one.tenants and one.name not in parents),
    )


def view_nothing_allocated(engine: Engine) -> None:
    """An empty `allocated_charges`, which internal charges are made of beside the others."""
    engine.view_rows("allocated_charges", INTERNAL_CHARGES.columns, [])


def view_allocated(engine: Engine, drivers: Drivers, period: Period) -> tuple[str, ...]:
    """Make `allocated_charges` the period's; returns a sentence for each pool whose cost is held, wholly or in part.

    The internal charges of all other kinds must be readable as `internal_charges`. A pool's charges and
    what is held of it add up to its list cost exactly.
    """
    costs = {row["pool"]: row["list_cost"] for row in engine.rows("pool_costs")} if drivers.by_pool else {}
    if not costs:
        return ()
    shares = department_shares(drivers.by_pool, _counted(engine, drivers))
    allocated, held = allocate_costs(costs, shares)
    (parameters,) = engine.rows("parameters")
    rows = [
        _row(parameters, one.pool, one.department, one.share, one.amount, drivers.by_pool[one.pool].title)
        for one in allocated
    ]
    engine.view_rows("allocated_charges", INTERNAL_CHARGES.columns, rows)
    return tuple(_sentence(period, one.pool, one.share, drivers) for one in held)


def _counted(engine: Engine, drivers: Drivers) -> Receivers:
    return Receivers(
        usage=_usage(engine, drivers),
        tenants=drivers.tenants,
        headcount=drivers.headcount,
        leaves=drivers.leaves,
        charged=_charged(engine, drivers),
    )


def _usage(engine: Engine, drivers: Drivers) -> dict[str, dict[str, Decimal]]:
    counted = sorted({one.meter for one in drivers.by_pool.values() if isinstance(one, UsageDriver)})
    if not counted:
        return {}
    engine.view_rows("driver_meters", _METERS, [meter.split("/", 1) for meter in counted])
    engine.view_model("rating/driver_quantities")
    found: dict[str, dict[str, Decimal]] = {}
    for row in engine.rows("driver_quantities"):
        found.setdefault(f"{row['product']}/{row['meter']}", {})[row["tenant"]] = row["quantity"]
    return found


def _charged(engine: Engine, drivers: Drivers) -> dict[str, dict[str, Decimal]]:
    """What departments are charged in pools; asked for only where one is served that is not allocated."""
    served = {pool for driver in drivers.by_pool.values() for pool in served_pools(driver)}
    if served <= drivers.by_pool.keys():
        return {}
    engine.view_model("rating/department_sums")
    found: dict[str, dict[str, Decimal]] = {}
    for row in engine.rows("department_sums"):
        found.setdefault(row["pool"], {})[row["department"]] = row["amount"]
    return found


def _row(
    parameters: Mapping[str, object], pool: str, department: str, share: Fraction, amount: Decimal, title: str
) -> Sequence[object]:
    """An internal charge: the quantity is the share, to 9 decimals; it has no unit price."""
    values = {
        "period": parameters["period"],
        "department": department,
        "tenant": department,
        "pool": pool,
        "product": pool,
        "meter": title,
        "resource": None,
        "started_at": parameters["period_start"],
        "quantity": _rounded(share),
        "unit": "share",
        "price": Decimal(0),
        "amount": amount,
        "currency": parameters["reporting_currency"],
        "kind": KIND,
        "late": False,
    }
    return [values[name] for name in INTERNAL_CHARGES.names]


def _rounded(share: Fraction) -> Decimal:
    exact = Context(prec=60).divide(Decimal(share.numerator), Decimal(share.denominator))
    return exact.quantize(Decimal(1).scaleb(-QUANTITY_SCALE), ROUND_HALF_UP)


def _sentence(period: Period, pool: str, share: Fraction, drivers: Drivers) -> str:
    title = drivers.by_pool[pool].title if pool in drivers.by_pool else "its driver"
    part = "its cost is" if share == 1 else f"{_rounded(share).normalize():f} of its cost is"
    return f"pool {pool}: {part} held in {period}, since nobody is counted by {title} or charged in a pool it serves"
