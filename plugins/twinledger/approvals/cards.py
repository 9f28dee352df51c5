"""GPU cards that are asked for: how many for how long, and how well those are used that the department holds.

What belongs here: both as facts of a request, frozen when it is submitted, and as sentences for whoever decides. What
does not: measuring cards (`metering`), and how a card in Slack or a page looks.

That a meter counts cards is said by its unit in the catalog: `card-hour` or `gpu-hour`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinledger.metering import CardUse

UNITS = frozenset({"card-hour", "gpu-hour"})
HOURS_A_DAY = 24
_HUNDREDTH = Decimal("0.01")


def counts_cards(unit: str) -> bool:
    """Whether a meter of this unit counts cards; the plural is the same unit."""
    return unit.strip().lower().removesuffix("s") in UNITS


def use_of(uses: Iterable[CardUse], product: str, meter: str) -> CardUse | None:
    """What is known of the department's cards of one meter."""
    return next((one for one in uses if (one.product, one.meter) == (product, meter)), None)


def card_facts(quantity: Decimal, days: int, use: CardUse | None) -> dict[str, Any]:
    """What a request for card-hours comes to, and what is known of the cards that are held; decimal strings.

    Args:
        quantity: card-hours a day. As few cards as can give them are counted: of 30, two.
        days: for how many days.
        use: of the same meter; None where nothing is measured.
    """
    with localcontext(Context(prec=60)):
        total = quantity * days
        cards = (quantity / HOURS_A_DAY).to_integral_value(ROUND_CEILING)
        hours = (total / cards).quantize(_HUNDREDTH)
    return {
        "card_hours": _short(total),
        "cards": _short(cards),
        "hours": _short(hours),
        "held_hours": _short(use.held_hours) if use else None,
        "measured_hours": _short(use.measured_hours) if use else None,
        "used_percent": _short(use.used_percent) if use and use.used_percent is not None else None,
        "known_until": use.known_until.isoformat() if use else None,
    }


def wanted_cards(facts: Mapping[str, Any]) -> str:
    """`4 cards x 336 hours = 1,344 card-hours`; nothing of a request for anything else."""
    cards = facts.get("cards")
    if not cards:
        return ""
    one = "card" if cards["cards"] == "1" else "cards"
    number, hours, total = (_grouped(cards[name]) for name in ("cards", "hours", "card_hours"))
    return f"{number} {one} x {hours} hours = {total} card-hours"


def use_of_cards(facts: Mapping[str, Any]) -> str:
    """`37.5 % used over 1,200 card-hours of the last 7 days, as of 2026-10-20 08:00 UTC`, or `not measured`."""
    cards = facts.get("cards")
    if not cards:
        return ""
    if cards["used_percent"] is None:
        held = f": {_grouped(cards['held_hours'])} card-hours held" if cards["held_hours"] else ""
        return f"not measured{held}"
    until = f"{datetime.fromisoformat(cards['known_until']):%Y-%m-%d %H:%M} UTC"
    over = _grouped(cards["measured_hours"])
    if cards["measured_hours"] != cards["held_hours"]:
        over += f" of {_grouped(cards['held_hours'])}"
    return f"{cards['used_percent']} % used over {over} card-hours of the last 7 days, as of {until}"


def _short(number: Decimal) -> str:
    """Without needless zeros."""
    return f"{number.normalize() + 0:f}"


def _grouped(text: str) -> str:
    return f"{Decimal(text):,f}"
