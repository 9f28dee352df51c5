"""From configuration to store: what would change, and changing it.

What belongs here: comparing and writing the tables that configuration mirrors. What does not: facts.

What is gone from the configuration is deleted where nothing refers to it; else it is retired, which
each table has its own form of: products get that state, departments lose their tenants, people their
roles, pools their rules, and sources get the option `retired`. Rates once known stay known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, cast

from sqlalchemy import inspect, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from twinledger.catalog.aliases import AliasConfig
from twinledger.catalog.breaks import OwnerConfig
from twinledger.catalog.budget_forms import BudgetLine
from twinledger.catalog.config import CompanyConfig
from twinledger.catalog.contracts import CommitmentConfig, ContractConfig
from twinledger.catalog.effects import Effect, Wanted, effect_of, retirement_of
from twinledger.catalog.forms import DepartmentConfig, PriceConfig, SourceConfig
from twinledger.catalog.policy import RuleConfig
from twinledger.catalog.terms import in_words
from twinledger.clock import Clock
from twinledger.store import Store, audit, models
from twinledger.vocabulary.errors import PriceEditedError, StateReversedError
from twinledger.vocabulary.money import plain

Action = Literal["added", "changed", "retired"]
_KINDS: dict[type[models.Base], str] = {
    models.Person: "person",
    models.Department: "department",
    models.Pool: "pool",
    models.TagKey: "tag",
    models.Product: "product",
    models.Meter: "meter",
    models.Price: "price",
    models.Agreement: "agreement",
    models.Source: "source",
    models.ContractCard: "contract card",
    models.CommitmentCard: "commitment",
    models.ResourceAlias: "resource alias",
    models.BreakOwner: "break owner rule",
    models.BreakPriority: "break priority",
    models.PolicyRule: "policy rule",
    models.Budget: "budget",
    models.BudgetLine: "budget line",
    models.Rate: "rate",
}
_RETIRED: dict[type[models.Base], dict[str, Any]] = {
    models.Person: {"roles": [], "slack_user": None, "airflow_user": None},
    models.Department: {"tenants": [], "headcount": None},
    models.Pool: {"rules": [], "capacity": [], "tolerance": {}, "driver": None},
    models.Product: {"state": "retired"},
    models.Budget: {"amount": Decimal(0)},
}
_STATES = ("draft", "listed", "retired")
"""A product's life, in the order in which it is lived."""

