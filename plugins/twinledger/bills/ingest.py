"""Ingestion: a source's deliveries become the external ledger, each at most once and whole or not at all.

What belongs here: the order of the steps and what makes them safe to repeat. What does not: how files
are read (`files`, `formats`), found (`deliveries`) or turned into rows (`staging`).

Nothing is written to the ledger before the last step, one atomic commit for each slice. A process
that dies before leaves only files that no snapshot knows; one that dies after it and before the store
has the record is completed by the next run, which finds the slice already written from the delivery.

A closed period is never written: what a vendor changes in it is posted in the open period (`adjustments`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy.exc import IntegrityError

from twinledger.bills import adjustments, held, records
from twinledger.bills.deliveries import WHOLE, Feed, Found, discover, month_of
from twinledger.bills.files import BillFile, content_digest, open_bills
from twinledger.bills.formats import Format, format_named
from twinledger.bills.held import Held
from twinledger.bills.records import Booked, Handled, Outcome
from twinledger.bills.staging import Lineage, Staged, quarantine_rows, stage
from twinledger.books import Books
from twinledger.engine import Engine
from twinledger.lake import SliceWrite
from twinledger.lake.tables import EXTERNAL_CHARGES, QUARANTINE
from twinledger.places import Place, sha256
from twinledger.store.models import Source
from twinledger.vocabulary.errors import (
    ChecksumMismatchError,
    CountedTwiceError,
    DeliveryRefusedError,
    EmptyFileError,
    FrozenSliceError,
    GateFailedError,
    MissingPartError,
    ObjectChangedError,
    TotalMismatchError,
    WrongAccountError,
    WrongCurrencyError,
    WrongPeriodError,
)
from twinledger.vocabulary.identities import digest

log = structlog.get_logger(__name__)

Report = Callable[[str], None]

SETTLE_SECONDS = 5
"""How old the newest file of a delivery without a manifest must be, unless the source's entry says otherwise."""


def ingest_source(books: Books, name: str, report: Report | None = None) -> list[Outcome]:
    """Bring every delivery of a source that is new into the external ledger, oldest first.

    A delivery that no manifest announces is looked at twice, and left for the next run when its files
    changed in between.

    Raises:
        UnknownNameError: there is no such bill source, or its format is unknown.
    """
    source = records.bill_source(books, name)
    form = format_named(source.format)
    feed = Feed(form, records.slice_kind(source, form), source.options.get("datasets", {}))
    say = report or (lambda _: None)
    with _spool(books) as spool:
        place = books.places(source.place, source.options)
        outcomes = []
        for found in _settled(books, source, feed, place, spool, say):
            say(f"{name}: {found.key}")
            outcome = _ingest(books, source, form, place, found)
            say(f"{name}: {found.key}: {outcome.state}{': ' + outcome.reason if outcome.reason else ''}")
            log.info("delivery.handled", source=name, delivery=outcome.delivery, state=outcome.state)
            outcomes.append(outcome)
    return outcomes


def _settled(books: Books, source: Source, feed: Feed, place: Place, spool: Path, say: Report) -> list[Found]:
    """What lies at the place; where something new has no manifest, as a second look finds it."""
    first = discover(feed, place, spool)
    unannounced = [one for one in first if not one.announced and not records.seen_before(books, source.name, one)]
    fresh = [one for one in unannounced if not (one.refusal or one.sibling or one.waits_for)]
    if not fresh or source.options.get("complete") == "manifest":
        return [_without_manifest(one) for one in first] if fresh else first
    settle = timedelta(seconds=source.options.get("settle_seconds", SETTLE_SECONDS))
    age = books.clock.now() - max(one.delivered_at for one in fresh)
    if timedelta(0) <= age < settle:
        say(f"{source.name}: waiting {(settle - age).total_seconds():.0f} s to see that {fresh[-1].key} is complete")
        books.clock.sleep(settle - age)
    seen = {one.key: one.listing for one in first}
    return [
        replace(one, waits_for="files that still change: they differ between two looks")
        if not one.announced and one.key in seen and one.listing != seen[one.key]
        else one
        for one in discover(feed, place, spool)
        if one.key in seen
    ]


def _without_manifest(found: Found) -> Found:
    return found if found.announced else replace(found, waits_for=found.waits_for or "its manifest")


@contextmanager
def _spool(books: Books) -> Iterator[Path]:
    Path(books.settings.spill).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=books.settings.spill, prefix="spool-") as folder:
        yield Path(folder)


