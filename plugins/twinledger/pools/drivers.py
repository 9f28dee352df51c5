"""Drivers: what an allocated pool's cost is divided by.

What belongs here: their forms, and what makes a company's drivers valid together. What does not: the
division (`allocation`), and which quantities there were, which rating finds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from twinledger.vocabulary.fields import Share
from twinledger.vocabulary.money import exact_sum, plain


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UsageDriver(_Strict):
    """Shares in proportion of a meter's metered quantity, by department; `pools` are served pools by their tenants."""

    kind: Literal["usage"]
    meter: str
    pools: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def title(self) -> str:
        """What departments see the shares called."""
        return f"usage of {self.meter}"


class FixedDriver(_Strict):
    """Shares that were agreed, of departments and of served pools; together they are exactly 1."""

    kind: Literal["fixed"]
    shares: dict[str, Share] = Field(default_factory=dict)
    pools: dict[str, Share] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> FixedDriver:
        total = exact_sum((*self.shares.values(), *self.pools.values()))
        if total != 1:
            message = f"fixed shares add up to {plain(total)}, expected exactly 1"
            raise ValueError(message)
        return self

    @property
    def title(self) -> str:
        """What departments see the shares called."""
        return "fixed shares"


class HeadcountDriver(_Strict):
    """Shares in proportion of departments' `headcount`."""

    kind: Literal["headcount"]

    @property
    def title(self) -> str:
        """What departments see the shares called."""
        return "headcount"


class EvenDriver(_Strict):
    """Equal shares of the departments that have tenants and no department below them."""

    kind: Literal["even"]

    @property
    def title(self) -> str:
        """What departments see the shares called."""
        return "even shares"


Driver = Annotated[UsageDriver | FixedDriver | HeadcountDriver | EvenDriver, Field(discriminator="kind")]
"""What an allocated pool's cost is divided by."""


class _Pool(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def driver(self) -> Driver | None: ...


def served_pools(driver: Driver | None) -> tuple[str, ...]:
    """The pools that a part of a pool's cost goes to by its driver."""
    return tuple(driver.pools) if isinstance(driver, UsageDriver | FixedDriver) else ()


def driver_problems(
    pools: Collection[_Pool], meters: Collection[str], departments: Collection[str], tenants: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What is wrong with drivers, as (place, sentence).

    Args:
        pools: every pool.
        meters: the known "product/meter" keys.
        departments: the names of departments.
        tenants: each tenant of a department, with the department.
    """
    known = {pool.name for pool in pools}
    for index, pool in enumerate(pools):
        place = f"pools[{index}] ({pool.name}).driver"
        for name in sorted(set(served_pools(pool.driver)) - known):
            yield f"{place}.pools", f"no pool named {name!r}: expected one of {', '.join(sorted(known))}"
        if isinstance(pool.driver, FixedDriver):
            for name in sorted(set(pool.driver.shares) - set(departments)):
                yield f"{place}.shares", f"no department named {name!r} in departments.yaml"
        if isinstance(pool.driver, UsageDriver):
            yield from _usage_problems(place, pool.driver, meters, tenants)
    if cycle := _cycle({pool.name: served_pools(pool.driver) for pool in pools}):
        yield f"{cycle[0]}.driver", f"pools serve each other in a circle: {' -> '.join(cycle)}; leave one of them out"


def _usage_problems(
    place: str, driver: UsageDriver, meters: Collection[str], tenants: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    if driver.meter not in meters:
        yield f"{place}.meter", f"no meter {driver.meter!r} in catalog.yaml"
    taken: dict[str, str] = {}
    for name, own in driver.pools.items():
        if not own:
            yield f"{place}.pools.{name}", "expected the tenants that the pool's own usage is metered under"
        for tenant in own:
            if tenant in tenants:
                yield f"{place}.pools.{name}", f"{tenant!r} is a tenant of department {tenants[tenant]!r}"
            if taken.setdefault(tenant, name) != name:
                yield f"{place}.pools.{name}", f"{tenant!r} stands for pool {taken[tenant]!r} already"


def _cycle(serves: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The first circle of pools that serve each other, closed: ("a", "b", "a"); empty where there is none."""
    done: set[str] = set()

    def walk(path: tuple[str, ...]) -> tuple[str, ...]:
        name = path[-1]
        if name in path[:-1]:
            return path[path.index(name) :]
        if name in done:
            return ()
        for receiver in serves.get(name, ()):
            if found := walk((*path, receiver)):
                return found
        done.add(name)
        return ()

    return next((found for name in serves if (found := walk((name,)))), ())
