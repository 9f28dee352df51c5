"""Deliveries: which files of a place are one complete hand-over, and of what.

What belongs here: the layouts that vendors deliver in. What does not: the files' content. Source of the
layouts: the vendors' documentation of their exports, as docs/guides/vendors.md cites it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twinledger.bills.files import DATA_SUFFIXES
from twinledger.bills.formats import FilePattern, Format, SliceKind
from twinledger.places import Place, PlacedFile, checked_key
from twinledger.vocabulary.errors import (
    DeliveryRefusedError,
    MissingPartError,
    UnknownFileError,
    UnreadableFileError,
    WrongPeriodError,
)
from twinledger.vocabulary.identities import digest

WHOLE = "all"
"""The slice of a billing period that is all of it."""

_RANGE = re.compile(r"(?:^|/)([0-9]{4})([0-9]{2})[0-9]{2}-[0-9]{8}(?:/|$)")
_PARTITION = re.compile(r"(?:^|/)BILLING_PERIOD=([0-9]{4})-([0-9]{2})(?:/|$)", re.IGNORECASE)
_DAY = re.compile(r"(20[0-9]{2})[-/]?(0[1-9]|1[0-2])[-/]?(0[1-9]|[12][0-9]|3[01])(?![0-9])")
_RUN = re.compile(r"(?:^|/)([0-9]{12})(?:/|$)")
_MANIFEST_BYTES = 64 << 20
_DAY_SLICE = "day-"


@dataclass(frozen=True, slots=True)
class Found:
    """One delivery as it lies at its place.

    `slice` is what of its billing periods it says: all, or a day or file of it; `final`: the vendor's last
    word on a month. `as_of` is the day up to which it says that (YYYYMMDD), where its name has one.
    `announced`: a manifest says that it is complete. `checksums`, `sizes` and `rows` are what a manifest
    says of the files; `datasets` which export a file is of, where a delivery is made of several.
    `refusal` is why it cannot be read at all; `sibling` why it is not to be taken; `waits_for` what is
    still missing of it.
    """

    key: str
    files: tuple[PlacedFile, ...]
    delivered_at: datetime
    period: str = ""
    account: str = ""
    slice: str = WHOLE
    final: bool = False
    as_of: str = ""
    announced: bool = False
    checksums: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    rows: int | None = None
    datasets: Mapping[str, str] = field(default_factory=dict)
    refusal: DeliveryRefusedError | None = None
    sibling: str = ""
    waits_for: str = ""

    @property
    def version(self) -> str:
        """Sorts as what the vendor said later: a final month, then the day it says, then when it was left."""
        left = self.delivered_at.astimezone(UTC).isoformat(timespec="microseconds")
        return f"{int(self.final)}:{self.as_of}:{left}"

    @property
    def listing(self) -> list[list[Any]]:
        """What tells, without reading them, that a delivery's files are the ones that were seen before."""
        return [[file.key, file.size, file.modified.isoformat(), file.etag] for file in self.files]


@dataclass(frozen=True, slots=True)
class Feed:
    """How one source's deliveries lie: its format, what a delivery replaces, and the folders of its exports."""

    form: Format
    slice: SliceKind
    datasets: Mapping[str, str] = field(default_factory=dict)


def discover(feed: Feed, place: Place, spool: Path) -> list[Found]:
    """The deliveries of a place, oldest first; siblings that are not to be taken are among them."""
    listing: list[PlacedFile] = []
    unreadable: list[PlacedFile] = []
    for entry in place.list():
        (listing if _is_text(entry.key) else unreadable).append(entry)
    found = _LAYOUTS[feed.form.layout](feed, place, listing, spool)
    found += [_unspeakable(entry) for entry in unreadable if entry.key.lower().endswith(DATA_SUFFIXES)]
    return sorted(found, key=lambda one: (one.version, one.key))


