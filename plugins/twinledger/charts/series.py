"""The chart of a daily series: what each day cost, what it was expected to, and the days that are not as expected.

What belongs here: that one picture. What does not: how a card is laid out (`canvas`).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from twinledger.charts.canvas import DASHES, Key, png_of
from twinledger.charts.curve import Amounts, Curve
from twinledger.charts.picture import ACTUAL, BAND, BAND_EDGE, EXPECTED, MARKED, PLAN, Picture
from twinledger.charts.words import day_label, one_line, short_money, stretch_text
from twinledger.vocabulary.money import Money, exact_sum

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MANY = 62
"""Days beyond which a point a day would be a smear."""


def series_chart(curve: Curve) -> Picture:
    """Actual and expected amounts of each day with the 80 % interval; the marked days stand out."""
    png = png_of(curve.title, _keys(curve), curve.days, lambda axes: _plot(axes, curve))
    return Picture(png, _in_words(curve))


def _marked(curve: Curve) -> range:
    """Places of the marked days that the picture has."""
    if curve.marked is None:
        return range(0)
    first, last = ((day - curve.days[0]).days for day in curve.marked)
    return range(max(first, 0), min(last + 1, len(curve.days)))


def _told(curve: Curve) -> range:
    """Places of the days whose sums are told: the marked ones, else all."""
    return _marked(curve) or range(len(curve.days))


def _sum(amounts: Amounts, places: Iterable[int]) -> Decimal | None:
    """Of the days that are known; None where none is."""
    known = [amount for place in places if (amount := amounts[place]) is not None]
    return exact_sum(known) if known else None


def _keys(curve: Curve) -> list[Key]:
    actual, expected = _sum(curve.actual, _told(curve)), _sum(curve.expected, _told(curve))
    keys = [Key(_named("Actual", actual, curve), ACTUAL)]
    if expected is not None:
        keys.append(Key(_named("Expected", expected, curve), EXPECTED, "--"))
    if any(_bands(curve)):
        keys.append(Key("80 % interval", BAND, "band"))
    if places := _marked(curve):
        first, last = (day_label(curve.days[place], 1) for place in (places[0], places[-1]))
        keys.append(Key(first if first == last else f"{first} to {last}", MARKED, "band"))
    return keys


def _named(name: str, amount: Decimal | None, curve: Curve) -> str:
    return name if amount is None else f"{name} {short_money(amount, curve.currency)}"


def _bands(curve: Curve) -> list[bool]:
    return [low is not None and high is not None for low, high in zip(curve.lower, curve.upper, strict=True)]


def _plot(axes: Axes, curve: Curve) -> None:
    middles = [place + 0.5 for place in range(len(curve.days))]
    points = "o" if len(curve.days) <= _MANY else ""
    if places := _marked(curve):
        axes.axvspan(places[0], places[-1] + 1, facecolor=MARKED, edgecolor=PLAN, linewidth=2)
    axes.fill_between(
        middles, _places(curve.lower), _places(curve.upper), where=_bands(curve), facecolor=BAND, edgecolor=BAND_EDGE,
        linewidth=3,
    )  # fmt: skip
    axes.plot(middles, _places(curve.expected), color=EXPECTED, linewidth=6, linestyle=DASHES)
    axes.plot(middles, _places(curve.actual), color=ACTUAL, linewidth=7, marker=points, markersize=12)
    if places:
        stretch = slice(places[0], places[-1] + 1)
        amounts = _places(curve.actual[stretch])
        axes.plot(middles[stretch], amounts, color=PLAN, linewidth=8, marker="o", markersize=17)


def _places(amounts: Amounts) -> list[float]:
    """Where no amount is known the line has a gap."""
    return [float("nan") if amount is None else float(amount) for amount in amounts]


def _in_words(curve: Curve) -> str:
    places = _told(curve)
    actual, expected = _sum(curve.actual, places), _sum(curve.expected, places)
    said = [f"{one_line(curve.title)}, each day of {stretch_text(curve.days[0], curve.days[-1])}"]
    what = "not as expected" if _marked(curve) else "in all"
    figures = [
        f"{name} {Money(amount, curve.currency)}"
        for name, amount in (("actual", actual), ("expected", expected))
        if amount is not None
    ]
    stretch = stretch_text(curve.days[places[0]], curve.days[places[-1]])
    said.append(f"{what} {stretch}: {', '.join(figures) or 'no amounts'}")
    return f"Chart of {'; '.join(said)}."
