"""Types of fields that come from people's files: names, amounts, prices, factors, rates.

What belongs here: how one value of a configuration file is read, exactly. What does not: models of
whole files, which are their folder's.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from twinledger.vocabulary.errors import ConfigurationError, InvalidAmountError, InvalidPeriodError
from twinledger.vocabulary.identities import checked_name
from twinledger.vocabulary.money import QUANTITY_SCALE, SCALE, parse_amount
from twinledger.vocabulary.periods import Period, months_of

RATE_SCALE = 8
"""Decimals of an exchange rate, DECIMAL(10,8)."""


def _decimal(value: object) -> Decimal:
    """A decimal from a quoted text; a bare 0.1 in YAML has been a float before anybody could look."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | str):
        message = f"expected a decimal in quotes, as in '0.05', found {value!r} without"
        raise ValueError(message)  # noqa: TRY004 - pydantic collects ValueError only
    try:
        return parse_amount(str(value))
    except InvalidAmountError as error:
        raise ValueError(str(error)) from None


def _at_most(decimals: int, whole: int) -> AfterValidator:
    def check(value: Decimal) -> Decimal:
        too_large = abs(value) >= Decimal(10) ** whole
        if too_large or value != value.quantize(Decimal(1).scaleb(-decimals)):
            message = f"{value} does not fit: expected at most {whole} digits before and {decimals} after the point"
            raise ValueError(message)
        return value

    return AfterValidator(check)


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        message = f"{value} is below zero"
        raise ValueError(message)
    return value


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        message = f"{value} is not above zero"
        raise ValueError(message)
    return value


def _name(value: str) -> str:
    try:
        return checked_name("name", value)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None


def _instant(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    if isinstance(value, str) and value:
        return value
    message = f"expected an instant with its time zone, as in 2026-07-01T00:00:00Z, found {value}"
    raise ValueError(message)


def _period(value: object) -> Period:
    if isinstance(value, Period):
        return value
    try:
        return Period.parse(str(value))
    except InvalidPeriodError as error:
        raise ValueError(str(error)) from None


def _span(value: object) -> tuple[Period, ...]:
    try:
        return months_of(str(value))
    except InvalidPeriodError:
        text = f"{str(value)[:40]!r} is no time: expected a month, a quarter or a year, as 2026-10, 2026-Q4 or 2026"
        raise ValueError(text) from None


Name = Annotated[str, AfterValidator(_name)]
"""A name that may stand in SQL, paths and keys."""

Amount = Annotated[Decimal, BeforeValidator(_decimal)]
"""Money in the currency that stands beside it."""

UnitPrice = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_not_negative), _at_most(QUANTITY_SCALE, 9)]
"""An internal price of one unit, DECIMAL(18,9)."""

Factor = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_positive), _at_most(QUANTITY_SCALE, 10)]
"""Units of a meter in one unit of a SKU, DECIMAL(19,9)."""

Share = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_positive), _at_most(SCALE, 1)]
"""A part of a whole: above 0, with up to 18 decimals."""

ExchangeRate = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_positive), _at_most(RATE_SCALE, 2)]
"""How much of one currency one unit of another is, DECIMAL(10,8)."""

TierEnd = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_positive), _at_most(QUANTITY_SCALE, 19)]
"""The last unit of a tier, in a meter's unit, with the decimals of a quantity."""

Minimum = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_positive)]
"""Money that is charged at least, in the currency that stands beside it."""

Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]
"""An instant that says its time zone."""

PeriodField = Annotated[Period, BeforeValidator(_period)]
"""An accounting month, YYYY-MM."""

SpanField = Annotated[tuple[Period, ...], BeforeValidator(_span)]
"""The months of a month (2026-10), a quarter (2026-Q4) or a year (2026)."""
