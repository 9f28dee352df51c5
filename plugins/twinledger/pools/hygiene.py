"""Tag hygiene: how the owners of directly owned resources are known, and which tags name nobody.

What belongs here: what `twinledger pools tags` tells. What does not: finding owners, which
`sql/rating/owned_charges` does, as rating reads it. List cost is no secret; nothing else is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from twinledger.books import Books
from twinledger.catalog import relations, view
from twinledger.engine import Engine
from twinledger.lake.tables import EXTERNAL_CHARGES
from twinledger.pools.tags import DEPARTMENT
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period

WAYS = ("own", "alias", "inherited", "last_resort", "unassigned")
"""How an owner is known, the surest first."""

_MODELS = (
    "pools/charge_tags",
    "pools/charge_pools",
    "rating/unrated_currencies",
    "rating/passed_charges",
    "rating/tag_owners",
    "rating/owned_charges",
    "rating/owner_counts",
    "rating/unknown_owners",
)
_TENTHS = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class OwnedBy:
    """Charges whose owner is known in one way; shares are percent of all, to a tenth, None of nothing."""

    how: str
    charges: int
    list_cost: Decimal
    charges_percent: Decimal | None
    list_cost_percent: Decimal | None


@dataclass(frozen=True, slots=True)
class UnknownOwner:
    """Something written in a tag that is no department, and on how many charges."""

    tag: str
    written: str
    charges: int
    list_cost: Decimal


@dataclass(frozen=True, slots=True)
class Hygiene:
    """A period's usage charges in direct pools, by how their owner is known; amounts in `currency`."""

    period: Period
    currency: str
    ways: tuple[OwnedBy, ...]
    unknown: tuple[UnknownOwner, ...]


def tag_hygiene(books: Books, period: Period, limit: int = 10) -> Hygiene:
    """How owners of directly owned resources are known, and the most frequent tags that name nobody.

    List cost is in the reporting currency, at the period's rate.

    Raises:
        MissingRateError: a charge is in a currency that the period has no rate for.
    """
    with books.store.reading() as session:
        configured = [
            *relations.company(session, period, books.settings), *relations.tag_steps(session, DEPARTMENT)
        ]  # fmt: skip
    with books.engine() as engine:
        files = books.lake.files(EXTERNAL_CHARGES, {"x_period": str(period)})
        engine.view_files("external_charges", EXTERNAL_CHARGES, files)
        view(engine, configured)
        for model in _MODELS:
            engine.view_model(model)
        for row in engine.rows("unrated_currencies"):
            raise MissingRateError(row["currency"], books.settings.reporting_currency, str(period))
        return Hygiene(period, books.settings.reporting_currency, _ways(engine), _unknown(engine, limit))


def _ways(engine: Engine) -> tuple[OwnedBy, ...]:
    found = {row["how"]: (row["charges"], row["list_cost"]) for row in engine.rows("owner_counts")}
    charges = sum(count for count, _ in found.values())
    cost = exact_sum(amount for _, amount in found.values())
    counted = [(how, *found.get(how, (0, Decimal(0)))) for how in WAYS]
    return tuple(
        OwnedBy(how, count, amount, _percent(Decimal(count), Decimal(charges)), _percent(amount, cost))
        for how, count, amount in counted
    )


def _percent(part: Decimal, whole: Decimal) -> Decimal | None:
    return (part / whole * 100).quantize(_TENTHS) if whole > 0 else None


def _unknown(engine: Engine, limit: int) -> tuple[UnknownOwner, ...]:
    rows = [UnknownOwner(**row) for row in engine.rows("unknown_owners")]
    return tuple(sorted(rows, key=lambda one: (-one.charges, one.tag, one.written))[:limit])
