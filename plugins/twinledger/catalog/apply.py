"""From configuration to store: what would change, and changing it.

What belongs here: comparing and writing the tables that configuration mirrors. What does not: facts.

What is gone from the configuration is deleted where nothing refers to it; else it is retired, which
each table has its own form of: products get that state, departments lose their tenants, people their
roles, pools their rules, and sources get the option `retired`. Rates once known stay known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import inspect, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from twinledger.catalog.config import CompanyConfig
from twinledger.catalog.forms import DepartmentConfig, SourceConfig
from twinledger.clock import Clock
from twinledger.store import Store, models
from twinledger.vocabulary.errors import PriceEditedError
from twinledger.vocabulary.money import plain

Action = Literal["added", "changed", "retired"]
_KINDS: dict[type[models.Base], str] = {
    models.Person: "person",
    models.Department: "department",
    models.Pool: "pool",
    models.Product: "product",
    models.Meter: "meter",
    models.Price: "price",
    models.Source: "source",
    models.ContractCard: "contract card",
    models.Budget: "budget",
    models.Rate: "rate",
}
_RETIRED: dict[type[models.Base], dict[str, Any]] = {
    models.Person: {"roles": [], "slack_user": None, "airflow_user": None},
    models.Department: {"tenants": []},
    models.Pool: {"rules": [], "capacity": [], "tolerance": {}},
    models.Product: {"state": "retired"},
}
_FAR = 1_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between configuration and store; `fields` are names only, never figures."""

    action: Action
    kind: str
    name: str
    fields: tuple[str, ...] = ()


def plan_config(store: Store, config: CompanyConfig) -> list[Change]:
    """What `apply_config` would do; nothing is written.

    Raises:
        PriceEditedError: a published price has another amount, or is gone.
    """
    with store.transaction() as session:
        return [change for change, _, _ in _differences(session, config)]


def apply_config(store: Store, config: CompanyConfig, clock: Clock) -> list[Change]:
    """Make the store say what the configuration says, in one transaction with its audit entries.

    Applying the same configuration again changes nothing.

    Raises:
        PriceEditedError: a published price has another amount, or is gone; nothing is written.
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
                _retire(session, row)
        _look_again(session, [change.name for change, _, _ in differences if change.kind == "source"])
        for change, _, _ in differences:
            facts = {"fields": list(change.fields)}
            subject = f"{change.kind} {change.name}"
            entry = models.AuditEntry(
                at=now, who="configuration", action=f"config.{change.action}", subject=subject, facts=facts
            )
            session.add(entry)
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
        models.Product: [models.Product(**one.model_dump(exclude={"meters"})) for one in config.products],
        models.Meter: [
            models.Meter(product=product.name, **meter.model_dump(exclude={"prices"}))
            for product in config.products
            for meter in product.meters
        ],
        models.Price: [
            models.Price(product=product.name, meter=meter.name, **price.model_dump())
            for product in config.products
            for meter in product.meters
            for price in meter.prices
        ],
        models.Source: [_source(one) for one in config.sources],
        models.ContractCard: [models.ContractCard(**one.model_dump()) for one in config.contracts],
        models.Budget: [
            models.Budget(period=str(one.period), **one.model_dump(exclude={"period"})) for one in config.budgets
        ],
        models.Rate: [models.Rate(**one.model_dump()) for one in config.rates],
    }


def _source(config: SourceConfig) -> models.Source:
    options = config.options.model_dump(mode="json", exclude_none=True)
    return models.Source(**config.model_dump(exclude={"options"}), options=options)


# --- comparing -------------------------------------------------------------------------------

_Difference = tuple[Change, models.Base, models.Base | None]


def _differences(session: Session, config: CompanyConfig) -> list[_Difference]:
    """(change, wanted or retired row, present row), in an order that foreign keys allow."""
    found: list[_Difference] = []
    for table, wanted in _desired(config).items():
        present = {_key(row): row for row in session.scalars(select(table))}
        for row in wanted:
            found += _compared(row, present.pop(_key(row), None))
        found += _gone(table, present.values(), wanted_meters=_meters(config))
    return found


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
    if isinstance(row, models.Price) and isinstance(present, models.Price):
        raise _edited(present, f"{plain(row.amount)} {row.currency}")
    return [(Change("changed", kind, _name(row), fields), row, present)]


def _edited(published: models.Price, found: str) -> PriceEditedError:
    meter, since = f"{published.product}/{published.meter}", published.effective_from.isoformat()
    return PriceEditedError(meter, since, f"{plain(published.amount)} {published.currency}", found)


def _meters(config: CompanyConfig) -> set[tuple[str, str]]:
    return {(product.name, meter.name) for product in config.products for meter in product.meters}


def _gone(
    table: type[models.Base], rows: Iterable[models.Base], wanted_meters: set[tuple[str, str]]
) -> list[_Difference]:
    gone: list[_Difference] = []
    for row in sorted(rows, key=_name):
        if isinstance(row, models.Price) and (row.product, row.meter) in wanted_meters:
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
    if isinstance(row, models.Price):
        row.recorded_at = now
    if present is None:
        session.add(row)
        return
    for column in inspect(type(row)).columns:
        setattr(present, column.key, getattr(row, column.key))


def _retire(session: Session, row: models.Base) -> None:
    """Delete it where nothing refers to it; else give it its table's form of being retired."""
    if not isinstance(row, models.Product) and _deleted(session, row):
        return
    if isinstance(row, models.Source):
        row.options = {**row.options, "retired": True}
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
