"""A statement of a period on paper.

What belongs here: what stands on the page, in which order. What does not: fonts and tables (`documents.paper`), and
what a statement says. Finance only.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reportlab.platypus import Flowable, Spacer

from twinledger.documents import Value
from twinledger.documents.paper import HEAD, SECTION, TITLE, paper_bytes, set_bold, set_table, set_text
from twinledger.reconciliation.result import Tally
from twinledger.reconciliation.statement import Component, PeriodStatement, statement_digest
from twinledger.reconciliation.statement_rows import Opened
from twinledger.reconciliation.tolerance import Limits
from twinledger.vocabulary.money import Money, signed

_SHOWN = 15
"""Rows of a component on paper, the most money first."""

_LONGEST = 60
_WIDTH = 268.0
"""Millimetres between the margins."""


def pdf_bytes(statement: PeriodStatement, opened: Sequence[Opened]) -> bytes:
    """The statement on landscape A4; equal statements give equal bytes."""
    title = f"Reconciliation of {statement.kind} {statement.subject} {statement.period}"
    story = [
        set_bold(title, TITLE),
        set_text(f"Finance only · both ledgers in {statement.currency} · {_certified(statement)}", HEAD),
        Spacer(1, 5),
        set_text(_sides(statement)),
        *(set_text(one) for one in (*(f"Missing: {each}" for each in statement.missing), *statement.warnings)),
        *_bridge(statement),
        *_breaks(statement),
        *(flowable for one in opened for flowable in _rows(statement, one)),
        Spacer(1, 8),
        set_text(f"Made of {statement.run} from cuts {statement.external_cut} (external) and "
                 f"{statement.internal_cut} (internal). SHA-256 of the statement: {statement_digest(statement)}", HEAD),
    ]  # fmt: skip
    return paper_bytes(title, title, story)


def _certified(statement: PeriodStatement) -> str:
    reasons = "; ".join(statement.reasons)
    said = f"not certified, {statement.reason_code}: {reasons}" if statement.reason_code else "certified"
    return f"verdict: {statement.verdict} · {said}"


def _sides(statement: PeriodStatement) -> str:
    def money(amount: Decimal) -> Money:
        return Money(amount, statement.currency)

    return (
        f"Internal {money(statement.internal)}, external {money(statement.external)}, "
        f"deviation {signed(money(statement.deviation))}"
    )


def _bridge(statement: PeriodStatement) -> list[Flowable]:
    heads = (("Component", False), ("Amount", True), ("Rows", True), ("Tolerance", False), ("", False))
    rows = [_component(one, statement.currency) for one in statement.components]
    rows.append(["Deviation", signed(Money(statement.deviation, statement.currency)), "", "", ""])
    return [set_bold("Bridge", SECTION), set_table(heads, rows, (55, 50, 30, 60, 40), "Deviation")]


def _component(one: Component, currency: str) -> list[str]:
    tolerance = str(Limits(one.above, one.below))
    within = "within tolerance" if one.within else "beyond tolerance"
    return [one.name.replace("_", " "), signed(Money(one.amount, currency)), f"{one.rows:,}", tolerance, within]


def _breaks(statement: PeriodStatement) -> list[Flowable]:
    def tally(one: Tally) -> str:
        return f"{one.count} ({Money(one.amount, statement.currency)})"

    roll = statement.roll_forward
    way = f"Opening {tally(roll.opening)}, new {tally(roll.new)}, resolved {tally(roll.resolved)}, "
    story: list[Flowable] = [set_bold("Breaks", SECTION), set_text(f"{way}closing {tally(roll.closing)}.")]
    if statement.breaks:
        heads = (("Rule", False), ("Subject", False), ("Amount", True), ("Tolerance", True), ("Owner", False),
                 ("Since", False))  # fmt: skip
        rows = [
            [one.rule.replace("_", " "), _cut(one.subject), signed(Money(one.amount, statement.currency)),
             str(Money(one.tolerance, statement.currency)), one.owner, f"{one.opened_at:%Y-%m-%d}"]
            for one in statement.breaks
        ]  # fmt: skip
        story.append(set_table(heads, rows, (45, 75, 45, 40, 35, 25)))
    return story


def _rows(statement: PeriodStatement, opened: Opened) -> list[Flowable]:
    if not opened.count:
        return []
    shown = opened.first(_SHOWN)
    used = [place for place, _ in enumerate(shown.columns) if any(row[place] is not None for row in shown.rows)]
    heads = [(shown.columns[place].replace("_", " "), shown.columns[place] in ("amount", "of")) for place in used]
    rows = [[_cell(row[place], statement.currency) for place in used] for row in shown.rows]
    heading = set_bold(opened.component.replace("_", " ").capitalize(), SECTION)
    table = set_table(heads, rows, [_WIDTH / len(used)] * len(used))
    rest = shown.rest(statement.currency)
    return [heading, table, *([set_text(rest, HEAD)] if rest else [])]


def _cell(value: Value, currency: str) -> str:
    if isinstance(value, Decimal):
        return signed(Money(value, currency))
    return "" if value is None else _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
