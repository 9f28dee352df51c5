"""A bridge as a waterfall: figures to rectangles.

What belongs here: geometry, in exact decimals, as a pure function. What does not: colours, words
and the SVG, which are the template's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

WIDTH = Decimal(460)
"""Of the plot, in units of the picture."""

ROW = 30
_THINNEST = Decimal(2)
_STEP = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Bar:
    """One step: from the sum before it to the sum after it."""

    name: str
    amount: Decimal
    x: Decimal
    width: Decimal
    y: int
    kind: str
    """up | down | total."""

    end: Decimal
    """Where the next bar begins."""


@dataclass(frozen=True, slots=True)
class Waterfall:
    """All bars, and where zero is."""

    bars: tuple[Bar, ...]
    zero: Decimal
    height: int


def waterfall(steps: Sequence[tuple[str, Decimal]], total: str) -> Waterfall:
    """Steps from zero to their sum, then the sum itself under the name `total`; steps of nothing are left out."""
    with localcontext(prec=60):
        shown = [(name, amount) for name, amount in steps if amount]
        sums = [Decimal(0)]
        for _, amount in shown:
            sums.append(sums[-1] + amount)
        low, high = min(sums), max(sums)
        scale = WIDTH / ((high - low) or Decimal(1))

        def place(amount: Decimal) -> Decimal:
            return ((amount - low) * scale).quantize(_STEP, ROUND_HALF_UP)

        spans = [(name, amount, before, before + amount) for (name, amount), before in zip(shown, sums, strict=False)]
        spans.append((total, sums[-1], Decimal(0), sums[-1]))
        bars = tuple(
            Bar(
                name=name,
                amount=amount,
                x=place(min(start, end)),
                width=max(abs(place(end) - place(start)), _THINNEST),
                y=position * ROW,
                kind="total" if position == len(shown) else ("up" if amount > 0 else "down"),
                end=place(end),
            )
            for position, (name, amount, start, end) in enumerate(spans)
        )
        return Waterfall(bars, place(Decimal(0)), len(bars) * ROW)