def _ingest(books: Books, source: Source, form: Format, place: Place, found: Found) -> Outcome:
    if left := _left_where_it_is(books, source, found):
        return left
    listing = digest(found.key, *(str(entry) for entry in found.listing))
    handled = Handled(source, found, f"{source.name}-{listing[:16]}", listing)
    try:
        with _spool(books) as spool:
            files, content = _fetch(place, found, spool)
            handled = Handled(source, found, f"{source.name}-{content[:16]}", content)
            if _is_known(books, handled):
                records.record_listing(books, handled)
                return Outcome(source.name, handled.delivery, found.key, "unchanged")
            return _stage_and_commit(books, handled, form, _opened(found, files, spool))
    except DeliveryRefusedError as refusal:
        return records.record_quarantined(books, handled, refusal)
    except ObjectChangedError as changed:
        return Outcome(source.name, "", found.key, "waiting", reason_code="waiting", reason=str(changed))
    except IntegrityError:
        # Another process dealt with the same delivery at the same time, and was first to write it down.
        return Outcome(source.name, handled.delivery, found.key, "unchanged")


def _left_where_it_is(books: Books, source: Source, found: Found) -> Outcome | None:
    """What becomes of a delivery that is not to be read."""
    if found.sibling:
        return Outcome(source.name, "", found.key, "sibling", reason_code="sibling-export", reason=found.sibling)
    if found.waits_for:
        return Outcome(source.name, "", found.key, "waiting", reason_code="waiting", reason=found.waits_for)
    known = records.seen_before(books, source.name, found)
    return Outcome(source.name, known.id, found.key, "unchanged") if known else None


def _is_known(books: Books, handled: Handled) -> bool:
    """Whether the same content was dealt with, and is still what the ledger has or older than that.

    Content that comes again later than what replaced it is what the vendor says now.
    """
    known = records.same_content(books, handled.source.name, handled.digest)
    if known is None:
        return False
    states, frozen = books.lake.states(EXTERNAL_CHARGES), books.lake.frozen(EXTERNAL_CHARGES)
    for period, name in records.slices_of(books, known.id):
        last = held.last(states, handled.source.name, period, name)
        if last is None or last.state.version >= handled.found.version:
            continue
        if last.state.digest != handled.digest or f"x_period={last.partition['x_period']}" in frozen:
            # Of a closed period the later version is noted where its adjustments are, even if there are none.
            return False
        books.lake.touch(EXTERNAL_CHARGES, last.partition, handled.digest, handled.found.version)
    return True


def _fetch(place: Place, found: Found, spool: Path) -> tuple[list[tuple[Path, str]], str]:
    """The delivery's files on this machine, checked against its manifest, and their content's digest."""
    if found.refusal:
        raise found.refusal
    if not found.files:
        raise EmptyFileError(found.key)
    local, checksums = [], []
    for file in found.files:
        try:
            path = place.fetch(file.key, spool)
        except FileNotFoundError:
            raise MissingPartError(found.key, file.key) from None
        checksum = sha256(path)
        _check_against_manifest(found, file.key, path, checksum)
        local.append((path, file.key))
        # Which export and which slice a file is of is as much content as its bytes.
        checksums.append(f"{checksum}{found.datasets.get(file.key, '')}")
    return local, content_digest([*checksums, *([found.slice] if found.slice != WHOLE else [])])


def _check_against_manifest(found: Found, key: str, path: Path, checksum: str) -> None:
    expected = found.checksums.get(key, "").removeprefix("sha256:").lower()
    if expected and expected != checksum:
        raise ChecksumMismatchError(key, f"SHA-256 {expected}", checksum)
    size = found.sizes.get(key)
    if size is not None and size != path.stat().st_size:
        raise ChecksumMismatchError(key, f"{size} bytes", f"{path.stat().st_size} bytes")


def _opened(found: Found, files: list[tuple[Path, str]], spool: Path) -> list[BillFile]:
    """The files of a delivery; placeholders without a byte stand beside real ones in some vendors' buckets."""
    real = [(path, name) for path, name in files if path.stat().st_size]
    if not real:
        raise EmptyFileError(found.key)
    bills = [bill for path, name in real for bill in open_bills(path, name, spool, found.datasets.get(name, ""))]
    if found.slice == WHOLE and not any(bill.rows for bill in bills):
        raise EmptyFileError(found.key)
    return bills


