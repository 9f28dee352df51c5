"""What is left of grants, and which of them covers a resource.

What belongs here: the bounds of a grant, and choosing among grants. What does not: rows and transactions (`gate`).

A resource is covered, in one meter, by one grant alone. It keeps the grant that it drew from before if that still
covers it; else it takes one that names it before one that names nothing, and the one with the least left, so that what
is large finds room. The largest are placed first. That is a rule of thumb: where several grants could be cut up in a
cleverer way, a plan may be refused that would just fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from twinledger.plans.attributes import digits
from twinledger.plans.measure import Measured, Use
from twinledger.store.models import Grant, GrantDraw
from twinledger.vocabulary.money import exact_sum

_Kind = tuple[str, str]


@dataclass
class Room:
    """One live grant, and what is drawn from it."""

    grant: Grant
    drawn: dict[_Kind, Decimal] = field(default_factory=dict)
    """By type and size; units of its meter for each day."""

    @property
    def key(self) -> str:
        """product/meter."""
        return f"{self.grant.product}/{self.grant.meter}"

    @property
    def left(self) -> Decimal:
        """Units a day that nothing draws; below zero where more is drawn than granted."""
        return exact_sum((self.grant.quantity, *(-quantity for quantity in self.drawn.values())))

    def take(self, type_name: str, size: str, quantity: Decimal) -> None:
        """Draw."""
        self.drawn[type_name, size] = exact_sum((self.drawn.get((type_name, size), Decimal(0)), quantity))

    def misfit(self, resource: Measured, use: Use) -> str:
        """Why it does not cover a resource in its meter, or nothing."""
        grant = self.grant
        if grant.region != resource.region:
            return f"{grant.id} is for region {grant.region}"
        if grant.account is not None and grant.account != resource.account:
            return f"{grant.id} is for account {grant.account}, not {resource.account or 'an unknown one'}"
        named = [one for one in grant.resources if _names(one, resource)]
        if grant.resources and not named:
            return f"{grant.id} names no {resource.type} of size {resource.size or '(none)'}"
        if self.left < use.quantity:
            return f"{grant.id} has {digits(self.left)} of {digits(grant.quantity)} a day left"
        return self._beyond_named(named, resource, use)

    def _beyond_named(self, named: Sequence[Mapping[str, object]], resource: Measured, use: Use) -> str:
        """Why what the grant names of this type and size is not enough, or nothing; no quantity is no bound."""
        if not named or any(one.get("quantity") is None for one in named):
            return ""
        most = exact_sum(Decimal(str(one["quantity"])) for one in named)
        drawn = exact_sum(
            quantity
            for (type_name, size), quantity in self.drawn.items()
            if any(_is(one, type_name, size) for one in named)
        )
        if exact_sum((most, -drawn)) >= use.quantity:
            return ""
        left = digits(exact_sum((most, -drawn)))
        return f"{self.grant.id} has {left} of {digits(most)} a day left for {resource.type} of size {resource.size}"


def rooms_of(grants: Iterable[Grant], draws: Iterable[GrantDraw]) -> list[Room]:
    """Grants with what is drawn from them; a draw from another grant is none of these."""
    rooms = {grant.id: Room(grant) for grant in grants}
    for draw in draws:
        if draw.grant in rooms:
            rooms[draw.grant].take(draw.type, draw.size, draw.quantity)
    return list(rooms.values())


@dataclass(frozen=True, slots=True)
class Wanted:
    """One resource in one meter, and the grant that it drew from before."""

    resource: Measured
    use: Use
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A resource with the grant that covers it, or with why none does."""

    wanted: Wanted
    grant: str
    reason: str = ""


def place(rooms: Sequence[Room], wanted: Iterable[Wanted]) -> list[Placed]:
    """Find a grant for each, and take from it; in order of address and meter."""
    by_size = sorted(wanted, key=lambda one: (not one.kept, -one.use.quantity, one.resource.address, one.use.key))
    found = [_placed(rooms, one) for one in by_size]
    return sorted(found, key=lambda one: (one.wanted.resource.address, one.wanted.use.key))


def _placed(rooms: Sequence[Room], wanted: Wanted) -> Placed:
    resource, use = wanted.resource, wanted.use
    of_meter = [room for room in rooms if room.key == use.key]
    misfits = {room.grant.id: room.misfit(resource, use) for room in of_meter}
    fitting = [room for room in of_meter if not misfits[room.grant.id]]
    if not fitting:
        return Placed(wanted, "", _said(list(misfits.values()), use))
    chosen = min(
        fitting, key=lambda one: (one.grant.id != wanted.kept, not one.grant.resources, one.left, one.grant.id)
    )
    chosen.take(resource.type, resource.size, use.quantity)
    return Placed(wanted, chosen.grant.id)


def _said(misfits: Sequence[str], use: Use, most: int = 3) -> str:
    if not misfits:
        return f"no live grant of {use.key}"
    more = f", and {len(misfits) - most} more do not fit" if len(misfits) > most else ""
    return f"no live grant covers it: {'; '.join(misfits[:most])}{more}"


def _names(entry: Mapping[str, object], resource: Measured) -> bool:
    return _is(entry, resource.type, resource.size)


def _is(entry: Mapping[str, object], type_name: str, size: str) -> bool:
    """Whether an entry of a grant names a type and size; without a size, any of the type."""
    return entry.get("type") == type_name and entry.get("size") in (None, size)
