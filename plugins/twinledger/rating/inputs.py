"""What of the catalog a period's usage meets: equal answers, equal charges.

What belongs here: which prices, agreements, tenants and states are in force for usage that there is, so that a
change of any other leaves the period alone. What does not: reading usage, and rating it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from twinledger.catalog import Relation
from twinledger.rating.statements import UNASSIGNED
from twinledger.vocabulary.money import plain

Record = Mapping[str, Any]
_Span = tuple[datetime, list[tuple[str, ...]]]


def records(relation: Relation) -> Iterator[dict[str, Any]]:
    """A relation's rows by the names of their columns."""
    names = [column.name for column in relation.columns]
    return (dict(zip(names, row, strict=True)) for row in relation.rows)


def in_force(used: Iterable[Record], read: Mapping[str, Relation]) -> list[str]:
    """One text for each thing that usage meets, in an order of their own.

    Args:
        used: rows of product, meter, tenant, first_at and last_at; instants naive UTC.
        read: `prices`, `terms`, `meters` and `tenants`, by name.
    """
    departments = {row["tenant"]: row["department"] for row in records(read["tenants"])}
    meters = {(row["product"], row["meter"]): row for row in records(read["meters"])}
    prices, terms = _by_meter(read["prices"]), _by_meter(read["terms"])
    said: set[str] = set()
    for key, uses in _grouped(used).items():
        first, last = min(one["first_at"] for one in uses), max(one["last_at"] for one in uses)
        payers = {one["tenant"]: departments.get(one["tenant"], UNASSIGNED) for one in uses}
        said |= {repr((key, _life(meters.get(key), last))), *(repr(pair) for pair in payers.items())}
        if key not in terms:
            said |= {repr((key, facts)) for facts in _meeting(prices[key], first, last)}
            continue
        of_all = [_meeting([row for row in terms[key] if row["department"] == name], first, last)
                  for name in sorted(set(payers.values()))]  # fmt: skip
        # Where all who used it pay the same, it says what one price for everybody would say.
        same = all(one == of_all[0] for one in of_all)
        for name, facts in zip(sorted(set(payers.values())), of_all, strict=True):
            said |= {repr((key, fact) if same else (key, name, fact)) for fact in facts}
    return sorted(said)


def _by_meter(relation: Relation) -> defaultdict[tuple[str, str], list[dict[str, Any]]]:
    found = defaultdict[tuple[str, str], list[dict[str, Any]]](list)
    for row in records(relation):
        found[row["product"], row["meter"]].append(row)
    return found


def _grouped(used: Iterable[Record]) -> dict[tuple[str, str], list[Record]]:
    found = defaultdict[tuple[str, str], list[Record]](list)
    for one in used:
        found[one["product"], one["meter"]].append(one)
    return found


def _life(meter: Record | None, last: datetime) -> object:
    """What a meter's charges say, and from when on it has none."""
    if meter is None or meter["state"] == "draft":
        return meter and "draft"
    retired_at = meter["retired_at"]
    return meter["pool"], meter["unit"], retired_at if retired_at is not None and retired_at <= last else None


def _meeting(rows: Sequence[Record], first: datetime, last: datetime) -> list[_Span]:
    """What holds from which instant on, between two; when it ends is when the next one begins."""
    spans = defaultdict[datetime, list[tuple[str, ...]]](list)
    for row in rows:
        if row["effective_from"] <= last and (row["effective_to"] is None or row["effective_to"] > first):
            spans[max(row["effective_from"], first)].append(_figures(row))
    held: list[_Span] = []
    for since, figures in sorted(spans.items()):
        if not held or held[-1][1] != figures:
            held.append((since, figures))
    return held


def _figures(row: Record) -> tuple[str, ...]:
    """One tier, or one amount as the tier that it is; what the published price is besides is the bridge's."""
    bounds = (row.get("tier_from", Decimal(0)), row.get("tier_to") or Decimal(0), row.get("minimum", Decimal(0)))
    return (plain(row["price"] if "price" in row else row["amount"]), *map(plain, bounds), row["currency"])
