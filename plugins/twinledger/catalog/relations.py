"""The catalog as relations that SQL models read.

What belongs here: the store's configuration as (name, columns, rows), one function a relation. What
does not: running models, which is the engine's, and what the relations mean for an amount, which is
the models'.

The shapes, by grain:

    prices         (product, meter, effective_from)         in force from `effective_from` until before `effective_to`
    terms          (department, product, meter, effective_from, tier_from)   where a price is more than one amount
    meters         (product, meter)                          with the pool that funds the product, and its life
    products       (product)
    pools          (pool)                                    the lowest position wins
    pool_rules     (pool, rule_no, value)                    all rules of a pool hold; any value within one rule
    tag_steps      (key, step)                               where a tag's value may stand, in the order of trial
    tag_values     (key, step, written)                      what is meant by what is written there
    last_resorts   (position)                                who owns what nobody claims, of a pool or a provider
    pool_capacity  (pool, sku, product, meter)               one unit consumed of the SKU is `factor` units of the meter
    rates          (kind, day, currency)                     dense: a row for each day that a rate is known for
    departments    (department)
    tenants        (tenant)
    contract_cards (id)                                      from `valid_from` until before `valid_to`
    contract_rules (kind, id, rule_no, value)                what cards and commitments are about
    contract_tiers (id, tier_from)                           of cards with tiers
    commitment_cards (id)                                    from `valid_from` until before `valid_to`
    resource_aliases (alias, side, resource)                 those that hold in the period
    parameters     one row                                   the period and its bounds, the currency and its decimals
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.catalog.terms import department_terms
from twinledger.lake.tables import INSTANT, MONEY, PRICE, QUANTITY, TEXT, Column, Type, as_timestamp
from twinledger.pools import DEFAULT, DEPARTMENT, TagConfig, steps
from twinledger.store import models
from twinledger.vocabulary.money import smallest_unit
from twinledger.vocabulary.periods import Period
from twinledger.vocabulary.settings import Settings

DAY: Type = "DATE"
NUMBER: Type = "BIGINT"
_DAYS_BACK = 400
_ONE = Decimal(1)


class Relation(NamedTuple):
    """A small relation: its name, its columns and its rows in that order."""

    name: str
    columns: tuple[Column, ...]
    rows: list[tuple[object, ...]]


class _Viewer(Protocol):
    def view_rows(self, name: str, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None: ...


def view(engine: _Viewer, relations: Iterable[Relation]) -> None:
    """Make relations readable on an engine under their names."""
    for relation in relations:
        engine.view_rows(relation.name, relation.columns, relation.rows)


def company(session: Session, period: Period, settings: Settings) -> list[Relation]:
    """Every relation of this module, for one period."""
    plain = (
        prices, terms, meters, products, pools, pool_rules, last_resorts, pool_capacity, departments, tenants,
        contract_rules, contract_tiers, commitment_cards,
    )  # fmt: skip
    return [
        *(relation(session) for relation in plain),
        *tag_steps(session, DEPARTMENT),
        contract_cards(session, period, settings.reporting_currency),
        resource_aliases(session, period),
        rates(session, period, settings.reporting_currency),
        parameters(period, settings),
    ]


def _columns(**types: Type) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name, kind in types.items())


def prices(session: Session) -> Relation:
    """`prices`: product, meter, effective_from, effective_to (null while in force), amount, currency."""
    columns = _columns(
        product=TEXT, meter=TEXT, effective_from=INSTANT, effective_to=INSTANT, amount=PRICE, currency=TEXT
    )
    found = session.scalars(
        select(models.Price).order_by(models.Price.product, models.Price.meter, models.Price.effective_from)
    ).all()
    rows: list[tuple[object, ...]] = []
    for index, price in enumerate(found):
        after = found[index + 1] if index + 1 < len(found) else None
        same = after is not None and (after.product, after.meter) == (price.product, price.meter)
        until = as_timestamp(after.effective_from) if same and after is not None else None
        start = as_timestamp(price.effective_from)
        rows.append((price.product, price.meter, start, until, price.amount, price.currency))
    return Relation("prices", columns, rows)


def terms(session: Session) -> Relation:
    """`terms`: what each department pays for the meters whose price is more than one amount for everybody.

    Columns: department, product, meter, effective_from, effective_to (null while in force), list_price (of
    the published price), tier_from (units of the period before it), tier_to (its last unit, null in the
    last tier), price, minimum (0 where there is none), currency.
    """
    columns = _columns(
        department=TEXT,
        product=TEXT,
        meter=TEXT,
        effective_from=INSTANT,
        effective_to=INSTANT,
        list_price=PRICE,
        tier_from=MONEY,
        tier_to=MONEY,
        price=PRICE,
        minimum=MONEY,
        currency=TEXT,
    )
    prices, agreements = session.scalars(select(models.Price)).all(), session.scalars(select(models.Agreement)).all()
    parents = {one.name: one.parent for one in session.scalars(select(models.Department))}
    rows: list[tuple[object, ...]] = [
        (*row[:3], as_timestamp(row[3]), None if row[4] is None else as_timestamp(row[4]), *row[5:])
        for row in department_terms(prices, agreements, parents)
    ]
    return Relation("terms", columns, rows)


def meters(session: Session) -> Relation:
    """`meters`: product, meter, title, unit, pool, state (draft | listed | retired), retired_at."""
    query = (
        select(models.Meter, models.Product)
        .join(models.Product, models.Product.name == models.Meter.product)
        .order_by(models.Meter.product, models.Meter.name)
    )
    rows: list[tuple[object, ...]] = [
        (meter.product, meter.name, meter.title, meter.unit, product.pool, product.state, _retired_at(product))
        for meter, product in session.execute(query)
    ]
    columns = _columns(product=TEXT, meter=TEXT, title=TEXT, unit=TEXT, pool=TEXT, state=TEXT, retired_at=INSTANT)
    return Relation("meters", columns, rows)


def _retired_at(product: models.Product) -> datetime | None:
    return as_timestamp(product.retired_at) if product.retired_at else None


def products(session: Session) -> Relation:
    """`products`: product, title, owner, pool, state, retired_at."""
    found = session.scalars(select(models.Product).order_by(models.Product.name))
    rows: list[tuple[object, ...]] = [
        (one.name, one.title, one.owner, one.pool, one.state, _retired_at(one)) for one in found
    ]
    columns = _columns(product=TEXT, title=TEXT, owner=TEXT, pool=TEXT, state=TEXT, retired_at=INSTANT)
    return Relation("products", columns, rows)


def pools(session: Session) -> Relation:
    """`pools`: pool, title, owner, kind (shared | direct | allocated), position from 1."""
    found = session.scalars(select(models.Pool).order_by(models.Pool.position))
    rows: list[tuple[object, ...]] = [(one.name, one.title, one.owner, one.kind, one.position) for one in found]
    return Relation("pools", _columns(pool=TEXT, title=TEXT, owner=TEXT, kind=TEXT, position=NUMBER), rows)


def pool_rules(session: Session) -> Relation:
    """`pool_rules`: pool, position, rule_no from 1, column_name, operator (equals | prefix), value.

    A pool without rules has no row here and is given no charge.
    """
    columns = _columns(pool=TEXT, position=NUMBER, rule_no=NUMBER, column_name=TEXT, operator=TEXT, value=TEXT)
    rows: list[tuple[object, ...]] = []
    for pool in session.scalars(select(models.Pool).order_by(models.Pool.position)):
        for number, rule in enumerate(pool.rules, start=1):
            operator = "prefix" if rule.get("prefix") is not None else "equals"
            values = [rule["prefix"]] if operator == "prefix" else rule["equals"]
            rows += [(pool.name, pool.position, number, rule["column"], operator, value) for value in values]
    return Relation("pool_rules", columns, rows)


def tag_steps(session: Session, *asked: str) -> tuple[Relation, Relation]:
    """`tag_steps` and `tag_values`: of the tags that rules look at, and of those that are asked for.

    `tag_steps`: key, step from 1 in the order of trial, how (own | alias | inherited), place (Tags |
    SubAccountId | BillingAccountId), name (the tag's key where the place is Tags), as_written (whether what
    `tag_values` does not have means itself). `tag_values`: key, step, written, value.
    """
    ruled = [str(rule["column"]) for pool in session.scalars(select(models.Pool)) for rule in pool.rules]
    keys = sorted({*asked, *(column.removeprefix("Tags.") for column in ruled if column.startswith("Tags."))})
    configured = {
        one.key: TagConfig(
            key=one.key, aliases=one.aliases, values=one.spellings, inherit=one.inherit, last_resort=one.last_resort
        )
        for one in session.scalars(select(models.TagKey))
    }
    owners = {tenant: one.name for one in session.scalars(select(models.Department)) for tenant in one.tenants}
    found = [
        (key, step)
        for key in keys
        for step in steps(configured.get(key, DEFAULT if key == DEPARTMENT else TagConfig(key=key)), owners)
    ]
    places = _columns(key=TEXT, step=NUMBER, how=TEXT, place=TEXT, name=TEXT, as_written="BOOLEAN")
    meanings = _columns(key=TEXT, step=NUMBER, written=TEXT, value=TEXT)
    return (
        Relation("tag_steps", places, [(key, s.number, s.how, s.place, s.name, s.as_written) for key, s in found]),
        Relation(
            "tag_values", meanings, [(key, s.number, *pair) for key, s in found for pair in sorted(s.values.items())]
        ),
    )


def last_resorts(session: Session) -> Relation:
    """`last_resorts`: position from 1, pool or provider (the other one null), department; the lowest wins."""
    found = session.get(models.TagKey, DEPARTMENT)
    rows: list[tuple[object, ...]] = [
        (number, one.get("pool"), one.get("provider"), one["department"])
        for number, one in enumerate(found.last_resort if found else (), start=1)
    ]
    columns = _columns(position=NUMBER, pool=TEXT, provider=TEXT, department=TEXT)
    return Relation("last_resorts", columns, rows)


def pool_capacity(session: Session) -> Relation:
    """`pool_capacity`: pool, sku, product, meter, factor (units of the meter for one unit consumed of the SKU)."""
    rows: list[tuple[object, ...]] = []
    for pool in session.scalars(select(models.Pool).order_by(models.Pool.position)):
        for entry in pool.capacity:
            product, meter = str(entry["meter"]).split("/", 1)
            rows.append((pool.name, entry["sku"], product, meter, Decimal(entry["factor"])))
    return Relation("pool_capacity", _columns(pool=TEXT, sku=TEXT, product=TEXT, meter=TEXT, factor=QUANTITY), rows)


def _days(period: Period) -> list[date]:
    last = period.shift(1).first_day - timedelta(days=1)
    return [last - timedelta(days=back) for back in range(_DAYS_BACK, -1, -1)]


def rates(session: Session, period: Period, reporting_currency: str) -> Relation:
    """`rates`: kind (period | day), day, currency, rate, origin; 1 unit of `currency` is `rate` reporting units.

    Kind `period`: one row a currency, on the first day of `period`. Kind `day`: a row for each of the
    400 days up to the period's last, the last known rate on or before that day; where there is none,
    the rate of that day's own period, else of `period`. The reporting currency is there at rate 1. A
    currency without any rate has no row: models join, and the caller refuses what finds none.
    """
    query = select(models.Rate).where(models.Rate.quote == reporting_currency)
    by_currency: dict[str, list[models.Rate]] = {}
    for rate in session.scalars(query.order_by(models.Rate.day)):
        by_currency.setdefault(rate.currency, []).append(rate)
    by_currency.pop(reporting_currency, None)
    first = period.first_day
    rows: list[tuple[object, ...]] = [("period", first, reporting_currency, _ONE, "itself")]
    rows += [("day", day, reporting_currency, _ONE, "itself") for day in _days(period)]
    for currency, known in sorted(by_currency.items()):
        rows += _dense(period, currency, known)
    columns = _columns(kind=TEXT, day=DAY, currency=TEXT, rate=MONEY, origin=TEXT)
    return Relation("rates", columns, rows)


def _dense(period: Period, currency: str, known: Sequence[models.Rate]) -> list[tuple[object, ...]]:
    """One currency's rates, filled forward; `known` is in order of days."""
    monthly = {rate.day.replace(day=1): rate for rate in known if rate.kind == "period"}
    daily = {rate.day: rate for rate in known if rate.kind == "day"}
    own = monthly.get(period.first_day)
    days = _days(period)
    last = next((rate for day, rate in reversed(daily.items()) if day < days[0]), None)
    rows: list[tuple[object, ...]] = [("period", period.first_day, currency, own.rate, own.origin)] if own else []
    for day in days:
        last = daily.get(day, last)
        found = last or monthly.get(day.replace(day=1)) or own
        if found:
            rows.append(("day", day, currency, found.rate, found.origin))
    return rows


