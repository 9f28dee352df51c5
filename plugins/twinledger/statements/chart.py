"""Months as stacked columns: figures to rectangles and words, the same for a page and for paper.

What belongs here: geometry in exact decimals, as a pure function, y downwards. What does not: colours, fonts,
SVG and PDF, which are those of whoever draws it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Literal

from twinledger.vocabulary.money import exact_sum

WIDTH, HEIGHT = 720, 260
"""Of the picture, in its units."""

SERIES = 5
"""Colours: the largest series have one each; from the last one on they are drawn as one."""

OTHERS = "other"

_LEFT, _RIGHT = Decimal(64), Decimal(704)
_TOP, _BOTTOM = Decimal(56), Decimal(226)
_WIDEST_COLUMN = Decimal(72)
_STEP = Decimal("0.1")
_LINES = 4
_LETTER = Decimal(7)

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the colour of a series, counted from 0; `title` says what it is."""

    x: Decimal
    y: Decimal
    width: Decimal
    height: Decimal
    series: int
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """Words at a point; `kind` is axis, value or legend."""

    x: Decimal
    y: Decimal
    anchor: Anchor
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the plot; `zero` is the one that columns stand on."""

    x1: Decimal
    x2: Decimal
    y: Decimal
    zero: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole picture, WIDTH by HEIGHT."""

    boxes: tuple[Box, ...]
    labels: tuple[Label, ...]
    rules: tuple[Rule, ...]
    width: int = WIDTH
    height: int = HEIGHT


Month = tuple[str, Sequence[tuple[str, Decimal]]]
"""The month's label, and each series' name with its figure."""


