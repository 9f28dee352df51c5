"""Exchange rates: from a file or somebody's table into the store, and amounts at them.

What belongs here: reading rates with their day and origin, recording them, and converting totals with
the rate named. What does not: looking up one rate (`lookups`), and converting rows, which is SQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import Engine, Float, Inspector, String, cast, column, create_engine, inspect, select, table
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from twinledger.catalog.apply import Change
from twinledger.catalog.config import RATES_HEADER, first_mistake, read_rates
from twinledger.catalog.forms import RateConfig
from twinledger.catalog.lookups import RateUsed, convert, rate_of_period
from twinledger.clock import Clock
from twinledger.store import audit
from twinledger.store.models import Rate
from twinledger.vocabulary.errors import InvalidTableError, MissingRateError, UnknownNameError, UnreachableError
from twinledger.vocabulary.money import Money, exact_sum, plain
from twinledger.vocabulary.periods import Period

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


# --- reading ----------------------------------------------------------------------------------


def read_rate_file(path: Path) -> tuple[RateConfig, ...]:
    """Rates from a CSV of the form of rates.csv: kind,day,currency,quote,rate,origin.

    Raises:
        InvalidConfigError: it has another header, or a cell that is not what it should be.
        InvalidTableError: a rate stands there twice.
    """
    return _each_once(path.name, read_rates(path))


def read_rate_table(
    url: str, name: str, columns: Mapping[str, str], constants: Mapping[str, str]
) -> tuple[RateConfig, ...]:
    """Rates from a table or view of another database, read as text so that no digit is changed.

    Args:
        url: SQLAlchemy URL of the database; never shown.
        name: the table, with its schema where it has one: `treasury.fx`.
        columns: the table's column for each of kind, day, currency, quote, rate and origin that is not
            called so.
        constants: what stands for a field that the table has no column of, as {"kind": "day"}.

    Raises:
        UnknownNameError: there is no such table or column.
        InvalidTableError: the rate's column holds binary fractions, or a cell is not what it should be.
        UnreachableError: the database does not answer.
    """
    try:
        engine = create_engine(url)
    except (ArgumentError, ImportError) as error:
        raise UnreachableError(f"the database of {name}", f"its URL cannot be used ({type(error).__name__})") from None
    try:
        found = _rows(engine, name, columns, constants)
    except SQLAlchemyError as error:
        # The driver's own words may repeat the URL with its password.
        raise UnreachableError(f"table {name}", type(error).__name__) from None
    finally:
        engine.dispose()
    return _each_once(name, _checked(name, found))


def _rows(
    engine: Engine, name: str, columns: Mapping[str, str], constants: Mapping[str, str]
) -> list[dict[str, str | None]]:
    schema, _, bare = name.rpartition(".")
    inspector = inspect(engine)
    _check_table(inspector, name, schema or None, bare)
    types = {str(one["name"]): one["type"] for one in inspector.get_columns(bare, schema or None)}
    chosen = {field: columns.get(field, field) for field in RATES_HEADER if field not in constants}
    for field, wanted in chosen.items():
        if wanted not in types:
            raise UnknownNameError(f"column of {name} for {field}", wanted, types)
    if "rate" in chosen and isinstance(types[chosen["rate"]], Float):
        problem = f"is {types[chosen['rate']]}, which holds no exact rate: expected NUMERIC or text"
        raise InvalidTableError(name, [(chosen["rate"], problem)])
    texts = [cast(column(wanted), String).label(field) for field, wanted in chosen.items()]
    query = select(*texts).select_from(table(bare, schema=schema or None)).order_by(*texts)
    with engine.connect() as connection:
        return [{**dict(row), **constants} for row in connection.execute(query).mappings()]


def _check_table(inspector: Inspector, name: str, schema: str | None, bare: str) -> None:
    """A name is used only when it is one that the database lists."""
    parts = [bare] if schema is None else [*schema.split("."), bare]
    known: list[str] = []
    if all(_IDENTIFIER.fullmatch(part) for part in parts) and (
        schema is None or schema in inspector.get_schema_names()
    ):
        known = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    if bare not in known:
        raise UnknownNameError("table", name, known)


def _checked(name: str, rows: Sequence[Mapping[str, str | None]]) -> tuple[RateConfig, ...]:
    rates, wrong = [], []
    for number, row in enumerate(rows, start=1):
        try:
            rates.append(RateConfig.model_validate({key: (value or "").strip() for key, value in row.items()}))
        except ValidationError as error:
            place, problem = first_mistake(error)
            wrong.append((f"row {number}, {place}", problem))
    if wrong:
        raise InvalidTableError(name, wrong)
    return tuple(rates)


def _each_once(name: str, rates: Sequence[RateConfig]) -> tuple[RateConfig, ...]:
    seen: dict[tuple[object, ...], int] = {}
    twice = []
    for number, rate in enumerate(rates, start=1):
        if _key(rate) in seen:
            twice.append((f"row {number}", f"{_name(rate)} stands in row {seen[_key(rate)]} already"))
        seen.setdefault(_key(rate), number)
    if twice:
        raise InvalidTableError(name, twice)
    return tuple(rates)


def _key(rate: RateConfig) -> tuple[object, ...]:
    return (rate.kind, rate.day, rate.currency, rate.quote)


def _name(rate: RateConfig) -> str:
    return f"{rate.kind} {rate.day} {rate.currency} {rate.quote}"


# --- recording --------------------------------------------------------------------------------


def record_rates(
    session: Session, clock: Clock, rates: Sequence[RateConfig], by: str, *, dry_run: bool = False
) -> list[Change]:
    """Make the store know these rates, in the caller's transaction, with an audit entry for each that is new.

    Recording the same again changes nothing, and rates that are not among them stay.

    Args:
        session: the transaction.
        clock: gives the instant of the audit entries.
        rates: each names its day and who says so.
        by: the file, table or person that they come from.
        dry_run: only say what would change.
    """
    changes = []
    for rate in sorted(rates, key=_name):
        row = session.get(Rate, _key(rate))
        said = {"rate": rate.rate, "origin": rate.origin}
        fields = tuple(name for name, value in said.items() if row is None or getattr(row, name) != value)
        if not fields:
            continue
        action = "added" if row is None else "changed"
        changes.append(Change("added" if row is None else "changed", "rate", _name(rate), fields))
        if dry_run:
            continue
        facts = {"rate": plain(rate.rate), "origin": rate.origin, "before": plain(row.rate) if row else None}
        audit.append(session, clock, who=by, action=f"rate.{action}", subject=f"rate {_name(rate)}", facts=facts)
        if row is None:
            session.add(Rate(**rate.model_dump()))
        else:
            row.rate, row.origin = rate.rate, rate.origin
    session.flush()
    return changes


def known_rates(session: Session, currency: str, quote: str, limit: int = 50) -> list[RateUsed]:
    """The rates of a pair that are known, of days and of periods, the newest first."""
    query = select(Rate).where(Rate.currency == currency, Rate.quote == quote)
    rows = session.scalars(query.order_by(Rate.day.desc(), Rate.kind).limit(limit))
    return [RateUsed(row.currency, row.quote, row.rate, row.day, row.origin) for row in rows]


# --- converting -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Conversion:
    """One currency's amount, and what it is in another one at a named rate; None where no rate is known."""

    amount: Money
    rate: RateUsed | None
    converted: Money | None

    def __str__(self) -> str:
        """With rate, day and origin, all of which belong to a converted amount."""
        if self.rate is None or self.converted is None:
            return f"{self.amount} cannot be converted: no rate is known"
        if self.rate.currency == self.rate.quote:
            return str(self.amount)
        said = f"at {plain(self.rate.rate)} of {self.rate.day} ({self.rate.origin})"
        return f"{self.amount} = {self.converted} {said}"


