"""A review from what was read: pure, the same inputs give the same review.

What belongs here: choosing, adding up and ranking what a review shows. What does not: reading (`read`), finance's part
(`company`), and what is asked of owners (`checklist`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from twinledger.anomalies import Anomaly
from twinledger.budgets import Effects, Variance, roll_up
from twinledger.rating import UNASSIGNED, Statement
from twinledger.reviews.noticed import anomaly_lines, findings, request_counts, unit_cost_lines
from twinledger.reviews.read import Inputs
from twinledger.reviews.review import (
    COMPANY,
    Finding,
    Moved,
    Review,
    Standing,
    TrendMonth,
)
from twinledger.statements import DocumentLine
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.money import Money, smallest_unit
from twinledger.vocabulary.periods import Period

COMPANY_TITLE = "the whole company"
ROUNDING = "Rounding"
_MOVERS = 5
_ROUNDED_TIMES = 20
"""Smallest units that rounding may leave of a product; more is something else, and is not called rounding."""

Mine = Callable[[str], bool]
"""Whether a department is one of the review's."""

Parts = Callable[[Statement], Iterable[tuple[str, Money]]]
"""What a statement's total is made of, by name."""


def department_review(inputs: Inputs, name: str, anomalies: Sequence[Anomaly] = ()) -> Review:
    """One department's month, with all departments below it.

    Args:
        inputs: what was read of the month.
        name: a department of departments.yaml.
        anomalies: of any view, department and time: those that concern the review are chosen.

    Raises:
        UnknownNameError: there is no such department.
    """
    if name not in inputs.units:
        raise UnknownNameError("department", name, inputs.units)
    unit, below = inputs.units[name], _below(inputs, name)
    found = _review(inputs, name, unit.title, below, anomalies)
    return replace(found, cost_centre=unit.cost_centre, tree=found.tree if len(found.tree) > 1 else ())


def everyones_review(inputs: Inputs, anomalies: Sequence[Anomaly] = ()) -> Review:
    """The whole company's month, at internal prices, with what is no department's."""
    return _review(inputs, COMPANY, COMPANY_TITLE, None, anomalies)


def _review(
    inputs: Inputs, name: str, title: str, names: Collection[str] | None, anomalies: Sequence[Anomaly]
) -> Review:
    """Of some departments; None for all that there is."""

    def mine(department: str) -> bool:
        return names is None or department in names

    is_one = names is not None and len(names) == 1
    month, before = _standing(inputs, name, title, [inputs.period], mine), _before(inputs, mine)
    return Review(
        department=name,
        title=title,
        cost_centre="",
        period=inputs.period,
        closed=inputs.closed,
        month=month,
        year=_standing(inputs, name, title, list(inputs.positions), mine),
        tree=_tree(inputs, name),
        before=before,
        effects=_rounded(_effects(inputs, mine), before, month.actual),
        movers=_movers(inputs, mine, named=not is_one),
        trend=_trend(inputs, mine, partial(_products if is_one else _departments, inputs)),
        anomalies=anomaly_lines(inputs, anomalies, mine),
        requests=request_counts(inputs, mine),
        unit_costs=unit_cost_lines(inputs, lambda one: names is None or any(map(mine, one.departments))),
        findings=_findings(inputs, inputs.units if names is None else names),
    )


def _below(inputs: Inputs, name: str) -> frozenset[str]:
    """A department and all below it."""
    found = {name}
    while more := {one.name for one in inputs.units.values() if one.parent in found} - found:
        found |= more
    return frozenset(found)


def _findings(inputs: Inputs, names: Iterable[str]) -> tuple[Finding, ...]:
    """Each once: a break's person may be of several departments."""
    once: dict[tuple[str, str], Finding] = {}
    for one in (found for name in sorted(names) for found in findings(inputs, name)):
        once.setdefault((one.kind, one.subject), one)
    return tuple(once.values())


# --- against plan ----------------------------------------------------------------------------


def _nothing(inputs: Inputs) -> Money:
    return Money(Decimal(0), inputs.currency)


def _title(inputs: Inputs, name: str) -> str:
    return inputs.units[name].title if name in inputs.units else "Unassigned" if name == UNASSIGNED else name


def _standing(inputs: Inputs, name: str, title: str, months: Sequence[Period], mine: Mine) -> Standing:
    """The sum of months."""
    found = [one for month in months for one in inputs.positions[month] if mine(one.department)]
    nothing = _nothing(inputs)
    return Standing(
        name=name,
        title=title,
        depth=0,
        plan=sum((one.plan for one in found), nothing),
        actual=sum((one.actual for one in found), nothing),
        committed=sum((one.committed for one in found), nothing),
    )


