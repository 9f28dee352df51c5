"""A statement on paper: PDF by reportlab.

What belongs here: layout, fonts and colours of the printed statement. What does not: its figures (`document`)
and the chart's geometry (`chart`).

Letters that Helvetica lacks are set in STSong-Light, one of Adobe's fonts for Simplified Chinese (collection
GB1): readers bring it or a font like it, so the file holds none.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from html import escape

from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from twinledger.statements.chart import Chart, Label
from twinledger.statements.document import Document, DocumentLine
from twinledger.statements.words import CAUSES, KINDS, history_chart, number_text, percent_text, price_text
from twinledger.vocabulary.money import Money, signed

LATIN, CHINESE = "Helvetica", "STSong-Light"
_FOREIGN = re.compile(r"[^\x20-\xff€–—‘’“”•…]+")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

_INK, _SOFT, _LINE = colors.HexColor("#1d2129"), colors.HexColor("#626a78"), colors.HexColor("#dfe1e6")
SERIES_COLOURS = ("#1858b8", "#2b7a55", "#b0761d", "#7a4fa3", "#7d8796")
"""As the page's, on white."""

SHRUNK = 0.66
"""Points of paper for one unit of the chart: a statement of few lines stays on one page."""

_BODY = ParagraphStyle("body", fontName=LATIN, fontSize=8.5, leading=11, textColor=_INK)
_NUMBER = ParagraphStyle("number", _BODY, alignment=TA_RIGHT)
_HEAD = ParagraphStyle("head", _BODY, textColor=_SOFT)
_HEAD_NUMBER = ParagraphStyle("head-number", _HEAD, alignment=TA_RIGHT)
_TITLE = ParagraphStyle("title", _BODY, fontSize=17, leading=22)
_SECTION = ParagraphStyle("section", _BODY, fontSize=11, leading=16, spaceBefore=8, spaceAfter=3)

_GRID = TableStyle(
    [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
)


def pdf_bytes(document: Document) -> bytes:
    """The statement on landscape A4; equal documents give equal bytes."""
    _register()
    written = io.BytesIO()
    template = SimpleDocTemplate(
        written,
        pagesize=landscape(A4),
        leftMargin=14 * mm,
        rightMargin=14 * mm,
        topMargin=11 * mm,
        bottomMargin=13 * mm,
        title=f"{document.title} {document.period}",
        author="Twinledger",
        invariant=1,  # no instant and no identity of its own
    )
    foot = _foot(f"{document.title}, {document.period}")
    template.build(_story(document), onFirstPage=foot, onLaterPages=foot)
    return written.getvalue()


@cache
def _register() -> None:
    registerFont(UnicodeCIDFont(CHINESE))


def _marked(text: str) -> str:
    """Text as a paragraph's markup: escaped, with letters that Helvetica lacks in the Chinese font."""
    cleaned = _UNSEEN.sub(" ", text)
    pieces, after = [], 0
    for found in _FOREIGN.finditer(cleaned):
        pieces.append(escape(cleaned[after : found.start()]))
        pieces.append(f'<font name="{CHINESE}">{escape(found[0])}</font>')
        after = found.end()
    return "".join([*pieces, escape(cleaned[after:])])


def _text(text: str, style: ParagraphStyle = _BODY) -> Paragraph:
    return Paragraph(_marked(text), style)


def _bold(text: str, style: ParagraphStyle = _BODY) -> Paragraph:
    return Paragraph(f"<b>{_marked(text)}</b>", style)


def _story(document: Document) -> list[Flowable]:
    state = "closed" if document.closed else "open: figures may still change"
    small = f"Cost centre {document.cost_centre or 'none'} · internal charges at published prices · period {state}"
    story: list[Flowable] = [
        _bold(f"{document.title}, {document.period}", _TITLE),
        _text(small, _HEAD),
        Spacer(1, 5),
        _text(f"Total {document.total}{_compared(document)}"),
        Spacer(1, 5),
    ]
    if not document.lines:
        return [*story, _text("No internal charges in this period.")]
    return [*story, _lines(document), *_movers(document), *_months(document)]


def _compared(document: Document) -> str:
    if not document.comparable:
        return "; nothing to compare with: no charges last month"
    return f"; last month {document.before}, change {signed(document.change)}{percent_text(document.percent)}"


Cell = tuple[str, bool]
"""A text, and whether it is a number."""


def _table(heads: Sequence[Cell], rows: Sequence[Sequence[str]], widths: Sequence[float], last: str = "") -> LongTable:
    """A table whose head is repeated on each page; `last` is the row below that is bold, if any."""
    styles = [_NUMBER if number else _BODY for _, number in heads]
    grid = [[_text(text, _HEAD_NUMBER if number else _HEAD) for text, number in heads]]
    for row in rows:
        set_text = _bold if last and row is rows[-1] else _text
        grid.append([set_text(text, style) for text, style in zip(row, styles, strict=True)])
    return LongTable(grid, colWidths=[width * mm for width in widths], repeatRows=1, style=_GRID, hAlign="LEFT")


def _lines(document: Document) -> LongTable:
    heads = (
        ("Product", False), ("Meter", False), ("Kind", False), ("Quantity", True), ("Unit", False), ("Price", True),
        ("Amount", True), ("Last month", True), ("Change", True), ("", True),
    )  # fmt: skip
    rows = [_line(line) for line in document.lines]
    total = [str(document.total), str(document.before), signed(document.change), _percent(document.percent)]
    rows.append(["Total", "", "", "", "", "", *total])
    return _table(heads, rows, (40, 36, 24, 25, 20, 20, 30, 30, 27, 17), "Total")


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
    table = _table(heads, rows, (50, 50, 38, 38, 38, 55))
    return [KeepTogether([_bold("Top movers since last month", _SECTION), table])]


def _effects(line: DocumentLine) -> tuple[Money, Money]:
    return line.price_effect, line.quantity_effect


def _months(document: Document) -> list[Flowable]:
    heading = _bold(f"Months, {document.total.currency}", _SECTION)
    return [KeepTogether([heading, _drawing(history_chart(document))])]


# --- the chart ---------------------------------------------------------------------------------


def _drawing(chart: Chart) -> Drawing:
    """The chart's shapes; reportlab counts from the bottom."""
    drawing = Drawing(chart.width * SHRUNK, chart.height * SHRUNK)
    drawing.scale(SHRUNK, SHRUNK)

    def up(y: Decimal) -> float:
        return float(chart.height - y)

    for rule in chart.rules:
        colour = _SOFT if rule.zero else _LINE
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
    font = CHINESE if _FOREIGN.search(label.text) else LATIN
    colour = _INK if label.kind == "value" else _SOFT
    return String(
        float(label.x), up(label.y), _UNSEEN.sub(" ", label.text), textAnchor=label.anchor, fontName=font, fontSize=9,
        fillColor=colour,
    )  # fmt: skip


def _foot(text: str) -> Callable[[Canvas, SimpleDocTemplate], None]:
    def draw(canvas: Canvas, template: SimpleDocTemplate) -> None:
        canvas.saveState()
        line = Paragraph(_marked(f"{text} · page {template.page}"), _HEAD)
        line.wrapOn(canvas, 240 * mm, 10 * mm)
        line.drawOn(canvas, 14 * mm, 7 * mm)
        canvas.restoreState()

    return draw
