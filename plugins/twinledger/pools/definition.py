"""The form of one pool as it stands in pools.yaml, and what must hold over all of them.

What belongs here: types and checks. What does not: reading the file, which is the catalog's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from twinledger.pools.drivers import Driver
from twinledger.pools.tags import TAG_KEY
from twinledger.vocabulary.fields import Amount, Factor, Name

UNASSIGNED = "unassigned"
"""The pool of charges that no pool's rules hold for."""

COLUMNS = (
    "BillingAccountId",
    "ProviderName",
    "RegionId",
    "ResourceId",
    "ServiceCategory",
    "ServiceName",
    "SubAccountId",
)
"""FOCUS columns that a rule may look at; `Tags.<key>` may be looked at beside them."""

_TAG = re.compile(rf"Tags\.{TAG_KEY}")

COMPONENTS = (
    "currency",
    "discount_kept",
    "idle",
    "non_usage",
    "pricing",
    "restatement",
    "rounding",
    "timing",
    "unassigned",
    "unbilled",
    "unexplained",
    "unmetered",
)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleConfig(_Strict):
    """One condition on a charge: its column equals one of some texts, or starts with one."""

    column: str
    equals: tuple[str, ...] | None = None
    prefix: str | None = None

    @field_validator("column")
    @classmethod
    def _known_column(cls, column: str) -> str:
        if column not in COLUMNS and not _TAG.fullmatch(column):
            message = f"{column!r} is no column that a rule may look at: expected {', '.join(COLUMNS)} or Tags.<key>"
            raise ValueError(message)
        return column

    @model_validator(mode="after")
    def _one_operator(self) -> RuleConfig:
        if (self.equals is None) == (self.prefix is None):
            message = "expected either equals or prefix"
            raise ValueError(message)
        if not (self.prefix or (self.equals and all(self.equals))):
            message = "expected at least one text to compare with; an empty one holds for nothing or everything"
            raise ValueError(message)
        return self


class CapacityConfig(_Strict):
    """What one unit consumed of a vendor's SKU holds, in the unit of an internal meter."""

    sku: str = Field(min_length=1)
    meter: str
    factor: Factor


class _BoundsConfig(_Strict):
    above: Amount | None = None
    below: Amount | None = None
    relative: Amount | None = None

    @model_validator(mode="after")
    def _not_negative(self) -> Self:
        if any(bound is not None and bound < Decimal(0) for bound in (self.above, self.below, self.relative)):
            message = "expected tolerances of 0 or more: `below` is the distance below, not a negative amount"
            raise ValueError(message)
        return self


class AgedToleranceConfig(_BoundsConfig):
    """Bounds that hold instead, from so many days of a break's age on; a bound that is not given stays as it was."""

    from_days: int = Field(ge=1, le=3660)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.above is None and self.below is None and self.relative is None:
            message = "expected above, below or relative beside from_days"
            raise ValueError(message)
        return self


class ToleranceConfig(_BoundsConfig):
    """How far a component may be off, in reporting currency, and as a share of the pool's external cost."""

    by_age: tuple[AgedToleranceConfig, ...] | None = None

    @model_validator(mode="after")
    def _older_and_older(self) -> Self:
        days = [one.from_days for one in self.by_age or ()]
        if days != sorted(set(days)):
            message = "expected by_age in order of from_days, each later than the one before"
            raise ValueError(message)
        return self


class PoolConfig(_Strict):
    """One pool; its place in the file is its position, and the first pool whose rules all hold wins."""

    name: Name
    title: str
    owner: str
    kind: Literal["shared", "direct", "allocated"] = "shared"
    rules: tuple[RuleConfig, ...] = Field(min_length=1)
    capacity: tuple[CapacityConfig, ...] = ()
    tolerance: dict[str, ToleranceConfig] = Field(default_factory=dict)
    driver: Driver | None = None
    savings: Literal["usage", "purchaser"] = "usage"

    @model_validator(mode="after")
    def _driver_where_allocated(self) -> PoolConfig:
        if (self.kind == "allocated") != (self.driver is not None):
            message = f"pool {self.name} is {self.kind}: a driver is what an allocated pool has, and no other"
            raise ValueError(message)
        return self

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name == UNASSIGNED:
            message = f"{UNASSIGNED!r} is the name for charges in no pool: choose another"
            raise ValueError(message)
        return name


def pool_problems(pools: Sequence[PoolConfig], meters: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is wrong over all pools, as (place, sentence); `meters` are the known "product/meter" keys."""
    twice = {name for name, times in Counter(pool.name for pool in pools).items() if times > 1}
    for index, pool in enumerate(pools):
        place = f"pools[{index}] ({pool.name})"
        if pool.name in twice:
            yield place, "another pool has the same name"
        if pool.kind == "direct" and pool.capacity:
            yield place, "a direct pool passes charges through as they are: expected no capacity"
        if pool.kind == "allocated" and pool.capacity:
            yield place, "an allocated pool is charged on by its driver: expected no capacity"
        for name in sorted(set(pool.tolerance) - set(COMPONENTS)):
            yield f"{place}.tolerance", f"no component named {name!r}: expected one of {', '.join(COMPONENTS)}"
        yield from _capacity_problems(place, pool, meters)


def _capacity_problems(place: str, pool: PoolConfig, meters: Collection[str]) -> Iterator[tuple[str, str]]:
    """A SKU may hold several meters (cores and memory), each of them once."""
    seen: set[tuple[str, str]] = set()
    for number, entry in enumerate(pool.capacity):
        if entry.meter not in meters:
            yield f"{place}.capacity[{number}].meter", f"no meter {entry.meter!r} in catalog.yaml"
        if (entry.sku, entry.meter) in seen:
            yield f"{place}.capacity[{number}].sku", f"SKU {entry.sku!r} stands here twice for meter {entry.meter!r}"
        seen.add((entry.sku, entry.meter))