def _is_text(key: str) -> bool:
    """Whether a name can be stored: a folder of this machine may hold names that are no UTF-8."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in key


def _unspeakable(entry: PlacedFile) -> Found:
    spelt = entry.key.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
    return _refused(replace(entry, key=spelt), UnreadableFileError(spelt, "its name is no text in UTF-8"))


# --- AWS: a manifest for each assembly, and one for the month that points to the newest --------


def _aws_manifests(feed: Feed, place: Place, listing: Sequence[PlacedFile], spool: Path) -> list[Found]:
    del feed
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
    """Legacy reports name their parts `reportKeys`; Data Exports list them under a name that is not documented."""
    try:
        names = manifest.get("reportKeys") or list(dict.fromkeys(_data_files(manifest)))
        # A part that is listed under two names is one part: read twice, it would be billed twice.
        parts = list(dict.fromkeys(_listed(entry.key, _without_bucket(str(name)), listing) for name in names))
        period = _aws_period(entry.key, manifest)
        checksums = {part.key: str(said) for part, said in _named(parts, dict(manifest.get("checksums") or {}))}
    except DeliveryRefusedError as refusal:
        return _refused(entry, refusal)
    except KeyError as missing:
        return _refused(entry, UnreadableFileError(entry.key, f"a manifest without {missing}"))
    except (TypeError, ValueError, RecursionError) as problem:
        return _refused(entry, UnreadableFileError(entry.key, f"a manifest of another form ({problem})"))
    if not parts:
        return _refused(entry, UnreadableFileError(entry.key, "a manifest that lists no data file"))
    return Found(
        key=entry.key,
        files=tuple(parts),
        delivered_at=entry.modified,
        period=period,
        account=str(manifest.get("account") or ""),
        announced=True,
        checksums=checksums,
    )


def _data_files(part: object) -> Iterator[str]:
    """Every text of a manifest, however deep, that is the name of a data file."""
    if isinstance(part, str):
        if part.lower().endswith(DATA_SUFFIXES):
            yield part
    elif isinstance(part, Mapping):
        for inner in part.values():
            yield from _data_files(inner)
    elif isinstance(part, Sequence):
        for inner in part:
            yield from _data_files(inner)


def _without_bucket(name: str) -> str:
    return name.split("/", 3)[3] if name.startswith("s3://") and name.count("/") > 2 else name  # noqa: PLR2004 - s3://bucket/key


def _named(parts: Sequence[PlacedFile], said: Mapping[str, object]) -> list[tuple[PlacedFile, object]]:
    return [(part, value) for name, value in said.items() for part in parts if _same(name, part.key)]


def _aws_period(key: str, manifest: Mapping[str, Any]) -> str:
    if in_path := _PARTITION.search(key) or _RANGE.search(key):
        return f"{in_path[1]}-{in_path[2]}"
    start = str(manifest["billingPeriod"]["start"])
    if not re.match(r"[0-9]{6}", start):
        raise UnreadableFileError(key, f"billingPeriod.start {start[:30]!r} is no date")
    return f"{start[:4]}-{start[4:6]}"


def _same(listed: str, key: str) -> bool:
    return listed == key or listed.endswith("/" + key) or key.endswith("/" + listed)


def _listed(manifest: str, name: str, listing: Sequence[PlacedFile]) -> PlacedFile:
    """The file that a manifest names: by its whole key, or by as much of it as the place and the manifest share."""
    checked_key(name, manifest.rpartition("/")[0] or "the place")
    matches = [entry for entry in listing if _same(name, entry.key)]
    if not matches:
        raise MissingPartError(manifest, name)
    return max(matches, key=lambda entry: (_alike(name[::-1], entry.key[::-1]), _alike(manifest, entry.key)))


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


# --- folders: each folder is one delivery, each file at the top too ---------------------------


def _folders(feed: Feed, place: Place, listing: Sequence[PlacedFile], spool: Path) -> list[Found]:
    groups: dict[str, list[PlacedFile]] = defaultdict(list)
    manifests: dict[str, PlacedFile] = {}
    for entry in listing:
        folder, _, name = entry.key.rpartition("/")
        if name.lower() in {"manifest.json", "_manifest.json"}:
            manifests[folder] = entry
        elif name.lower().endswith(DATA_SUFFIXES):
            groups[folder if folder and feed.slice != "file" else entry.key].append(entry)
    if feed.slice == "period":
        for folder in manifests:
            groups.setdefault(folder, [])
    found = [_sliced(feed.slice, _folder_delivery(folder, files)) for folder, files in groups.items()]
    return [_with_manifest(delivery, place, manifests.get(delivery.key), listing, spool) for delivery in found]


def _sliced(kind: SliceKind, found: Found) -> Found:
    """The same delivery, as the increment that it is for a source of days or files."""
    if kind == "period":
        return found
    if kind == "file":
        return replace(found, slice=_file_slice(found.key))
    day = _DAY.search(found.key)
    if day is None:
        return replace(found, refusal=UnknownFileError(found.key, "a day (YYYYMMDD) in its path"))
    return _sliced_by_day(found, f"{day[1]}{day[2]}{day[3]}")


def _sliced_by_day(found: Found, day: str) -> Found:
    try:
        said = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return replace(found, refusal=UnknownFileError(found.key, "a day (YYYYMMDD) in its name"))
    return replace(found, slice=f"{_DAY_SLICE}{said:%Y%m%d}")


def month_of(slice_name: str) -> str:
    """The month (YYYY-MM) of a day's slice; nothing of another one."""
    day = slice_name.removeprefix(_DAY_SLICE)
    return f"{day[:4]}-{day[4:6]}" if slice_name.startswith(_DAY_SLICE) else ""


