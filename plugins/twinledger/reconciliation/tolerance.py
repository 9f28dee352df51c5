"""How far a component may be off before it is a break.

What belongs here: defaults, and how absolute and relative bounds, and those by age, become one limit on each side.
What does not: what happens with a component beyond them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal, localcontext
from typing import TypedDict

from twinledger.vocabulary.money import SCALE, plain

DEFAULT_TOLERANCE = Decimal("0.01")
"""Above and below, in the reporting currency, where a pool states none."""

EXPECTED_COMPONENTS = frozenset({"discount_kept", "non_usage", "rounding"})
"""Components that are no break at any size unless a pool states a tolerance."""

_EXACT = Context(prec=120)


class Aged(TypedDict, total=False):
    """Bounds from so many days of a break's age on; decimal strings."""

    from_days: int
    above: str | None
    below: str | None
    relative: str | None


class Stated(TypedDict, total=False):
    """What a pool states of one component, as the store has it; decimal strings."""

    above: str | None
    below: str | None
    relative: str | None
    by_age: Sequence[Aged]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a component may lie above and below zero; None is any distance."""

    above: Decimal | None
    below: Decimal | None
    from_days: int = 0
    """The age of a break, in days, from which on they hold."""

    def exceeded(self, amount: Decimal) -> Decimal | None:
        """The limit that an amount is beyond, None where it is within."""
        limit = self.above if amount > 0 else self.below
        return limit if limit is not None and abs(amount) > limit else None

    def __str__(self) -> str:
        """`+1.00/-0.01`; `any` where there is no limit."""
        above = "any" if self.above is None else f"+{plain(self.above)}"
        below = "any" if self.below is None else f"-{plain(self.below)}"
        return f"{above}/{below}{f' from day {self.from_days} on' if self.from_days else ''}"


def limits(stated: Mapping[str, Stated], component: str, external: Decimal, age_days: int = 0) -> Limits:
    """The limits of a component of one pool.

    On each side the larger of the absolute bound and `relative` times the pool's external cost holds.

    Args:
        stated: the pool's tolerances by component.
        component: the component's name.
        external: the pool's external cost, in the reporting currency.
        age_days: for how long its deviation has been found, in days: bounds by age hold from theirs on.
    """
    given = stated.get(component) or {}
    step = age_step(given, age_days)
    above, below, relative = given.get("above"), given.get("below"), given.get("relative")
    for aged in given.get("by_age", ()):
        if aged["from_days"] <= step:
            above, below = aged.get("above") or above, aged.get("below") or below
            relative = aged.get("relative") or relative
    share = _share(relative, external)
    default = None if component in EXPECTED_COMPONENTS else DEFAULT_TOLERANCE
    return Limits(_side(above, default, share), _side(below, default, share), step)


def age_step(given: Stated, age_days: int) -> int:
    """The last age, in days, that bounds are given for and that is reached; 0 before any."""
    return max((aged["from_days"] for aged in given.get("by_age", ()) if aged["from_days"] <= age_days), default=0)


def _side(absolute: str | None, default: Decimal | None, share: Decimal | None) -> Decimal | None:
    bound = default if absolute is None else Decimal(absolute)
    if share is None:
        return bound
    return share if bound is None else max(bound, share)


def _share(relative: str | None, external: Decimal) -> Decimal | None:
    if relative is None:
        return None
    with localcontext(_EXACT):
        return (abs(external) * Decimal(relative)).quantize(Decimal(1).scaleb(-SCALE), ROUND_DOWN)
