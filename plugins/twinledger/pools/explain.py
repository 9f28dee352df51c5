"""Why a charge is in its pool: each rule that was tried, and what it found.

What belongs here: asking `sql/pools/charge_pools` about one charge, rule by rule. What does not: what
makes a rule hold, which that model alone says, and amounts, which nothing here reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from twinledger.books import Books
from twinledger.catalog import Relation, relations, view
from twinledger.engine import Engine
from twinledger.lake.tables import EXTERNAL_CHARGES, TEXT, Column
from twinledger.store.models import Delivery, Source
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.periods import Period

_IDENTITY = ("x_source", "x_period", "x_delivery", "x_row")


@dataclass(frozen=True, slots=True)
class ChargeName:
    """What names a charge: its row, and its source or delivery, in a period or any.

    The row of one source and period may be of several deliveries, where each says a part of the month.
    """

    row: int
    source: str = ""
    delivery: str = ""
    period: str = ""


@dataclass(frozen=True, slots=True)
class TriedRule:
    """One rule of a pool, what was found in the charge (None where nothing), and whether the rule holds."""

    number: int
    column: str
    operator: str
    values: tuple[str, ...]
    found: str | None
    holds: bool


@dataclass(frozen=True, slots=True)
class TriedPool:
    """One pool that was tried: it has the charge when all its rules hold."""

    pool: str
    position: int
    kind: str
    rules: tuple[TriedRule, ...]

    @property
    def holds(self) -> bool:
        """Whether every rule holds."""
        return all(rule.holds for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a charge is in `pool`, or in none (""): pools in order of trial, and those that were not tried any more."""

    source: str
    period: str
    delivery: str
    row: int
    service: str
    resource: str | None
    pool: str
    tried: tuple[TriedPool, ...]
    untried: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Which pool has the charge, and why no other one can."""
        if not self.pool:
            return f"unassigned: each of the {len(self.tried)} pools has a rule that does not hold"
        reasons = ["all its rules hold, and the first such pool has the charge"]
        if before := len(self.tried) - 1:
            reasons.append(f"each of the {before} tried before it has a rule that does not hold")
        if self.untried:
            reasons.append(f"the {len(self.untried)} after it are not tried: {', '.join(self.untried)}")
        return f"{self.pool}, and no other: {'; '.join(reasons)}"


def explain_charge(books: Books, charge: ChargeName) -> tuple[Explanation, ...]:
    """Why each charge of that name is in its pool, by delivery.

    The pool is what `sql/pools/charge_pools` says of the charge; whether a rule holds is what the same
    model says when it is the only rule there is.

    Raises:
        UnknownNameError: there is no such source, delivery or charge.
    """
    source = _source(books, charge)
    partition = {"x_source": source} | ({"x_period": charge.period} if charge.period else {})
    with books.store.reading() as session:
        pools, rules, tags = relations.pools(session), relations.pool_rules(session), relations.tag_steps(session)
    with books.engine() as engine:
        view(engine, tags)
        engine.view_files("all_charges", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES, partition))
        rows = _charges(engine, charge)
        if not rows:
            raise UnknownNameError(f"charge of source {source}", _said(charge), _known(books, source))
        return tuple(_explained(engine, row, pools, rules) for row in rows)


def parse_charge(words: Sequence[str]) -> ChargeName:
    """A charge as people write it: SOURCE PERIOD ROW, or [PERIOD/]DELIVERY#ROW as `x_restates` has it.

    Raises:
        UnknownNameError: it is neither.
        InvalidPeriodError: the period is none.
    """
    if len(words) == 1:
        before, _, row = words[0].rpartition("#")
        period, _, delivery = before.rpartition("/")
        if delivery and row.isascii() and row.isdigit():
            return ChargeName(int(row), delivery=delivery, period=str(Period.parse(period)) if period else "")
    elif len(words) == 3 and words[2].isascii() and words[2].isdigit():  # noqa: PLR2004 - source, period, row
        return ChargeName(int(words[2]), source=words[0], period=str(Period.parse(words[1])))
    raise UnknownNameError("charge", " ".join(words), ("SOURCE PERIOD ROW", "DELIVERY#ROW", "PERIOD/DELIVERY#ROW"))


def _source(books: Books, charge: ChargeName) -> str:
    with books.store.reading() as session:
        if charge.source and session.get(Source, charge.source) is not None:
            return charge.source
        delivery = session.get(Delivery, charge.delivery) if charge.delivery else None
        bills = [] if charge.delivery else session.scalars(select(Source.name).where(Source.kind == "bill")).all()
    if delivery is None:
        kind = "delivery" if charge.delivery else "bill source"
        raise UnknownNameError(kind, charge.delivery or charge.source, bills)
    return delivery.source


def _said(charge: ChargeName) -> str:
    return f"{charge.delivery or charge.period}#{charge.row}"


def _known(books: Books, source: str) -> list[str]:
    names = (name.split("/") for name in books.lake.slices(EXTERNAL_CHARGES))
    periods = {part.removeprefix("x_period=") for parts in names if f"x_source={source}" in parts for part in parts}
    return [f"a row of {period}" for period in periods if "=" not in period]


def _charges(engine: Engine, charge: ChargeName) -> list[dict[str, Any]]:
    names, rows = engine.select("all_charges", "x_row", [charge.row])
    found = [dict(zip(names, row, strict=True)) for row in rows]
    kept = [one for one in found if charge.delivery in ("", one["x_delivery"])]
    return sorted(kept, key=lambda one: tuple(str(one[name]) for name in _IDENTITY))


def _explained(engine: Engine, charge: dict[str, Any], pools: Relation, rules: Relation) -> Explanation:
    values = tuple(charge[name] for name in EXTERNAL_CHARGES.names)
    engine.view_rows("external_charges", EXTERNAL_CHARGES.columns, [values])
    winner = _pool_by(engine, pools, rules)
    ruled = {row[0] for row in rules.rows}
    ordered = [_named(pools, row) for row in pools.rows if row[0] in ruled]
    places = [one["pool"] for one in ordered]
    last = places.index(winner) + 1 if winner else len(places)
    return Explanation(
        source=charge["x_source"],
        period=charge["x_period"],
        delivery=charge["x_delivery"],
        row=charge["x_row"],
        service=charge["ServiceName"],
        resource=charge["ResourceId"],
        pool=winner,
        tried=tuple(_tried(engine, one, rules) for one in ordered[:last]),
        untried=tuple(places[last:]),
    )


def _tried(engine: Engine, pool: dict[str, Any], rules: Relation) -> TriedPool:
    numbers = sorted({_named(rules, row)["rule_no"] for row in rules.rows if row[0] == pool["pool"]})
    return TriedPool(
        pool["pool"],
        pool["position"],
        pool["kind"],
        tuple(_tried_rule(engine, pool, rules, number) for number in numbers),
    )


def _tried_rule(engine: Engine, pool: dict[str, Any], rules: Relation, number: int) -> TriedRule:
    rows = [row for row in rules.rows if (row[0], _named(rules, row)["rule_no"]) == (pool["pool"], number)]
    alone = Relation("pools", _POOL, [(pool["pool"], pool["kind"], 1)])
    first = _named(rules, rows[0])
    return TriedRule(
        number=number,
        column=first["column_name"],
        operator=first["operator"],
        values=tuple(_named(rules, row)["value"] for row in rows),
        found=_found(engine, first["column_name"]),
        holds=bool(_pool_by(engine, alone, rules._replace(rows=rows))),
    )


_POOL = (Column("pool", TEXT), Column("kind", TEXT), Column("position", "BIGINT"))


def _pool_by(engine: Engine, pools: Relation, rules: Relation) -> str:
    """The pool that these pools and rules give the charge, "" where it is none."""
    view(engine, (pools, rules))
    engine.view_model("pools/charge_tags")
    engine.view_model("pools/charge_pools")
    return str(engine.query("SELECT COALESCE(x_pool, '') FROM charge_pools")[0][0])


def _found(engine: Engine, column: str) -> str | None:
    """What a rule's column says of the charge; of a tag, the first place that says something."""
    if column.startswith("Tags."):
        key = column.removeprefix("Tags.")
        said = sorted(
            (row["step"], row["value"]) for row in engine.rows("charge_tags") if row["key"] == key and row["value"]
        )
        return str(said[0][1]) if said else None
    found = engine.rows("external_charges")[0][column]
    return None if found is None else str(found)


def _named(relation: Relation, row: Iterable[object]) -> dict[str, Any]:
    return dict(zip((column.name for column in relation.columns), row, strict=True))
