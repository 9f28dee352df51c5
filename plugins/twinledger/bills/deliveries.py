"""Deliveries: which files of a place are one complete hand-over, and of what.

What belongs here: the layouts that vendors deliver in. What does not: the files' content.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twinledger.bills.files import DATA_SUFFIXES
from twinledger.places import Place, PlacedFile, checked_key
from twinledger.vocabulary.errors import DeliveryRefusedError, MissingPartError, UnreadableFileError

_RANGE = re.compile(r"(?:^|/)(\d{4})(\d{2})\d{2}-\d{8}(?:/|$)")
_RUN = re.compile(r"(?:^|/)(\d{12})(?:/|$)")
_MANIFEST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """One delivery as it lies at its place.

    `version` orders deliveries of one slice; `checksums` and `sizes` are what a manifest says of the
    files; `refusal` is why it cannot be read at all.
    """

    key: str
    files: tuple[PlacedFile, ...]
    delivered_at: datetime
    period: str = ""
    account: str = ""
    checksums: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    rows: int | None = None
    refusal: DeliveryRefusedError | None = None

    @property
    def version(self) -> str:
        """Sorts as the vendor delivered."""
        return self.delivered_at.astimezone(UTC).isoformat(timespec="microseconds")


def discover(layout: str, place: Place, spool: Path) -> list[Found]:
    """The deliveries of a place, oldest first."""
    listing = list(place.list())
    return sorted(_LAYOUTS[layout](place, listing, spool), key=lambda found: (found.delivered_at, found.key))


# --- AWS: a manifest for each assembly, and one for the month that points to the newest --------


def _aws_manifests(place: Place, listing: Sequence[PlacedFile], spool: Path) -> list[Found]:
    by_assembly: dict[tuple[str, str], Found] = {}
    newest: dict[str, datetime] = {}
    for entry in listing:
        if not entry.key.endswith("-Manifest.json"):
            continue
        manifest, problem = _read_manifest(place, entry, spool)
        folder = entry.key.rpartition("/")[0]
        assembly = str(manifest.get("assemblyId", "")) or entry.key
        found = _aws_delivery(entry, manifest, listing) if problem is None else _refused(entry, problem)
        identity = (_month_folder(folder), assembly)
        if identity not in by_assembly or not folder.endswith(assembly):
            # The month's own manifest stands at the month's folder and is written last: it is the newest.
            by_assembly[identity] = found
        if not folder.endswith(assembly):
            newest[identity[0]] = found.delivered_at
    return [_before(found, newest.get(month), assembly) for (month, assembly), found in by_assembly.items()]


def _month_folder(folder: str) -> str:
    match = _RANGE.search(folder)
    return folder[: match.end()].strip("/") if match else folder


def _before(found: Found, newest: datetime | None, assembly: str) -> Found:
    """An assembly that the month's manifest no longer points to is older than the one it does."""
    is_newest = not found.key.rpartition("/")[0].endswith(assembly)
    if newest is None or is_newest or found.delivered_at < newest:
        return found
    return replace(found, delivered_at=newest - timedelta(microseconds=1))


def _aws_delivery(entry: PlacedFile, manifest: Mapping[str, Any], listing: Sequence[PlacedFile]) -> Found:
    try:
        parts = [_listed(entry.key, str(key), listing) for key in manifest["reportKeys"]]
        period = _aws_period(entry.key, manifest)
    except DeliveryRefusedError as refusal:
        return _refused(entry, refusal)
    except (KeyError, TypeError) as missing:
        return _refused(entry, UnreadableFileError(entry.key, f"a manifest without {missing}"))
    checksums = manifest.get("checksums", {})
    return Found(
        key=entry.key,
        files=tuple(parts),
        delivered_at=entry.modified,
        period=period,
        account=str(manifest.get("account", "")),
        checksums={part.key: str(checksums[name]) for part, name in _named(parts, checksums)},
    )


def _named(parts: Sequence[PlacedFile], names: Iterable[str]) -> list[tuple[PlacedFile, str]]:
    return [(part, name) for name in names for part in parts if _same(name, part.key)]


