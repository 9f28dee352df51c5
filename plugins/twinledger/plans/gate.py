"""The gate: whether grants cover a plan, and the one transaction in which they are drawn down.

What belongs here: the verdict, draws and their record. What does not: which grant covers what (`room`).

Everything is covered and drawn, or nothing is. The grants' rows are taken for the whole of the transaction, in order of
their ids: of two plans that race for the last of a grant, the second sees what the first drew.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from twinledger.approvals import Desk
from twinledger.plans.attributes import digits
from twinledger.plans.draws import Drawn, drawn_in, write_draws
from twinledger.plans.measure import Measured, Reading, Unmeasured, Use
from twinledger.plans.room import Placed, Wanted, place, rooms_of
from twinledger.store import audit
from twinledger.store.models import Department, Grant, GrantDraw
from twinledger.vocabulary.errors import InvalidWorkspaceError, UnknownNameError
from twinledger.vocabulary.money import exact_sum, plain

ASKED_DAYS = 30
"""Days in the command that would ask for what is missing."""

_LONGEST_NAME = 255
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Covered:
    """A resource in one meter, and the grant that it draws from."""

    resource: Measured
    use: Use
    grant: str


@dataclass(frozen=True, slots=True)
class Uncovered:
    """What stands in a plan's way."""

    address: str
    type: str
    size: str
    rule: str
    """uncovered-resource, or uncounted-resource."""
    reason: str
    remedy: str
    """What would cover it: a command, or what to add to resources.yaml."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of a plan."""

    plan: str
    digest: str
    workspace: str
    covered: tuple[Covered, ...]
    uncovered: tuple[Uncovered, ...]
    given_back: tuple[str, ...]
    """Addresses whose draws end, since they are destroyed."""
    free: int
    drawn: bool
    """Whether the grants were drawn down: everything was covered, and it was no dry run."""

    @property
    def passed(self) -> bool:
        """Whether everything is covered."""
        return not self.uncovered


def gate(
    desk: Desk, reading: Reading, *, departments: Sequence[str], workspace: str, who: str, dry_run: bool = False
) -> Verdict:
    """Judge a plan against the live grants of departments, and draw them down where all of it is covered.

    Args:
        desk: the store, and the time at which grants are live.
        reading: the plan, counted.
        departments: whose grants; the first is the one that the remedies ask for.
        workspace: names the state that the plan is of, as shop/production: with the address, it is the resource's
            identity. A resource that drew before is drawn anew at its present quantity, not once more.
        who: for the record.
        dry_run: only say what would be.

    Raises:
        UnknownNameError: no such department.
        InvalidWorkspaceError: a workspace or a name for the record that cannot be kept.
    """
    for field, name in (("workspace", workspace), ("who runs the gate", who)):
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            raise InvalidWorkspaceError(field, name, _LONGEST_NAME)
    opened: AbstractContextManager[Session] = desk.store.reading() if dry_run else desk.store.transaction()
    with opened as session:
        _check_departments(session, departments)
        now = desk.clock.now()
        drawn, placed = _placed(session, reading, departments, workspace, now, lock=not dry_run)
        verdict = _verdict(reading, workspace, placed, drawn, departments[0], dry_run=dry_run)
        if verdict.drawn:
            write_draws(session, drawn, placed, reading=reading, workspace=workspace, who=who, at=now)
        if not dry_run:
            facts = _facts(verdict, departments)
            action = "plan.gate" if verdict.passed else "plan.gate.refused"
            audit.append(session, desk.clock, who=who, action=action, subject=workspace, facts=facts)
    return verdict


def covered_by_grants(desk: Desk, reading: Reading, *, department: str, workspace: str = "") -> tuple[Covered, ...]:
    """What of a plan the department's live grants cover, as the gate would place it; nothing is drawn or recorded.

    Without a workspace, nothing of the plan is taken to have drawn before.

    Raises:
        UnknownNameError: no such department.
    """
    with desk.store.reading() as session:
        _check_departments(session, [department])
        _, placed = _placed(session, reading, [department], workspace, desk.clock.now(), lock=False)
        return _covered(placed)


