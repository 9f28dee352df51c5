"""Money: a decimal amount in one currency, exact from file to message.

What belongs here: amounts, their rounding and their exact division. What does not: exchange rates
(`catalog`), prices (`catalog`), and sums over many rows, which the engine does in SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, InvalidOperation, localcontext

from twinledger.vocabulary.errors import CurrencyMismatchError, InvalidAmountError

SCALE = 18
"""Decimals of an amount in the lake, DECIMAL(38,18); see docs/decisions/0003-decimals.md."""

DIGITS = 38
QUANTITY_SCALE = 9
"""Decimals of a metered quantity, DECIMAL(19,9), and of a price, DECIMAL(18,9): products have 18."""

_EXACT = Context(prec=120)
_LIMIT = Decimal(10) ** (DIGITS - SCALE)
_POWERS = ((12, "T"), (9, "B"), (6, "M"), (3, "k"))
_SHORT_DIGITS = 3
_NUMBER = re.compile(r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?")

# ISO 4217 minor units that are not two decimals; source: ISO 4217:2015, list one.
_MINOR_UNITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def smallest_unit(currency: str) -> Decimal:
    """The smallest amount that can be paid in a currency: 0.01 for USD, 1 for JPY, 0.001 for KWD."""
    return Decimal(1).scaleb(-_MINOR_UNITS.get(currency, 2))


def parse_amount(text: str) -> Decimal:
    """Read one amount as vendors write it, exactly.

    Raises:
        InvalidAmountError: not a finite decimal number, or one that DECIMAL(38,18) cannot hold exactly.
    """
    cleaned = text.strip()
    if not _NUMBER.fullmatch(cleaned):
        raise InvalidAmountError(text, "is no finite decimal number")
    try:
        amount = _EXACT.create_decimal(cleaned)
    except InvalidOperation:
        raise InvalidAmountError(text, "is no finite decimal number") from None
    if not -_LIMIT < amount < _LIMIT:
        raise InvalidAmountError(text, f"has more than {DIGITS - SCALE} digits before the point")
    with localcontext(_EXACT):
        if amount != amount.quantize(Decimal(1).scaleb(-SCALE), ROUND_DOWN):
            raise InvalidAmountError(text, f"has more than {SCALE} decimals, which the ledger cannot hold exactly")
    return amount


def plain(amount: Decimal) -> str:
    """An amount as digits: no exponent, no trailing zeros, at least two decimals, '-0' is '0'."""
    with localcontext(_EXACT):
        digits = f"{amount.normalize() + 0:f}"
    whole, _, fraction = digits.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """The sum with no digit lost (the default context of `decimal` rounds at 28 digits)."""
    with localcontext(_EXACT):
        return sum(amounts, Decimal(0))


def round_to(amount: Decimal, unit: Decimal) -> Decimal:
    """An amount in whole units, half away from zero."""
    with localcontext(_EXACT):
        return (amount / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit


def allocate(total: Decimal, weights: Sequence[Decimal], unit: Decimal) -> list[Decimal]:
    """Divide a total by weights so that the parts add up to it exactly (largest remainder).

    Each part is a multiple of `unit`, but for what of the total is finer than the unit: that goes,
    with the units left over, to the largest remainders first, then to the earlier position.

    Raises:
        ValueError: no weights, a negative weight, or weights that are all zero.
    """
    if not weights or min(weights) < 0 or not any(weights):
        message = f"cannot divide {total} by weights {list(weights)[:5]}: expected some above and none below zero"
        raise ValueError(message)
    with localcontext(Context(prec=200)):
        whole = exact_sum(weights)
        shares = [total * weight / whole for weight in weights]
        parts = [(share / unit).quantize(Decimal(1), ROUND_DOWN) * unit for share in shares]
        rest = total - sum(parts, Decimal(0))
        sign = unit.copy_sign(rest)
        by_remainder = sorted(range(len(weights)), key=lambda i: (-abs(shares[i] - parts[i]), i))
        for i in by_remainder:
            step = sign if abs(rest) >= unit else rest
            parts[i] += step
            rest -= step
            if not rest:
                break
    return parts


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount in one ISO 4217 currency."""

    amount: Decimal
    currency: str

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatchError(self.currency, other.currency)

    def __add__(self, other: Money) -> Money:
        """Add; raises CurrencyMismatchError over two currencies."""
        self._same(other)
        return Money(exact_sum((self.amount, other.amount)), self.currency)

    def __sub__(self, other: Money) -> Money:
        """Subtract; raises CurrencyMismatchError over two currencies."""
        return self + -other

    def __neg__(self) -> Money:
        """The same amount with the other sign."""
        return Money(self.amount.copy_negate(), self.currency)

    def __lt__(self, other: Money) -> bool:
        """Order within one currency; raises CurrencyMismatchError over two."""
        self._same(other)
        return self.amount < other.amount

    def __str__(self) -> str:
        """For people: rounded to the currency's smallest unit, with thousands separators."""
        # Adding zero takes the sign from what rounds to nothing.
        return f"{round_to(self.amount, smallest_unit(self.currency)) + 0:,f} {self.currency}"


def short_number(amount: Decimal) -> str:
    """An amount in three digits: 950, 12.3k, 4.5M, 1.25B, 0.042; beyond trillions 1.2e18."""
    with localcontext(prec=_SHORT_DIGITS, rounding=ROUND_HALF_UP):
        rounded = +amount
        if not rounded:
            return "0"
        power, letter = next((one for one in _POWERS if rounded.adjusted() >= one[0]), (0, ""))
        if rounded.adjusted() >= _POWERS[0][0] + 3:
            return f"{rounded:.1e}".replace("e+", "e")
        figure = f"{rounded.scaleb(-power):f}"
    return (figure.rstrip("0").rstrip(".") if "." in figure else figure) + letter


def signed(money: Money) -> str:
    """Money with its sign, also when it is positive."""
    return f"+{money}" if round_to(money.amount, smallest_unit(money.currency)) > 0 else str(money)
