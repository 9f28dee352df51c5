"""Pools: which external charge funds which product.

What belongs here: the form of a pool, what makes a set of pools valid, and allocation by drivers.
What does not: assigning charges, which `sql/pools/charge_pools` does, and the bridge.
"""

from twinledger.pools.definition import (
    COMPONENTS,
    UNASSIGNED,
    CapacityConfig,
    PoolConfig,
    RuleConfig,
    ToleranceConfig,
    pool_problems,
)

__all__ = [
    "COMPONENTS",
    "UNASSIGNED",
    "CapacityConfig",
    "PoolConfig",
    "RuleConfig",
    "ToleranceConfig",
    "pool_problems",
]
