"""A pool's bridge divided among departments, so that nothing is lost.

What belongs here: the rule of decision 0025, as a pure function over sums. What does not: the bridge itself, and
how a statement looks. Finance only: a department's share of what was paid tells the discount.

    rounding                                  the department's own: its statement lines less its charges
    idle, unmetered, unassigned, unexplained  the platform's own line: nobody was charged for it
    every other component                     by what each department is charged of the pool (largest remainder)

So a department's external side is its share, by what it is charged, of the cost that was charged on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from twinledger.pools import COMPONENTS, UNASSIGNED
from twinledger.reconciliation.result import Charged
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.money import SCALE, allocate, exact_sum

PLATFORM = UNASSIGNED
"""The line of what belongs to no department; the internal ledger books what no tenant claims under this name."""

NOBODYS = frozenset({"idle", "unmetered", "unassigned", "unexplained"})
"""Components that no department was charged for."""

OWN = "rounding"
_UNIT = Decimal(1).scaleb(-SCALE)
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Share(ForFinance):
    """What of one pool is one department's; amounts in the reporting currency, `internal` in statement lines."""

    pool: str
    department: str
    internal: Decimal
    external: Decimal
    components: Mapping[str, Decimal]
    """Each of COMPONENTS; they add up to internal less external."""


def divide(pool: str, bridge: Mapping[str, Decimal], charged: Sequence[Charged]) -> tuple[Share, ...]:
    """The shares of a pool, in order of department; each side and each component adds up to the pool's.

    Args:
        pool: its name.
        bridge: the pool's components; one that is not there is nothing.
        charged: what each department is charged of the pool; `unassigned` is the platform's own line.
    """
    departments = sorted({PLATFORM, *(one.department for one in charged)})
    known = {one.department: one for one in charged}
    exact = [known[name].amount_exact if name in known else _NOTHING for name in departments]
    billed = [known[name].amount if name in known else _NOTHING for name in departments]
    own = dict(zip(departments, (exact_sum((b, -e)) for b, e in zip(billed, exact, strict=True)), strict=True))
    weights = [max(amount, _NOTHING) for amount in exact]
    parts = {name: _parts(name, bridge.get(name, _NOTHING), departments, weights, own) for name in COMPONENTS}
    return tuple(
        Share(
            pool=pool,
            department=department,
            internal=amount,
            external=exact_sum((amount, *(-parts[name][department] for name in COMPONENTS))),
            components={name: parts[name][department] for name in COMPONENTS},
        )
        for department, amount in zip(departments, billed, strict=True)
    )


def _parts(
    component: str, amount: Decimal, departments: Sequence[str], weights: Sequence[Decimal], own: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    if component == OWN:
        rest = exact_sum((amount, *(-one for one in own.values())))
        return {**own, PLATFORM: exact_sum((own[PLATFORM], rest))}
    if component in NOBODYS or not any(weights):
        return {name: amount if name == PLATFORM else _NOTHING for name in departments}
    return dict(zip(departments, allocate(amount, weights, _UNIT), strict=True))