def departments(session: Session) -> Relation:
    """`departments`: department, title, parent, cost_centre, owner, budget_holder, channel."""
    columns = _columns(
        department=TEXT, title=TEXT, parent=TEXT, cost_centre=TEXT, owner=TEXT, budget_holder=TEXT, channel=TEXT
    )
    found = session.scalars(select(models.Department).order_by(models.Department.name))
    rows: list[tuple[object, ...]] = [
        (one.name, one.title, one.parent, one.cost_centre, one.owner, one.budget_holder, one.channel) for one in found
    ]
    return Relation("departments", columns, rows)


def tenants(session: Session) -> Relation:
    """`tenants`: tenant, department."""
    found = session.scalars(select(models.Department).order_by(models.Department.name))
    rows: list[tuple[object, ...]] = [(tenant, one.name) for one in found for tenant in one.tenants]
    return Relation("tenants", _columns(tenant=TEXT, department=TEXT), rows)


def contract_cards(session: Session, period: Period, reporting_currency: str) -> Relation:
    """`contract_cards`: id, vendor, valid_from, valid_to, unit_price, discount, tiered, currency, rate, clause, choice.

    `rate` is the period's, from `currency` to the reporting currency; null where there is none.
    A null `valid_to` is no end. One of unit_price, discount (a share) and tiers is given; `currency` is null with
    a discount. Of several cards that hold for a charge the one with the lowest `choice` counts.
    """
    columns = _columns(
        id=TEXT, vendor=TEXT, valid_from=DAY, valid_to=DAY, unit_price=MONEY, discount=MONEY, tiered="BOOLEAN",
        currency=TEXT, rate=MONEY, clause=TEXT, choice=NUMBER,
    )  # fmt: skip
    month = (models.Rate.kind == "period", models.Rate.day == period.first_day)
    known = session.scalars(select(models.Rate).where(*month, models.Rate.quote == reporting_currency))
    rates = {one.currency: one.rate for one in known} | {reporting_currency: _ONE}
    cards = sorted(session.scalars(select(models.ContractCard)), key=_nearness)
    rows: list[tuple[object, ...]] = [
        (
            one.id, one.vendor, one.effective_from, one.effective_to, one.unit_price, one.discount, bool(one.tiers),
            one.currency, rates.get(one.currency or ""), one.clause, choice,
        )
        for choice, one in enumerate(cards, start=1)
    ]  # fmt: skip
    return Relation("contract_cards", columns, rows)


