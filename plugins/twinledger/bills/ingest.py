"""Ingestion: a source's deliveries become the external ledger, each at most once and whole or not at all.

What belongs here: the order of the steps and what makes them safe to repeat. What does not: how files
are read (`files`, `formats`), found (`deliveries`) or turned into rows (`staging`).

Nothing is written to the ledger before the last step, one atomic commit for each slice. A process
that dies before leaves only files that no snapshot knows; one that dies after it and before the store
has the record is completed by the next run, which finds the slice already written from the delivery.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy.exc import IntegrityError

from twinledger.bills import records
from twinledger.bills.deliveries import Found, discover
from twinledger.bills.files import content_digest, open_bill
from twinledger.bills.formats import format_named
from twinledger.bills.records import Handled, Outcome
from twinledger.bills.staging import Staged, quarantine_rows, stage
from twinledger.books import Books
from twinledger.catalog import closed_periods
from twinledger.engine import Engine
from twinledger.lake import slice_name
from twinledger.lake.tables import EXTERNAL_CHARGES, QUARANTINE
from twinledger.places import Place, sha256
from twinledger.store.models import Source
from twinledger.vocabulary.errors import (
    ChecksumMismatchError,
    ClosedPeriodError,
    DeliveryRefusedError,
    EmptyFileError,
    GateFailedError,
    MissingPartError,
    TotalMismatchError,
    WrongAccountError,
    WrongCurrencyError,
    WrongPeriodError,
)
from twinledger.vocabulary.identities import digest

log = structlog.get_logger(__name__)

Report = Callable[[str], None]


def ingest_source(books: Books, name: str, report: Report | None = None) -> list[Outcome]:
    """Bring every delivery of a source that is new into the external ledger, oldest first.

    Raises:
        UnknownNameError: there is no such bill source, or its format is unknown.
    """
    source = records.bill_source(books, name)
    form = format_named(source.format)
    say = report or (lambda _: None)
    with _spool(books) as spool:
        place = books.places(source.place)
        outcomes = []
        for found in discover(form.layout, place, spool):
            say(f"{name}: {found.key}")
            outcome = _ingest(books, source, place, found)
            say(f"{name}: {found.key}: {outcome.state}")
            log.info("delivery.handled", source=name, delivery=outcome.delivery, state=outcome.state)
            outcomes.append(outcome)
    return outcomes


@contextmanager
def _spool(books: Books) -> Iterator[Path]:
    Path(books.settings.spill).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=books.settings.spill, prefix="spool-") as folder:
        yield Path(folder)


def _ingest(books: Books, source: Source, place: Place, found: Found) -> Outcome:
    if known := records.seen_before(books, source.name, found):
        return Outcome(source.name, known.id, found.key, "unchanged")
    listing = digest(found.key, *(str(entry) for entry in records.listing_of(found)))
    handled = Handled(source, found, f"{source.name}-{listing[:16]}", listing)
    try:
        with _spool(books) as spool:
            files, content = _fetch(place, found, spool)
            if known := records.same_content(books, source.name, content):
                records.record_listing(books, known.id, records.listing_of(found))
                return Outcome(source.name, known.id, found.key, "unchanged")
            handled = Handled(source, found, f"{source.name}-{content[:16]}", content)
            return _stage_and_commit(books, handled, files)
    except DeliveryRefusedError as refusal:
        return records.record_quarantined(books, handled, refusal)
    except IntegrityError:
        # Another process dealt with the same delivery at the same time, and was first to write it down.
        return Outcome(source.name, handled.delivery, found.key, "unchanged")


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
        checksums.append(checksum)
    return local, content_digest(checksums)


def _check_against_manifest(found: Found, key: str, path: Path, checksum: str) -> None:
    expected = found.checksums.get(key, "").removeprefix("sha256:").lower()
    if expected and expected != checksum:
        raise ChecksumMismatchError(key, f"SHA-256 {expected}", checksum)
    size = found.sizes.get(key)
    if size is not None and size != path.stat().st_size:
        raise ChecksumMismatchError(key, f"{size} bytes", f"{path.stat().st_size} bytes")


def _stage_and_commit(books: Books, handled: Handled, files: list[tuple[Path, str]]) -> Outcome:
    bills = [open_bill(path, name) for path, name in files]
    with books.engine() as engine:
        folder = books.lake.staging(EXTERNAL_CHARGES)
        lineage = (handled.source.name, handled.delivery, handled.source.account)
        staged = stage(engine, bills, format_named(handled.source.format), lineage, folder)
        _check(books, handled, staged)
        _check_gate(books, staged)
        _commit_refused_rows(books, engine, handled, staged)
        current = _commit_slices(books, engine, handled, staged)
    return records.record_ingested(books, handled, staged, current)


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
    if closed := closed_periods(books.store) & set(staged.periods):
        raise ClosedPeriodError(source.name, min(closed))


def _check_gate(books: Books, staged: Staged) -> None:
    verdict = books.gate.check("delivery", EXTERNAL_CHARGES, staged.files)
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


def _commit_slices(books: Books, engine: Engine, handled: Handled, staged: Staged) -> dict[str, bool]:
    """Commit each period's files; whether the ledger's slice is this delivery's afterwards."""
    by_period: dict[str, list[str]] = {period: [] for period in staged.periods}
    for file in staged.files:
        engine.view_files("one_file", EXTERNAL_CHARGES, [file])
        by_period[engine.query('SELECT MIN("x_period") FROM one_file')[0][0]].append(file)
    current = {}
    for period, files in by_period.items():
        partition = {"x_source": handled.source.name, "x_period": period}
        books.lake.replace(EXTERNAL_CHARGES, partition, files, handled.digest, handled.found.version)
        current[period] = books.lake.slices(EXTERNAL_CHARGES).get(slice_name(partition)) == handled.digest
    return current