def _placed(
    session: Session, reading: Reading, departments: Sequence[str], workspace: str, now: datetime, *, lock: bool
) -> tuple[Drawn, list[Placed]]:
    """The draws as they stand, and the grant of each resource, or why it has none."""
    grants = _grants(session, departments, workspace, now, lock=lock)
    live = [grant for grant in grants if _is_live(grant, departments, now)]
    drawn = drawn_in(session, grants, reading, workspace)
    return drawn, place(rooms_of(live, drawn.standing), _wanted(reading, drawn))


def _covered(placed: Sequence[Placed]) -> tuple[Covered, ...]:
    return tuple(Covered(one.wanted.resource, one.wanted.use, one.grant) for one in placed if one.grant)


def _check_departments(session: Session, departments: Sequence[str]) -> None:
    known = set(session.scalars(select(Department.name)))
    for name in departments:
        if name not in known:
            kind = "department"
            raise UnknownNameError(kind, name, known)


def _grants(
    session: Session, departments: Sequence[str], workspace: str, now: datetime, *, lock: bool
) -> Sequence[Grant]:
    """The live grants, and those that the workspace draws from, whatever became of them; taken where it is said."""
    own = select(GrantDraw.grant).where(GrantDraw.workspace == workspace)
    live = Grant.department.in_(departments) & (Grant.starts_at <= now) & (Grant.ends_at > now)
    query = select(Grant).where(or_(live & Grant.revoked_at.is_(None), Grant.id.in_(own))).order_by(Grant.id)
    return session.scalars(query.with_for_update() if lock else query).all()


def _is_live(grant: Grant, departments: Sequence[str], now: datetime) -> bool:
    return grant.department in departments and grant.starts_at <= now < grant.ends_at and grant.revoked_at is None


def _wanted(reading: Reading, drawn: Drawn) -> Iterable[Wanted]:
    """What needs a grant: what counts as nothing needs none."""
    return (
        Wanted(resource, use, drawn.kept(resource.address, use))
        for resource in reading.counted
        for use in resource.uses
        if use.quantity
    )


def _verdict(
    reading: Reading, workspace: str, placed: Sequence[Placed], drawn: Drawn, department: str, *, dry_run: bool
) -> Verdict:
    uncovered = [_uncounted(one) for one in reading.unmeasured]
    uncovered += [_uncovered(one, department) for one in placed if not one.grant]
    return Verdict(
        plan=reading.plan,
        digest=reading.digest,
        workspace=workspace,
        covered=_covered(placed),
        uncovered=tuple(sorted(uncovered, key=lambda one: one.address)),
        given_back=drawn.given_back,
        free=reading.free,
        drawn=not uncovered and not dry_run,
    )


def _uncounted(one: Unmeasured) -> Uncovered:
    return Uncovered(one.address, one.type, "", "uncounted-resource", one.reason, one.remedy)


def _uncovered(one: Placed, department: str) -> Uncovered:
    resource, use = one.wanted.resource, one.wanted.use
    said = f"{one.reason}; it counts as {digits(use.quantity)} {use.key} a day in {resource.region}"
    return Uncovered(
        resource.address, resource.type, resource.size, "uncovered-resource", said, _request(resource, use, department)
    )


def _request(resource: Measured, use: Use, department: str) -> str:
    """A command line that would ask for what covers a resource."""
    words = [
        "twinledger", "request", "submit", "--department", department, "--product", use.product, "--meter", use.meter,
        "--quantity", digits(use.quantity), "--days", str(ASKED_DAYS), "--region", resource.region,
    ]  # fmt: skip
    if resource.account is not None:
        words += ["--account", resource.account]
    return shlex.join([*words, "--why", resource.address])


def _facts(verdict: Verdict, departments: Sequence[str]) -> Mapping[str, Any]:
    """For the record: what was drawn by grant, or what was in the way. Each resource's draw is a row of its own."""
    by_grant: dict[str, list[Decimal]] = {}
    for one in verdict.covered if verdict.drawn else ():
        by_grant.setdefault(one.grant, []).append(one.use.quantity)
    return {
        "plan": verdict.digest,
        "departments": list(departments),
        "drawn": [
            {"grant": grant, "resources": len(found), "quantity": plain(exact_sum(found))}
            for grant, found in sorted(by_grant.items())
        ],
        "given_back": len(verdict.given_back) if verdict.drawn else 0,
        "uncovered": len(verdict.uncovered),
        "first_uncovered": [one.address for one in verdict.uncovered[:_SHOWN]],
    }
