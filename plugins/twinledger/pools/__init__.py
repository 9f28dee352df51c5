"""Pools: which external charge funds which product.

What belongs here: the form of a pool, what makes a set of pools valid, allocation by drivers, what tags mean,
and telling people why a charge is where it is.
What does not: assigning charges, which `sql/pools/charge_pools` does, and the bridge.
"""

from twinledger.pools.allocation import Allocation, Receivers, Unallocated, allocate_costs, department_shares
from twinledger.pools.definition import (
    COMPONENTS,
    UNASSIGNED,
    AgedToleranceConfig,
    CapacityConfig,
    PoolConfig,
    RuleConfig,
    ToleranceConfig,
    pool_problems,
)
from twinledger.pools.drivers import (
    Driver,
    EvenDriver,
    FixedDriver,
    HeadcountDriver,
    UsageDriver,
    driver_problems,
    served_pools,
)
from twinledger.pools.tags import (
    DEFAULT,
    DEPARTMENT,
    TAG_KEY,
    InheritConfig,
    LastResortConfig,
    Step,
    TagConfig,
    steps,
    tag_problems,
)

__all__ = [
    "COMPONENTS",
    "DEFAULT",
    "DEPARTMENT",
    "TAG_KEY",
    "UNASSIGNED",
    "AgedToleranceConfig",
    "Allocation",
    "CapacityConfig",
    "Driver",
    "EvenDriver",
    "FixedDriver",
    "HeadcountDriver",
    "InheritConfig",
    "LastResortConfig",
    "PoolConfig",
    "Receivers",
    "RuleConfig",
    "Step",
    "TagConfig",
    "ToleranceConfig",
    "Unallocated",
    "UsageDriver",
    "allocate_costs",
    "department_shares",
    "driver_problems",
    "pool_problems",
    "served_pools",
    "steps",
    "tag_problems",
]