def _tree(inputs: Inputs, top: str = COMPANY) -> tuple[Standing, ...]:
    """All departments, each with what is below it; or one with what is below it."""
    parents = {one.name: one.parent for one in inputs.units.values()}
    rows = roll_up(inputs.positions[inputs.period], parents)
    return tuple(Standing.of(_title(inputs, one.department), depth, one) for depth, one in _under(rows, top))


def _under(rows: Sequence[tuple[int, Variance]], top: str) -> Iterator[tuple[int, Variance]]:
    """The rows of one department and of those below it, from depth 0; all rows for the company."""
    level = -1 if top == COMPANY else None
    for depth, one in rows:
        if level is None and one.department == top:
            level = depth
            yield 0, one
        elif level is not None:
            if depth <= level:
                return
            yield depth - max(level, 0), one


# --- what moved ------------------------------------------------------------------------------


def _before(inputs: Inputs, mine: Mine) -> Money | None:
    """The month before; None where nothing was charged in it."""
    found = [one.total for one in inputs.statements if one.period == inputs.period.shift(-1) and mine(one.department)]
    return sum(found, _nothing(inputs)) if found else None


def _effects(inputs: Inputs, mine: Mine) -> tuple[Moved, ...]:
    """By product: units and departments of one product are added up."""
    sums: dict[str, Moved] = {}
    for one in inputs.effects:
        if mine(one.scope) and one.after.currency == inputs.currency:
            moved = _moved(inputs.products.get(one.product) or one.product, one)
            held = sums.get(moved.product)
            sums[moved.product] = _both(held, moved) if held else moved
    return tuple(sorted(sums.values(), key=lambda one: (-abs(one.change.amount), one.product)))


def _rounded(found: tuple[Moved, ...], before: Money | None, after: Money) -> tuple[Moved, ...]:
    """With what the products' rounding leaves of both months' statements, which round by meter, so that all add up."""
    if before is None or not found:
        return found
    nothing = Money(Decimal(0), after.currency)
    rest = before - sum((one.before for one in found), nothing), after - sum((one.after for one in found), nothing)
    most = smallest_unit(after.currency) * _ROUNDED_TIMES * len(found)
    if not any(one.amount for one in rest) or any(abs(one.amount) > most for one in rest):
        return found
    return (*found, Moved(ROUNDING, *rest, nothing, nothing, rest[1] - rest[0], nothing, nothing))


def _moved(title: str, one: Effects) -> Moved:
    return Moved(title, one.before, one.after, one.price, one.volume, one.mix, one.new, one.gone)


def _both(one: Moved, other: Moved) -> Moved:
    amounts = ("before", "after", "price", "volume", "mix", "new", "gone")
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in amounts})


def _movers(inputs: Inputs, mine: Mine, *, named: bool) -> tuple[DocumentLine, ...]:
    """The largest moves; of several departments with the department before the product."""
    moved = [
        replace(line, product_title=f"{document.title}: {line.product_title}") if named else line
        for name, document in inputs.documents.items()
        if mine(name)
        for line in document.movers
    ]
    ranked = sorted(moved, key=lambda one: (-abs(one.change.amount), one.product_title, one.meter))
    return tuple(ranked[:_MOVERS])


def _trend(inputs: Inputs, mine: Mine, parts: Parts) -> tuple[TrendMonth, ...]:
    """From the first month with charges on, at most twelve."""
    found = [one for one in inputs.statements if mine(one.department)]
    if not found:
        return ()
    first = min(one.period for one in found)
    count = (inputs.period.year - first.year) * 12 + inputs.period.month - first.month
    months = (inputs.period.shift(-back) for back in range(count, -1, -1))
    return tuple(_trend_month(inputs, month, [one for one in found if one.period == month], parts) for month in months)


def _trend_month(inputs: Inputs, month: Period, found: Sequence[Statement], parts: Parts) -> TrendMonth:
    sums: dict[str, Money] = {}
    for name, amount in (part for one in found for part in parts(one)):
        sums[name] = sums.get(name, _nothing(inputs)) + amount
    total = sum((one.total for one in found), _nothing(inputs))
    return TrendMonth(month, total, tuple(sorted(sums.items())))


def _products(inputs: Inputs, statement: Statement) -> Iterator[tuple[str, Money]]:
    for line in statement.lines:
        yield inputs.products.get(line.product) or line.product, line.amount


def _departments(inputs: Inputs, statement: Statement) -> Iterator[tuple[str, Money]]:
    yield _title(inputs, statement.department), statement.total
