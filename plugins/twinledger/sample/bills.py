"""The vendors' deliveries: folders, manifests and the times they were left there.

What belongs here: which files a delivery has and how its vendor lays them out. What does not: the
rows. Source of the layouts: reference/vendor_bill_formats.md, sections 1.3 and 2.1.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from twinledger.sample import fleet
from twinledger.sample.fleet import Segment, Vendor
from twinledger.sample.studio import Studio
from twinledger.vocabulary.periods import Period

ROWS_A_FILE = 500_000
_BOM = b"\xef\xbb\xbf"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Delivery:
    """One hand-over of one month: its parts and when it was left."""

    vendor: Vendor
    period: Period
    delivered_at: datetime
    parts: tuple[tuple[Segment, ...], ...]
    preliminary: bool = False

    @property
    def rows(self) -> int:
        """How many bill lines it has."""
        return sum(segment.rows for part in self.parts for segment in part)

    @property
    def stamp(self) -> str:
        """The time of delivery, as vendors put it into folder names."""
        return self.delivered_at.strftime("%Y%m%dT%H%M%SZ")


def restated_period(periods: list[Period]) -> Period:
    """The month that AWS delivers twice: the last but one, where there is one."""
    return periods[-2] if len(periods) > 1 else periods[-1]


def deliveries(periods: list[Period], scale: Decimal) -> Iterator[Delivery]:
    """Every delivery of every vendor; the restated month comes before and after."""
    vendors: tuple[Vendor, ...] = ("aws", "azure", "stratus")
    for period in periods:
        for vendor in vendors:
            end = period.end()
            if vendor == "aws" and period == restated_period(periods):
                yield _delivery(vendor, period, end + timedelta(hours=30), scale, preliminary=True)
            yield _delivery(vendor, period, end + timedelta(days=4, hours=6), scale, preliminary=False)


def _delivery(vendor: Vendor, period: Period, at: datetime, scale: Decimal, *, preliminary: bool) -> Delivery:
    segments = fleet.month(vendor, period, scale, preliminary=preliminary)
    rows = sum(segment.rows for segment in segments)
    least = 2 if vendor == "aws" else 1
    size = min(ROWS_A_FILE, -(-rows // least))
    parts = tuple(tuple(part) for part in fleet.parts(segments, size))
    return Delivery(vendor, period, at, parts, preliminary)


def stamp_file(path: Path, at: datetime) -> None:
    """Give a file the time it was delivered at."""
    os.utime(path, (at.timestamp(), at.timestamp()))


def _write_text(path: Path, text: str, at: datetime) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    stamp_file(path, at)


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


# --- AWS: prefix/report/20261001-20261101/assembly/report-1.csv.gz ----------------------------

_AWS_MONTH = "cur/nimbus-daily/{start:%Y%m%d}-{end:%Y%m%d}"


def _aws_month(delivery: Delivery) -> str:
    return _AWS_MONTH.format(start=delivery.period.start(), end=delivery.period.end())


def _aws_key(delivery: Delivery, number: int) -> str:
    return f"{_aws_month(delivery)}/{delivery.stamp}/nimbus-daily-{number}.csv.gz"


def _aws_part(studio: Studio, folder: Path, delivery: Delivery, number: int) -> Path:
    path = folder / _aws_key(delivery, number)
    studio.csv("aws_report", delivery.parts[number - 1], path, gzip=True)
    return path


def _aws_manifest(studio: Studio, folder: Path, delivery: Delivery) -> None:
    names = (column.split("/", 1) for column in studio.columns("aws_report"))
    document = _json(
        {
            "assemblyId": delivery.stamp,
            "account": fleet.AWS_PAYER,
            "columns": [{"category": category, "name": name} for category, name in names],
            "charset": "UTF-8",
            "compression": "GZIP",
            "contentType": "text/csv",
            "reportId": hashlib.sha256(b"nimbus-daily").hexdigest(),
            "reportName": "nimbus-daily",
            "billingPeriod": {
                "start": delivery.period.start().strftime("%Y%m%dT%H%M%S.000Z"),
                "end": delivery.period.end().strftime("%Y%m%dT%H%M%S.000Z"),
            },
            "bucket": "nimbus-billing",
            "reportKeys": [_aws_key(delivery, number) for number in range(1, len(delivery.parts) + 1)],
        }
    )
    month = folder / _aws_month(delivery)
    _write_text(month / delivery.stamp / "nimbus-daily-Manifest.json", document, delivery.delivered_at)
    if not delivery.preliminary:
        _write_text(month / "nimbus-daily-Manifest.json", document, delivery.delivered_at)


# --- Azure: path/export/20261001-20261031/202611050600/guid/part_0_0001.csv -------------------


def _azure_key(delivery: Delivery, number: int) -> str:
    last = delivery.period.end() - timedelta(days=1)
    run = hashlib.sha256(f"azure {delivery.period}".encode()).hexdigest()
    guid = f"{run[:8]}-{run[8:12]}-4{run[13:16]}-a{run[17:20]}-{run[20:32]}"
    return (
        f"exports/nimbus-actual/{delivery.period.start():%Y%m%d}-{last:%Y%m%d}"
        f"/{delivery.delivered_at:%Y%m%d%H%M}/{guid}/part_0_{number:04d}.csv"
    )


def _azure_part(studio: Studio, folder: Path, delivery: Delivery, number: int) -> Path:
    path = folder / _azure_key(delivery, number)
    bare = path.with_suffix(".bare")
    studio.csv("azure_export", delivery.parts[number - 1], bare)
    with bare.open("rb") as source, path.open("wb") as target:
        target.write(_BOM)
        while block := source.read(_BLOCK):
            target.write(block.replace(b"\n", b"\r\n"))
    bare.unlink()
    return path


def _azure_manifest(studio: Studio, folder: Path, delivery: Delivery) -> None:
    del studio
    keys = [_azure_key(delivery, number) for number in range(1, len(delivery.parts) + 1)]
    counts = [sum(segment.rows for segment in part) for part in delivery.parts]
    document = {
        "manifestVersion": "2024-04-01",
        "byteCount": sum((folder / key).stat().st_size for key in keys),
        "blobCount": len(keys),
        "dataRowCount": delivery.rows,
        "exportConfig": {
            "exportName": "nimbus-actual",
            "dataVersion": "2023-05-01",
            "type": "ActualCost",
            "timeFrame": "TheLastMonth",
            "granularity": "Daily",
        },
        "deliveryConfig": {
            "partitionData": True,
            "dataOverwriteBehavior": "CreateNewReport",
            "fileFormat": "Csv",
            "compressionMode": "None",
            "rootFolderPath": "exports",
        },
        "runInfo": {
            "executionType": "Scheduled",
            "submittedTime": delivery.delivered_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "startDate": delivery.period.start().strftime("%Y-%m-%dT00:00:00"),
            "endDate": (delivery.period.end() - timedelta(days=1)).strftime("%Y-%m-%dT00:00:00"),
        },
        "blobs": [
            {"blobName": key, "byteCount": (folder / key).stat().st_size, "dataRowCount": count}
            for key, count in zip(keys, counts, strict=True)
        ],
    }
    _write_text((folder / keys[0]).parent / "manifest.json", _json(document), delivery.delivered_at)


# --- Stratus: focus/2026-10/part-00001.parquet ------------------------------------------------


def _stratus_part(studio: Studio, folder: Path, delivery: Delivery, number: int) -> Path:
    path = folder / "focus" / str(delivery.period) / f"part-{number:05d}.parquet"
    studio.parquet("stratus_focus", delivery.parts[number - 1], path)
    return path


def _no_manifest(studio: Studio, folder: Path, delivery: Delivery) -> None:
    del studio, folder, delivery


Part = Callable[[Studio, Path, Delivery, int], Path]
Manifest = Callable[[Studio, Path, Delivery], None]

_LAYOUTS: dict[Vendor, tuple[Part, Manifest]] = {
    "aws": (_aws_part, _aws_manifest),
    "azure": (_azure_part, _azure_manifest),
    "stratus": (_stratus_part, _no_manifest),
}


def write_part(studio: Studio, folder: Path, delivery: Delivery, number: int) -> None:
    """Write one file of a delivery, numbered from 1."""
    part, _ = _LAYOUTS[delivery.vendor]
    root = folder / delivery.vendor
    keys: dict[Vendor, str] = {
        "aws": _aws_key(delivery, number),
        "azure": _azure_key(delivery, number),
        "stratus": f"focus/{delivery.period}/part",
    }
    (root / keys[delivery.vendor]).parent.mkdir(parents=True, exist_ok=True)
    stamp_file(part(studio, root, delivery, number), delivery.delivered_at)


def write_manifest(studio: Studio, folder: Path, delivery: Delivery) -> None:
    """Announce a delivery whose files are all there."""
    _, manifest = _LAYOUTS[delivery.vendor]
    manifest(studio, folder / delivery.vendor, delivery)


def sources() -> list[dict[str, object]]:
    """The bill sources, as sources.yaml has them; places are relative to the configuration's folder."""
    formats: dict[Vendor, tuple[str, str]] = {
        "aws": ("aws_cur_legacy", fleet.AWS_PAYER),
        "azure": ("azure_ea", fleet.AZURE_ACCOUNT),
        "stratus": ("focus_1_2", fleet.STRATUS_ACCOUNT),
    }
    return [
        {
            "name": vendor,
            "kind": "bill",
            "format": format_name,
            "place": f"../bills/{vendor}",
            "slice": "period",
            "account": account,
            "currency": fleet.CURRENCIES[vendor],
        }
        for vendor, (format_name, account) in formats.items()
    ]


def clear(folder: Path) -> None:
    """Remove what an earlier sample left, so that equal seeds give equal folders."""
    for name in ("bills", "usage", "config"):
        shutil.rmtree(folder / name, ignore_errors=True)