def _nearness(card: models.ContractCard) -> tuple[bool, bool, int, str]:
    """A card of a SKU goes before one by rules, one of a region before one of any, more rules before fewer."""
    return card.sku is None, card.region is None, -len(card.rules or ()), card.id


def contract_rules(session: Session) -> Relation:
    """`contract_rules`: kind (card | commitment), id, vendor, rule_no, column_name, operator (equals | prefix), value.

    All rules of an id hold; a SKU and a region are rules as well.
    """
    columns = _columns(kind=TEXT, id=TEXT, vendor=TEXT, rule_no=NUMBER, column_name=TEXT, operator=TEXT, value=TEXT)
    rows: list[tuple[object, ...]] = []
    for card in session.scalars(select(models.ContractCard).order_by(models.ContractCard.id)):
        rows += [("card", card.id, card.vendor, *rule) for rule in _agreed_rules(card)]
    for one in session.scalars(select(models.CommitmentCard).order_by(models.CommitmentCard.id)):
        rows += [("commitment", one.id, one.vendor, *rule) for rule in _agreed_rules(one)]
    return Relation("contract_rules", columns, rows)


def _agreed_rules(one: models.ContractCard | models.CommitmentCard) -> Iterable[tuple[int, str, str, str]]:
    named = [{"column": name, "equals": [value]} for name, value in (("SkuMeter", one.sku), ("RegionId", one.region))
             if value is not None]  # fmt: skip
    for number, rule in enumerate([*named, *(one.rules or ())], start=1):
        operator = "prefix" if rule.get("prefix") is not None else "equals"
        for value in [rule["prefix"]] if operator == "prefix" else rule["equals"]:
            yield number, rule["column"], operator, value


