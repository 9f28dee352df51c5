"""What resources of the sample's Terraform plans count as: its resources.yaml.

What belongs here: sizes of AWS' instances, taken from what the platform buys. What does not: where attributes stand in
a plan, which `plans` knows.

Nodes of shared clusters count by their family: half of an xlarge is a large, four of it a 4xlarge. Cards do not: their
number does not follow from the size.
"""

from __future__ import annotations

from decimal import Decimal

from twinledger.sample.fleet import Line
from twinledger.sample.vendors import LINES

_HOURS_A_DAY = 24
_TYPES = ("aws_instance", "aws_eks_node_group", "aws_autoscaling_group")
_FREE = ("aws_ebs_volume", "aws_cloudwatch_*")


def resources() -> dict[str, object]:
    """Units a day of each meter that the platform's instances are capacity of."""
    counts: dict[str, dict[str, str]] = {}
    for line in LINES.values():
        for meter, factor in line.meters if line.service == "AmazonEC2" else ():
            counts.setdefault(f"{line.pool}/{meter}", {}).update(_sizes(line, factor * _HOURS_A_DAY))
    return {
        "counts": [{"meter": meter, "types": list(_TYPES), "sizes": sizes} for meter, sizes in counts.items()],
        "free": list(_FREE),
    }


def _sizes(line: Line, a_day: Decimal) -> dict[str, str]:
    family, _, size = line.sku.partition(".")
    if line.pool != "kubernetes":
        return {line.sku: _digits(a_day)}
    each = a_day / int(size.removesuffix("xlarge") or 1)
    return {
        f"{family}.large": _digits(each / 2),
        f"{family}.xlarge": _digits(each),
        f"{family}.{{n}}xlarge": _digits(each),
    }


def _digits(number: Decimal) -> str:
    return f"{number.normalize():f}"
