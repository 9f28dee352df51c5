"""Money and days in few letters, and in words.

What belongs here: text of charts. What does not: where it stands in a picture.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from twinledger.vocabulary.money import short_number

_LONG_TITLE = 200
_MANY_DAYS = 180


def short_money(amount: Decimal, currency: str) -> str:
    """`USD 12.3k`."""
    return f"{currency} {short_number(amount)}"


def day_text(day: date) -> str:
    """`5 Oct 2026`."""
    return f"{day.day} {day:%b %Y}"


def day_label(day: date, days: int) -> str:
    """A day on an axis of so many days: `5 Oct`, or `Oct 2026` where they are most of a year."""
    return f"{day:%b %Y}" if days > _MANY_DAYS else f"{day.day} {day:%b}"


def stretch_text(first: date, last: date) -> str:
    """`5 Oct 2026`, or `5 Oct to 8 Nov 2026`."""
    if first == last:
        return day_text(first)
    start = f"{first.day} {first:%b}" if first.year == last.year else day_text(first)
    return f"{start} to {day_text(last)}"


def one_line(text: str) -> str:
    """What people wrote, on one line, without what nobody sees, and cut where it is very long."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 4 * _LONG_TITLE]).split())
    return line if len(line) <= _LONG_TITLE else f"{line[: _LONG_TITLE - 1].rstrip()}…"
