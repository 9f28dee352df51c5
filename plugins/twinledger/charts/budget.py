"""The chart of a budget: what is spent so far, what the rest is forecast to be, and what may be spent.

What belongs here: that one picture. What does not: how a card is laid out (`canvas`).

Amounts are added up from the first day on: where a line crosses the budget's is read at once, which no bar a day says.
Commitments are no spend of any day: the forecast starts above what is spent by that much. Sums are exact; they become
floats only as places in the picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING

from twinledger.charts.canvas import DASHES, Key, png_of, set_note
from twinledger.charts.curve import Amounts, Curve
from twinledger.charts.picture import ACTUAL, BAND, BAND_EDGE, EXPECTED, PLAN, Picture
from twinledger.charts.words import day_label, day_text, one_line, short_money, stretch_text
from twinledger.vocabulary.money import Money, exact_sum, short_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class _Sums:
    """Each list starts with what is known at the end of the last final day, and has one more for each day to come."""

    spent: tuple[Decimal, ...]
    """From 0 on, one more for each final day."""
    rest: tuple[Decimal, ...]
    lowest: tuple[Decimal, ...]
    highest: tuple[Decimal, ...]


def budget_chart(curve: Curve) -> Picture:
    """What is spent, forecast with its 80 % interval, and the budget; without forecast or budget, what there is."""
    sums = _summed(curve)
    png = png_of(curve.title, _keys(curve, sums), curve.days, lambda axes: _plot(axes, curve, sums))
    return Picture(png, _in_words(curve, sums))


def _summed(curve: Curve) -> _Sums:
    spent = _running(Decimal(0), (amount or Decimal(0) for amount in curve.actual[: curve.known]))
    start = exact_sum((spent[-1], curve.committed))
    rest, lowest, highest = (_days_to_come(curve, one) for one in (curve.expected, curve.lower, curve.upper))
    return _Sums(spent, _running(start, rest), _running(start, lowest), _running(start, highest))


def _running(start: Decimal, amounts: Iterable[Decimal]) -> tuple[Decimal, ...]:
    return tuple(accumulate(amounts, lambda one, other: exact_sum((one, other)), initial=start))


def _days_to_come(curve: Curve, amounts: Amounts) -> tuple[Decimal, ...]:
    """All of them, or none where one is not known: a sum without it would be a lie."""
    rest = tuple(amount for amount in amounts[curve.known :] if amount is not None)
    return rest if len(rest) == len(curve.days) - curve.known else ()


def _keys(curve: Curve, sums: _Sums) -> list[Key]:
    keys = [Key(f"Spent {short_money(sums.spent[-1], curve.currency)}", ACTUAL)]
    if curve.plan is not None:
        keys.append(Key(f"Budget {short_money(curve.plan, curve.currency)}", PLAN))
    if len(sums.rest) > 1:
        keys.append(Key(f"Forecast {short_money(sums.rest[-1], curve.currency)}", EXPECTED, "--"))
    if _has_band(sums):
        ends = f"{short_number(sums.lowest[-1])} to {short_number(sums.highest[-1])}"
        keys.append(Key(f"80 %: {ends}", BAND, "band"))
    return keys


def _has_band(sums: _Sums) -> bool:
    return len(sums.lowest) == len(sums.highest) > 1


def _plot(axes: Axes, curve: Curve, sums: _Sums) -> None:
    axes.set_xlim(0, len(curve.days))
    to_come = list(range(curve.known, len(curve.days) + 1))
    if _has_band(sums):
        low, high = _places(sums.lowest), _places(sums.highest)
        axes.fill_between(to_come, low, high, facecolor=BAND, edgecolor=BAND_EDGE, linewidth=3)
    if curve.plan is not None:
        axes.plot((0, len(curve.days)), _places((curve.plan, curve.plan)), color=PLAN, linewidth=6)
    if len(sums.rest) > 1:
        joined = _places((sums.spent[-1], *sums.rest))
        axes.plot((curve.known, *to_come), joined, color=EXPECTED, linewidth=7, linestyle=DASHES)
    axes.plot(range(curve.known + 1), _places(sums.spent), color=ACTUAL, linewidth=8, solid_capstyle="round")
    if 0 < curve.known < len(curve.days):
        set_note(axes, curve.known, f"to {day_label(curve.days[curve.known - 1], 1)}")


def _places(amounts: Iterable[Decimal]) -> list[float]:
    return [float(amount) for amount in amounts]


def _in_words(curve: Curve, sums: _Sums) -> str:
    """Every figure of the picture, in full."""

    def money(amount: Decimal) -> str:
        return str(Money(amount, curve.currency))

    known = f" by {day_text(curve.days[curve.known - 1])}" if curve.known else ""
    said = [
        f"{one_line(curve.title)}, {stretch_text(curve.days[0], curve.days[-1])}: {money(sums.spent[-1])} spent{known}"
    ]
    if curve.committed:
        said.append(f"{money(curve.committed)} committed")
    if len(sums.rest) > 1:
        said.append(f"{money(sums.rest[-1])} forecast for the end")
    if _has_band(sums):
        said.append(f"80 % interval {money(sums.lowest[-1])} to {money(sums.highest[-1])}")
    if curve.plan is not None:
        end = sums.rest[-1]
        apart = exact_sum((end, curve.plan.copy_negate()))
        side = "over" if apart > 0 else "under"
        said.append(
            f"budget {money(curve.plan)}, {money(abs(apart))} {side} it" if apart else f"budget {money(curve.plan)}"
        )
    return f"Chart of {'; '.join(said)}."
