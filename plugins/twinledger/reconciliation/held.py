"""The held share: what the platform could not charge on, of all that vendors charge, month by month.

What belongs here: putting the bridges of months beside each other, and beside what ownership alone would leave.
What does not: the bridge itself. For finance only.

Held cost is what the bridge says: idle, unmetered (at internal prices) and unassigned (at effective cost). By
ownership alone there are no meters, so it is the effective cost of every usage charge that nobody's tag or account
claims, outside of pools that are passed through, and of all charges in no pool. See decision 0020.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from twinledger.books import Books
from twinledger.reconciliation.result import HELD, Match, Reconciliation
from twinledger.reconciliation.run import read_reconciliation
from twinledger.store import models
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.money import exact_sum, round_to
from twinledger.vocabulary.periods import Period

MONTHS = 12
"""How many months a report has, the last ones."""

_LARGEST = 5
_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class HeldPart:
    """One resource or service, and what of it is held."""

    name: str
    service: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class HeldCause:
    """Why cost is held: one component of one pool's bridge, with its largest resources or services."""

    pool: str
    component: str
    amount: Decimal
    largest: tuple[HeldPart, ...]


@dataclass(frozen=True, slots=True)
class HeldPool:
    """One pool: what is held of it, what would be by ownership alone, and the meters it is charged on by."""

    pool: str
    external: Decimal
    held: Decimal
    owned: Decimal
    """Held cost by ownership alone."""
    meters: tuple[str, ...]
    """product/meter of the products that the pool funds now."""

    @property
    def share(self) -> Decimal | None:
        """The held share in percent."""
        return share(self.held, self.external)

    @property
    def owned_share(self) -> Decimal | None:
        """The held share by ownership alone, in percent."""
        return share(self.owned, self.external)


@dataclass(frozen=True, slots=True)
class HeldMonth:
    """One reconciled month; amounts are in `currency`, held cost above zero."""

    period: Period
    currency: str
    verdict: str
    external: Decimal
    held: Decimal
    owned: Decimal
    """Held cost by ownership alone."""
    pools: tuple[HeldPool, ...]
    causes: tuple[HeldCause, ...]
    """The largest first."""

    @property
    def share(self) -> Decimal | None:
        """The held share in percent, to a hundredth; None where vendors charged nothing."""
        return share(self.held, self.external)

    @property
    def owned_share(self) -> Decimal | None:
        """The held share by ownership alone, in percent."""
        return share(self.owned, self.external)

    def component_share(self, component: str) -> Decimal:
        """One component's part of the held share, in percent."""
        amount = exact_sum(cause.amount for cause in self.causes if cause.component == component)
        return share(amount, self.external) or Decimal(0)


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    """A part in percent, to a hundredth, half away from zero; None of nothing."""
    return round_to(part * 100 / whole, _HUNDREDTH) if whole else None


def held_months(books: Books, last: Period | None = None) -> list[HeldMonth]:
    """The last months that were reconciled, in order, up to one where it is given.

    Raises:
        UnknownNameError: the month that is given was never reconciled.
    """
    with books.store.reading() as session:
        known = sorted(set(session.scalars(select(models.ReconciliationRun.period))))
        query = select(models.Meter, models.Product.pool).join(
            models.Product, models.Product.name == models.Meter.product
        )
        meters = sorted((pool, f"{meter.product}/{meter.name}") for meter, pool in session.execute(query))
    if last is not None and str(last) not in known:
        raise UnknownNameError("reconciliation", str(last), known)
    wanted = [Period.parse(one) for one in known if last is None or one <= str(last)][-MONTHS:]
    found = (read_reconciliation(books, period) for period in wanted)
    return [held_month(one, meters) for one in found if one is not None]


def held_month(result: Reconciliation, meters: Iterable[tuple[str, str]] = ()) -> HeldMonth:
    """The held cost of one reconciled month; `meters` are (pool, product/meter)."""
    causes = [
        HeldCause(row.pool, row.component, -row.amount, _largest(result, row.pool, row.component))
        for row in result.bridge
        if row.component in HELD and row.amount
    ]
    known = sorted(meters)
    pools = tuple(
        HeldPool(
            pool=total.pool,
            external=total.external_amount,
            held=exact_sum(cause.amount for cause in causes if cause.pool == total.pool),
            owned=exact_sum(one.amount for one in result.ownership if one.pool == total.pool),
            meters=tuple(name for pool, name in known if pool == total.pool),
        )
        for total in result.totals
    )
    return HeldMonth(
        period=result.period,
        currency=result.currency,
        verdict=result.verdict,
        external=result.external_amount,
        held=result.held_cost,
        owned=exact_sum(one.amount for one in result.ownership),
        pools=pools,
        causes=tuple(sorted(causes, key=lambda one: (-abs(one.amount), one.pool, one.component))),
    )


def _largest(result: Reconciliation, pool: str, component: str) -> tuple[HeldPart, ...]:
    """By resource where the bridge knows resources; charges in no pool by service."""
    if component == "unassigned":
        ranked = (HeldPart("", one.service, one.amount) for one in result.ownership if one.pool == pool)
        return tuple(sorted(ranked, key=_order)[:_LARGEST])
    matches = (one for one in result.matches if (one.pool, one.component) == (pool, component))
    return tuple(sorted(map(_part, matches), key=_order)[:_LARGEST])


def _part(match: Match) -> HeldPart:
    return HeldPart(match.resource or "no resource", match.service or "", -match.amount)


def _order(part: HeldPart) -> tuple[Decimal, str, str]:
    return -abs(part.amount), part.name, part.service