def _aws_period(key: str, manifest: Mapping[str, Any]) -> str:
    start = str(manifest["billingPeriod"]["start"])
    if not re.match(r"\d{6}", start):
        raise UnreadableFileError(key, f"billingPeriod.start {start[:30]!r} is no date")
    return f"{start[:4]}-{start[4:6]}"


def _same(listed: str, key: str) -> bool:
    return listed == key or listed.endswith("/" + key) or key.endswith("/" + listed)


def _listed(manifest: str, name: str, listing: Sequence[PlacedFile]) -> PlacedFile:
    checked_key(name, manifest.rpartition("/")[0] or "the place")
    for entry in listing:
        if _same(name, entry.key):
            return entry
    raise MissingPartError(manifest, name)


# --- folders: each folder is one delivery, each file at the top too ---------------------------


def _folders(place: Place, listing: Sequence[PlacedFile], spool: Path) -> list[Found]:
    groups: dict[str, list[PlacedFile]] = defaultdict(list)
    manifests: dict[str, PlacedFile] = {}
    for entry in listing:
        folder, _, name = entry.key.rpartition("/")
        if name.lower() in {"manifest.json", "_manifest.json"}:
            manifests[folder] = entry
        elif name.endswith(DATA_SUFFIXES):
            groups[folder or entry.key].append(entry)
    for folder in manifests:
        groups.setdefault(folder, [])
    found = [_folder_delivery(folder, files) for folder, files in groups.items()]
    return [_with_manifest(delivery, place, manifests.get(delivery.key), listing, spool) for delivery in found]


def _folder_delivery(folder: str, files: Sequence[PlacedFile]) -> Found:
    month, run = _RANGE.search(folder), _RUN.search(folder)
    latest = max((file.modified for file in files), default=datetime.fromtimestamp(0, UTC))
    if run:
        latest = datetime.strptime(run[1], "%Y%m%d%H%M").replace(tzinfo=UTC)
    period = f"{month[1]}-{month[2]}" if month else ""
    return Found(folder, tuple(files), latest, period)


def _with_manifest(
    found: Found, place: Place, entry: PlacedFile | None, listing: Sequence[PlacedFile], spool: Path
) -> Found:
    """Azure's manifest lists blobs with their sizes, and counts rows."""
    if entry is None:
        return found
    manifest, problem = _read_manifest(place, entry, spool)
    if problem is not None:
        return _refused(entry, problem)
    blobs = [blob for blob in manifest.get("blobs", []) if isinstance(blob, dict) and "blobName" in blob]
    try:
        parts = [(_listed(entry.key, str(blob["blobName"]), listing), blob) for blob in blobs]
    except DeliveryRefusedError as refusal:
        return _refused(entry, refusal)
    rows = manifest.get("dataRowCount")
    return replace(
        found,
        files=tuple(part for part, _ in parts) or found.files,
        sizes={part.key: int(blob["byteCount"]) for part, blob in parts if "byteCount" in blob},
        rows=int(rows) if isinstance(rows, int) else None,
    )


# --- shared -----------------------------------------------------------------------------------


def _read_manifest(
    place: Place, entry: PlacedFile, spool: Path
) -> tuple[Mapping[str, Any], DeliveryRefusedError | None]:
    if entry.size > _MANIFEST_BYTES:
        return {}, UnreadableFileError(entry.key, f"a manifest of {entry.size} bytes, more than {_MANIFEST_BYTES}")
    try:
        loaded = json.loads(place.fetch(entry.key, spool).read_bytes())
    except ValueError as error:
        return {}, UnreadableFileError(entry.key, f"no JSON ({error})")
    if not isinstance(loaded, dict):
        return {}, UnreadableFileError(entry.key, "JSON, but no object")
    return loaded, None


def _refused(entry: PlacedFile, refusal: DeliveryRefusedError) -> Found:
    return Found(entry.key, (entry,), entry.modified, refusal=refusal)


_LAYOUTS: dict[str, Callable[[Place, Sequence[PlacedFile], Path], list[Found]]] = {
    "aws_manifest": _aws_manifests,
    "folders": _folders,
}
