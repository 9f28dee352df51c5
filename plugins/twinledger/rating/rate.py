"""Rating one period: its whole internal ledger is written anew, atomically, when its inputs have changed.

What belongs here: which inputs a period has, and whether they have changed. What does not: the
arithmetic, which is sql/rating/internal_charges.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from twinledger.books import Books
from twinledger.catalog import Relation, closed_periods, relations
from twinledger.engine import Engine
from twinledger.engine.models import load_model
from twinledger.lake import slice_name
from twinledger.lake.tables import EXTERNAL_CHARGES, INTERNAL_CHARGES, LISTED_CHARGES, USAGE
from twinledger.pools import DEPARTMENT
from twinledger.rating.allocation import PASSED_MODELS, Drivers, read_drivers, view_allocated, view_nothing_allocated
from twinledger.rating.inputs import in_force
from twinledger.vocabulary.errors import CurrencyMismatchError, MissingRateError
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.periods import Period

log = structlog.get_logger(__name__)

_MODELS = (
    "pools/charge_tags",
    "pools/charge_pools",
    *PASSED_MODELS,
    "rating/tag_owners",
    "rating/owned_charges",
    "rating/direct_charges",
    "rating/tiered_charges",
    "rating/minimum_charges",
    "rating/internal_charges",
)
_READ = (
    "prices", "terms", "meters", "pools", "pool_rules", "last_resorts", "departments", "tenants", "rates", "parameters",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class UnpricedUsage:
    """Usage of one meter that no price is in force for."""

    product: str
    meter: str
    records: int
    first_at: datetime


@dataclass(frozen=True, slots=True)
class RatingResult:
    """What rating a period did: `changed` is whether the internal ledger was written.

    `stops` are the sentences for which the ledger gate did not let it be: the period keeps what it had.
    """

    period: Period
    rows: int
    digest: str
    changed: bool
    unpriced: tuple[UnpricedUsage, ...] = ()
    stops: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    docs: str = ""


def rate_period(books: Books, period: Period) -> RatingResult:
    """Write the internal charges of a period, if anything that they follow from has changed.

    Amounts are in the reporting currency, not rounded. A closed period is left as it is. Usage without
    a price in force stops the period's ledger: nothing is written, and `unpriced` names the meters.

    Raises:
        CurrencyMismatchError: a price is not in the reporting currency.
        MissingRateError: a direct charge is in a currency that the period has no rate for.
    """
    with _opened(books, period) as rated:
        if not rated.changed:
            return RatingResult(period, _count(books, rated.engine, period), rated.present, changed=False)
        if unpriced := _unpriced(rated.engine):
            return _stopped(period, rated.inputs, unpriced)
        _check_rates(rated.engine, period, books.settings.reporting_currency)
        return _write(books, rated.engine, period, rated.inputs, rated.drivers)


def rating_due(books: Books, period: Period) -> bool:
    """Whether rating the period now would write it anew: what it follows from has changed since it was rated.

    Not where it is closed, nor where usage without a price would stop it: then it stays as it is.
    """
    with _opened(books, period) as rated:
        return rated.changed and not _unpriced(rated.engine)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A period's inputs on an engine, and what its ledger was last written from."""

    engine: Engine
    drivers: Drivers
    inputs: str
    present: str
    changed: bool


@contextmanager
def _opened(books: Books, period: Period) -> Iterator[_Opened]:
    # Digests before files: a slice that is committed in between is rated now, and once more later.
    slices = {table.name: books.lake.slices(table) for table in (USAGE, EXTERNAL_CHARGES, INTERNAL_CHARGES)}
    with books.engine() as engine:
        read, drivers = _view_inputs(books, engine, period)
        inputs = _inputs_digest(engine, period, read, drivers, slices)
        present = slices[INTERNAL_CHARGES.name].get(slice_name({"period": str(period)}), "")
        changed = present != inputs and str(period) not in closed_periods(books.store)
        yield _Opened(engine, drivers, inputs, present, changed)


def _view_inputs(books: Books, engine: Engine, period: Period) -> tuple[list[Relation], Drivers]:
    with books.store.reading() as session:
        company = relations.company(session, period, books.settings)
        drivers = read_drivers(session)
        tags = relations.tag_steps(session, DEPARTMENT)
    read = [*(relation for relation in company if relation.name in _READ), *tags]
    _check_currencies(read, books.settings.reporting_currency)
    relations.view(engine, read)
    engine.view_files("usage", USAGE, books.lake.files(USAGE))
    external = _external_files(books, period) if _reads_bills(read) else []
    engine.view_files("external_charges", LISTED_CHARGES, external)
    view_nothing_allocated(engine)
    engine.view_model("rating/period_usage")
    engine.materialise("period_usage")
    for model in (*_MODELS, "rating/unpriced_usage", "rating/unrated_currencies"):
        engine.view_model(model)
    return read, drivers