_FAR = 1_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between configuration and store; `fields` are names only, never figures."""

    action: Action
    kind: str
    name: str
    fields: tuple[str, ...] = ()
    effect: Effect = field(default_factory=Effect)
    """What it means for those who are charged: of products, meters, prices and agreements."""


def plan_config(store: Store, config: CompanyConfig) -> list[Change]:
    """What `apply_config` would do; nothing is written.

    Raises:
        PriceEditedError: a published price or an agreement has other terms, or is gone.
        StateReversedError: a product goes back in its life.
    """
    with store.transaction() as session:
        return [change for change, _, _ in _differences(session, config)]


def apply_config(store: Store, config: CompanyConfig, clock: Clock) -> list[Change]:
    """Make the store say what the configuration says, in one transaction with its audit entries.

    Applying the same configuration again changes nothing.

    Raises:
        PriceEditedError: a published price or an agreement has other terms, or is gone; nothing is written.
        StateReversedError: a product goes back in its life; likewise.
    """
    now = clock.now()
    with store.transaction() as session:
        differences = _differences(session, config)
        _make_room(session, differences)
        for change, row, present in differences:
            if change.action == "retired":
                continue
            _write(session, row, present, now)
            session.flush()
        for change, row, _ in reversed(differences):
            if change.action == "retired":
                _retire(session, row, now)
        _look_again(session, [change.name for change, _, _ in differences if change.kind == "source"])
        for change, _, _ in differences:
            facts = {"fields": list(change.fields)}
            subject = f"{change.kind} {change.name}"
            action = f"config.{change.action}"
            audit.append(session, clock, who="configuration", action=action, subject=subject, facts=facts)
    return [change for change, _, _ in differences]


def _look_again(session: Session, sources: Sequence[str]) -> None:
    """Forget how refused deliveries of these sources lie: what was refused for the old entry may suit the new one."""
    refused = (models.Delivery.source.in_(sources), models.Delivery.state == "quarantined")
    session.execute(update(models.Delivery).where(*refused).values(files=[]))


# --- what the configuration says, as rows ----------------------------------------------------


def _parents_first(departments: Sequence[DepartmentConfig]) -> list[DepartmentConfig]:
    placed: dict[str, DepartmentConfig] = {}
    while len(placed) < len(departments):
        for one in departments:
            if one.parent is None or one.parent in placed:
                placed.setdefault(one.name, one)
    return list(placed.values())


def _desired(config: CompanyConfig) -> dict[type[models.Base], list[models.Base]]:
    """Rows by table, in an order that foreign keys allow."""
    return {
        models.Person: [models.Person(**one.model_dump(mode="json")) for one in config.people],
        models.Department: [
            models.Department(**one.model_dump(mode="json")) for one in _parents_first(config.departments)
        ],
        models.Pool: [
            models.Pool(position=position, **pool.model_dump(mode="json", exclude_none=True))
            for position, pool in enumerate(config.pools, start=1)
        ],
        models.TagKey: [
            models.TagKey(
                spellings=one.model_dump(mode="json")["values"],
                **one.model_dump(mode="json", exclude={"values"}, exclude_none=True),
            )
            for one in config.tags
        ],
        models.Product: [models.Product(**one.model_dump(exclude={"meters"})) for one in config.products],
        models.Meter: [
            models.Meter(product=product.name, **meter.model_dump(exclude={"prices"}))
            for product in config.products
            for meter in product.meters
        ],
        models.Price: [
            models.Price(product=product.name, meter=meter.name, **_terms(price))
            for product in config.products
            for meter in product.meters
            for price in meter.prices
        ],
        models.Agreement: [
            models.Agreement(
                department=one.department,
                product=one.meter.split("/")[0],
                meter=one.meter.split("/")[1],
                effective_to=one.effective_to,
                **_terms(one),
            )
            for one in config.agreements
        ],
        models.Source: [_source(one) for one in config.sources],
        models.ContractCard: [_card(one) for one in config.contracts],
        models.CommitmentCard: [
            models.CommitmentCard(rules=_rules(one), **one.model_dump(exclude={"rules"})) for one in config.commitments
        ],
        models.ResourceAlias: [_alias(one) for one in config.aliases],
        models.BreakOwner: [_break_owner(position, one) for position, one in enumerate(config.breaks.owners, start=1)],
        models.BreakPriority: [models.BreakPriority(**one.model_dump()) for one in config.breaks.priorities],
        models.PolicyRule: [_policy_rule(position, one) for position, one in enumerate(config.policy.rules, start=1)],
        models.Budget: [
            models.Budget(period=str(one.period), **one.model_dump(exclude={"period"})) for one in config.budgets
        ],
        models.BudgetLine: [_budget_line(one, config.budget_groups) for one in config.budget_lines],
        models.Rate: [models.Rate(**one.model_dump()) for one in config.rates],
    }


def _terms(price: PriceConfig) -> dict[str, Any]:
    tiers = [
        {"up_to": None if tier.up_to is None else plain(tier.up_to), "amount": plain(tier.amount)}
        for tier in price.tiers
    ]
    return {
        "effective_from": price.effective_from,
        "amount": price.list_amount,
        "tiers": tiers or None,
        "minimum": price.minimum,
        "currency": price.currency,
    }


def _card(card: ContractConfig) -> models.ContractCard:
    tiers = [
        {"up_to": None if tier.up_to is None else plain(tier.up_to), "unit_price": plain(tier.unit_price)}
        for tier in card.tiers
    ]
    return models.ContractCard(rules=_rules(card), tiers=tiers or None, **card.model_dump(exclude={"rules", "tiers"}))


def _rules(agreed: ContractConfig | CommitmentConfig) -> list[dict[str, Any]] | None:
    return [rule.model_dump(mode="json", exclude_none=True) for rule in agreed.rules] or None


def _alias(alias: AliasConfig) -> models.ResourceAlias:
    until = None if alias.effective_to is None else str(alias.effective_to)
    return models.ResourceAlias(
        name=alias.name, pool=alias.pool, billed=list(alias.billed), metered=list(alias.metered),
        effective_from=str(alias.effective_from), effective_to=until, note=alias.note,
    )  # fmt: skip


def _break_owner(position: int, rule: OwnerConfig) -> models.BreakOwner:
    return models.BreakOwner(
        position=position, owner=rule.owner, rules=list(rule.rules), pools=list(rule.pools),
        providers=list(rule.providers), accounts=list(rule.accounts), at_least=rule.at_least,
    )  # fmt: skip


def _policy_rule(position: int, rule: RuleConfig) -> models.PolicyRule:
    conditions = rule.when.model_dump(mode="json", exclude_defaults=True)
    return models.PolicyRule(
        position=position, name=rule.name, conditions=conditions, outcome=rule.then, reason=rule.reason
    )


def _budget_line(line: BudgetLine, groups: Mapping[str, Collection[str]]) -> models.BudgetLine:
    return models.BudgetLine(
        name=line.name, period=line.span, title=line.title or line.name, view=line.in_view, department=line.department,
        scope=line.scope(groups), amount=line.amount, currency=line.currency,
    )  # fmt: skip


def _source(config: SourceConfig) -> models.Source:
    options = config.options.model_dump(mode="json", exclude_none=True)
    return models.Source(**config.model_dump(exclude={"options"}), options=options)


# --- comparing -------------------------------------------------------------------------------

_Difference = tuple[Change, models.Base, models.Base | None]


def _differences(session: Session, config: CompanyConfig) -> list[_Difference]:
    """(change, wanted or retired row, present row), in an order that foreign keys allow."""
    found: list[_Difference] = []
    desired = _desired(config)
    for table, wanted in desired.items():
        kept = {_key(row): row for row in session.scalars(select(table)) if not _decided(row)}
        for row in wanted:
            found += _compared(row, kept.pop(_key(row), None))
        found += _gone(table, kept.values(), wanted_meters=_meters(config))
    priced = session.execute(select(models.Price.product, models.Price.meter).distinct())
    known = Wanted.of(desired, ((product, meter) for product, meter in priced))
    return [(replace(change, effect=_effect(change, row, present, known)), row, present)
            for change, row, present in found]  # fmt: skip


def _decided(row: models.Base) -> bool:
    """Whether somebody decided on it by hand: the configuration says nothing of it."""
    return isinstance(row, models.ResourceAlias) and row.confirmed_by is not None


def _effect(change: Change, row: models.Base, present: models.Base | None, wanted: Wanted) -> Effect:
    return retirement_of(row) if change.action == "retired" else effect_of(row, present, wanted)


def _key(row: models.Base) -> tuple[Any, ...]:
    return tuple(getattr(row, str(column.key)) for column in inspect(type(row)).primary_key)


def _name(row: models.Base) -> str:
    return " ".join(part.isoformat() if isinstance(part, datetime) else str(part) for part in _key(row))


def _compared(row: models.Base, present: models.Base | None) -> Iterable[_Difference]:
    kind = _KINDS[type(row)]
    if present is None:
        return [(Change("added", kind, _name(row)), row, None)]
    columns = [column.key for column in inspect(type(row)).columns if column.key != "recorded_at"]
    fields = tuple(name for name in columns if getattr(row, name) != getattr(present, name))
    if not fields:
        return []
    if isinstance(present, models.Price) or (isinstance(present, models.Agreement) and fields != ("effective_to",)):
        raise _edited(present, in_words(cast("models.Price | models.Agreement", row)))
    if isinstance(row, models.Product) and isinstance(present, models.Product):
        _check_life(present, row)
    return [(Change("changed", kind, _name(row), fields), row, present)]


def _check_life(present: models.Product, wanted: models.Product) -> None:
    if _STATES.index(wanted.state) < _STATES.index(present.state):
        raise StateReversedError(present.name, present.state, wanted.state)


def _edited(published: models.Price | models.Agreement, found: str) -> PriceEditedError:
    meter, since = f"{published.product}/{published.meter}", published.effective_from.isoformat()
    if isinstance(published, models.Agreement):
        remedy = "end it with `to`"
        return PriceEditedError(f"{meter} for {published.department}", since, in_words(published), found, remedy)
    return PriceEditedError(meter, since, in_words(published), found)


def _meters(config: CompanyConfig) -> set[tuple[str, str]]:
    return {(product.name, meter.name) for product in config.products for meter in product.meters}


def _gone(
    table: type[models.Base], rows: Iterable[models.Base], wanted_meters: set[tuple[str, str]]
) -> list[_Difference]:
    gone: list[_Difference] = []
    for row in sorted(rows, key=_name):
        if isinstance(row, models.Price) and (row.product, row.meter) in wanted_meters:
            raise _edited(row, "none")
        if isinstance(row, models.Agreement):
            raise _edited(row, "none")
        if table in (models.Price, models.Meter, models.Rate) or _is_retired(row):
            continue
        gone.append((Change("retired", _KINDS[table], _name(row)), row, row))
    return gone


def _is_retired(row: models.Base) -> bool:
    if isinstance(row, models.Source):
        return bool(row.options.get("retired"))
    form = _RETIRED.get(type(row))
    return form is not None and all(getattr(row, name) == value for name, value in form.items())


# --- writing ---------------------------------------------------------------------------------


def _make_room(session: Session, differences: Sequence[_Difference]) -> None:
    """Positions of pools are unique: move those that change out of the way of each other first."""
    moved = [present for _, _, present in differences if isinstance(present, models.Pool)]
    taken = max((pool.position for pool in session.scalars(select(models.Pool))), default=0)
    for offset, pool in enumerate(moved, start=1):
        pool.position = max(taken, _FAR) + offset
    session.flush()


def _write(session: Session, row: models.Base, present: models.Base | None, now: datetime) -> None:
    if isinstance(row, (models.Price, models.Agreement)):
        row.recorded_at = now
    if present is None:
        session.add(row)
        return
    for column in inspect(type(row)).columns:
        setattr(present, column.key, getattr(row, column.key))


def _retire(session: Session, row: models.Base, now: datetime) -> None:
    """Delete it where nothing refers to it; else give it its table's form of being retired."""
    if not isinstance(row, models.Product) and _deleted(session, row):
        return
    if isinstance(row, models.Source):
        row.options = {**row.options, "retired": True}
    if isinstance(row, models.Product):
        row.retired_at = now
    for name, value in _RETIRED.get(type(row), {}).items():
        setattr(row, name, value)
    session.flush()


def _deleted(session: Session, row: models.Base) -> bool:
    """Whether nothing referred to a row, so that it could be deleted."""
    try:
        with session.begin_nested():
            session.delete(row)
    except IntegrityError:
        return False
    return True
