"""The pools as they are configured, and how many charges of a period each has.

What belongs here: what `twinledger pools show` tells. What does not: amounts, which are finance's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select

from twinledger.books import Books
from twinledger.catalog import relations, view
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.pools.definition import UNASSIGNED
from twinledger.pools.drivers import Driver, FixedDriver, UsageDriver
from twinledger.store.models import Pool
from twinledger.vocabulary.money import plain
from twinledger.vocabulary.periods import Period


@dataclass(frozen=True, slots=True)
class PoolOverview:
    """One pool in order of position; the last one, `unassigned`, stands for charges in none.

    `savings` says who has what commitment discounts save on its usage: usage or purchaser.
    `charges` counts the period's charges in it, None where no period was asked for.
    """

    pool: str
    title: str
    kind: str
    owner: str
    rules: tuple[str, ...]
    driver: str
    savings: str
    charges: int | None


def pools_overview(books: Books, period: Period | None) -> tuple[PoolOverview, ...]:
    """Every pool with its rules, and `unassigned`; with the counts of a period where one is given."""
    counts = _counts(books, period) if period else {}
    with books.store.reading() as session:
        pools = session.scalars(select(Pool).order_by(Pool.position)).all()

    def charges(name: str) -> int | None:
        return counts.get(name, 0) if period else None

    listed = [
        PoolOverview(
            one.name,
            one.title,
            one.kind,
            one.owner,
            tuple(map(rule_text, one.rules)),
            driver_text(one.driver),
            one.savings,
            charges(one.name),
        )
        for one in pools
    ]
    unassigned = PoolOverview(UNASSIGNED, "Charges that no pool takes", "", "", (), "", "usage", charges(UNASSIGNED))
    return (*listed, unassigned)


def rule_text(rule: Mapping[str, Any]) -> str:
    """A rule of the store as a sentence: "ServiceName is A or B", "Tags.team starts with x"."""
    if rule.get("prefix") is not None:
        return f"{rule['column']} starts with {rule['prefix']}"
    return f"{rule['column']} is {' or '.join(rule['equals'])}"


def driver_text(stored: Mapping[str, Any] | None) -> str:
    """A driver of the store as a sentence: "fixed shares: shop 0.4, pool kubernetes 0.6"; "" where there is none."""
    if not stored:
        return ""
    driver = TypeAdapter[Driver](Driver).validate_python(stored)
    parts: list[str] = []
    if isinstance(driver, FixedDriver):
        parts = [f"{name} {plain(share)}" for name, share in driver.shares.items()]
        parts += [f"pool {name} {plain(share)}" for name, share in driver.pools.items()]
    elif isinstance(driver, UsageDriver):
        parts = [f"{', '.join(tenants)} for pool {name}" for name, tenants in driver.pools.items()]
    return f"{driver.title}: {', '.join(parts)}" if parts else driver.title


def _counts(books: Books, period: Period) -> dict[str, int]:
    with books.store.reading() as session:
        configured = (relations.pools(session), relations.pool_rules(session), *relations.tag_steps(session))
    with books.engine() as engine:
        files = books.lake.files(EXTERNAL_CHARGES, {"x_period": str(period)})
        engine.view_files("external_charges", EXTERNAL_CHARGES, files)
        view(engine, configured)
        engine.view_model("pools/charge_tags")
        engine.view_model("pools/charge_pools")
        engine.view_model("pools/pool_counts")
        return {row["pool"]: row["charges"] for row in engine.rows("pool_counts")}
