"""What to ask for, so that a plan is covered: one submission for each meter, region and account.

What belongs here: a plan as submissions. What does not: submitting them (`approvals`).
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import ROUND_UP, Decimal
from typing import Any

from twinledger.approvals import Submission
from twinledger.plans.attributes import digits
from twinledger.plans.gate import Covered
from twinledger.plans.measure import Measured, Reading, Use
from twinledger.vocabulary.money import exact_sum

_Pair = tuple[Measured, Use]


def submissions(
    reading: Reading, *, requester: str, department: str, days: int, justification: str, actual: Decimal,
    covered: Collection[Covered] = (),
) -> list[Submission]:  # fmt: skip
    """One for each product, meter, region and account, in that order, with the resources that it is for.

    What counts as nothing is not asked for; what is enlarged is asked for in its whole new size, since one grant
    covers a resource. What grants cover is left out, in the meter in which they do.
    """
    left_out = {(one.resource.address, one.use.key) for one in covered}
    groups: dict[tuple[str, str, str, str], list[_Pair]] = {}
    for resource in reading.counted:
        for use in (one for one in resource.uses if one.quantity and (resource.address, one.key) not in left_out):
            key = (use.product, use.meter, resource.region, resource.account or "")
            groups.setdefault(key, []).append((resource, use))
    return [
        Submission(
            requester=requester,
            department=department,
            product=product,
            meter=meter,
            quantity=exact_sum(use.quantity for _, use in pairs),
            days=days,
            region=region,
            justification=justification,
            actual=actual,
            account=account or None,
            resources=_resources(pairs),
        )
        for (product, meter, region, account), pairs in sorted(groups.items())
    ]


def _resources(pairs: list[_Pair]) -> tuple[dict[str, Any], ...]:
    """Of each type and size: how many, and what they count as together."""
    kinds: dict[tuple[str, str], list[_Pair]] = {}
    for resource, use in pairs:
        kinds.setdefault((resource.type, resource.size), []).append((resource, use))
    return tuple(
        {
            "type": type_name,
            "size": size,
            "count": int(exact_sum(resource.count for resource, _ in found).to_integral_value(ROUND_UP)),
            "quantity": digits(exact_sum(use.quantity for _, use in found)),
        }
        for (type_name, size), found in sorted(kinds.items())
    )
