"""The lake: fact tables as Apache Iceberg, written slice by slice, each commit atomic.

What belongs here: how files become a table's content and how a table's files are found. What does
not: what is in the files, which the engine writes and the models of `sql/` define.
"""

from __future__ import annotations

import json
import random
import time
import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any, cast

import structlog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    TableAlreadyExistsError,
    ValidationException,
)
from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, EqualTo, Or
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table as IcebergTable
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    IcebergType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
)
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from twinledger.lake.tables import TABLES, Table, Type
from twinledger.lake.transaction import CachedTransaction
from twinledger.vocabulary.errors import ConcurrentSliceError, FrozenSliceError, LakeError

log = structlog.get_logger(__name__)

_TYPES: dict[Type, IcebergType] = {
    "VARCHAR": StringType(),
    "TIMESTAMP": TimestampType(),
    "DATE": DateType(),
    "BIGINT": LongType(),
    "BOOLEAN": BooleanType(),
    "DECIMAL(38,18)": DecimalType(38, 18),
    "DECIMAL(19,9)": DecimalType(19, 9),
    "DECIMAL(18,9)": DecimalType(18, 9),
}
_PROPERTY = "twinledger.slice."
_FROZEN = "twinledger.frozen."
_COMMIT = "twinledger.commit"
_WRITTEN = "twinledger.slices"
_ATTEMPTS = 60
# Of the last one nothing was written either: the files to be replaced are no longer those that were planned.
_CONFLICTS = (CommitFailedException, OperationalError, ValidationException)
_TABLE_PROPERTIES = {
    # The retries are ours: each attempt must look again whether the slice has moved on.
    "commit.retry.num-retries": "0",
    "write.metadata.previous-versions-max": "20",
    "write.metadata.delete-after-commit.enabled": "true",
}


@dataclass(frozen=True, slots=True)
class SliceState:
    """What a slice of a table was last written from, and how it stands to its siblings."""

    digest: str
    version: str = ""
    group: str = ""
    covers: bool = False


@dataclass(frozen=True, slots=True)
class SliceWrite:
    """What one slice is to hold, and the digest of what that was made from.

    `version` orders writers of the same slice: an older one never replaces a newer one. `base` is the
    digest of the slice that the new content was made from, where it was: another one is refused.

    Siblings are slices that differ in the table's last partition column only and are of one `group`. A
    slice that `covers` its siblings is the whole of what they are parts of: writing it drops them, and
    none of them is written any more. So the order in which they come does not matter.
    """

    partition: Mapping[str, str]
    files: Sequence[str]
    digest: str
    version: str = ""
    base: str | None = None
    group: str = ""
    covers: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """One atomic change of a table: when, as which cut, and the digest that each slice was written from."""

    cut: str
    at: datetime
    slices: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Present:
    """Slices of a table as one commit left them."""

    cut: str
    """The snapshot, empty before the first one."""
    slices: Mapping[str, str]
    """Slice name -> what it was last written from."""
    files: Mapping[str, tuple[str, ...]]
    """Slice name -> its data files; a slice that holds no row is not there."""


def slice_name(partition: Mapping[str, str]) -> str:
    """The name of a slice: its partition values in order of their names."""
    return "/".join(f"{column}={partition[column]}" for column in sorted(partition))


def partition_of(name: str) -> dict[str, str]:
    """The partition values of a slice's name: column -> value."""
    return dict(part.split("=", 1) for part in name.split("/"))


def file_uri(path: Path) -> str:
    """The location of a local path; not percent-encoded, since PyIceberg does not decode it."""
    return f"file://{path.resolve()}"


def local_path(location: str) -> Path:
    """The local path of a location."""
    return Path(location.removeprefix("file://"))