def contract_tiers(session: Session) -> Relation:
    """`contract_tiers`: id, tier_from (units of the month before it), tier_to (null in the last), unit_price."""
    rows: list[tuple[object, ...]] = []
    for card in session.scalars(select(models.ContractCard).order_by(models.ContractCard.id)):
        before = Decimal(0)
        for tier in card.tiers or ():
            end = None if tier["up_to"] is None else Decimal(tier["up_to"])
            rows.append((card.id, before, end, Decimal(tier["unit_price"])))
            before = end or before
    return Relation("contract_tiers", _columns(id=TEXT, tier_from=MONEY, tier_to=MONEY, unit_price=MONEY), rows)


def commitment_cards(session: Session) -> Relation:
    """`commitment_cards`: id, vendor, commitment, kind, amount, per, unit, currency, valid_from, valid_to, clause.

    `kind` is spend (in `currency`) or quantity (in `unit`), `per` month or term; `commitment` is the vendor's
    identity of it, null where contract_rules say what counts.
    """
    columns = _columns(
        id=TEXT, vendor=TEXT, commitment=TEXT, kind=TEXT, amount=MONEY, per=TEXT, unit=TEXT, currency=TEXT,
        valid_from=DAY, valid_to=DAY, clause=TEXT,
    )  # fmt: skip
    rows: list[tuple[object, ...]] = [
        (
            one.id, one.vendor, one.commitment, one.kind, one.amount, one.per, one.unit, one.currency,
            one.effective_from, one.effective_to, one.clause,
        )
        for one in session.scalars(select(models.CommitmentCard).order_by(models.CommitmentCard.id))
    ]  # fmt: skip
    return Relation("commitment_cards", columns, rows)


