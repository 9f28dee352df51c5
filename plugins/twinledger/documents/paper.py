"""Paper: PDF by reportlab.

What belongs here: fonts, colours, tables and the foot of a page. What does not: what a page says.

Letters that Helvetica lacks are set in STSong-Light, one of Adobe's fonts for Simplified Chinese (collection
GB1): readers bring it or a font like it, so the file holds none.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from functools import cache
from html import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, TableStyle

LATIN, CHINESE = "Helvetica", "STSong-Light"
FOREIGN = re.compile(r"[^\x20-\xff€–—‘’“”•…]+")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

INK, SOFT, LINE = colors.HexColor("#1d2129"), colors.HexColor("#626a78"), colors.HexColor("#dfe1e6")

BODY = ParagraphStyle("body", fontName=LATIN, fontSize=8.5, leading=11, textColor=INK)
NUMBER = ParagraphStyle("number", BODY, alignment=TA_RIGHT)
HEAD = ParagraphStyle("head", BODY, textColor=SOFT)
HEAD_NUMBER = ParagraphStyle("head-number", HEAD, alignment=TA_RIGHT)
TITLE = ParagraphStyle("title", BODY, fontSize=17, leading=22)
SECTION = ParagraphStyle("section", BODY, fontSize=11, leading=16, spaceBefore=8, spaceAfter=3)

_GRID = TableStyle(
    [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
)

Cell = tuple[str, bool]
"""A text, and whether it is a number."""


def paper_bytes(title: str, foot: str, story: Sequence[Flowable]) -> bytes:
    """A story on landscape A4 with a foot on each page; equal stories give equal bytes."""
    written = io.BytesIO()
    template = SimpleDocTemplate(
        written,
        pagesize=landscape(A4),
        leftMargin=14 * mm,
        rightMargin=14 * mm,
        topMargin=11 * mm,
        bottomMargin=13 * mm,
        title=title,
        author="Twinledger",
        invariant=1,  # no instant and no identity of its own
    )
    drawn = _foot(foot)
    template.build(list(story), onFirstPage=drawn, onLaterPages=drawn)
    return written.getvalue()


@cache
def _register() -> None:
    registerFont(UnicodeCIDFont(CHINESE))


def visible(text: str) -> str:
    """Text without characters that cannot be seen."""
    return _UNSEEN.sub(" ", text)


def _marked(text: str) -> str:
    """Text as a paragraph's markup: escaped, with letters that Helvetica lacks in the Chinese font."""
    _register()  # a paragraph asks for its fonts when it is made
    cleaned = visible(text)
    pieces, after = [], 0
    for found in FOREIGN.finditer(cleaned):
        pieces.append(escape(cleaned[after : found.start()]))
        pieces.append(f'<font name="{CHINESE}">{escape(found[0])}</font>')
        after = found.end()
    return "".join([*pieces, escape(cleaned[after:])])


def set_text(text: str, style: ParagraphStyle = BODY) -> Paragraph:
    """A paragraph."""
    return Paragraph(_marked(text), style)


def set_bold(text: str, style: ParagraphStyle = BODY) -> Paragraph:
    """A bold paragraph."""
    return Paragraph(f"<b>{_marked(text)}</b>", style)


def set_table(
    heads: Sequence[Cell], rows: Sequence[Sequence[str]], widths: Sequence[float], last: str = ""
) -> LongTable:
    """A table whose head is repeated on each page, widths in mm; `last` says that the last row is bold."""
    styles = [NUMBER if number else BODY for _, number in heads]
    grid = [[set_text(text, HEAD_NUMBER if number else HEAD) for text, number in heads]]
    for row in rows:
        write = set_bold if last and row is rows[-1] else set_text
        grid.append([write(text, style) for text, style in zip(row, styles, strict=True)])
    return LongTable(grid, colWidths=[width * mm for width in widths], repeatRows=1, style=_GRID, hAlign="LEFT")


def _foot(text: str) -> Callable[[Canvas, SimpleDocTemplate], None]:
    def draw(canvas: Canvas, template: SimpleDocTemplate) -> None:
        canvas.saveState()
        line = Paragraph(_marked(f"{text} · page {template.page}"), HEAD)
        line.wrapOn(canvas, 240 * mm, 10 * mm)
        line.drawOn(canvas, 14 * mm, 7 * mm)
        canvas.restoreState()

    return draw
