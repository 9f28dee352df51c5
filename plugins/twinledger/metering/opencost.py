"""OpenCost's allocations as usage: what each namespace was allocated, by the meters that a source names.

What belongs here: which numbers of an allocation are usage, and whose. What does not: their cost, which is ours to
say by a price, and asking OpenCost (`cloud.opencost`).

Source of the format: OpenCost's allocation API, /allocation/compute. Numbers have five decimals, what is no number is
null, keys may be missing, and an open end of a window is the text "null".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from twinledger.catalog import AllocationMeters
from twinledger.metering.series import digits, parsed_value
from twinledger.vocabulary.errors import UnreadableFileError

NOBODYS = frozenset({"__idle__", "__unmounted__", "__unallocated__"})
"""Allocations that are no tenant's: idle nodes, volumes that no pod mounts, and what has no namespace."""
_GIB = Fraction(1 << 30)
_MEASURES = {
    "cpu": ("cpuCoreHours", Fraction(1)),
    "ram": ("ramByteHours", _GIB),
    "gpu": ("gpuHours", Fraction(1)),
    "pv": ("pvByteHours", _GIB),
}
_RARE = frozenset({"gpu", "pv"})


def allocation_lines(text: str, name: str, meters: AllocationMeters) -> Iterator[dict[str, str | None]]:
    """Usage records of an answer of OpenCost: core-hours, GiB-hours of memory and of volumes, GPU-hours.

    A zero of what most namespaces have none of, GPU and volumes, is no record. A null is one without a quantity.

    Args:
        text: the answer, JSON.
        name: of the file, for errors.
        meters: which meter (product/meter) each measure is of; those without one are left out.

    Raises:
        UnreadableFileError: it is no such answer.
    """
    try:
        answer = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(name, f"no JSON ({str(error)[:200]})") from None
    steps = answer.get("data") if isinstance(answer, dict) and str(answer.get("code", 200)) == "200" else None
    if not isinstance(steps, list):
        raise UnreadableFileError(name, "expected an answer of OpenCost with code 200 and a list as its data")
    for step in steps:
        for key, allocation in (step or {}).items() if isinstance(step, dict | None) else ():
            if not isinstance(allocation, dict):
                raise UnreadableFileError(name, f"allocation {key[:100]} is no object")
            yield from _records(key, allocation, meters)


def _records(key: str, allocation: Mapping[str, Any], meters: AllocationMeters) -> Iterator[dict[str, str | None]]:
    properties = _object(allocation, "properties")
    tenant = properties.get("namespace")
    if NOBODYS & {*key.split("/"), str(allocation.get("name")), str(tenant)}:
        return
    window = _object(allocation, "window")
    record = {
        "tenant": _text(tenant),
        "resource": _text(properties.get("providerID")) or _text(properties.get("node")),
        "started_at": _text(allocation.get("start")) or _text(window.get("start")),
        "ended_at": _text(allocation.get("end")) or _text(window.get("end")),
    }
    for measure, (field, unit) in _MEASURES.items():
        meter = getattr(meters, measure)
        if meter is None or field not in allocation:
            continue
        value = parsed_value(str(allocation[field]))
        if value or measure not in _RARE:
            product, _, name = meter.partition("/")
            quantity = None if value is None else digits(value / unit)
            yield {**record, "product": product, "meter": name, "quantity": quantity}


def _object(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value not in ("", "null") else None
