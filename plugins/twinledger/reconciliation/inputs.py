"""What a period is reconciled from: cuts of both ledgers, the configuration, the history of deliveries.

What belongs here: reading them at one instant, what is missing of them, and their digest. What does
not: the models that make a bridge of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from twinledger.books import Books
from twinledger.catalog import Relation, company, view
from twinledger.controls import CONTROL_MODELS, Terms, Total, adjustment_slices, recorded, terms
from twinledger.engine import Engine
from twinledger.engine.models import load_model
from twinledger.lake import Lake, partition_of
from twinledger.lake.tables import (
    AUDITED_CHARGES,
    BILLED_SLICES,
    CHARGE_DAYS,
    CHARGE_SUMS,
    EXTERNAL_CHARGES,
    INTERNAL_CHARGES,
    INTERNAL_SUMS,
    USAGE,
    Table,
)
from twinledger.metering import Uncovered, coverage
from twinledger.reconciliation.owners import OwnerRule, owner_rules
from twinledger.reconciliation.restated import SliceTotal, slice_history
from twinledger.reconciliation.tolerance import Stated, age_step
from twinledger.store import models
from twinledger.vocabulary.errors import CurrencyMismatchError, MissingRateError
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.periods import Period


@dataclass(frozen=True, slots=True)
class KeptSums:
    """Sums of each slice of a ledger, kept in the lake: computed for a slice when what they follow from changes.

    The slice's rows are first brought down to the result of `charges`, where it is given: the models after it read
    that under the ledger's name. The last model's result is kept; its relation has the table's name.
    """

    table: Table
    ledger: Table
    models: tuple[str, ...]
    charges: str = ""


BILLED_KEPT = KeptSums(BILLED_SLICES, EXTERNAL_CHARGES, ("controls/billed_slices",))
"""What control totals are held against; where there are none it is not made. It follows from the slice alone."""

CHARGE_DAYS_SUMS = KeptSums(CHARGE_DAYS, EXTERNAL_CHARGES, ("reconciliation/charge_days",))
"""What rates a slice needs; it follows from the slice alone."""

BRIDGE_SUMS = (
    KeptSums(
        CHARGE_SUMS,
        EXTERNAL_CHARGES,
        (
            "pools/charge_tags",
            "pools/charge_pools",
            "rating/tag_owners",
            "reconciliation/charge_parts",
            "reconciliation/charge_sums",
        ),
    ),
    KeptSums(INTERNAL_SUMS, INTERNAL_CHARGES, ("reconciliation/listed_charges", "reconciliation/internal_sums")),
)
"""What the bridge, the matches and the ownership report are made of."""

KEPT_SUMS = (
    *BRIDGE_SUMS,
    KeptSums(
        AUDITED_CHARGES,
        EXTERNAL_CHARGES,
        (
            "pools/charge_tags",
            "pools/charge_pools",
            "reconciliation/contract_scopes",
            "reconciliation/audited_charges",
        ),
        charges="reconciliation/carded_rows",
    ),
)
"""Models that read rows of a ledger, slice by slice. See decision 0021."""

RATE_MODELS = ("reconciliation/used_rates", "reconciliation/missing_rates")
BASE_MODELS = (
    "rating/statement_lines",
    "reconciliation/part_sums",
    "reconciliation/internal_parts",
    "reconciliation/alias_claims",
    "reconciliation/resource_groups",
    "reconciliation/resource_matches",
)
KEPT = frozenset({"statement_lines", "part_sums", "internal_parts", "resource_groups", "resource_matches"})
"""Sums over the slices that several models read: computed once."""

BRIDGE_MODELS = ("reconciliation/pool_totals", "reconciliation/bridge")
REPORT_MODELS = (
    "reconciliation/largest_matches",
    "reconciliation/largest_services",
    "reconciliation/meter_matches",
    "reconciliation/resource_meters",
    "reconciliation/largest_meters",
    "reconciliation/identifier_pairs",
    "reconciliation/match_suggestions",
    "reconciliation/ambiguous_matches",
    "reconciliation/contract_audit",
    "reconciliation/claim_sums",
    "reconciliation/claims",
    "reconciliation/commitment_use",
    "reconciliation/ownership",
    "reconciliation/department_charges",
)


@dataclass(frozen=True, slots=True)
class LedgerCut:
    """One table's slices of a period, as they were in one snapshot."""

    cut: str
    slices: tuple[tuple[str, str], ...]
    """Slice name and what it was written from."""
    slice_files: Mapping[str, tuple[str, ...]]
    """Slice name -> its files; one that holds no row has none."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files of all slices."""
        return tuple(sorted(path for paths in self.slice_files.values() for path in paths))

    def values(self, column: str) -> set[str]:
        """The values of one partition column."""
        return {partition_of(name)[column] for name, _ in self.slices if column in partition_of(name)}