def _file_slice(key: str) -> str:
    return f"file-{digest(key)[:16]}"


def _folder_delivery(folder: str, files: Sequence[PlacedFile]) -> Found:
    month, run = _RANGE.search(folder), _RUN.search(folder)
    latest = max((file.modified for file in files), default=datetime.fromtimestamp(0, UTC))
    if run and (at := _minute(run[1])):
        latest = at
    period = f"{month[1]}-{month[2]}" if month else ""
    return Found(folder, tuple(files), latest, period)


def _minute(digits: str) -> datetime | None:
    """The time that a run's folder is named by; None where twelve digits are no time."""
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None


def _with_manifest(
    found: Found, place: Place, entry: PlacedFile | None, listing: Sequence[PlacedFile], spool: Path
) -> Found:
    """Azure's manifest lists blobs with their sizes, and counts rows."""
    if entry is None:
        return found
    manifest, problem = _read_manifest(place, entry, spool)
    if problem is not None:
        return _refused(entry, problem)
    try:
        blobs = [(str(blob["blobName"]), blob.get("byteCount")) for blob in manifest.get("blobs") or ()]
        sizes = {_listed(entry.key, name, listing): size for name, size in blobs}
    except DeliveryRefusedError as refusal:
        return _refused(entry, refusal)
    except (AttributeError, KeyError, TypeError) as problem:
        return _refused(entry, UnreadableFileError(entry.key, f"a manifest of another form ({problem})"))
    rows = manifest.get("dataRowCount")
    return replace(
        found,
        files=tuple(sizes) or found.files,
        announced=True,
        sizes={part.key: size for part, size in sizes.items() if isinstance(size, int)},
        rows=rows if isinstance(rows, int) else None,
    )


# --- named files: what a file says is written in its name --------------------------------------


@dataclass(frozen=True, slots=True)
class _Named:
    """One file whose name says what it is."""

    entry: PlacedFile
    kind: FilePattern
    match: re.Match[str]

    def said(self, group: str) -> str:
        """A named part of the file's name, or nothing."""
        return (self.match.groupdict().get(group) or "").strip()

    @property
    def month(self) -> str:
        """The month that the name says, YYYY-MM, or nothing."""
        digits = self.said("month") or self.said("first")
        return f"{digits[:4]}-{digits[4:6]}" if digits else ""

    @property
    def delivery(self) -> str:
        """What is the same for every part of one delivery: folder and name without the part's number."""
        folder, _, name = self.entry.key.rpartition("/")
        start, end = self.match.span("part") if self.said("part") else (0, 0)
        # `bill.csv` and `bill_2.csv` are one delivery, whether the separator counts as the part's or not.
        return f"{folder}/{name[:start].rstrip('_-')}{name[end:]}".strip("/")


def _named_files(feed: Feed, place: Place, listing: Sequence[PlacedFile], spool: Path) -> list[Found]:
    del place, spool
    groups: dict[str, list[_Named]] = defaultdict(list)
    others: list[PlacedFile] = []
    for entry in listing:
        named = _recognised(feed.form.files, entry)
        if named is not None:
            groups[named.delivery].append(named)
        elif entry.key.lower().endswith(DATA_SUFFIXES):
            others.append(entry)
    return [_named_delivery(files) for files in groups.values()] + [_unnamed(feed, entry) for entry in others]


def _recognised(patterns: Sequence[FilePattern], entry: PlacedFile) -> _Named | None:
    name = entry.key.rpartition("/")[2]
    matches = ((kind, kind.pattern.fullmatch(name)) for kind in patterns)
    return next((_Named(entry, kind, match) for kind, match in matches if match), None)