def resource_aliases(session: Session, period: Period) -> Relation:
    """`resource_aliases`: alias, pool (null is any), kind (alias of one with one | group), side, resource.

    Those that hold in the period; `side` is billed or metered.
    """
    month = str(period)
    rows: list[tuple[object, ...]] = []
    for one in session.scalars(select(models.ResourceAlias).order_by(models.ResourceAlias.name)):
        if one.effective_from <= month and (one.effective_to is None or month < one.effective_to):
            kind = "alias" if len(one.billed) == len(one.metered) == 1 else "group"
            rows += [(one.name, one.pool, kind, "billed", resource) for resource in one.billed]
            rows += [(one.name, one.pool, kind, "metered", resource) for resource in one.metered]
    return Relation("resource_aliases", _columns(alias=TEXT, pool=TEXT, kind=TEXT, side=TEXT, resource=TEXT), rows)


def parameters(period: Period, settings: Settings) -> Relation:
    """`parameters`: one row of period, its bounds, the reporting currency and its decimals.

    `period_start` and `period_end` bound the accounting period in the company's time zone (as UTC);
    `month_start` and `month_end` the calendar month in UTC, which is what vendors bill by.
    """
    columns = _columns(
        period=TEXT,
        period_start=INSTANT,
        period_end=INSTANT,
        month_start=INSTANT,
        month_end=INSTANT,
        reporting_currency=TEXT,
        unit_decimals=NUMBER,
        smallest_unit=MONEY,
    )
    unit = smallest_unit(settings.reporting_currency)
    row: tuple[object, ...] = (
        str(period),
        as_timestamp(period.start(settings.timezone)),
        as_timestamp(period.end(settings.timezone)),
        as_timestamp(period.start()),
        as_timestamp(period.end()),
        settings.reporting_currency,
        max(0, -int(unit.adjusted())),
        unit,
    )
    return Relation("parameters", columns, [row])