@dataclass(frozen=True, slots=True)
class PoolTerms:
    """Who answers for a pool, and what is tolerated in it."""

    owner: str
    tolerance: Mapping[str, Stated]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a reconciliation is a function of."""

    period: Period
    currency: str
    external: LedgerCut
    internal: LedgerCut
    relations: tuple[Relation, ...]
    pools: Mapping[str, PoolTerms]
    history: tuple[SliceTotal, ...]
    missing: tuple[str, ...]
    warnings: tuple[str, ...]
    pending: bool
    """Whether more data are to come: the period is not over."""
    totals: tuple[Total, ...]
    """What others say that accounts were charged."""
    terms: Terms
    """What agreement with them is judged by."""
    adjustments: tuple[tuple[str, str], ...]
    """Slices of other periods that adjust this one, which is closed: their name and what they were written from."""
    uncovered: tuple[Uncovered, ...] = ()
    """What metering feeds have left out."""
    owners: tuple[OwnerRule, ...] = ()
    ages: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """For how many days the deviation of a (pool, component) has been found: tolerances by age look at it."""

    @property
    def digest(self) -> str:
        """Equal for equal inputs, whatever order they arrived in."""
        sums = (BILLED_KEPT, CHARGE_DAYS_SUMS, *KEPT_SUMS)
        of_slices = [name for one in sums for name in (one.charges, *one.models) if name]
        of_sums = (*RATE_MODELS, *BASE_MODELS, *BRIDGE_MODELS, *REPORT_MODELS, *CONTROL_MODELS)
        queries = [load_model(name).query for name in (*of_slices, *of_sums)]
        said = [repr(part) for part in (self.external.slices, self.internal.slices, self.relations, self.history)]
        terms = sorted((name, one.owner, sorted(one.tolerance.items())) for name, one in self.pools.items())
        owned = repr((terms, self.owners, self.steps()))
        controls = repr((self.totals, sorted(self.terms.units.items()), self.adjustments, self.uncovered))
        return digest(
            str(self.period), self.currency, *queries, *said, owned, controls, *self.missing, *self.warnings,
            str(self.pending),
        )  # fmt: skip

    def steps(self) -> list[tuple[str, str, int]]:
        """The age step of each tolerance that has reached one: as long as it stays there, nothing changes."""
        reached = (
            (pool, component, age_step(self.pools[pool].tolerance.get(component) or {}, days))
            for (pool, component), days in self.ages.items()
            if pool in self.pools
        )
        return sorted(one for one in reached if one[2])

    def period_rates(self) -> dict[str, Decimal]:
        """Reporting units for one unit of each currency that has a rate for the period."""
        rates = next(one for one in self.relations if one.name == "rates")
        names = [column.name for column in rates.columns]
        rows = (dict(zip(names, row, strict=True)) for row in rates.rows)
        return {str(row["currency"]): Decimal(str(row["rate"])) for row in rows if row["kind"] == "period"}


def gather(books: Books, period: Period) -> Inputs:
    """Read the inputs of a period as they are now."""
    external = table_cut(books.lake, EXTERNAL_CHARGES, period)
    internal = table_cut(books.lake, INTERNAL_CHARGES, period)
    over_at = period.end(books.settings.timezone)
    uncovered = coverage(books, period)
    with books.store.reading() as session:
        bills = _first_periods(books.lake, EXTERNAL_CHARGES, "x_source", "x_period", _sources(session, "bill"))
        feeds = _first_periods(books.lake, USAGE, "feed", "day", _sources(session, "usage"))
        fed = {partition_of(name).get("feed", "") for name in _of_period(books.lake, USAGE, "day", str(period))}
        return Inputs(
            period=period,
            currency=books.settings.reporting_currency,
            external=external,
            internal=internal,
            relations=tuple(company(session, period, books.settings)),
            pools=_pool_terms(session),
            history=tuple(slice_history(session, period, over_at)),
            missing=tuple(_missing(period, external, internal, bills)),
            warnings=(*_unfed(period, feeds, fed), *_quarantined(session, period)),
            pending=books.clock.now() < over_at,
            totals=recorded(session, str(period)),
            terms=terms(books, session, period),
            adjustments=tuple(adjustment_slices(books, period).items()),
            uncovered=uncovered,
            owners=owner_rules(session),
            ages=_ages(session, period, books.clock.now()),
        )


def view_ledgers(engine: Engine, inputs: Inputs) -> None:
    """Make both ledgers' rows and the models over them readable on an engine: for opening sums down to their rows.

    Raises:
        MissingRateError: a charge or contract card in a currency without a rate.
        CurrencyMismatchError: an internal charge or price in another than the reporting currency.
    """
    engine.view_files("external_charges", EXTERNAL_CHARGES, inputs.external.files)
    engine.view_files("internal_charges", INTERNAL_CHARGES, inputs.internal.files)
    view(engine, inputs.relations)
    for model in CHARGE_DAYS_SUMS.models:
        engine.view_model(model)
    refuse_missing_rates(engine, inputs)
    for kept in BRIDGE_SUMS:
        for model in kept.models:
            engine.view_model(model)
    view_base(engine, inputs)


def refuse_missing_rates(engine: Engine, inputs: Inputs) -> None:
    """Raise MissingRateError where charges or contract cards have no rate; reads `charge_days`."""
    for model in RATE_MODELS:
        engine.view_model(model)
    for missing in engine.rows("missing_rates"):
        wanted = str(inputs.period) if missing["kind"] == "period" else str(missing["day"])
        raise MissingRateError(missing["currency"], inputs.currency, wanted)


def view_base(engine: Engine, inputs: Inputs) -> None:
    """Make the models over the sums readable, those that several models read computed once; see `view_ledgers`."""
    for model in BASE_MODELS:
        engine.view_model(model)
        if load_model(model).relation in KEPT:
            engine.materialise(load_model(model).relation)
    _refuse_other_currencies(engine, inputs)


def _refuse_other_currencies(engine: Engine, inputs: Inputs) -> None:
    """Internal prices, and so internal charges, are in the reporting currency: see settings."""
    priced = {(row["product"], row["meter"]) for row in engine.rows("pool_capacity")}
    prices = [row for row in engine.rows("prices") if (row["product"], row["meter"]) in priced]
    for row in (*engine.rows("statement_lines"), *prices):
        if row["currency"] != inputs.currency:
            raise CurrencyMismatchError(inputs.currency, row["currency"])


def table_cut(lake: Lake, table: Table, period: Period) -> LedgerCut:
    """Slices and files of a period, all as of one commit."""
    column = next(name for name in table.partition if name.endswith("period"))
    present = lake.present(table, {column: str(period)})
    return LedgerCut(present.cut, tuple(sorted(present.slices.items())), present.files)


def _of_period(lake: Lake, table: Table, column: str, period: str) -> dict[str, str]:
    return {name: state for name, state in lake.slices(table).items() if partition_of(name)[column].startswith(period)}


def _sources(session: Session, kind: str) -> list[str]:
    return list(session.scalars(select(models.Source.name).where(models.Source.kind == kind)))


def _first_periods(lake: Lake, table: Table, name: str, when: str, sources: Iterable[str]) -> dict[str, str]:
    """Each source with the first month or day that it delivered; empty where it never did."""
    first = dict.fromkeys(sources, "")
    for parts in map(partition_of, lake.slices(table)):
        if parts[name] in first:
            before = first[parts[name]]
            first[parts[name]] = min(before, parts[when]) if before else parts[when]
    return first


def _missing(period: Period, external: LedgerCut, internal: LedgerCut, bills: Mapping[str, str]) -> Iterable[str]:
    """A source is expected from the first period that it ever delivered on."""
    if not external.slices:
        yield f"no bill of {period} is in the external ledger"
    delivered = external.values("x_source")
    for source, first in sorted(bills.items()):
        if source not in delivered and first <= str(period):
            yield f"source {source} has delivered no bill of {period}"
    if not internal.slices:
        yield f"no internal charges of {period}: rate it first"


def _unfed(period: Period, feeds: Mapping[str, str], fed: set[str]) -> Iterable[str]:
    for feed, first in sorted(feeds.items()):
        if feed not in fed and first[:7] <= str(period):
            yield f"feed {feed} has metered nothing in {period}"


def _quarantined(session: Session, period: Period) -> Iterable[str]:
    query = (
        select(models.Delivery.source, models.Delivery.rows_quarantined)
        .join(models.DeliverySlice, models.DeliverySlice.delivery == models.Delivery.id)
        .where(
            models.DeliverySlice.period == str(period),
            models.DeliverySlice.current.is_(True),
            models.Delivery.rows_quarantined > 0,
        )
        .order_by(models.Delivery.source, models.Delivery.id)
    )
    for source, rows in session.execute(query):
        yield f"source {source}: {rows} rows of {period} are in quarantine"


def _ages(session: Session, period: Period, now: datetime) -> dict[tuple[str, str], int]:
    query = select(models.Break).where(models.Break.period == str(period), models.Break.found.is_(True))
    return {(one.pool, one.rule): (now - one.opened_at).days for one in session.scalars(query)}


def _pool_terms(session: Session) -> dict[str, PoolTerms]:
    return {one.name: PoolTerms(one.owner, one.tolerance) for one in session.scalars(select(models.Pool))}
