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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any, cast

import structlog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, NamespaceAlreadyExistsError, TableAlreadyExistsError
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
from twinledger.vocabulary.errors import ConcurrentSliceError, LakeError
from twinledger.vocabulary.identities import digest as digest_of

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
_ATTEMPTS = 60
_TABLE_PROPERTIES = {
    # The retries are ours: each attempt must look again whether the slice has moved on.
    "commit.retry.num-retries": "0",
    "write.metadata.previous-versions-max": "20",
    "write.metadata.delete-after-commit.enabled": "true",
}


@dataclass(frozen=True, slots=True)
class SliceState:
    """What a slice of a table was last written from."""

    digest: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class SliceWrite:
    """What one slice is to hold, and the digest of what that was made from.

    `version` orders writers of the same slice: an older one never replaces a newer one. `base` is the
    digest of the slice that the new content was made from, where it was: another one is refused.
    """

    partition: Mapping[str, str]
    files: Sequence[str]
    digest: str
    version: str = ""
    base: str | None = None


def slice_name(partition: Mapping[str, str]) -> str:
    """The name of a slice: its partition values in order of their names."""
    return "/".join(f"{column}={partition[column]}" for column in sorted(partition))


def file_uri(path: Path) -> str:
    """The location of a local path; not percent-encoded, since PyIceberg does not decode it."""
    return f"file://{path.resolve()}"


def local_path(location: str) -> Path:
    """The local path of a location."""
    return Path(location.removeprefix("file://"))


class Lake:
    """The Iceberg tables of one deployment; the catalog is in the store's database."""

    def __init__(self, database_url: str, warehouse: str) -> None:
        """Open by the store's SQLAlchemy URL and a folder; nothing is read yet."""
        if database_url.startswith("sqlite") and "?" not in database_url:
            database_url += "?timeout=60"
        self._warehouse = Path(warehouse)
        self._catalog = SqlCatalog(
            "twinledger", uri=database_url, warehouse=file_uri(self._warehouse), init_catalog_tables="false"
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
            with suppress(TableAlreadyExistsError):
                self._catalog.create_table(
                    table.name,
                    schema=_schema(table),
                    partition_spec=_partition_spec(table),
                    properties=_TABLE_PROPERTIES,
                )

    def files(self, table: Table, partition: Mapping[str, str] | None = None, cut: str = "") -> list[str]:
        """Paths of the data files of a table, or of one slice of it, now or at a cut.

        Raises:
            LakeError: a file has deletes of its own, which this project never writes.
        """
        iceberg = self._load(table)
        if iceberg.current_snapshot() is None:
            return []
        scan = iceberg.scan(row_filter=_filter(partition or {}), snapshot_id=int(cut) if cut else None)
        paths = []
        for task in scan.plan_files():
            if task.delete_files:
                message = f"{table.name}: {task.file.file_path} has row deletes; expected whole files only"
                raise LakeError(message)
            paths.append(str(local_path(task.file.file_path)))
        return sorted(paths)

    def cut(self, table: Table) -> str:
        """The identity of the table's present snapshot, empty when it has none."""
        snapshot = self._load(table).current_snapshot()
        return str(snapshot.snapshot_id) if snapshot else ""

    def slices(self, table: Table) -> dict[str, str]:
        """What each slice was last written from: slice name -> digest."""
        return {name: state.digest for name, state in _states(self._load(table)).items()}

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

    def replace_all(self, table: Table, writes: Sequence[SliceWrite]) -> bool:
        """Make files the whole content of several slices, in one atomic commit: all of them or none.

        Returns whether anything was written: a slice that already has its digest or a newer version is
        left alone.

        Raises:
            ConcurrentSliceError: a slice is no longer what a write says it was made from, or other
                writers kept committing for too long.
        """
        for attempt in range(_ATTEMPTS):
            iceberg = self._load(table)
            due = _due(table, writes, _states(iceberg))
            if not due:
                return False
            try:
                _commit_all(iceberg, due)
            except (CommitFailedException, OperationalError) as conflict:
                log.info("commit.retried", table=table.name, attempt=attempt, cause=type(conflict).__name__)
                time.sleep(min(0.05 * 2**attempt, 2) * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
            else:
                return True
        raise ConcurrentSliceError(table.name, slice_name(writes[0].partition))

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


def _states(iceberg: IcebergTable) -> dict[str, SliceState]:
    return {
        key.removeprefix(_PROPERTY): SliceState(**cast("dict[str, Any]", json.loads(value)))
        for key, value in iceberg.properties.items()
        if key.startswith(_PROPERTY)
    }


def _due(table: Table, writes: Sequence[SliceWrite], states: Mapping[str, SliceState]) -> list[SliceWrite]:
    """The writes that are still to be made."""
    due = []
    for write in writes:
        present = states.get(slice_name(write.partition), SliceState(""))
        if present.digest == write.digest or present.version > write.version:
            continue
        if write.base is not None and write.base != present.digest:
            raise ConcurrentSliceError(table.name, slice_name(write.partition))
        due.append(write)
    return due


def _commit_all(iceberg: IcebergTable, writes: Sequence[SliceWrite]) -> None:
    summary = {"twinledger.digest": writes[0].digest if len(writes) == 1 else digest_of(*(w.digest for w in writes))}
    uris = [file_uri(Path(file)) for write in writes for file in write.files]
    states = {
        f"{_PROPERTY}{slice_name(write.partition)}": json.dumps({"digest": write.digest, "version": write.version})
        for write in writes
    }
    with iceberg.transaction() as transaction:
        with warnings.catch_warnings():
            # A slice that is written for the first time has nothing to delete: no news.
            warnings.filterwarnings("ignore", message="Delete operation did not match any records")
            filters = (_filter(write.partition) for write in writes)
            transaction.delete(reduce(Or, filters), snapshot_properties=summary)
        if uris:
            transaction.add_files(uris, snapshot_properties=summary, check_duplicate_files=False)
        transaction.set_properties(states)
