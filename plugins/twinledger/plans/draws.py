"""What resources draw from grants: the rows, before a plan and after it.

What belongs here: which draws a plan ends, moves and lessens, and writing the new ones. What does not: whether there is
room for them (`room`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.plans.measure import Reading, Use
from twinledger.plans.room import Placed
from twinledger.store.models import Grant, GrantDraw


@dataclass(frozen=True, slots=True)
class Drawn:
    """Draws as they stand before a plan, sorted by what it does to them."""

    standing: tuple[GrantDraw, ...]
    """That hold beside what the plan draws, at the quantity that they have after it: copies, in no session."""
    own: tuple[GrantDraw, ...]
    """Rows of the workspace whose resources the plan destroys, moves, lessens or counts anew: `standing` and what is
    placed take their place."""
    given_back: tuple[str, ...]
    before: Mapping[tuple[str, str], str]
    """The grants of what is counted anew, by the address that the plan gives and product/meter."""

    def kept(self, address: str, use: Use) -> str:
        """The grant that a resource drew a meter from before, or nothing."""
        return self.before.get((address, use.key), "")


def drawn_in(session: Session, grants: Sequence[Grant], reading: Reading, workspace: str) -> Drawn:
    """All draws from these grants, and what a plan of a workspace does to its own."""
    ids = [grant.id for grant in grants]
    rows = session.scalars(select(GrantDraw).where(GrantDraw.grant.in_(ids))).all()
    own = [row for row in rows if row.workspace == workspace]
    others = [_copy(row, row.address, row.size, row.quantity) for row in rows if row.workspace != workspace]
    meters = {grant.id: f"{grant.product}/{grant.meter}" for grant in grants}
    gone, anew = set(reading.gone), {one.address for one in reading.counted}
    reduced = {(one.address, use.key): (one.size, use.quantity) for one in reading.reduced for use in one.uses}
    standing: list[GrantDraw] = []
    before: dict[tuple[str, str], str] = {}
    ended: set[str] = set()
    for row in own:
        address = reading.moved.get(row.address, row.address)
        key = (address, meters[row.grant])
        if address in gone:
            ended.add(address)
        elif address in anew:
            before[key] = row.grant
        else:
            size, quantity = reduced.get(key, (row.size, row.quantity))
            standing.append(_copy(row, address, size, min(row.quantity, quantity)))
    return Drawn((*others, *standing), tuple(own), tuple(sorted(ended)), before)


def write_draws(
    session: Session,
    drawn: Drawn,
    placed: Iterable[Placed],
    *,
    reading: Reading,
    workspace: str,
    who: str,
    at: datetime,
) -> None:
    """Leave the workspace with what stands and what is placed; rows that stay as they are stay untouched."""
    kept = {(one.grant, one.address): one for one in drawn.standing if one.workspace == workspace}
    new = {(one.grant, one.wanted.resource.address): _row(one, reading.digest, workspace, who, at) for one in placed}
    present = {(one.grant, one.address): one for one in drawn.own}
    for key, row in present.items():
        if key not in kept and key not in new:
            session.delete(row)
    session.flush()
    for key, row in {**kept, **new}.items():
        if key in present:
            _overwrite(present[key], row)
        else:
            session.add(row)


def _row(placed: Placed, plan: str, workspace: str, who: str, at: datetime) -> GrantDraw:
    resource, use = placed.wanted.resource, placed.wanted.use
    return GrantDraw(
        grant=placed.grant, workspace=workspace, address=resource.address, plan=plan, type=resource.type,
        size=resource.size, region=resource.region, account=resource.account, quantity=use.quantity, drawn_by=who,
        drawn_at=at,
    )  # fmt: skip


def _copy(row: GrantDraw, address: str, size: str, quantity: Decimal) -> GrantDraw:
    copied = GrantDraw()
    _overwrite(copied, row)
    copied.address, copied.size, copied.quantity = address, size, quantity
    return copied


def _overwrite(row: GrantDraw, other: GrantDraw) -> None:
    for column in GrantDraw.__table__.columns:
        setattr(row, column.key, getattr(other, column.key))
