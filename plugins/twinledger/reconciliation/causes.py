"""The root cause of a break: its largest contributors by service, region, account, product and day.

What belongs here: asking for them, and their share of the break. What does not: what a row contributes, which
`sql/reconciliation/component_rows` says, and their sums, which `sql/reconciliation/break_contributors` makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from twinledger.books import Books
from twinledger.lake.tables import TEXT, Column
from twinledger.pools import COMPONENTS
from twinledger.reconciliation.inputs import gather, view_ledgers
from twinledger.store import models
from twinledger.vocabulary.audiences import ForFinance
from twinledger.vocabulary.errors import UnknownNameError
from twinledger.vocabulary.money import plain
from twinledger.vocabulary.periods import Period

DIMENSIONS = ("service", "region", "account", "product", "day")
_PERCENT = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Contributor(ForFinance):
    """What one service, region, account, product or day has to do with a break."""

    dimension: str
    name: str
    """Empty where its rows have none, as usage has no account of a vendor's."""
    amount: Decimal
    share: Decimal | None
    """Percent of the break, to a tenth; None of a break of nothing."""
    rows: int


@dataclass(frozen=True, slots=True)
class RootCause(ForFinance):
    """The contributors to one break, up to five in each dimension, the most money first; in the reporting currency."""

    contributors: tuple[Contributor, ...]
    external_cut: str
    internal_cut: str
    """The snapshots of both ledgers that they were found in."""

    def of(self, dimension: str) -> tuple[Contributor, ...]:
        """Those of one dimension."""
        return tuple(one for one in self.contributors if one.dimension == dimension)


def root_cause(books: Books, break_id: str) -> RootCause:
    """The largest contributors to a break: those that it was accepted with, else in both ledgers as they are now.

    Finance only. Raises as `found_cause`, and UnknownNameError where there is no such break.
    """
    with books.store.reading() as session:
        row = session.get(models.Break, break_id)
    if row is None:
        raise UnknownNameError("break", break_id[:64], ())
    return read_cause(row.evidence["cause"]) if row.evidence else found_cause(books, row)


def found_cause(books: Books, row: models.Break) -> RootCause:
    """The largest contributors in both ledgers as they are now.

    Breaks of the bridge's components have rows; of others, which are of documents, contracts or hours that nobody
    metered, there is nothing to rank.

    Raises:
        MissingRateError: a currency without a rate.
    """
    if row.rule not in COMPONENTS:
        return RootCause((), "", "")
    inputs = gather(books, Period.parse(row.period))
    with books.engine() as engine:
        view_ledgers(engine, inputs)
        engine.view_rows("asked", (Column("pool", TEXT), Column("component", TEXT)), [(row.pool, row.rule)])
        engine.view_model("reconciliation/component_rows")
        engine.view_model("reconciliation/break_contributors")
        found = engine.rows("break_contributors")
    ranked = sorted(found, key=lambda one: (DIMENSIONS.index(one["dimension"]), one["place"]))
    parts = tuple(
        Contributor(one["dimension"], one["name"], one["amount"], _share(one["amount"], row.amount), one["rows"])
        for one in ranked
    )
    return RootCause(parts, inputs.external.cut, inputs.internal.cut)


def cause_json(cause: RootCause) -> dict[str, Any]:
    """As it is frozen with an acceptance: amounts are decimal strings."""
    return {
        "external_cut": cause.external_cut,
        "internal_cut": cause.internal_cut,
        "contributors": [
            {"dimension": one.dimension, "name": one.name, "amount": plain(one.amount),
             "share": None if one.share is None else f"{one.share:f}", "rows": one.rows}
            for one in cause.contributors
        ],
    }  # fmt: skip


def read_cause(written: dict[str, Any]) -> RootCause:
    """What `cause_json` wrote."""
    parts = tuple(
        Contributor(
            one["dimension"],
            one["name"],
            Decimal(one["amount"]),
            None if one["share"] is None else Decimal(one["share"]),
            one["rows"],
        )
        for one in written["contributors"]
    )
    return RootCause(parts, written["external_cut"], written["internal_cut"])


def _share(amount: Decimal, whole: Decimal) -> Decimal | None:
    if not whole:
        return None
    with localcontext(prec=120):
        return (amount * 100 / whole).quantize(_PERCENT, ROUND_HALF_UP)
