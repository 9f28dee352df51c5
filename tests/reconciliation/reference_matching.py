"""Matching by resource in the most obvious way: one alias, one identifier at a time, in Python.

What belongs here: the reference. What does not: anything of `twinledger.reconciliation`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

Resource = tuple[str, str]
"""(pool, identifier)"""


@dataclass(frozen=True)
class Alias:
    """What somebody declared to be one resource, or one group of them; no pool is any pool."""

    name: str
    billed: tuple[str, ...]
    metered: tuple[str, ...]
    pool: str | None = None


def claims(alias: Alias, pool: str, billed: Collection[Resource], metered: Collection[Resource]) -> set[Resource]:
    """(side, identifier) that an alias names and that is there, in one pool."""
    if alias.pool not in (None, pool):
        return set()
    return {("billed", one) for one in alias.billed if (pool, one) in billed} | {
        ("metered", one) for one in alias.metered if (pool, one) in metered
    }


def contested(
    alias: Alias, pool: str, aliases: Iterable[Alias], billed: Collection[Resource], metered: Collection[Resource]
) -> set[Resource]:
    """The claims of an alias that fit several."""
    own = claims(alias, pool, billed, metered)
    others = set[Resource]().union(*(claims(one, pool, billed, metered) for one in aliases if one.name != alias.name))
    found = own & others
    for side, identifier in own:
        across, there = ("metered", metered) if side == "billed" else ("billed", billed)
        if (pool, identifier) in there and (across, identifier) not in own:
            found.add((side, identifier))
    return found


def subjects(
    aliases: tuple[Alias, ...], billed: Collection[Resource], metered: Collection[Resource]
) -> dict[Resource, str]:
    """Under which subject each resource that an alias puts together with others is matched."""
    found: dict[Resource, str] = {}
    for pool in {pool for pool, _ in (*billed, *metered)}:
        for alias in aliases:
            own = claims(alias, pool, billed, metered)
            if not own or contested(alias, pool, aliases, billed, metered):
                continue
            if len(alias.billed) > 1 or len(alias.metered) > 1:
                subject = f"group {alias.name}"
            else:
                subject = next((one for side, one in own if side == "billed"), next(iter(own))[1])
            found |= {(pool, identifier): subject for _, identifier in own}
    return found


def ambiguous(
    aliases: tuple[Alias, ...], billed: Collection[Resource], metered: Collection[Resource]
) -> set[tuple[str, str, str]]:
    """(pool, side, identifier) of what aliases make fit several, and that have a candidate that is there."""
    found = set()
    for pool in {pool for pool, _ in (*billed, *metered)}:
        for alias in aliases:
            for side, identifier in contested(alias, pool, aliases, billed, metered):
                across, there = ("metered", metered) if side == "billed" else ("billed", billed)
                candidates = {one for other in aliases if (side, identifier) in claims(other, pool, billed, metered)
                              for to, one in claims(other, pool, billed, metered) if to == across}  # fmt: skip
                if candidates or (pool, identifier) in there:
                    found.add((pool, side, identifier))
    return found