def _stage_and_commit(books: Books, handled: Handled, form: Format, bills: list[BillFile]) -> Outcome:
    source, found = handled.source, handled.found
    with books.engine() as engine:
        folder = books.lake.staging(EXTERNAL_CHARGES)
        account = source.account or found.account or None
        lineage = Lineage(source.name, handled.delivery, found.slice, account, source.currency, found.period or None)
        staged = stage(engine, bills, form, lineage, folder)
        _check(books, handled, staged)
        if source.options.get("complete") == "total" and (reason := records.unstated(books, staged.totals)):
            return Outcome(source.name, "", found.key, "waiting", reason_code="waiting", reason=reason)
        _check_gate(books, staged)
        _commit_refused_rows(books, engine, handled, staged)
        return records.record_ingested(books, handled, staged, _commit_slices(books, engine, handled, staged))


def _check(books: Books, handled: Handled, staged: Staged) -> None:
    """What the source and the manifest promise of the delivery as a whole."""
    source, found = handled.source, handled.found
    for total in staged.totals:
        if source.account and total.account != source.account:
            raise WrongAccountError(source.name, source.account, total.account)
        if source.currency and total.currency != source.currency:
            raise WrongCurrencyError(source.name, source.currency, total.currency)
        if found.period and total.period != found.period:
            raise WrongPeriodError(source.name, found.period, total.period)
    if found.account and source.account and found.account != source.account:
        raise WrongAccountError(source.name, source.account, found.account)
    if found.rows is not None and found.rows != staged.rows_in:
        difference = f"{staged.rows_in - found.rows:+d} rows"
        raise TotalMismatchError(found.key, f"{found.rows} rows", f"{staged.rows_in} rows", difference)
    for period, other, account in records.counted_elsewhere(books, source, staged.totals):
        raise CountedTwiceError(source.name, other, account, period)


def _check_gate(books: Books, staged: Staged) -> None:
    if not staged.all_files:
        return
    verdict = books.gate.check("delivery", EXTERNAL_CHARGES, staged.all_files)
    if not verdict.passed:
        raise GateFailedError("delivery", verdict.stops)


def _commit_refused_rows(books: Books, engine: Engine, handled: Handled, staged: Staged) -> None:
    if not staged.refused:
        return
    partition = {"source": handled.source.name, "slice": handled.delivery}
    rows = quarantine_rows(handled.source.name, handled.delivery, handled.delivery, staged.refused)
    engine.view_rows("refused_rows", QUARANTINE.columns, rows)
    files = engine.copy("refused_rows", QUARANTINE, books.lake.staging(QUARANTINE))
    books.lake.replace(QUARANTINE, partition, files, handled.digest)


def _commit_slices(books: Books, engine: Engine, handled: Handled, staged: Staged) -> list[Booked]:
    """Commit the files of each billing period; the slices that they became."""
    found, booked = handled.found, []
    unit = (
        []
        if found.slice == WHOLE
        else held.of_unit(books.lake.states(EXTERNAL_CHARGES), handled.source.name, found.slice)
    )
    is_older = any(one.order > (found.version, handled.digest) for one in unit)
    for period in _periods(handled, staged, unit):
        files = staged.files.get(period, ())
        mine = Booked(period, found.slice, tuple(total for total in staged.totals if total.period == period))
        if is_older:
            # A later word on the same day or file stands for all of it, whatever periods it is of.
            booked.append(mine)
            continue
        if _replace(books, _write(handled, period, files)):
            booked.append(mine)
        else:
            booked += adjustments.post(books, engine, handled, period, files)
    return booked


def _replace(books: Books, write: SliceWrite) -> bool:
    """Whether the slice is of an open period: it is what the delivery says, or what was said later."""
    try:
        is_new = books.lake.replace_all(EXTERNAL_CHARGES, [write])
    except FrozenSliceError:
        return False
    if is_new:
        return True
    if f"x_period={write.partition['x_period']}" in books.lake.frozen(EXTERNAL_CHARGES):
        # The closed slice is of this content, and adjustments may say something else since.
        return False
    books.lake.touch(EXTERNAL_CHARGES, write.partition, write.digest, write.version)
    return True


def _periods(handled: Handled, staged: Staged, unit: Sequence[Held]) -> list[str]:
    """The billing periods that a delivery says something of, if only that there is nothing."""
    found = handled.found
    if found.slice != WHOLE:
        # A day or file without a line of a period that it had lines of: what it said of that period goes.
        # Of a day that never had one it is noted in its month: what was said of it before may still come.
        said = {*staged.periods, *(one.charged for one in unit)}
        return sorted(said or {month_of(found.slice)} - {""})
    if not staged.periods and not found.period:
        raise EmptyFileError(found.key)
    return list(staged.periods or (found.period,))


def _write(handled: Handled, period: str, files: tuple[str, ...]) -> SliceWrite:
    found = handled.found
    partition = records.partition_of(handled.source.name, period, found.slice)
    return SliceWrite(partition, files, handled.digest, found.version, covers=found.slice == WHOLE)
