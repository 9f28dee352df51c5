"""Statements of a deployment: which there are, their files in a folder, and whether a folder is still what it was.

What belongs here: reading the newest run, writing files, verifying them. What does not: what stands in a file
(`statement_files`). Finance only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from twinledger.books import Books
from twinledger.documents import File
from twinledger.pools import UNASSIGNED
from twinledger.reconciliation.result import Reconciliation
from twinledger.reconciliation.run import known_reconciliation
from twinledger.reconciliation.statement import (
    PeriodStatement,
    department_statement,
    pool_statement,
    shares_of,
    statement_digest,
)
from twinledger.reconciliation.statement_files import MANIFEST, statement_files
from twinledger.reconciliation.statement_rows import open_components
from twinledger.vocabulary.errors import InvalidConfigError, InvalidPeriodError, StaleRunError, UnknownNameError
from twinledger.vocabulary.money import exact_sum
from twinledger.vocabulary.periods import Period


@dataclass(frozen=True, slots=True)
class Listed:
    """One file as a manifest names it."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder says it holds; `statement_files.manifest` writes it."""

    kind: str
    subject: str
    period: str
    run: str
    external_cut: str
    internal_cut: str
    statement_digest: str
    files: tuple[Listed, ...]


State = Literal["same", "changed", "missing", "extra", "not compared"]


@dataclass(frozen=True, slots=True)
class Checked:
    """One file of a folder beside its manifest, or the whole folder beside a fresh rendering."""

    name: str
    state: State
    sentence: str = ""


def newest_run(books: Books, period: Period) -> Reconciliation:
    """The newest reconciliation of a period, whole.

    Raises:
        UnknownNameError: the period was never reconciled.
        StaleRunError: it is of before statements were made of runs, or another run is being written now.
    """
    result = known_reconciliation(books, period)
    for total in result.totals:
        parts = exact_sum(row.amount for row in result.bridge if row.pool == total.pool)
        if parts != total.deviation or not result.tolerated:
            raise StaleRunError(str(period), result.run_id)
    return result


def pool_statements(result: Reconciliation) -> list[PeriodStatement]:
    """The statement of every pool that a run knows of, in order of name."""
    pools = {one.pool for one in result.totals} or {one.pool for one in result.breaks if one.pool}
    pools |= {UNASSIGNED for one in result.breaks if not one.pool}
    return [pool_statement(result, pool) for pool in sorted(pools)]


def department_statements(result: Reconciliation) -> list[PeriodStatement]:
    """The statement of every department that is charged, and the platform's own line, in order of name."""
    return [department_statement(result, name) for name in sorted({one.department for one in shares_of(result)})]


def period_statement(result: Reconciliation, kind: str, subject: str) -> PeriodStatement:
    """One statement of a run.

    Raises:
        UnknownNameError: there is no such kind, or the run knows nothing of the subject.
    """
    if kind == "pool":
        return pool_statement(result, subject)
    if kind != "department":
        raise UnknownNameError("kind of statement", kind, ("pool", "department"))
    known = {one.department for one in shares_of(result)}
    if subject not in known:
        raise UnknownNameError("department", subject, known)
    return department_statement(result, subject)


def render_statement(books: Books, statement: PeriodStatement) -> tuple[File, ...]:
    """A statement's files, the manifest last; raises as `open_components`."""
    return statement_files(statement, open_components(books, statement))


def write_files(files: tuple[File, ...], folder: Path) -> None:
    """Write files to a folder, which is made if need be; the manifest last, so that half a folder has none."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    for one in files:
        (folder / one.name).write_bytes(one.content)


def verify_folder(books: Books, folder: Path, say: Callable[[str], None] = lambda _: None) -> list[Checked]:
    """Compare a folder with its manifest, then with what the deployment would write now.

    The latter only where the newest run is the one that it names; otherwise it says why it was not compared.

    Raises:
        UnknownNameError: the folder has no manifest.
        InvalidConfigError: its manifest cannot be read.
    """
    said = read_manifest(folder)
    found = list(_beside_manifest(folder, said))
    say("rendering the statement again")
    return [*found, _beside_rendering(books, said)]


def read_manifest(folder: Path) -> Manifest:
    """A folder's manifest; file names in it are plain names. Raises as `verify_folder`."""
    path = folder / MANIFEST
    if not path.is_file():
        raise UnknownNameError("manifest in", str(folder), [])
    try:
        read = TypeAdapter(Manifest).validate_json(path.read_bytes())
    except ValidationError as error:
        raise InvalidConfigError(str(path), "manifest", f"cannot be read: {error.error_count()} mistakes") from None
    if any(Path(one.name).name != one.name or one.name == MANIFEST for one in read.files):
        raise InvalidConfigError(str(path), "files", "names something that is no plain file name")
    return read


def _beside_manifest(folder: Path, said: Manifest) -> Iterator[Checked]:
    for one in said.files:
        path = folder / one.name
        if not path.is_file():
            yield Checked(one.name, "missing", "the manifest names it, and it is not there")
        elif sha256(path.read_bytes()).hexdigest() != one.sha256:
            yield Checked(one.name, "changed", "its SHA-256 is not the manifest's")
        else:
            yield Checked(one.name, "same")
    named = {MANIFEST, *(one.name for one in said.files)}
    for path in sorted(folder.iterdir()):
        if path.name not in named:
            yield Checked(path.name, "extra", "the manifest does not name it")


def _beside_rendering(books: Books, said: Manifest) -> Checked:
    try:
        result = newest_run(books, Period.parse(said.period))
        made_of = (result.run_id, result.external_cut, result.internal_cut)
        if made_of != (said.run, said.external_cut, said.internal_cut):
            return Checked("statement", "not compared", f"the newest run, {result.run_id}, is another one")
        statement = period_statement(result, said.kind, said.subject)
        if statement_digest(statement) != said.statement_digest:
            return Checked("statement", "changed", "people resolved breaks since, or the files were not of the run")
        fresh = {one.name: one.sha256 for one in render_statement(books, statement) if one.name != MANIFEST}
    except (UnknownNameError, StaleRunError, InvalidPeriodError) as error:
        return Checked("statement", "not compared", str(error))
    given = {one.name: one.sha256 for one in said.files}
    differing = sorted(name for name in fresh.keys() | given.keys() if fresh.get(name) != given.get(name))
    if differing:
        return Checked("statement", "changed", f"rendered again, these differ: {', '.join(differing)}")
    return Checked("statement", "same", f"rendered again from the same cuts, all {len(fresh)} files are the same")
