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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from twinledger.bills import records
from twinledger.bills.deliveries import WHOLE
from twinledger.bills.records import Booked, Handled
from twinledger.bills.staging import slice_totals
from twinledger.books import Books
from twinledger.engine import Engine
from twinledger.lake import SliceState, SliceWrite
from twinledger.lake.tables import EXTERNAL_CHARGES, Column
from twinledger.vocabulary.errors import FrozenSliceError
from twinledger.vocabulary.periods import Period

PREFIX = "restates-"
"""What the name of a slice of adjustments begins with."""

_RESTATEMENT = tuple(Column(name, "VARCHAR") for name in ("restates", "open_period", "slice"))
_ATTEMPTS = 24


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger says of one unit of a closed period: its slices, and adjustments in other closed periods."""

    booked: Sequence[Mapping[str, str]]
    posted: Sequence[Mapping[str, str]]
    version: str
    is_covered: bool


def post(books: Books, engine: Engine, handled: Handled, period: str, files: Sequence[str]) -> list[Booked]:
    """Post what a delivery changes in a closed period; what was booked, empty where it is known or older.

    Raises:
        FrozenSliceError: periods kept being closed while this was posted.
    """
    found = handled.found
    name = f"{PREFIX}{period}" if found.slice == WHOLE else f"{PREFIX}{period}-{found.slice}"
    for _ in range(_ATTEMPTS):
        closed = {value.removeprefix("x_period=") for value in books.lake.frozen(EXTERNAL_CHARGES)}
        known = _known(books, handled, period, closed)
        if known.is_covered or known.version >= found.version:
            return []
        open_period = _open_after(period, closed)
        _view(books, engine, known, files, (period, open_period, name))
        adjusted = engine.copy_unsplit("adjustments", EXTERNAL_CHARGES, books.lake.staging(EXTERNAL_CHARGES))
        partition = records.partition_of(handled.source.name, open_period, name)
        write = SliceWrite(
            partition, adjusted, handled.digest, found.version, group=f"{PREFIX}{period}", covers=found.slice == WHOLE
        )
        try:
            books.lake.replace_all(EXTERNAL_CHARGES, [write])
        except FrozenSliceError:
            continue  # that period was closed meanwhile: the next one is open
        engine.view_files("posted_now", EXTERNAL_CHARGES, adjusted)
        return [Booked(open_period, name, slice_totals(engine, "posted_now")[0])]
    raise FrozenSliceError(EXTERNAL_CHARGES.name, name, "every period after it")


def _open_after(period: str, closed: set[str]) -> str:
    """The first period after one that is not closed."""
    candidate = Period.parse(period).shift(1)
    while str(candidate) in closed:
        candidate = candidate.shift(1)
    return str(candidate)


def _known(books: Books, handled: Handled, period: str, closed: set[str]) -> _Known:
    unit = handled.found.slice
    booked: list[Mapping[str, str]] = []
    posted: list[Mapping[str, str]] = []
    versions, is_covered = [""], False
    for partition, state in _partitions(books.lake.states(EXTERNAL_CHARGES), handled.source.name):
        name = partition["x_slice"]
        if partition["x_period"] == period and not name.startswith(PREFIX):
            is_mine = unit in (WHOLE, name)
            target = booked
        elif partition["x_period"] in closed and state.group == f"{PREFIX}{period}":
            is_mine = unit == WHOLE or name == f"{PREFIX}{period}-{unit}"
            target = posted
        else:
            continue
        if is_mine:
            target.append(partition)
            versions.append(state.version)
        is_covered = is_covered or (state.covers and unit != WHOLE)
    return _Known(booked, posted, max(versions), is_covered)


def _partitions(states: Mapping[str, SliceState], source: str) -> Iterator[tuple[dict[str, str], SliceState]]:
    for name, state in sorted(states.items()):
        partition = dict(part.split("=", 1) for part in name.split("/"))
        if partition["x_source"] == source:
            yield partition, state


def _view(books: Books, engine: Engine, known: _Known, files: Sequence[str], restatement: tuple[str, str, str]) -> None:
    for relation, partitions in (("booked_charges", known.booked), ("posted_charges", known.posted)):
        present = [path for one in partitions for path in books.lake.files(EXTERNAL_CHARGES, one)]
        engine.view_files(relation, EXTERNAL_CHARGES, present)
    engine.view_files("restated_charges", EXTERNAL_CHARGES, files)
    engine.view_rows("restatement", _RESTATEMENT, [restatement])
    engine.view_model("adjustments/live_charges")
    engine.view_model("adjustments/adjustments")
