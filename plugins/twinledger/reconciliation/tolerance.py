"""How far a component may be off before it is a break.

What belongs here: defaults, and how absolute and relative bounds become one limit on each side. What
does not: what happens with a component beyond them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal, localcontext

from twinledger.vocabulary.money import SCALE, plain

DEFAULT_TOLERANCE = Decimal("0.01")
"""Above and below, in the reporting currency, where a pool states none."""

EXPECTED_COMPONENTS = frozenset({"discount_kept", "non_usage", "rounding"})
"""Components that are no break at any size unless a pool states a tolerance."""

_EXACT = Context(prec=120)


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a component may lie above and below zero; None is any distance."""

    above: Decimal | None
    below: Decimal | None

    def exceeded(self, amount: Decimal) -> Decimal | None:
        """The limit that an amount is beyond, None where it is within."""
        limit = self.above if amount > 0 else self.below
        return limit if limit is not None and abs(amount) > limit else None

    def __str__(self) -> str:
        """`+1.00/-0.01`; `any` where there is no limit."""
        above = "any" if self.above is None else f"+{plain(self.above)}"
        below = "any" if self.below is None else f"-{plain(self.below)}"
        return f"{above}/{below}"


def limits(stated: Mapping[str, Mapping[str, str | None]], component: str, external: Decimal) -> Limits:
    """The limits of a component of one pool.

    On each side the larger of the absolute bound and `relative` times the pool's external cost holds.

    Args:
        stated: the pool's tolerances, component -> {above, below, relative}; decimal strings.
        component: the component's name.
        external: the pool's external cost, in the reporting currency.
    """
    given = stated.get(component) or {}
    share = _share(given.get("relative"), external)
    default = None if component in EXPECTED_COMPONENTS else DEFAULT_TOLERANCE
    return Limits(_side(given.get("above"), default, share), _side(given.get("below"), default, share))


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
