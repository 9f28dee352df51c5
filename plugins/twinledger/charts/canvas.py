"""The card that every chart is drawn on: title, key, axes, and its way to bytes.

What belongs here: layout, and matplotlib's ways. What does not: what is drawn between the axes (`budget`, `series`).

Text of people is drawn as it is: a dollar sign begins no formula (`parse_math`). matplotlib's settings are one set for
a process, so pictures are drawn one at a time, each with the same settings whatever a machine's `matplotlibrc` says.
"""

from __future__ import annotations

import io
import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from twinledger.charts.fonts import drawable, families
from twinledger.charts.picture import EDGE, GRID, GROUND, HEIGHT, INK, SOFT, WIDTH
from twinledger.charts.words import day_label, one_line
from twinledger.vocabulary.money import short_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 72
"""A point is a pixel: sizes of letters below are in pixels."""

_TITLE, _WORDS = 44, 35
_LEFT, _RIGHT = 0.125, 0.965
_MARGIN = 0.03
_COLUMNS = (_MARGIN, 0.53)
_ROWS = (0.805, 0.712)
_TICKS = 4
DASHES = (0, (2, 1))
"""Of what is not spent yet, or was not: strokes of twice the line's width."""

_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of the key: how it is drawn, and what it is."""

    text: str
    colour: str
    stroke: Literal["-", "--", "band"] = "-"


def png_of(title: str, keys: Sequence[Key], days: Sequence[date], plot: Callable[[Axes], None]) -> bytes:
    """The chart as PNG; equal input gives equal bytes.

    Args:
        title: drawn as it is, without letters that no font has, and cut where it is too long.
        keys: at most four.
        days: whose axis it is: day 0 is from 0 to 1.
        plot: draws between the axes.
    """
    import matplotlib as mpl  # noqa: PLC0415 - see the package

    with _ONE_AT_A_TIME, ExitStack() as settings:
        settings.enter_context(mpl.rc_context())
        mpl.rcdefaults()
        mpl.rcParams.update({"font.family": list(families()), "font.size": _WORDS, "text.parse_math": False})
        figure = _card(title)
        _set_keys(figure, keys)
        axes = figure.add_axes((_LEFT, 0.095, _RIGHT - _LEFT, 0.57))
        plot(axes)
        _set_axes(axes, days)
        return _bytes(figure)


def _bytes(figure: Figure) -> bytes:
    """Without the name of the program and the time, that equal pictures be equal."""
    made = io.BytesIO()
    figure.savefig(made, format="png", metadata={"Software": None})
    return made.getvalue()


def _card(title: str) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415 - see the package

    figure = Figure((WIDTH / _DPI, HEIGHT / _DPI), _DPI, facecolor=GROUND, edgecolor=EDGE, linewidth=6)
    _set_fitted(figure, drawable(one_line(title)), (_MARGIN, 0.905), _TITLE, INK, 1 - 2 * _MARGIN)
    return figure


def _set_keys(figure: Figure, keys: Sequence[Key]) -> None:
    for place, key in enumerate(keys):
        left, low = _COLUMNS[place % 2], _ROWS[place // 2]
        _set_sample(figure, key, left, low + 0.022)
        _set_fitted(figure, drawable(key.text), (left + 0.055, low), _WORDS, INK, 0.41)


def _set_sample(figure: Figure, key: Key, left: float, middle: float) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - see the package
    from matplotlib.patches import Rectangle  # noqa: PLC0415 - likewise

    if key.stroke == "band":
        box = Rectangle((left, middle - 0.025), 0.042, 0.05, facecolor=key.colour, edgecolor=SOFT, linewidth=2)
        figure.add_artist(box)
    else:
        line = Line2D((left, left + 0.042), (middle, middle), color=key.colour, linewidth=7)
        line.set_linestyle(DASHES if key.stroke == "--" else "-")
        figure.add_artist(line)


def _set_fitted(figure: Figure, text: str, place: tuple[float, float], size: int, colour: str, width: float) -> None:
    """Text that is cut where it would be wider than its room, a share of the picture's width."""
    words = figure.text(*place, text, fontsize=size, color=colour)

    def is_wide(letters: int) -> bool:
        words.set_text(text if letters == len(text) else f"{text[:letters].rstrip()}…")
        return bool(words.get_window_extent().width > width * WIDTH)

    if is_wide(len(text)):
        is_wide(bisect_left(range(len(text)), 1, key=is_wide) - 1)


def _set_axes(axes: Axes, days: Sequence[date]) -> None:
    """Few ticks, money in short form; the axis of money starts at 0, or below it where something is."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - see the package

    low, high = axes.dataLim.intervaly
    low, high = min(0.0, float(low)), max(0.0, float(high))
    if low == high:  # nothing was spent, or nothing is known
        high = 1.0
    room = (high - low) * 0.16
    axes.set_ylim(low - room if low < 0 else 0.0, high + room)
    axes.set_xlim(0, len(days))
    axes.yaxis.set_major_locator(MaxNLocator(_TICKS, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(Decimal(repr(float(value))))))
    _set_days(axes, days)
    axes.grid(axis="y", color=GRID, linewidth=2)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=10, labelcolor=SOFT)
    axes.spines[:].set_visible(False)
    axes.axhline(0, color=SOFT, linewidth=3, zorder=1, clip_on=False)


def _set_days(axes: Axes, days: Sequence[date]) -> None:
    """The first day, the last one and some in between, each below its own middle."""
    last = len(days) - 1
    places = sorted({round(last * number / (_TICKS - 1)) for number in range(_TICKS)})
    axes.set_xticks([place + 0.5 for place in places], [day_label(days[place], len(days)) for place in places])
    for place, label in zip(places, axes.get_xticklabels(), strict=True):
        label.set_horizontalalignment("left" if place == 0 < last else "right" if place == last > 0 else "center")


def set_note(axes: Axes, place: float, text: str) -> None:
    """A dotted line across the chart at a place among the days, and what it is, at its top."""
    import matplotlib.transforms as mtransforms  # noqa: PLC0415 - see the package

    axes.axvline(place, color=SOFT, linewidth=4, linestyle=(0, (1, 1.5)))
    low, high = axes.get_xlim()
    right = place > (low + high) / 2
    above = mtransforms.blended_transform_factory(axes.transData, axes.transAxes)
    offset = mtransforms.ScaledTranslation((-10 if right else 10) / _DPI, 0, axes.figure.dpi_scale_trans)
    box = {"facecolor": GROUND, "edgecolor": "none", "pad": 3}
    axes.text(
        place, 0.995, drawable(text), color=SOFT, va="top", ha="right" if right else "left", bbox=box,
        transform=above + offset,
    )  # fmt: skip