class Lake:
    """The Iceberg tables of one deployment; the catalog is in the store's database."""

    def __init__(self, database_url: str, warehouse: str, roots: Mapping[str, str] | None = None) -> None:
        """Open by the store's SQLAlchemy URL and a folder; nothing is read yet.

        `roots` are other folders for the tables of a namespace, finance or shared, so that who may read
        the one cannot read the other; a namespace without one lies below the warehouse.
        """
        if database_url.startswith("sqlite") and "?" not in database_url:
            database_url += "?timeout=60"
        self._warehouse = Path(warehouse)
        self._roots = {namespace: Path(folder) for namespace, folder in (roots or {}).items() if folder}
        self._catalog = SqlCatalog(
            "twinledger",
            uri=database_url,
            warehouse=file_uri(self._warehouse),
            init_catalog_tables="false",
            pool_pre_ping="true",  # a database that was started again has closed what was open
        )

    def ensure(self) -> None:
        """Create the catalog and every table that is not there yet; safe to run twice at once."""
        with suppress(IntegrityError, OperationalError, ProgrammingError):
            # Two processes may create the catalog's tables at once: the loser finds them there.
            self._catalog.create_tables()
        for table in TABLES.values():
            namespace = table.name.split(".")[0]
            with suppress(NamespaceAlreadyExistsError, IntegrityError):
                self._catalog.create_namespace(namespace)
            try:
                self._catalog.create_table(
                    table.name,
                    location=file_uri(self.root(namespace) / table.name.split(".")[1]),
                    schema=_schema(table),
                    partition_spec=_partition_spec(table),
                    properties=_TABLE_PROPERTIES,
                )
            except TableAlreadyExistsError:
                self._check_shape(table)

    def root(self, namespace: str) -> Path:
        """The folder of the tables of a namespace, finance or shared."""
        return self._roots.get(namespace, self._warehouse / namespace)

    def _check_shape(self, table: Table) -> None:
        iceberg = self._load(table)
        present = [field.name for field in iceberg.schema().fields]
        parts = [field.name for field in iceberg.spec().fields]
        if present != list(table.names) or parts != list(table.partition):
            lacking = sorted(set(table.names) - set(present))
            missing = ", ".join(lacking) or f"the order of its columns, or partitions by {', '.join(table.partition)}"
            message = (
                f"{table.name} was made by an earlier version: it lacks {missing}; give the lake a new folder and "
                "a new database (see docs/guides/operations.md), and ingest again"
            )
            raise LakeError(message)

    def files(self, table: Table, partition: Mapping[str, str] | None = None, cut: str = "") -> list[str]:
        """Paths of the data files of a table, or of one slice of it, now or at a cut.

        Raises:
            LakeError: a file has deletes of its own, which this project never writes.
        """
        return sorted(path for paths in self.slice_files(table, partition, cut).values() for path in paths)

    def slice_files(
        self, table: Table, partition: Mapping[str, str] | None = None, cut: str = ""
    ) -> dict[str, tuple[str, ...]]:
        """As `files`, by slice: slice name -> paths. A slice that holds no row has no file and is not there.

        Raises:
            LakeError: a file has deletes of its own, which this project never writes.
        """
        return _by_slice(_planned(self._load(table), table, partition or {}, cut))

    def present(self, table: Table, partition: Mapping[str, str]) -> Present:
        """A table's slices with a partition value, all as of one commit. Raises as `slice_files`."""
        iceberg = self._load(table)
        snapshot = iceberg.current_snapshot()
        wanted = {f"{column}={value}" for column, value in partition.items()}
        return Present(
            cut=str(snapshot.snapshot_id) if snapshot else "",
            slices={name: one.digest for name, one in _states(iceberg).items() if wanted <= set(name.split("/"))},
            files=_by_slice(_planned(iceberg, table, partition, "")),
        )

    def slice_rows(self, table: Table, partition: Mapping[str, str] | None = None, cut: str = "") -> dict[str, int]:
        """How many rows each slice holds, as its files' metadata say: slice name -> rows. Raises as `slice_files`."""
        found: dict[str, int] = {}
        for name, _, rows in _planned(self._load(table), table, partition or {}, cut):
            found[name] = found.get(name, 0) + rows
        return found

    def cut(self, table: Table) -> str:
        """The identity of the table's present snapshot, empty when it has none."""
        snapshot = self._load(table).current_snapshot()
        return str(snapshot.snapshot_id) if snapshot else ""

    def slices(self, table: Table) -> dict[str, str]:
        """What each slice was last written from: slice name -> digest."""
        return {name: state.digest for name, state in self.states(table).items()}

    def states(self, table: Table) -> dict[str, SliceState]:
        """What each slice was last written from, with its version: slice name -> state."""
        return _states(self._load(table))

    def history(self, table: Table) -> list[Commit]:
        """Every change of a table that was committed, the oldest first. Instants are Iceberg's, to a millisecond."""
        commits: dict[str, Commit] = {}
        for snapshot in self._load(table).snapshots():
            summary = snapshot.summary.additional_properties if snapshot.summary else {}
            at = datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
            written = json.loads(summary.get(_WRITTEN, "{}"))
            # One change is two snapshots, what it takes away and what it adds: the last one stands for it.
            commits[summary.get(_COMMIT, str(snapshot.snapshot_id))] = Commit(str(snapshot.snapshot_id), at, written)
        return list(commits.values())

    def cut_at(self, table: Table, at: datetime) -> str | None:
        """The cut that was the present one at an instant; None before the first one."""
        return next((commit.cut for commit in reversed(self.history(table)) if commit.at <= at), None)

    def frozen(self, table: Table) -> dict[str, str]:
        """Partition values that no longer change, as `column=value`, with the cut that froze them."""
        return _frozen(self._load(table))

    def freeze(self, table: Table, column: str, value: str, expected: Mapping[str, str]) -> str:
        """Let nothing be written any more where a partition column has a value; returns the cut, tagged to stay.

        Freezing again changes nothing and returns the cut of the first time.

        Raises:
            ConcurrentSliceError: the slices with that value are no longer those of `expected`
                (slice name -> digest).
        """
        for attempt in range(_ATTEMPTS):
            iceberg = self._load(table)
            name = f"{column}={value}"
            if name in _frozen(iceberg):
                return _frozen(iceberg)[name]
            present = {key: state.digest for key, state in _states(iceberg).items() if name in key.split("/")}
            if present != dict(expected):
                raise ConcurrentSliceError(table.name, name)
            snapshot = iceberg.current_snapshot()
            cut = str(snapshot.snapshot_id) if snapshot else ""
            try:
                with iceberg.transaction() as transaction:
                    transaction.set_properties({f"{_FROZEN}{name}": cut})
                if snapshot:
                    self._load(table).manage_snapshots().create_tag(snapshot.snapshot_id, f"close-{value}").commit()
            except _CONFLICTS as conflict:
                _wait(table, attempt, conflict)
            else:
                return cut
        raise ConcurrentSliceError(table.name, f"{column}={value}")

    def staging(self, table: Table) -> Path:
        """A new folder below the table for files that are to be committed in place."""
        folder = local_path(self._load(table).location()) / "data" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        return folder

    def replace(
        self, table: Table, partition: Mapping[str, str], files: Sequence[str], digest: str, version: str = ""
    ) -> bool:
        """Make these files the whole content of a slice, in one atomic commit.

        `version` orders writers of the same slice: an older one never replaces a newer one. Returns
        whether anything was written: not when the slice already has this digest or a newer version.

        Raises:
            ConcurrentSliceError: other writers kept committing for too long.
        """
        return self.replace_all(table, [SliceWrite(partition, files, digest, version)])

    def replace_all(self, table: Table, writes: Sequence[SliceWrite], gone: Sequence[str] = ()) -> bool:
        """Make files the whole content of several slices, in one atomic commit: all of them or none.

        The slices whose names are `gone` are taken away in the same commit. Returns whether anything was
        written: a slice that already has its digest or a newer version, or is not there, is left alone.

        Raises:
            FrozenSliceError: a slice is in a part of the table that no longer changes.
            ConcurrentSliceError: a slice is no longer what a write says it was made from, or other
                writers kept committing for too long.
        """
        for attempt in range(_ATTEMPTS):
            iceberg = self._load(table)
            states = _states(iceberg)
            due = _due(table, writes, states)
            leaving = [name for name in gone if name in states]
            if not due and not leaving:
                return False
            _check_frozen(table, [*(one.partition for one in due), *map(partition_of, leaving)], _frozen(iceberg))
            try:
                _commit_all(iceberg, due, states, [*leaving, *_dropped(table, due, states)])
            except _CONFLICTS as conflict:
                _wait(table, attempt, conflict)
            else:
                return True
        names = [*(slice_name(one.partition) for one in writes), *gone]
        raise ConcurrentSliceError(table.name, names[0])

    def touch(self, table: Table, partition: Mapping[str, str], digest: str, version: str) -> None:
        """Note that what a slice holds was said again, at a later version; nothing where it holds something else.

        Raises:
            ConcurrentSliceError: other writers kept committing for too long.
        """
        name = slice_name(partition)
        for attempt in range(_ATTEMPTS):
            iceberg = self._load(table)
            state = _states(iceberg).get(name)
            closed = {f"{column}={value}" for column, value in partition.items()} & _frozen(iceberg).keys()
            if state is None or closed or state.digest != digest or state.version >= version:
                return
            try:
                with iceberg.transaction() as transaction:
                    said = json.dumps(asdict(replace(state, version=version)))
                    transaction.set_properties({f"{_PROPERTY}{name}": said})
            except _CONFLICTS as conflict:
                _wait(table, attempt, conflict)
            else:
                return
        raise ConcurrentSliceError(table.name, name)

    def orphans(self, table: Table, older_than: datetime) -> Iterator[Path]:
        """Data files that no snapshot refers to and that were last written before an instant."""
        iceberg = self._load(table)
        # A killed writer leaves files; a running one has young files: only age tells them apart.
        known = {
            str(local_path(entry.data_file.file_path))
            for snapshot in iceberg.snapshots()
            for manifest in snapshot.manifests(iceberg.io)
            for entry in manifest.fetch_manifest_entry(iceberg.io)
        }
        for path in (local_path(iceberg.location()) / "data").rglob("*.parquet"):
            if str(path) not in known and path.stat().st_mtime < older_than.timestamp():
                yield path

    def close(self) -> None:
        """Give the catalog's connections back."""
        self._catalog.close()

    def _load(self, table: Table) -> IcebergTable:
        return self._catalog.load_table(table.name)


