"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect, Numeric, String
from sqlalchemy.types import TypeDecorator, TypeEngine

from twinledger.vocabulary.money import DIGITS, SCALE, parse_amount, plain


class ExactDecimal(TypeDecorator[Decimal]):
    """DECIMAL(38,18); text on SQLite, which knows only floats."""

    impl = Numeric(DIGITS, SCALE)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text on SQLite, NUMERIC elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(64))
        return dialect.type_descriptor(Numeric(DIGITS, SCALE))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """Refuse what the column cannot hold exactly."""
        if value is None:
            return None
        checked = parse_amount(f"{value:f}")
        return plain(checked) if dialect.name == "sqlite" else checked

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:
        """Decimal, whatever the driver gives."""
        del dialect
        return None if value is None else Decimal(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, kept in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: nobody knows when they are."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"naive time {value}: expected one with a time zone"
            raise ValueError(message)
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware and in UTC again."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
