"""Budgets of a tree of departments: each with all that are below it.

What belongs here: adding up. What does not: what one department's variance is (`variance`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from twinledger.budgets.variance import Variance


def roll_up(found: Sequence[Variance], parents: Mapping[str, str | None]) -> list[tuple[int, Variance]]:
    """Each department with those below it, under the one above it: how deep it is, and the sums.

    What is at the top adds up to all that there is. A department that nobody knows is at the top; one that has nothing
    of its own stands there with what is below it. `over` says that the sums are.

    Args:
        found: each department once, all in one currency.
        parents: department -> the one above it, or None; without circles.
    """
    own = {one.department: one for one in found}
    names = sorted({*own, *parents})
    if not own:
        return []
    nothing = next(iter(own.values())).plan - next(iter(own.values())).plan
    sums = {name: own.get(name) or Variance(name, nothing, nothing, nothing, nothing, over=False) for name in names}
    below: dict[str | None, list[str]] = {}
    for name in names:
        below.setdefault(parents.get(name), []).append(name)
    order = _order(None, below, 0)
    for _, name in reversed(order):
        above = parents.get(name)
        if above is not None:
            sums[above] = _sum(sums[above], sums[name])
    return [(depth, sums[name]) for depth, name in order]


def _order(above: str | None, below: Mapping[str | None, Sequence[str]], depth: int) -> list[tuple[int, str]]:
    """From the top down, each before those below it."""
    found = []
    for name in below.get(above, ()):
        found += [(depth, name), *_order(name, below, depth + 1)]
    return found


def _sum(above: Variance, one: Variance) -> Variance:
    plan, variance = above.plan + one.plan, above.variance + one.variance
    return replace(
        above,
        plan=plan,
        actual=above.actual + one.actual,
        committed=above.committed + one.committed,
        variance=variance,
        over=bool(plan.amount) and variance.amount > 0,
    )