def _reads_bills(read: Iterable[Relation]) -> bool:
    """Whether what some pool is billed is charged on: a direct or allocated one."""
    kinds = {"direct", "allocated"}
    return any(kinds & set(row) for relation in read if relation.name == "pools" for row in relation.rows)


def _external_files(books: Books, period: Period) -> list[str]:
    return books.lake.files(EXTERNAL_CHARGES, {"x_period": str(period)})


def _check_currencies(read: Iterable[Relation], reporting: str) -> None:
    for relation in read:
        if relation.name in ("prices", "terms"):
            for row in relation.rows:
                if row[-1] != reporting:
                    raise CurrencyMismatchError(str(row[-1]), reporting)


def _inputs_digest(
    engine: Engine, period: Period, read: list[Relation], drivers: Drivers, slices: dict[str, dict[str, str]]
) -> str:
    """Equal digests, equal charges: slices of usage and of the bills that are charged on, what they meet, the SQL."""
    surveyed = engine.rows("period_usage")
    touched = sorted(slice_name({"feed": row["feed"], "day": row["day"]}) for row in surveyed if row["feed"])
    usage = slices[USAGE.name]
    parts = [f"{name}={usage.get(name, '')}" for name in touched]
    parts += in_force((row for row in surveyed if row["product"]), {relation.name: relation for relation in read})
    if _reads_bills(read):
        external = slices[EXTERNAL_CHARGES.name].items()
        parts += [f"{name}={state}" for name, state in sorted(external) if f"x_period={period}" in name.split("/")]
        external_reads = ("pools", "pool_rules", "departments", "tag_steps", "tag_values", "last_resorts")
        parts += [repr(relation.rows) for relation in read if relation.name in external_reads]
        # Daily rates are the bridge's; direct charges are converted at the period's.
        parts += [repr([row for row in one.rows if row[0] == "period"]) for one in read if one.name == "rates"]
    parts += [repr(relation.rows) for relation in read if relation.name == "parameters"]
    parts += [drivers.said, *(load_model(model).query for model in _MODELS)]
    return digest(*parts)


def _count(books: Books, engine: Engine, period: Period) -> int:
    return _rows(engine, books.lake.files(INTERNAL_CHARGES, {"period": str(period)}))


def _rows(engine: Engine, files: Sequence[str]) -> int:
    engine.view_files("rated_charges", INTERNAL_CHARGES, files)
    engine.view_model("rating/charge_count")
    return int(engine.rows("charge_count")[0]["charges"])


def _unpriced(engine: Engine) -> tuple[UnpricedUsage, ...]:
    rows = engine.rows("unpriced_usage")
    return tuple(
        UnpricedUsage(row["product"], row["meter"], row["records"], row["first_at"].replace(tzinfo=UTC)) for row in rows
    )


def _stopped(period: Period, inputs: str, unpriced: tuple[UnpricedUsage, ...]) -> RatingResult:
    stops = tuple(
        f"{one.records} usage records of {one.product}/{one.meter} have no price in force, the first at "
        f"{one.first_at.isoformat()}: add a price to catalog.yaml"
        for one in unpriced
    )
    log.warning("rating.stopped", period=str(period), meters=[f"{one.product}/{one.meter}" for one in unpriced])
    return RatingResult(period, 0, inputs, changed=False, unpriced=unpriced, stops=stops)


def _check_rates(engine: Engine, period: Period, reporting: str) -> None:
    for row in engine.rows("unrated_currencies"):
        raise MissingRateError(row["currency"], reporting, str(period))


def _write(books: Books, engine: Engine, period: Period, inputs: str, drivers: Drivers) -> RatingResult:
    engine.materialise("tiered_charges")
    held = view_allocated(engine, drivers, period)
    folder = books.lake.staging(INTERNAL_CHARGES)
    with books.gate.warming_up():
        # All of it is of one period: telling the files apart by it would take half as long again.
        files = engine.copy_unsplit("internal_charges", INTERNAL_CHARGES, folder)
    rows = _rows(engine, files)
    if files:
        verdict = books.gate.check("ledger", INTERNAL_CHARGES, files)
        if not verdict.passed:
            shutil.rmtree(folder, ignore_errors=True)
            return RatingResult(
                period, rows, inputs, changed=False, stops=verdict.stops, warnings=verdict.warnings, docs=verdict.docs
            )
        warnings, docs = (*held, *verdict.warnings), verdict.docs
    else:
        warnings, docs = held, ""
    changed = books.lake.replace(INTERNAL_CHARGES, {"period": str(period)}, files, inputs)
    log.info("period.rated", period=str(period), rows=rows, changed=changed)
    return RatingResult(period, rows, inputs, changed, warnings=warnings, docs=docs)