def _planned(
    iceberg: IcebergTable, table: Table, partition: Mapping[str, str], cut: str
) -> Iterator[tuple[str, str, int]]:
    """Slice name, path and rows of each data file."""
    if iceberg.current_snapshot() is None:
        return
    scan = iceberg.scan(row_filter=_filter(partition), snapshot_id=int(cut) if cut else None)
    for task in scan.plan_files():
        if task.delete_files:
            message = f"{table.name}: {task.file.file_path} has row deletes; expected whole files only"
            raise LakeError(message)
        name = slice_name({column: str(task.file.partition[at]) for at, column in enumerate(table.partition)})
        yield name, str(local_path(task.file.file_path)), task.file.record_count


def _by_slice(planned: Iterable[tuple[str, str, int]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, path, _ in planned:
        found.setdefault(name, []).append(path)
    return {name: tuple(sorted(paths)) for name, paths in found.items()}


def _schema(table: Table) -> Schema:
    # Every field is optional: files written by other engines do not carry NOT NULL, and Iceberg
    # refuses them otherwise. That required columns are filled is what the gate checks.
    fields = [
        NestedField(number, column.name, _TYPES[column.type], required=False)
        for number, column in enumerate(table.columns, start=1)
    ]
    return Schema(*fields)


def _partition_spec(table: Table) -> PartitionSpec:
    numbers = {column.name: number for number, column in enumerate(table.columns, start=1)}
    return PartitionSpec(
        *(
            PartitionField(numbers[name], 1000 + index, IdentityTransform(), name)
            for index, name in enumerate(table.partition)
        )
    )


def _filter(partition: Mapping[str, str]) -> BooleanExpression:
    terms: list[BooleanExpression] = [EqualTo(term=column, value=value) for column, value in sorted(partition.items())]
    return reduce(And, terms) if terms else AlwaysTrue()


def _any(terms: Iterable[BooleanExpression]) -> BooleanExpression:
    """One of the terms holds; as a balanced tree, since a chain of hundreds is deeper than Python's stack."""
    first, *rest = terms
    return Or(first, *rest) if rest else first


def _states(iceberg: IcebergTable) -> dict[str, SliceState]:
    return {
        key.removeprefix(_PROPERTY): SliceState(**cast("dict[str, Any]", json.loads(value)))
        for key, value in iceberg.properties.items()
        if key.startswith(_PROPERTY)
    }


def _frozen(iceberg: IcebergTable) -> dict[str, str]:
    return {key.removeprefix(_FROZEN): value for key, value in iceberg.properties.items() if key.startswith(_FROZEN)}


def _check_frozen(table: Table, partitions: Iterable[Mapping[str, str]], frozen: Mapping[str, str]) -> None:
    for partition in partitions:
        for column, value in partition.items():
            if f"{column}={value}" in frozen:
                raise FrozenSliceError(table.name, slice_name(partition), f"{column}={value}")


def _wait(table: Table, attempt: int, conflict: Exception) -> None:
    log.info("commit.retried", table=table.name, attempt=attempt, cause=type(conflict).__name__)
    time.sleep(min(0.05 * 2**attempt, 2) * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret


def _due(table: Table, writes: Sequence[SliceWrite], states: Mapping[str, SliceState]) -> list[SliceWrite]:
    """The writes that are still to be made."""
    due = []
    for write in writes:
        present = states.get(slice_name(write.partition), SliceState(""))
        if present.digest == write.digest or _is_older(write, present):
            continue
        if not write.covers and any(states[name].covers for name in _siblings(table, write, states)):
            continue
        if write.base is not None and write.base != present.digest:
            raise ConcurrentSliceError(table.name, slice_name(write.partition))
        due.append(write)
    return due


def _is_older(write: SliceWrite, present: SliceState) -> bool:
    """Whether the slice has something newer; of two that were made at one instant, one wins wherever they meet."""
    return bool(write.version) and (present.version, present.digest) > (write.version, write.digest)


def _siblings(table: Table, write: SliceWrite, states: Mapping[str, SliceState]) -> list[str]:
    """The names of a slice's siblings that have been written."""
    last = table.partition[-1]
    mine = slice_name(write.partition)

    def family(name: str) -> list[str]:
        return [part for part in name.split("/") if not part.startswith(f"{last}=")]

    return [
        name
        for name, state in states.items()
        if name != mine and state.group == write.group and family(name) == family(mine)
    ]


def _dropped(table: Table, writes: Sequence[SliceWrite], states: Mapping[str, SliceState]) -> list[str]:
    return [name for write in writes if write.covers for name in _siblings(table, write, states)]


def _commit_all(
    iceberg: IcebergTable, writes: Sequence[SliceWrite], states: Mapping[str, SliceState], dropped: Sequence[str]
) -> None:
    written = {slice_name(write.partition): write.digest for write in writes}
    summary = {_COMMIT: uuid.uuid4().hex, _WRITTEN: json.dumps(written)}
    uris = [file_uri(Path(file)) for write in writes for file in write.files]
    properties = {
        f"{_PROPERTY}{slice_name(write.partition)}": json.dumps(
            asdict(SliceState(write.digest, write.version, write.group, write.covers))
        )
        for write in writes
    }
    # A slice that is written for the first time has nothing to delete.
    replaced = [write.partition for write in writes if slice_name(write.partition) in states]
    replaced += [partition_of(name) for name in dropped]
    with CachedTransaction(iceberg) as transaction:
        if replaced:
            with warnings.catch_warnings():
                # Nor has one that holds no row.
                warnings.filterwarnings("ignore", message="Delete operation did not match any records")
                transaction.delete(_any(map(_filter, replaced)), snapshot_properties=summary)
        if uris:
            transaction.add_files(uris, snapshot_properties=summary, check_duplicate_files=False)
        if dropped:
            transaction.remove_properties(*(f"{_PROPERTY}{name}" for name in dropped))
        transaction.set_properties(properties)
