"""Ingestion of usage: each file of a feed becomes records of the ledger, at most once, in whole slices.

What belongs here: the order of the steps and what makes them safe to repeat. What does not: reading
files (`files`), what makes a row good (`sql/metering`), the store's rows (`records`).

Each file is one delivery; new ones are read in batches, one commit a batch, and one by one when a batch
is refused, so that only what is wrong is. A slice is one (feed, day); it holds the records of every file that speaks
of that day, so parts of a day add up, in any order. A file that comes again under its name with other
content replaces what it said before. Slices are written whole, in one atomic commit; a process that dies before
leaves only files that no snapshot knows, and the next run completes the deliveries. Of two runs of the
same feed at once one is refused where both extend the same day, and completes when it is repeated.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import structlog

from twinledger.books import Books
from twinledger.catalog import closed_periods, relations
from twinledger.engine import Engine
from twinledger.lake import SliceWrite, slice_name
from twinledger.lake.tables import INSTANT, QUARANTINE, TEXT, USAGE, Column, as_timestamp
from twinledger.metering import records
from twinledger.metering.files import SUFFIXES, UsageFile, checked_format, view_usage_files
from twinledger.metering.records import Counts, Handled, Outcome, listing_of
from twinledger.metering.reporters import FORMAT
from twinledger.metering.spool import close_abandoned
from twinledger.places import Place, PlacedFile, sha256
from twinledger.store.models import Source
from twinledger.vocabulary.errors import DeliveryRefusedError, EmptyFileError, GateFailedError
from twinledger.vocabulary.identities import digest
from twinledger.vocabulary.periods import Period

log = structlog.get_logger(__name__)

Report = Callable[[str], None]
_BATCH_FILES, _BATCH_BYTES = 200, 1 << 30
_FIRST, _LAST = Period(2000, 1), Period(2099, 12)


def ingest_feed(books: Books, name: str, report: Report | None = None) -> list[Outcome]:
    """Bring every file of a metering feed that is new into the usage table, oldest first.

    Raises:
        UnknownNameError: there is no such feed.
        InvalidConfigError: its format is none that usage can come in.
    """
    source = records.usage_source(books, name)
    suffixes = SUFFIXES[checked_format(name, source.format)]
    say = report or (lambda _: None)
    if source.format == FORMAT:
        close_abandoned(source.place)
    place = books.places(source.place, source.options)
    files = sorted((one for one in place.list() if one.key.endswith(suffixes)), key=lambda one: (one.modified, one.key))
    seen = records.seen_before(books, name)
    outcomes = [
        Outcome(name, seen[key], file.key, "unchanged") for file in files if (key := str(listing_of(file))) in seen
    ]
    for batch in _batches([file for file in files if str(listing_of(file)) not in seen]):
        with _spool(books) as spool:
            outcomes += _ingest(books, source, place, batch, spool)
        say(f"{name}: {len(outcomes)} of {len(files)} files")
    for outcome in outcomes:
        if outcome.state != "unchanged":
            log.info("delivery.handled", source=name, delivery=outcome.delivery, state=outcome.state)
    return outcomes


def _batches(files: list[PlacedFile]) -> Iterator[list[PlacedFile]]:
    batch: list[PlacedFile] = []
    for file in files:
        if batch and (len(batch) == _BATCH_FILES or sum(one.size for one in batch) + file.size > _BATCH_BYTES):
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch


@contextmanager
def _spool(books: Books) -> Iterator[Path]:
    Path(books.settings.spill).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=books.settings.spill, prefix="spool-") as folder:
        yield Path(folder)


def _ingest(books: Books, source: Source, place: Place, files: list[PlacedFile], spool: Path) -> list[Outcome]:
    """Fetch a batch, leave out what is known by its content, and commit the rest."""
    outcomes: list[Outcome] = []
    fetched: dict[str, tuple[Handled, UsageFile]] = {}
    for number, file in enumerate(files):
        try:
            path = place.fetch(file.key, spool / str(number))
        except DeliveryRefusedError as refusal:
            listing = digest(*(str(part) for part in listing_of(file)))
            outcomes.append(records.record_quarantined(books, Handled(source, file, listing), refusal))
            continue
        this = records.handled(books, source, file, sha256(path))
        known = this.delivery if this.delivery in fetched else records.same_content(books, this)
        if known:
            records.remember_listing(books, known, file)
            outcomes.append(Outcome(source.name, known, file.key, "unchanged"))
        else:
            fetched[this.delivery] = (this, UsageFile(path, file.key, source.format, source.options))
    return outcomes + _commit_or_split(books, list(fetched.values()), spool)


def _commit_or_split(books: Books, batch: list[tuple[Handled, UsageFile]], spool: Path) -> list[Outcome]:
    """One commit for all; where something is refused, halves of it, down to the one file that is wrong."""
    if not batch:
        return []
    try:
        return _read_and_commit(books, batch, spool)
    except DeliveryRefusedError as refusal:
        if len(batch) == 1:
            return [records.record_quarantined(books, batch[0][0], refusal)]
    half = len(batch) // 2
    return _commit_or_split(books, batch[:half], spool) + _commit_or_split(books, batch[half:], spool)


def _read_and_commit(books: Books, batch: list[tuple[Handled, UsageFile]], spool: Path) -> list[Outcome]:
    these = [this for this, _ in batch]
    source = these[0].source
    with books.engine() as engine:
        before = books.lake.slices(USAGE)
        view_usage_files(engine, {this.delivery: file for this, file in batch}, spool, source.options.get("columns"))
        days, extends = _check_rows(books, engine, these)
        summary, touched = engine.rows("delivery_summary"), engine.rows("touched_periods")
        counts = {this.delivery: records.counted(this.delivery, summary, touched) for this in these}
        _refuse_empty(these, counts)
        files = _staged(books, engine, extends=extends)
        _commit_refused(books, engine, [this for this in these if counts[this.delivery].refused])
        digests = records.slice_digests(books, these, days)
        partitions = {day: {"feed": source.name, "day": day} for day in digests}
        writes = [
            SliceWrite(partition, files.get(day, []), digests[day], base=before.get(slice_name(partition), ""))
            for day, partition in partitions.items()
        ]
        if writes:
            books.lake.replace_all(USAGE, writes)
    return records.record_ingested(books, these, counts, days)


def _refuse_empty(these: list[Handled], counts: Mapping[str, Counts]) -> None:
    """Raise EmptyFileError for a delivery without a row."""
    for this in these:
        if not counts[this.delivery].rows_in:
            raise EmptyFileError(this.file.key)


def _check_rows(books: Books, engine: Engine, these: list[Handled]) -> tuple[dict[str, set[str]], bool]:
    """Make `checked_usage` and what follows from it readable.

    Returns the days that each delivery touches, and whether the ledger has anything of those days yet.
    """
    feed = these[0].source.name
    with books.store.reading() as session:
        relations.view(engine, [read(session) for read in (relations.tenants, relations.products, relations.meters)])
    view_periods(engine, full_periods(books, these[0].source), books.settings.timezone)
    engine.view_rows("this_feed", _texts("feed"), [(feed,)])
    numbered = [(this.delivery, number) for number, this in enumerate(these)]
    engine.view_rows("these_deliveries", (*_texts("delivery"), Column("number", "BIGINT")), numbered)
    replaced = [(delivery, this.delivery) for this in these for delivery in (this.delivery, *this.earlier)]
    engine.view_rows("replaced_deliveries", _texts("delivery", "by_delivery"), replaced)
    engine.view_model("metering/typed_usage")
    engine.view_model("metering/usage_days")
    days = {this.delivery: set(this.earlier_days) for this in these}
    for row in engine.rows("usage_days"):
        days[row["delivery"]].add(row["day"])
    present = _present(books, feed, set().union(*days.values()))
    engine.view_files("ledger_usage", USAGE, present)
    engine.view_model("metering/checked_usage")
    engine.materialise("checked_usage")
    for model in ("accepted_usage", "refused_usage", "delivery_summary", "touched_periods", "slice_usage"):
        engine.view_model(f"metering/{model}")
    return days, bool(present)


def _present(books: Books, feed: str, days: set[str]) -> list[str]:
    known = books.lake.slices(USAGE)
    partitions = [{"feed": feed, "day": day} for day in sorted(days)]
    return [
        file
        for partition in partitions
        if slice_name(partition) in known
        for file in books.lake.files(USAGE, partition)
    ]


def _texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, TEXT) for name in names)


def full_periods(books: Books, source: Source) -> set[str]:
    """Accounting months that take no more usage of a feed: closed ones, and those that are over for its `late_days`.

    Without that option of the source, a month takes usage until it is closed.
    """
    full = closed_periods(books.store)
    late_days = source.options.get("late_days")
    period = _FIRST
    while late_days is not None and _over_for(books, period) >= timedelta(days=int(late_days)):
        full.add(str(period))
        period = period.shift(1)
    return full


def _over_for(books: Books, period: Period) -> timedelta:
    return books.clock.now() - period.end(books.settings.timezone)


def view_periods(engine: Engine, full: set[str], timezone: str) -> None:
    """`usage_periods`: where the usage of each accounting month is booked; of a full one in the next that is not."""
    rows: list[tuple[object, ...]] = []
    booked: Period | None = None
    period = _LAST
    while period >= _FIRST:
        is_full = str(period) in full
        booked = booked if is_full and booked is not None else period
        start, end = as_timestamp(period.start(timezone)), as_timestamp(period.end(timezone))
        rows.append((str(period), start, end, str(booked), booked != period))
        period = period.shift(-1)
    columns = (
        Column("period", TEXT),
        Column("starts_at", INSTANT),
        Column("ends_at", INSTANT),
        Column("booked_period", TEXT),
        Column("is_late", "BOOLEAN"),
    )
    engine.view_rows("usage_periods", columns, rows)


def _staged(books: Books, engine: Engine, *, extends: bool) -> dict[str, list[str]]:
    """The touched slices as files, by day, once the gate has let the new records through."""
    files = engine.copy("slice_usage", USAGE, books.lake.staging(USAGE))
    if extends:
        # What the ledger has already passed the gate when it came: only what is new is asked for here.
        folder = books.lake.staging(USAGE)
        try:
            _check_gate(books, engine.copy_unsplit("accepted_usage", USAGE, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    else:
        _check_gate(books, files)
    by_day: dict[str, list[str]] = defaultdict(list)
    for file in files:
        engine.view_files("one_file", USAGE, [file])
        by_day[engine.query("SELECT MIN(day) FROM one_file")[0][0]].append(file)
    return by_day


def _check_gate(books: Books, files: Sequence[str]) -> None:
    if files:
        verdict = books.gate.check("delivery", USAGE, files)
        if not verdict.passed:
            raise GateFailedError(verdict.gate, verdict.stops)


def _commit_refused(books: Books, engine: Engine, these: list[Handled]) -> None:
    if not these:
        return
    files = engine.copy("refused_usage", QUARANTINE, books.lake.staging(QUARANTINE))
    by_delivery: dict[str, list[str]] = defaultdict(list)
    for file in files:
        engine.view_files("one_file", QUARANTINE, [file])
        by_delivery[engine.query("SELECT MIN(delivery) FROM one_file")[0][0]].append(file)
    writes = [
        SliceWrite({"source": this.source.name, "slice": this.delivery}, by_delivery[this.delivery], this.digest)
        for this in these
    ]
    books.lake.replace_all(QUARANTINE, writes)
