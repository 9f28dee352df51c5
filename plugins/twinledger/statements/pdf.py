"""A statement on paper: PDF by reportlab.

What belongs here: what stands on the printed statement, and drawing its chart. What does not: its figures
(`document`), the chart's geometry (`chart`), and fonts, tables and pages (`documents.paper`).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib import colors
from reportlab.platypus import Flowable, KeepTogether, LongTable, Spacer

from twinledger.documents.paper import (
    CHINESE,
    FOREIGN,
    HEAD,
    INK,
    LATIN,
    LINE,
    SECTION,
    SOFT,
    TITLE,
    paper_bytes,
    set_bold,
    set_table,
    set_text,
    visible,
)
from twinledger.statements.chart import Chart, Label
from twinledger.statements.document import Document, DocumentLine
from twinledger.statements.words import CAUSES, KINDS, history_chart, number_text, percent_text, price_text
from twinledger.vocabulary.money import Money, signed

SERIES_COLOURS = ("#1858b8", "#2b7a55", "#b0761d", "#7a4fa3", "#7d8796")
"""As the page's, on white."""

SHRUNK = 0.66
"""Points of paper for one unit of the chart: a statement of few lines stays on one page."""


def pdf_bytes(document: Document) -> bytes:
    """The statement on landscape A4; equal documents give equal bytes."""
    return paper_bytes(f"{document.title} {document.period}", f"{document.title}, {document.period}", _story(document))


def _story(document: Document) -> list[Flowable]:
    state = "closed" if document.closed else "open: figures may still change"
    small = f"Cost centre {document.cost_centre or 'none'} · internal charges at published prices · period {state}"
    story: list[Flowable] = [
        set_bold(f"{document.title}, {document.period}", TITLE),
        set_text(small, HEAD),
        Spacer(1, 5),
        set_text(f"Total {document.total}{_compared(document)}"),
        Spacer(1, 5),
    ]
    if not document.lines:
        return [*story, set_text("No internal charges in this period.")]
    return [*story, _lines(document), *_movers(document), *_months(document)]


def _compared(document: Document) -> str:
    if not document.comparable:
        return "; nothing to compare with: no charges last month"
    return f"; last month {document.before}, change {signed(document.change)}{percent_text(document.percent)}"


def _lines(document: Document) -> LongTable:
    heads = (
        ("Product", False), ("Meter", False), ("Kind", False), ("Quantity", True), ("Unit", False), ("Price", True),
        ("Amount", True), ("Last month", True), ("Change", True), ("", True),
    )  # fmt: skip
    rows = [_line(line) for line in document.lines]
    total = [str(document.total), str(document.before), signed(document.change), _percent(document.percent)]
    rows.append(["Total", "", "", "", "", "", *total])
    return set_table(heads, rows, (40, 36, 24, 25, 20, 20, 30, 30, 27, 17), "Total")


def _line(line: DocumentLine) -> list[str]:
    return [
        line.product_title,
        line.meter_title,
        KINDS.get(line.kind, line.kind),
        number_text(line.quantity),
        line.unit,
        price_text(line),
        str(line.amount),
        str(line.before),
        signed(line.change),
        _percent(line.percent),
    ]


def _percent(percent: Decimal | None) -> str:
    return percent_text(percent).strip(" ()").replace(" ", "\xa0")


def _movers(document: Document) -> list[Flowable]:
    if not document.movers:
        return []
    heads = (
        ("Product", False), ("Meter", False), ("Change", True), ("of that the price", True),
        ("of that the quantity", True), ("What moved", False),
    )  # fmt: skip
    rows = [
        [line.product_title, line.meter_title, signed(line.change), *map(signed, _effects(line)),
         CAUSES[line.cause]]
        for line in document.movers
    ]  # fmt: skip
    table = set_table(heads, rows, (50, 50, 38, 38, 38, 55))
    return [KeepTogether([set_bold("Top movers since last month", SECTION), table])]


def _effects(line: DocumentLine) -> tuple[Money, Money]:
    return line.price_effect, line.quantity_effect


def _months(document: Document) -> list[Flowable]:
    heading = set_bold(f"Months, {document.total.currency}", SECTION)
    return [KeepTogether([heading, chart_drawing(history_chart(document))])]


# --- the chart ---------------------------------------------------------------------------------


def chart_drawing(chart: Chart) -> Drawing:
    """The chart's shapes, also for papers of other rooms; reportlab counts from the bottom."""
    drawing = Drawing(chart.width * SHRUNK, chart.height * SHRUNK)
    drawing.scale(SHRUNK, SHRUNK)

    def up(y: Decimal) -> float:
        return float(chart.height - y)

    for rule in chart.rules:
        colour = SOFT if rule.zero else LINE
        drawing.add(Line(float(rule.x1), up(rule.y), float(rule.x2), up(rule.y), strokeColor=colour, strokeWidth=0.6))
    for box in chart.boxes:
        bottom = up(box.y + box.height)
        column = Rect(float(box.x), bottom, float(box.width), float(box.height))
        column.fillColor = colors.HexColor(SERIES_COLOURS[box.series])
        column.strokeColor = None
        drawing.add(column)
    for label in chart.labels:
        drawing.add(_string(label, up))
    return drawing


def _string(label: Label, up: Callable[[Decimal], float]) -> String:
    font = CHINESE if FOREIGN.search(label.text) else LATIN
    colour = INK if label.kind == "value" else SOFT
    return String(
        float(label.x), up(label.y), visible(label.text), textAnchor=label.anchor, fontName=font, fontSize=9,
        fillColor=colour,
    )  # fmt: skip
