"""Figures as people and programs write them.

What belongs here: finding numbers in text and what each of them may mean. What does not: which of them
are secret, which the books say (`secret_figures` of sql/shielding).

A number is read in every way that it may be meant: `1,234` is 1234 and 1.234, `864197` may be cents.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

from twinledger.vocabulary.money import DIGITS, SCALE

FEWEST_DIGITS = 4
"""A figure of fewer digits, as 0.05, 16 or 250, turns up everywhere: it is never looked up."""

_MOST_DECIMALS = 9
_EXACT = Context(prec=120)
_LIMIT = Decimal(10) ** (DIGITS - SCALE)
_LONGEST = 60

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?|\d\d:\d\d:\d\d(?:[.,]\d+)?"
    r"|datetime\.date(?:time)?\([\d, ]*"  # as Python writes them
)
_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])", re.IGNORECASE)
_SPACED = re.compile(r"(?<![\w.,])\d{1,3}(?: \d{3})+(?:[.,]\d+)?(?![\w])")
# A number may stand against a currency's code or sign, not inside a name: i-0a1b2c3 and x_86 are none.
_NUMBER = re.compile(
    r"(?:(?<![0-9A-Za-z])|(?<=(?<![A-Za-z])[A-Z]{3}))"
    r"(?:\d+(?:[.,'_]\d+)*|\.\d+)(?:[eE][+-]?\d{1,3})?"
    r"(?=[^0-9A-Za-z]|[A-Z]{3}(?![A-Za-z])|[kKmM]?\b|$)"
)
_SEPARATORS = str.maketrans({"’": "'", "٬": ",", "٫": "."})


def figures_in(text: str) -> Iterator[tuple[str, Decimal]]:
    """(as written, absolute value) of every number in a text, in each way that it may be read.

    Instants, dates and UUIDs are no figures: groups of a UUID, as 7473-9964, are digits by chance. Numbers with
    fewer than `FEWEST_DIGITS` digits are left out.
    """
    if not any(character.isdigit() for character in text):
        return
    # NFKC makes plain digits of full-width ones and plain spaces of those that do not break.
    plain = unicodedata.normalize("NFKC", text).translate(_SEPARATORS)
    plain = _INSTANT.sub(" ; ", _UUID.sub(" ; ", plain))
    for found in _SPACED.finditer(plain):
        yield from _readings(found[0].replace(" ", ""))
    for found in _NUMBER.finditer(plain):
        if len(found[0]) <= _LONGEST:
            yield from _readings(found[0])


def _readings(written: str) -> Iterator[tuple[str, Decimal]]:
    number, exponent = _without_exponent(written)
    for value in dict.fromkeys(_values(number)):
        yield from _meanings(written, value.scaleb(exponent))


def meanings(value: Decimal) -> Iterator[tuple[str, Decimal]]:
    """As `figures_in`, of a number that is one already."""
    yield from _meanings(str(value), value)


def _meanings(written: str, value: Decimal) -> Iterator[tuple[str, Decimal]]:
    if not value.is_finite():
        return
    with localcontext(_EXACT):
        value = abs(value.normalize())
        if value >= _LIMIT or len(value.as_tuple().digits) < FEWEST_DIGITS:
            return
        if value == value.to_integral_value():
            yield written, value
            yield written, value.scaleb(-2)  # cents
            return
        if -int(value.as_tuple().exponent) > SCALE:
            value = value.quantize(Decimal(1).scaleb(-SCALE), ROUND_HALF_UP)
        yield written, value
        rounded = value.quantize(Decimal(1).scaleb(-_MOST_DECIMALS), ROUND_HALF_UP).normalize()
        if rounded not in (value, Decimal(0)):  # a binary float has digits that the decimal never had
            yield written, rounded


def _without_exponent(written: str) -> tuple[str, int]:
    number, mark, exponent = written.replace("E", "e").partition("e")
    return number, int(exponent) if mark else 0


def _values(number: str) -> Iterator[Decimal]:
    """The values that digits with separators may mean: as one number, and as a list that is written without spaces."""
    number = number.replace("'", "_").replace("_", "")
    decimal_mark = "." if number.rfind(".") > number.rfind(",") else ","
    thousands_mark = "," if decimal_mark == "." else "."
    whole, _, fraction = number.rpartition(decimal_mark)
    if decimal_mark in number and _is_grouped(whole, thousands_mark):
        yield Decimal(f"{whole.replace(thousands_mark, '')}.{fraction}")
    if _is_grouped(number, decimal_mark):
        yield Decimal(number.replace(decimal_mark, ""))
    parts = number.split(",")
    yield from (Decimal(part) for part in parts if part.count(".") <= 1 and part.strip("."))


def _is_grouped(number: str, separator: str) -> bool:
    """Whether digits are in groups of three, as thousands are, or in none."""
    return bool(re.fullmatch(rf"\d{{1,3}}({re.escape(separator)}\d{{3}})+|\d*", number))