def said_in_name(form: Format, name: str) -> tuple[str, str]:
    """The billing account and the month (YYYY-MM) that a file's name says, each empty where it says none."""
    named = _recognised(form.files, PlacedFile(name, 0, datetime.fromtimestamp(0, UTC)))
    return (named.said("account"), named.month) if named else ("", "")


def _named_delivery(files: Sequence[_Named]) -> Found:
    first = files[0]
    day = first.said("day")
    found = Found(
        key=first.delivery if len(files) > 1 else first.entry.key,
        files=tuple(one.entry for one in files),
        delivered_at=max(one.entry.modified for one in files),
        account=first.said("account"),
        sibling=first.kind.sibling,
    )
    if first.kind.covers == "file":
        return replace(found, slice=_file_slice(found.key))
    if first.kind.covers == "day":
        return _sliced_by_day(found, day)
    return replace(found, period=first.month, final=first.kind.covers == "month", as_of=day)


def _unnamed(feed: Feed, entry: PlacedFile) -> Found:
    """A file that the vendor does not name so: taken for a whole bill, unless bills come in increments."""
    if feed.slice == "period":
        return Found(entry.key, (entry,), entry.modified)
    names = " or ".join(kind.pattern.pattern for kind in feed.form.files if not kind.sibling)
    return _refused(entry, UnknownFileError(entry.key, f"a name like {names}"))


# --- two exports that are one bill: the newest run of each, month by month ---------------------


def _pairs(feed: Feed, place: Place, listing: Sequence[PlacedFile], spool: Path) -> list[Found]:
    newest: dict[str, dict[str, Found]] = defaultdict(dict)
    for dataset in feed.form.datasets:
        folder = feed.datasets.get(dataset, dataset).strip("/") + "/"
        inside = [entry for entry in listing if entry.key.startswith(folder)]
        for found in sorted(_folders(feed, place, inside, spool), key=lambda one: one.version):
            newest[found.period][dataset] = found
    return [_paired(feed.form.datasets, period, runs) for period, runs in newest.items()]


def _paired(datasets: Sequence[str], period: str, runs: Mapping[str, Found]) -> Found:
    present = [runs[dataset] for dataset in datasets if dataset in runs]
    missing = [dataset for dataset in datasets if dataset not in runs]
    merged = Found(
        key=" + ".join(run.key for run in present),
        files=tuple(file for run in present for file in run.files),
        delivered_at=max(run.delivered_at for run in present),
        period=period,
        announced=all(run.announced for run in present),
        sizes={key: size for run in present for key, size in run.sizes.items()},
        rows=sum(run.rows or 0 for run in present) if all(run.rows is not None for run in present) else None,
        datasets={file.key: dataset for dataset, run in runs.items() for file in run.files},
        refusal=next((run.refusal for run in present if run.refusal), None),
    )
    if not period:
        problem = WrongPeriodError(merged.key, "a month in its folder (20261001-20261031)", "none")
        return replace(merged, refusal=merged.refusal or problem)
    return replace(merged, waits_for=f"the {' and '.join(missing)} export of {period}" if missing else "")


# --- shared -----------------------------------------------------------------------------------


def _read_manifest(
    place: Place, entry: PlacedFile, spool: Path
) -> tuple[Mapping[str, Any], DeliveryRefusedError | None]:
    if entry.size > _MANIFEST_BYTES:
        return {}, UnreadableFileError(entry.key, f"a manifest of {entry.size} bytes, more than {_MANIFEST_BYTES}")
    try:
        loaded = json.loads(place.fetch(entry.key, spool).read_bytes())
        # Half a pair of surrogates, or a NUL: JSON can write what no name has and no database takes.
        is_text = "\\u0000" not in json.dumps(loaded, ensure_ascii=False).encode().decode()
    except (ValueError, RecursionError) as error:
        return {}, UnreadableFileError(entry.key, f"no JSON ({error})")
    if not is_text:
        return {}, UnreadableFileError(entry.key, "JSON with a NUL in it")
    if not isinstance(loaded, dict):
        return {}, UnreadableFileError(entry.key, "JSON, but no object")
    return loaded, None


def _refused(entry: PlacedFile, refusal: DeliveryRefusedError) -> Found:
    return Found(entry.key, (entry,), entry.modified, refusal=refusal)


_LAYOUTS: dict[str, Callable[[Feed, Place, Sequence[PlacedFile], Path], list[Found]]] = {
    "aws_manifest": _aws_manifests,
    "folders": _folders,
    "named_files": _named_files,
    "azure_pair": _pairs,
}