@dataclass(frozen=True, slots=True)
class ConvertedTotal:
    """Amounts of several currencies as one, where each has a rate; `missing` says which have none."""

    currency: str
    parts: tuple[Conversion, ...]
    missing: tuple[str, ...]

    @property
    def total(self) -> Money | None:
        """The sum of all parts; None as long as one of them has no rate."""
        converted = [part.converted.amount for part in self.parts if part.converted]
        return None if self.missing else Money(exact_sum(converted), self.currency)


def convert_totals(session: Session, period: Period, amounts: Sequence[Money], quote: str) -> ConvertedTotal:
    """Amounts of a period, one of each currency, in another currency at the period's rates.

    Raises:
        ValueError: two amounts of one currency: add them up first.
    """
    if len({one.currency for one in amounts}) < len(amounts):
        message = "two amounts of one currency: add them up before they are converted"
        raise ValueError(message)
    parts, missing = [], []
    for one in sorted(amounts, key=lambda money: money.currency):
        try:
            rate = rate_of_period(session, period, one.currency, quote)
        except MissingRateError as error:
            missing.append(str(error))
            parts.append(Conversion(one, None, None))
        else:
            parts.append(Conversion(one, rate, convert(one, rate)))
    return ConvertedTotal(quote, tuple(parts), tuple(missing))
