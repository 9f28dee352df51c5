"""Daily series that are made up where they are tested."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from twinledger.forecast import History

LAST = date(2026, 9, 10)


def daily(amount: Callable[[date], float | str], days: int, last: date = LAST) -> dict[date, Decimal]:
    """So many days up to the last one, of an amount a day."""
    every = [last - timedelta(days=back) for back in range(days)]
    return {day: Decimal(str(amount(day))) for day in reversed(every)}


def history(
    amount: Callable[[date], float | str], days: int = 200, last: date = LAST, currency: str = "USD"
) -> History:
    """The history of a made-up series."""
    return History("shop / vm", currency, daily(amount, days, last), last)


def last_of_month(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


def living(number: int, days: int = 190, last: date = LAST) -> History:
    """A series with weekends, growth, noise that remembers, a shift and, every third, a fee on the first."""
    chance = np.random.default_rng((7, number))
    weekend, growth, noise = chance.uniform(0.5, 1.0), chance.normal(0.2, 0.2), chance.uniform(0.03, 0.1)
    shift, when = np.exp(chance.normal(0, 0.2)), chance.integers(days // 4, days // 2 + 1)
    drawn, slow = chance.normal(0, noise, (2, days)), 0.0
    amounts = {}
    for place in range(days):
        day = last - timedelta(days=days - 1 - place)
        slow = 0.8 * slow + drawn[0, place]
        week = weekend if day.weekday() > 4 else 1.0
        level = 100 * np.exp(growth * place / 365 + slow + drawn[1, place]) * week * (shift if place > when else 1.0)
        fee = 400.0 if number % 3 == 0 and day.day == 1 else 0.0
        amounts[day] = Decimal(f"{level + fee:.2f}")
    return History(f"series {number}", "USD", amounts, last)
