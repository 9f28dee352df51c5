"""What commitment discounts save, and which pool has it: for finance only.

What belongs here: pools' cost once savings are where policy puts them. What does not: the arithmetic, which is SQL
under `sql/commitments`, and every book that others follow from: internal charges are at list price, the bridge
compares what was billed, and neither asks for the policy (decision 0028).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from twinledger.books import Books
from twinledger.catalog import relations, view
from twinledger.engine import Engine
from twinledger.lake.tables import EXTERNAL_CHARGES, TEXT, Column
from twinledger.store.models import Pool
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

POLICIES = (Column("pool", TEXT), Column("savings", TEXT))
"""The relation `savings_policies`: who has what commitments save on a pool's usage, usage or purchaser."""


@dataclass(frozen=True, slots=True)
class CommitmentSaving:
    """What one commitment discount saves on a pool's usage, in the reporting currency at the period's rates.

    `purchaser` is the pool that bought it, None where no purchase is known; `receiver` the one that has the saving.
    """

    pool: str
    provider: str
    commitment: str
    savings: str
    purchaser: str | None
    receiver: str
    charges: int
    without_commitment: Decimal
    effective_cost: Decimal
    saving: Decimal


@dataclass(frozen=True, slots=True)
class PoolSavings:
    """One pool: cost = effective_cost + handed_over - credited."""

    pool: str
    effective_cost: Decimal
    handed_over: Decimal
    """What commitments saved on its usage and the purchasers' pools have."""
    credited: Decimal
    """What its own commitments saved on the usage of other pools."""
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Savings:
    """A period's pools and commitment discounts; amounts in `currency`."""

    period: Period
    currency: str
    pools: tuple[PoolSavings, ...]
    commitments: tuple[CommitmentSaving, ...]

    @property
    def cost(self) -> Decimal:
        """What all pools cost: the effective cost of the period, whoever has the savings."""
        return exact_sum(one.cost for one in self.pools)


def commitment_savings(books: Books, period: Period) -> Savings:
    """What commitment discounts save in a period, and each pool's cost by the policies in force.

    Raises:
        MissingRateError: a charge is in a currency that the period has no rate for.
    """
    currency = books.settings.reporting_currency
    with books.store.reading() as session:
        pools = session.scalars(select(Pool).order_by(Pool.position)).all()
        policies = [(one.name, one.savings) for one in pools]
        read = [
            relations.pools(session),
            relations.pool_rules(session),
            *relations.tag_steps(session),
            relations.rates(session, period, currency),
            relations.parameters(period, books.settings),
        ]
    with books.engine() as engine:
        # Who bought may stand in the bill of an earlier month, the usage that is covered stands in this one's.
        where = (
            f"\"x_period\" = '{period}' OR (\"x_period\" < '{period}' "
            'AND "ChargeCategory" = \'Purchase\' AND "CommitmentDiscountId" IS NOT NULL)'
        )
        engine.view_files("external_charges", EXTERNAL_CHARGES, books.lake.files(EXTERNAL_CHARGES), where=where)
        view(engine, read)
        engine.view_model("pools/charge_tags")
        engine.view_model("pools/charge_pools")
        _check_rates(engine, period, currency)
        return divided(engine, policies, period, currency)


def divided(engine: Engine, policies: Sequence[tuple[str, str]], period: Period, currency: str) -> Savings:
    """Savings by policies of (pool, usage | purchaser), of `charge_pools`, `rates` and `parameters` on an engine."""
    engine.view_rows("savings_policies", POLICIES, policies)
    engine.view_model("commitments/savings")
    engine.materialise("savings")
    engine.view_model("commitments/pool_savings")
    return Savings(
        period,
        currency,
        tuple(PoolSavings(**row) for row in engine.rows("pool_savings")),
        tuple(CommitmentSaving(**row) for row in engine.rows("savings")),
    )


def _check_rates(engine: Engine, period: Period, reporting: str) -> None:
    known = {row["currency"] for row in engine.rows("rates") if row["kind"] == "period"}
    charged = engine.query("SELECT DISTINCT BillingCurrency FROM charge_pools WHERE x_period = ?", [str(period)])
    for currency in sorted(row[0] for row in charged):
        if currency not in known:
            raise MissingRateError(currency, reporting, str(period))