def columns(months: Sequence[Month], text: Callable[[Decimal], str], beside: int = 1) -> Chart:
    """One stacked column a month, or some beside each other: series above zero upwards, below zero downwards.

    Args:
        months: in order; a series is the same one in all months by its name.
        text: how a figure is written.
        beside: how many columns stand together under the label of the first of them.
    """
    with localcontext(prec=60):
        names = _series([pair for _, pairs in months for pair in pairs])
        stacks = [_stack(pairs, names) for _, pairs in months]
        high = max([exact_sum(v for v in stack.values() if v > 0) for stack in stacks], default=Decimal(0))
        low = min([exact_sum(v for v in stack.values() if v < 0) for stack in stacks], default=Decimal(0))
        step = _nice((high - low) / _LINES)
        scale = _Scale.of(low, high, step)
        boxes, labels = _legend(names)
        for place, ((month, _), stack) in enumerate(zip(months, stacks, strict=True)):
            spot = _Spot.of(place, len(months), beside)
            drawn, total = _column(spot, month, stack, scale, text)
            boxes += drawn
            labels.append(total)
            if place % beside == 0:
                labels.append(Label(spot.middle_of_all, _BOTTOM + 20, "middle", "axis", month))
        rules, axis = _rules(scale, step, text)
        return Chart(tuple(boxes), (*axis, *labels), rules)


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a column stands."""

    left: Decimal
    width: Decimal
    middle_of_all: Decimal
    """The middle of the columns that stand together."""

    @classmethod
    def of(cls, place: int, count: int, beside: int) -> _Spot:
        """The so-manieth of all columns; those that stand together touch, and take six tenths of their room."""
        room = (_RIGHT - _LEFT) / (count // beside)
        together = min(room * Decimal("0.6"), _WIDEST_COLUMN * beside)
        middle = _LEFT + room * (place // beside) + room / 2
        left = middle - together / 2 + together / beside * (place % beside)
        return cls(_rounded(left), _rounded(together / beside), _rounded(middle))


@dataclass(frozen=True, slots=True)
class _Scale:
    """From a figure to its height."""

    low: Decimal
    high: Decimal

    @classmethod
    def of(cls, low: Decimal, high: Decimal, step: Decimal) -> _Scale:
        """Both ends on a line of the grid."""
        return cls(-_up(-low, step), max(_up(high, step), step))

    def y(self, figure: Decimal) -> Decimal:
        """Where a figure is."""
        return _rounded(_BOTTOM - (figure - self.low) / (self.high - self.low) * (_BOTTOM - _TOP))


def _up(figure: Decimal, step: Decimal) -> Decimal:
    return (figure / step).to_integral_value(rounding="ROUND_CEILING") * step


def _nice(step: Decimal) -> Decimal:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    if not step:
        return Decimal(1)
    power = Decimal(1).scaleb(step.adjusted())
    return next(power * nice for nice in map(Decimal, ("1", "2", "2.5", "5", "10")) if power * nice >= step)


def _rounded(figure: Decimal) -> Decimal:
    return figure.quantize(_STEP, ROUND_HALF_UP)


def _series(pairs: Iterable[tuple[str, Decimal]]) -> dict[str, int]:
    """The number of each series, the largest first; those beyond the colours share the last one."""
    sums: dict[str, Decimal] = {}
    for name, figure in pairs:
        sums[name] = sums.get(name, Decimal(0)) + abs(figure)
    ranked = sorted((name for name in sums if sums[name]), key=lambda name: (-sums[name], name))
    last = SERIES - 1 if len(ranked) > SERIES else SERIES
    return {name: min(place, last) for place, name in enumerate(ranked)}


def _stack(pairs: Iterable[tuple[str, Decimal]], names: Mapping[str, int]) -> dict[tuple[int, str], Decimal]:
    """Figures by series and the name it is told by."""
    shared = len(names) > SERIES
    stack: dict[tuple[int, str], Decimal] = {}
    for name, figure in pairs:
        if figure:
            number = names[name]
            key = (number, OTHERS if shared and number == SERIES - 1 else name)
            stack[key] = stack.get(key, Decimal(0)) + figure
    return dict(sorted(stack.items()))


def _column(
    spot: _Spot,
    month: str,
    stack: Mapping[tuple[int, str], Decimal],
    scale: _Scale,
    text: Callable[[Decimal], str],
) -> tuple[list[Box], Label]:
    above = below = Decimal(0)
    boxes = []
    for (number, name), figure in stack.items():
        start = above if figure > 0 else below
        top, bottom = sorted((scale.y(start), scale.y(start + figure)))
        boxes.append(Box(spot.left, top, spot.width, bottom - top, number, f"{month} {name}: {text(figure)}"))
        if figure > 0:
            above += figure
        else:
            below += figure
    middle = _rounded(spot.left + spot.width / 2)
    return boxes, Label(middle, scale.y(above) - 6, "middle", "value", text(above + below))


def _rules(scale: _Scale, step: Decimal, text: Callable[[Decimal], str]) -> tuple[tuple[Rule, ...], list[Label]]:
    count = int((scale.high - scale.low) / step) + 1
    figures = [scale.low + step * number for number in range(count)]
    rules = tuple(Rule(_LEFT, _RIGHT, scale.y(figure), not figure) for figure in figures)
    labels = [Label(_LEFT - 8, scale.y(figure) + 4, "end", "axis", text(figure)) for figure in figures]
    return rules, labels


def _legend(names: Mapping[str, int]) -> tuple[list[Box], list[Label]]:
    shown = {number: name for name, number in names.items()}
    if len(names) > SERIES:
        shown[SERIES - 1] = OTHERS
    boxes, labels = [], []
    x = _LEFT
    for number, name in sorted(shown.items()):
        word = name if len(name) <= 20 else f"{name[:19]}…"  # noqa: PLR2004 - five of them fit
        boxes.append(Box(x, Decimal(12), Decimal(12), Decimal(12), number, name))
        labels.append(Label(x + 18, Decimal(22), "start", "legend", word))
        x += 18 + _wide(word) * _LETTER + 16
    return boxes, labels


def _wide(word: str) -> int:
    """Letters that the word is wide; a Chinese one counts twice."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in word)
