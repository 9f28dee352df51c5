"""Adjustments: what a vendor changes in a closed period, posted in the open one.

What belongs here: which charges of a closed period are still believed, and posting what differs. What
does not: closing a period (`twinledger.closing`), and the comparison itself, which is
sql/adjustments.

A closed period's charges stay as they were. Those that the vendor no longer bills are reversed, and new
ones added, in the first period after it that is open; each names the period, and a reversal also the
charge (2026-09/delivery#17). Charges are compared by who bears them, what they are for and their amounts;
a change of a description or an invoice number alone posts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twinledger.bills import held, records
from twinledger.bills.deliveries import WHOLE
from twinledger.bills.held import Held
from twinledger.bills.records import Booked, Handled
from twinledger.bills.staging import slice_totals
from twinledger.books import Books
from twinledger.engine import Engine
from twinledger.lake import SliceWrite
from twinledger.lake.tables import EXTERNAL_CHARGES, Column
from twinledger.vocabulary.errors import FrozenSliceError
from twinledger.vocabulary.periods import Period

_RESTATEMENT = tuple(Column(name, "VARCHAR") for name in ("restates", "open_period", "slice"))
_ATTEMPTS = 24


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger says of one unit of a closed period: its slices, and adjustments in other closed periods."""

    booked: Sequence[Mapping[str, str]]
    posted: Sequence[Mapping[str, str]]
    last: Held | None
    is_covered: bool


def post(books: Books, engine: Engine, handled: Handled, period: str, files: Sequence[str]) -> list[Booked]:
    """Post what a delivery changes in a closed period; what it is booked as, without a total where it is older.

    Raises:
        FrozenSliceError: periods kept being closed while this was posted.
    """
    found = handled.found
    name = held.adjusting(period, found.slice)
    for _ in range(_ATTEMPTS):
        closed = {value.removeprefix("x_period=") for value in books.lake.frozen(EXTERNAL_CHARGES)}
        known = _known(books, handled, period, closed)
        open_period = _open_after(period, closed)
        if known.last and known.last.order == (found.version, handled.digest):
            # It was written by a process that died before it could write that down.
            return [_booked(books, engine, known.last.partition)]
        if known.is_covered or (known.last and known.last.order > (found.version, handled.digest)):
            return [Booked(open_period, name, ())]
        _view(books, engine, known, files, (period, open_period, name))
        adjusted = engine.copy_unsplit("adjustments", EXTERNAL_CHARGES, books.lake.staging(EXTERNAL_CHARGES))
        partition = records.partition_of(handled.source.name, open_period, name)
        write = SliceWrite(
            partition,
            adjusted,
            handled.digest,
            found.version,
            group=held.adjusting(period, WHOLE),
            covers=found.slice == WHOLE,
        )
        try:
            if not books.lake.replace_all(EXTERNAL_CHARGES, [write]):
                books.lake.touch(EXTERNAL_CHARGES, partition, write.digest, write.version)
        except FrozenSliceError:
            continue  # that period was closed meanwhile: the next one is open
        return [_totalled(engine, partition, adjusted)]
    raise FrozenSliceError(EXTERNAL_CHARGES.name, name, "every period after it")


def _booked(books: Books, engine: Engine, partition: Mapping[str, str]) -> Booked:
    return _totalled(engine, partition, books.lake.files(EXTERNAL_CHARGES, partition))


def _totalled(engine: Engine, partition: Mapping[str, str], files: Sequence[str]) -> Booked:
    engine.view_files("posted_now", EXTERNAL_CHARGES, files)
    return Booked(partition["x_period"], partition["x_slice"], slice_totals(engine, "posted_now"))


def _open_after(period: str, closed: set[str]) -> str:
    """The first period after one that is not closed."""
    candidate = Period.parse(period).shift(1)
    while str(candidate) in closed:
        candidate = candidate.shift(1)
    return str(candidate)


def _known(books: Books, handled: Handled, period: str, closed: set[str]) -> _Known:
    unit, group = handled.found.slice, held.adjusting(period, WHOLE)
    booked: list[Mapping[str, str]] = []
    posted: list[Mapping[str, str]] = []
    mine: list[Held] = []
    is_covered = False
    for said in held.of_source(books.lake.states(EXTERNAL_CHARGES), handled.source.name):
        name = said.partition["x_slice"]
        if said.partition["x_period"] == period and not said.state.group:
            target = booked
        elif said.partition["x_period"] in closed and said.state.group == group:
            target = posted
        else:
            continue
        if name in {unit, held.adjusting(period, unit)}:
            mine.append(said)
        if unit == WHOLE or (mine and mine[-1] is said):
            target.append(said.partition)
        is_covered = is_covered or (said.state.covers and unit != WHOLE)
    return _Known(booked, posted, max(mine, key=lambda one: one.order, default=None), is_covered)


def _view(books: Books, engine: Engine, known: _Known, files: Sequence[str], restatement: tuple[str, str, str]) -> None:
    for relation, partitions in (("booked_charges", known.booked), ("posted_charges", known.posted)):
        present = [path for one in partitions for path in books.lake.files(EXTERNAL_CHARGES, one)]
        engine.view_files(relation, EXTERNAL_CHARGES, present)
    engine.view_files("restated_charges", EXTERNAL_CHARGES, files)
    engine.view_rows("restatement", _RESTATEMENT, [restatement])
    engine.view_model("adjustments/live_charges")
    engine.view_model("adjustments/adjustments")
