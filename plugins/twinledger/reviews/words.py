"""What a review says, in words and tables that its page, its PDF and the terminal share.

What belongs here: titles, columns and texts of what everyone may read. What does not: what only finance may
(`company_words`), and layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from twinledger.reviews.checklist import checklist
from twinledger.reviews.review import AnomalyLine, Moved, Review, Standing, UnitCostLine
from twinledger.statements import CAUSES, Chart, columns, number_text
from twinledger.vocabulary.audiences import ForEveryone
from twinledger.vocabulary.money import Money, short_number, signed

Head = tuple[str, bool]
"""A column's title, and whether it holds numbers."""

_PRODUCTS = 10
_INDENT = "\xa0\xa0\xa0\xa0"
EFFECTS = ("price", "volume", "mix", "new", "gone")


@dataclass(frozen=True, slots=True)
class Section(ForEveryone):
    """A part of a review: a table, or a sentence in its place; `total` says that the last row is one."""

    title: str
    heads: tuple[Head, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    total: bool = False


def head(*titles: str, numbers: Sequence[str] = ()) -> tuple[Head, ...]:
    """Columns of text, then those of numbers."""
    return (*((title, False) for title in titles), *((title, True) for title in numbers))


def sections(review: Review) -> tuple[Section, ...]:
    """All parts of a review, in their order."""
    return tuple(
        one
        for one in (
            _plan(review),
            _tree(review),
            _effects(review),
            _movers(review),
            _anomalies(review),
            _requests(review),
            _waiting(review),
            _unit_costs(review),
            _findings(review),
        )
        if one is not None
    )


def questions(review: Review) -> Section:
    """What is asked of whoever owns the review."""
    return Section("Checklist", head("Item", "Question"), tuple((one.id, one.question) for one in checklist(review)))


def trend_chart(review: Review) -> Chart:
    """The months, stacked by product; of the company, by department."""
    months = [(str(one.period), [(name, money.amount) for name, money in one.parts]) for one in review.trend]
    return columns(months, short_number)


def small_print(review: Review) -> str:
    """What the figures are."""
    cost_centre = f"Cost centre {review.cost_centre} · " if review.cost_centre else ""
    state = "closed" if review.closed else "open: figures may still change"
    return f"{cost_centre}Internal charges at published prices · period {state}"


def percent_of(percent: Decimal | None) -> str:
    """`+12.5 %`, or nothing."""
    return "" if percent is None else f"{percent:+,f}\xa0%"


def summary(review: Review) -> str:
    """The month in a sentence."""
    month = review.month
    said = f"{month.actual} charged"
    if month.plan.amount:
        said += f" against a plan of {month.plan}: variance {signed(month.variance)} ({percent_of(month.percent)})"
    else:
        said += "; there is no plan"
    if review.change is None:
        return f"{said}. Nothing was charged in the month before."
    change = percent_of(review.change_percent)
    return f"{said}. {signed(review.change)}{f' ({change})' if change else ''} since the month before."


# --- parts -----------------------------------------------------------------------------------


def _plan(review: Review) -> Section:
    heads = head("", numbers=("Plan", "Actual", "Committed", "Variance", "of plan"))
    named = ((str(review.period), review.month), (f"{review.period.year} to date", review.year))
    return Section("Against plan", heads, tuple((name, *_figures(one)) for name, one in named))


def _figures(one: Standing) -> tuple[str, ...]:
    plan = str(one.plan) if one.plan.amount else "none"
    return plan, str(one.actual), str(one.committed), signed(one.variance), percent_of(one.percent)


def _tree(review: Review) -> Section | None:
    if not review.tree:
        return None
    heads = head("Department, with all below it", numbers=("Plan", "Actual", "Committed", "Variance", "of plan"))
    rows = [(_INDENT * one.depth + one.title, *_figures(one)) for one in review.tree]
    if not review.department:
        rows.append(("Total", *_figures(review.month)))
    return Section("Departments", heads, tuple(rows), total=not review.department)


def _effects(review: Review) -> Section | None:
    title = "Why it moved since the month before"
    if review.before is None or not review.effects:
        return Section(title, note="There is no month before to compare with.") if review.month.actual.amount else None
    heads = head("Product", numbers=("Before", "Now", "Change", "Price", "Volume", "Mix", "New", "Gone"))
    shown = [one for one in review.effects if one.change.amount][:_PRODUCTS]
    rest = [one for one in review.effects if one not in shown]
    rows = [_effect_row(one.product, [one]) for one in shown]
    rows += [_effect_row("All others", rest)] if rest else []
    return Section(title, heads, (*rows, _effect_row("Total", review.effects)), total=True)


def _effect_row(title: str, found: Sequence[Moved]) -> tuple[str, ...]:
    def added(name: str) -> Money:
        first, *others = (getattr(one, name) for one in found)
        return sum(others, first)  # type: ignore[no-any-return]  # amounts, by the names of their fields

    return title, str(added("before")), str(added("after")), *(signed(added(name)) for name in ("change", *EFFECTS))


def _movers(review: Review) -> Section | None:
    if not review.movers:
        return None
    heads = head("Product", "Meter", "What moved", numbers=("Change", "of that the price", "of that the quantity"))
    rows = (
        (one.product_title, one.meter_title, CAUSES[one.cause], signed(one.change), signed(one.price_effect),
         signed(one.quantity_effect))
        for one in review.movers
    )  # fmt: skip
    return Section("Top movers", heads, tuple(rows))


def _anomalies(review: Review) -> Section:
    if not review.anomalies:
        return Section("Anomalies", note="None was found.")
    return Section("Anomalies", ANOMALY_HEADS, tuple(anomaly_row(one) for one in review.anomalies))


ANOMALY_HEADS = head(
    "Series", "Shape", "Since", "What explains it", "State", numbers=("Actual", "Expected", "Impact")
)  # fmt: skip


def anomaly_row(one: AnomalyLine) -> tuple[str, ...]:
    """One anomaly in a table."""
    causes = f": {', '.join(one.causes)}" if one.causes else ""
    state = f"{one.state}, {one.answer}" if one.answer else one.state
    figures = (str(one.actual), str(one.expected), signed(one.impact))
    return one.title, one.shape, f"{one.start:%d %b %Y}", f"{one.reason}{causes}", state, *figures


def _requests(review: Review) -> Section:
    found = review.requests
    if not found.asked:
        return Section("Requests of the month", note="Nothing was asked for.")
    rows = tuple((one.state.capitalize(), str(one.count), str(one.amount)) for one in found.states)
    total = ("Asked for", str(found.asked), str(found.amount))
    return Section("Requests of the month", head("", numbers=("Requests", "Amount")), (*rows, total), total=True)


def _waiting(review: Review) -> Section | None:
    if not review.requests.waiting:
        return None
    heads = head("Request", "Requester", "Product", numbers=("Amount", "Days"))
    rows = ((one.id, one.requester, one.product, str(one.amount), str(one.days)) for one in review.requests.waiting)
    return Section("Requests that wait", heads, tuple(rows))


def _unit_costs(review: Review) -> Section | None:
    if not review.unit_costs:
        return None
    heads = head("Metric", "Unit", numbers=("Quantity", "Cost", "Cost of one", "Before", "Change"))
    return Section("Unit cost", heads, tuple(map(_unit_cost, review.unit_costs)))


def _unit_cost(one: UnitCostLine) -> tuple[str, ...]:
    before = one.before.a_unit if one.before else None
    figures = (number_text(one.now.quantity), str(one.now.cost), _unit(one.now.a_unit), _unit(before))
    return one.title, one.unit, *figures, percent_of(one.percent)


def _unit(cost: Decimal | None) -> str:
    return "" if cost is None else number_text(cost)


def _findings(review: Review) -> Section | None:
    found = tuple((one.sentence,) for one in review.findings)
    return Section("Findings", head("What was found"), found) if found else None
