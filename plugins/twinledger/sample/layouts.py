"""Layouts that several vendors share: named files, as CSV, gzip, zip or Parquet.

What belongs here: from a delivery's parts to the bytes of files, the same for equal rows. What does
not: any one vendor's folders and manifests, which are in `vendors`.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from twinledger.sample.bills import Delivery, Layout, Part
from twinledger.sample.studio import Studio

_BLOCK = 1 << 20
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every member of a zip: the least that the format can say."""


@dataclass(frozen=True, slots=True)
class Text:
    """How a CSV's characters become bytes; `encoding` is a codec's name, utf-8-sig for a byte-order mark."""

    encoding: str = "utf-8"
    newline: str = "\n"


PLAIN = Text()


def stamp_file(path: Path, at: datetime) -> None:
    """Give a file the time it was delivered at."""
    os.utime(path, (at.timestamp(), at.timestamp()))


def write_text(path: Path, text: str, at: datetime) -> None:
    """Write a small file as it was left at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    stamp_file(path, at)


def as_json(document: object) -> str:
    """A document as vendors print it."""
    return json.dumps(document, indent=2) + "\n"


def write_part(studio: Studio, delivery: Delivery, part: Part, path: Path, text: Text = PLAIN) -> None:
    """Write one part as CSV, gzipped CSV or Parquet, by the path's last suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    studio.ready(delivery.bill.model, part.dataset, delivery.delivered_at)
    if path.suffix == ".parquet":
        studio.parquet(delivery.bill.view, part.segments, path)
    elif path.suffix == ".gz" and text == PLAIN:
        studio.csv(delivery.bill.view, part.segments, path, gzip=True)
    elif text == PLAIN:
        studio.csv(delivery.bill.view, part.segments, path)
    else:
        _write_encoded(studio, delivery, part, path, text)


def _write_encoded(studio: Studio, delivery: Delivery, part: Part, path: Path, text: Text) -> None:
    bare = path.with_name(path.name + ".bare")
    studio.csv(delivery.bill.view, part.segments, bare)
    coded = path.with_name(path.name + ".coded")
    with (
        bare.open(encoding="utf-8", newline="") as source,
        coded.open("w", encoding=text.encoding, newline="") as target,
    ):
        while block := source.read(_BLOCK):
            target.write(block.replace("\n", text.newline))
    bare.unlink()
    if path.suffix != ".gz":
        coded.rename(path)
        return
    with coded.open("rb") as plain, gzip.GzipFile(path, "wb", mtime=0) as packed:
        shutil.copyfileobj(plain, packed, _BLOCK)
    coded.unlink()


def named_files(name: str, *, member: str = "", text: Text = PLAIN) -> Layout:
    """Files whose names say what they are of.

    Args:
        name: template of a file's path below its bill's folder, of `Delivery.words`, `part` (from 1) and
            `dataset`: '{account}_BillingItemDetail_{stamp}.csv'. Its suffix says what is written: .csv,
            .csv.gz, .parquet, or .zip. Without `part` and `dataset`, all parts are members of one zip.
        member: for a zip, template of the names of the CSV files in it.
        text: how CSV becomes bytes.
    """
    is_one_zip = name.endswith(".zip") and "{part" not in name and "{dataset" not in name

    def parts_of(delivery: Delivery, number: int) -> list[tuple[int, Part]]:
        numbered = list(enumerate(delivery.parts, start=1))
        return numbered if is_one_zip else [numbered[number - 1]]

    def filled(template: str, delivery: Delivery, number: int, part: Part) -> str:
        return template.format(**delivery.words, part=number, dataset=part.dataset)

    def write(studio: Studio, root: Path, delivery: Delivery, number: int) -> Path:
        parts = parts_of(delivery, number)
        path = root / filled(name, delivery, *parts[0])
        if path.suffix != ".zip":
            write_part(studio, delivery, parts[0][1], path, text)
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for place, part in parts:
                bare = path.with_name(f"{path.name}.{place}.csv")
                write_part(studio, delivery, part, bare, text)
                _pack(archive, bare, filled(member, delivery, place, part))
        return path

    def files(delivery: Delivery) -> int:
        return 1 if is_one_zip else len(delivery.parts)

    return Layout(write=write, files=files)


def _pack(archive: zipfile.ZipFile, file: Path, name: str) -> None:
    """Move a file into an archive, block by block and without its time."""
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3  # as written on Unix, wherever it is written
    with file.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
        shutil.copyfileobj(source, target, _BLOCK)
    file.unlink()
