"""Sums by slice: computed of the slices that changed, kept in the lake, read of the others.

What belongs here: which slices' sums are still right, computing and keeping the rest, and the models that are made
of sums. What does not: what is summed, which `inputs` lists and `sql/reconciliation` says. See decision 0021.

A slice's sums are kept with a digest of all that they follow from: the slice's content, the models' SQL and the
relations of the catalog that the models read; of rates, those alone that the slice's charges are converted at. So
summing ahead, the first run and every other one go the same way, and whoever finds other digests than its own computes
anew. A run reads the files that it found or wrote itself, never what others have kept meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from twinledger.books import Books
from twinledger.catalog import view
from twinledger.engine import Engine
from twinledger.engine.models import function_definitions, load_model
from twinledger.lake import SliceWrite, partition_of, slice_name
from twinledger.lake.tables import EXTERNAL_CHARGES, Table
from twinledger.reconciliation.inputs import (
    BILLED_KEPT,
    CHARGE_DAYS_SUMS,
    KEPT_SUMS,
    Inputs,
    KeptSums,
    gather,
    refuse_missing_rates,
    table_cut,
    view_base,
)
from twinledger.vocabulary.errors import MissingRateError
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.periods import Period

log = structlog.get_logger(__name__)


def sum_slices(books: Books, period: Period) -> int:
    """Sum the slices of both ledgers whose sums are not kept, ahead of the reconciliation that reads them.

    Nothing depends on it but how long a reconciliation takes. What lacks a rate is left to that one, which says so.

    Returns:
        How many sums of slices were computed.
    """
    inputs = gather(books, period)
    with books.engine() as engine:
        computed = view_kept(books, engine, inputs, BILLED_KEPT, {}) if inputs.totals else 0
        try:
            computed += _view_all_kept(books, engine, inputs)
        except MissingRateError as error:
            log.warning("sums.left_out", period=str(period), error=str(error))
    return computed


def view_sums(books: Books, engine: Engine, inputs: Inputs) -> None:
    """Make the sums of both ledgers and the models over them readable on an engine; keeps those that are new.

    Of the ledgers only those slices are read whose sums are not kept.

    Raises:
        MissingRateError: a charge or contract card in a currency without a rate; no sum with money in it is kept.
        CurrencyMismatchError: an internal charge or price in another than the reporting currency.
    """
    _view_all_kept(books, engine, inputs)
    # The sums of an internal ledger are charges of a whole month: statement lines add them up alike.
    engine.union("internal_charges", ["internal_sums"])
    view_base(engine, inputs)


def _view_all_kept(books: Books, engine: Engine, inputs: Inputs) -> int:
    """The sums that the bridge, the matches and the contract audit are made of; how many were computed."""
    view(engine, inputs.relations)
    computed = view_kept(books, engine, inputs, CHARGE_DAYS_SUMS, {})
    refuse_missing_rates(engine, inputs)
    rates = _rates_by_slice(engine)
    return computed + sum(view_kept(books, engine, inputs, kept, rates) for kept in KEPT_SUMS)


def relation_of(table: Table) -> str:
    """The name that models know a table by."""
    return table.name.rpartition(".")[2]


def view_kept(books: Books, engine: Engine, inputs: Inputs, kept: KeptSums, rates: Mapping[str, str]) -> int:
    """The sums of the period's slices as one relation; those that are not kept are computed and kept: how many."""
    ledger = inputs.external if kept.ledger is EXTERNAL_CHARGES else inputs.internal
    same = digest(*_followed_by_all(kept, inputs))
    wanted = {name: digest(state, same, rates.get(name, "")) for name, state in ledger.slices}
    present = table_cut(books.lake, kept.table, inputs.period)
    found = dict(present.slices)
    due = [name for name, state in wanted.items() if found.get(name) != state]
    gone = [name for name in found if name not in wanted]
    made = _computed(books, engine, kept, [path for name in due for path in ledger.slice_files.get(name, ())], due)
    writes = [SliceWrite(partition_of(name), made.get(name, ()), wanted[name]) for name in due]
    books.lake.replace_all(kept.table, writes, gone)
    right = {name: present.slice_files.get(name, ()) for name in wanted.keys() - set(due)}
    files = sorted(path for paths in (*right.values(), *made.values()) for path in paths)
    engine.view_files(relation_of(kept.table), kept.table, files)
    log.info("sums.kept", table=kept.table.name, computed=len(due), read=len(wanted) - len(due), gone=len(gone))
    return len(due)


def _followed_by_all(kept: KeptSums, inputs: Inputs) -> list[str]:
    """What the sums of every slice follow from: the SQL, and the relations that it names.

    Of rates, the period's where contract cards are read, which may be in any currency; the rest are each slice's own.
    """
    models = [load_model(name) for name in (kept.charges, *kept.models) if name]
    read = {name for model in models for name in model.inputs}
    relations = [repr((one.name, one.rows)) for one in inputs.relations if one.name in read - {"rates"}]
    agreed = repr(sorted(inputs.period_rates().items())) if {"rates", "contract_cards"} <= read else ""
    return [function_definitions(), *(model.query for model in models), *relations, agreed]


def _computed(
    books: Books, engine: Engine, kept: KeptSums, files: Sequence[str], due: Sequence[str]
) -> dict[str, list[str]]:
    """The sums of the slices that are due, from their files: slice name -> files. A slice without sums is not there."""
    if not due:
        return {}
    ledger = relation_of(kept.ledger)
    engine.view_files(ledger, kept.ledger, files)
    if kept.charges:
        brought = load_model(kept.charges).relation
        engine.view_model(kept.charges)
        engine.materialise(brought)
        engine.union(ledger, [brought])
    for model in kept.models:
        engine.view_model(model)
    return engine.copy_slices(relation_of(kept.table), kept.table, books.lake.staging(kept.table))


def _rates_by_slice(engine: Engine) -> dict[str, str]:
    """Slice name -> the rates that its charges are converted at; a slice that needs none is not there."""
    used: dict[str, list[str]] = {}
    for row in engine.rows("used_rates"):
        name = slice_name({column: str(row[column]) for column in EXTERNAL_CHARGES.partition})
        used.setdefault(name, []).append(f"{row['kind']} {row['day']} {row['currency']} {row['rate']}")
    return {name: "\n".join(sorted(rates)) for name, rates in used.items()}
