"""The files of one bill format for the benchmark, as its vendor delivers them, at any number of rows.

What belongs here: which of the sample company's bills stands for a format, and making many files of it out
of a few. What does not: the stages that read them.

Rows are made once for one file's worth of a bill and repeated: no stage looks whether a row is like another.
"""

from __future__ import annotations

import gzip
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import IO, Literal, cast

import duckdb

from twinledger.bills.formats import format_named, format_names
from twinledger.sample import bills, config
from twinledger.sample.bills import Bill, Delivery, Layout
from twinledger.sample.company import LAST_PERIOD
from twinledger.sample.layouts import named_files, stamp_file
from twinledger.sample.studio import Studio, open_studios
from twinledger.sample.vendors import BILLS

BASE_ROWS = 200_000
"""Rows that are made; the others repeat them."""
_BLOCK = 1 << 20
_FAST = 1  # of zlib: the packing is not what is measured

_SAME_COLUMNS = {
    "alibaba_instance": ("alibaba_billing_item", "bill/{account}_InstanceDetail_{month}.csv"),
    "alibaba_bill_instances": ("alibaba_billing_item", "bill/{account}_InstanceDetailMonthly_{month}.csv"),
    "alibaba_bill_monthly": ("alibaba_billing_item", "bill/{account}_BillingItemDetailMonthly_{month}.csv"),
    "focus_1_0": ("focus_1_2", "focus/{period}/part-{part:05d}.parquet"),
    "aws_focus_1_0": ("aws_focus_1_2", ""),
    "alibaba_split_v2": ("alibaba_consume_v2", "bill/{account}_2688801000001_splitDetailBillV2_{month}.csv"),
}
"""Formats without a bill in the sample: whose rows they have, and how their files are called (empty: likewise)."""
_NEW_COLUMNS = {"alibaba_split_v2": (("资源信息/资源ID", "分拆信息/分拆项ID"),)}
"""Columns that such a format asks for besides, and what they are a copy of."""


def bill_of(format_name: str) -> Bill:
    """The sample's bill in a format, or one that is made to be in it.

    Raises:
        LookupError: the sample has no bill of that format, nor one with the same columns.
    """
    found = next((bill for bill in BILLS if bill.format == format_name), None)
    if found:
        return found
    if format_name not in _SAME_COLUMNS:
        message = f"no bill of the sample company is in the format {format_name}: name a like one in tests/bench"
        raise LookupError(message)
    nearest, name = _SAME_COLUMNS[format_name]
    bill = bill_of(nearest)
    layout = named_files(name) if name else bill.layout
    return replace(bill, format=format_name, layout=_with_columns(layout, format_name), slice=_slice(format_name))


def _slice(format_name: str) -> Literal["period", "day", "file"]:
    return format_named(format_name).slice


def _with_columns(layout: Layout, format_name: str) -> Layout:
    """The same files with the columns that a format asks for besides."""
    copies = _NEW_COLUMNS.get(format_name, ())

    def write(studio: Studio, root: Path, delivery: Delivery, number: int) -> Path:
        path = layout.write(studio, root, delivery, number)
        for old, new in copies:
            plain = path.with_name(f"{path.name}.plain")
            path.rename(plain)
            select = f"""SELECT *, "{old}" AS "{new}" FROM read_csv('{plain}', all_varchar=true)"""
            duckdb.sql(f"COPY ({select}) TO '{path}' (HEADER)")
            plain.unlink()
        return path

    return replace(layout, write=write)


def formats() -> list[str]:
    """Every bill format there is."""
    return format_names()


def write_format(folder: Path, format_name: str, rows: int, seed: int = 7) -> tuple[Bill, list[tuple[str, str]]]:
    """Write about so many rows of a format below `folder`, with the configuration of its source alone.

    Returns the bill, and its files without manifests, each with the dataset that it is of.
    """
    # A bill that stays small in the sample grows here: every line of it is repeated.
    original = bill_of(format_name)
    bill = replace(
        original, lines=tuple(replace(line, scales=True) for line in original.lines), least_parts=1, restates=False
    )
    root = folder / "bills" / bill.name
    handed = _handed(bill, min(rows, BASE_ROWS))
    copies = max(1, round(rows / max(1, sum(one.rows for one in handed))))
    files: list[tuple[str, str]] = []
    with open_studios(seed, 1, bill.lines) as studios, studios.one() as studio:
        for delivery in handed:
            paths = _deliver(studio, root, delivery, copies)
            one_a_part = len(paths) == len(delivery.parts) * copies
            datasets = [part.dataset for part in delivery.parts * copies] if one_a_part else [""] * len(paths)
            files += [(str(path), dataset) for path, dataset in zip(paths, datasets, strict=True)]
    config.write_config(folder / "config", [bill], [LAST_PERIOD], [], metered=False)
    return bill, files


def _handed(bill: Bill, rows: int) -> list[Delivery]:
    def at(scale: Decimal) -> list[Delivery]:
        return [one for one in bills.deliveries([bill], [LAST_PERIOD], scale) if not one.superseded]

    once, twice = (sum(one.rows for one in at(Decimal(scale))) for scale in (1, 2))
    return at(max(Decimal("0.001"), 1 + Decimal(rows - once) / max(1, twice - once)))


def _deliver(studio: Studio, root: Path, delivery: Delivery, copies: int) -> list[Path]:
    """The files of a delivery whose parts are repeated so many times, and its manifest."""
    layout = delivery.bill.layout
    made = [layout.write(studio, root, delivery, number) for number in range(1, layout.files(delivery) + 1)]
    whole = replace(delivery, parts=delivery.parts * copies, segments=delivery.segments * copies)
    paths = made if copies == 1 else _repeated(studio, root, whole, made, copies)
    for path in paths:
        stamp_file(path, delivery.delivered_at)
    layout.manifest(studio, root, whole)
    return paths


def _repeated(studio: Studio, root: Path, whole: Delivery, made: list[Path], copies: int) -> list[Path]:
    if made[0].suffix == ".zip" and len(set(made)) == 1:
        _repeat_members(made[0], copies)
        return made
    if len({str(path) for path in _paths(studio, root, whole)}) < len(whole.parts):
        for path in dict.fromkeys(made):
            _repeat_lines(path, copies)
        return list(dict.fromkeys(made))
    paths = _paths(studio, root, whole)
    for number, path in enumerate(paths):
        if path not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.hardlink_to(made[number % len(made)])
    return paths


def _paths(studio: Studio, root: Path, whole: Delivery) -> list[Path]:
    """What the files are called, which the layout alone knows: it writes them with one row each, elsewhere."""
    elsewhere = root.with_name(f"{root.name}.names")
    few = tuple(replace(part, segments=(replace(one := part.segments[0], last=one.first + 1),)) for part in whole.parts)
    short = replace(whole, parts=few)
    names = [
        whole.bill.layout.write(studio, elsewhere, short, number).relative_to(elsewhere)
        for number in range(1, whole.bill.layout.files(short) + 1)
    ]
    shutil.rmtree(elsewhere)
    return [root / name for name in names]


def _repeat_members(archive: Path, copies: int) -> None:
    single = archive.with_name(f"{archive.name}.single")
    archive.rename(single)
    with (
        zipfile.ZipFile(single) as source,
        zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=_FAST) as target,
    ):
        for copy in range(copies):
            for member in source.namelist():
                name = Path(member)
                with (
                    source.open(member) as plain,
                    target.open(f"{name.stem}-{copy:04d}{name.suffix}", "w", force_zip64=True) as packed,
                ):
                    shutil.copyfileobj(plain, packed, _BLOCK)
    single.unlink()


def _repeat_lines(path: Path, copies: int) -> None:
    """Append what stands below a CSV's header again and again."""
    body = path.with_name(f"{path.name}.body")
    packed = path.suffix == ".gz"
    with _opened(path, packed=packed) as source, body.open("wb") as target:
        source.readline()
        for block in _packed(source) if packed else _blocks(source):
            target.write(block)
    with path.open("ab") as target:
        for _ in range(copies - 1):
            with body.open("rb") as source:
                shutil.copyfileobj(source, target, _BLOCK)
    body.unlink()


def _opened(path: Path, *, packed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    while block := source.read(_BLOCK):
        yield block


def _packed(source: IO[bytes]) -> Iterator[bytes]:
    """One gzip member: members one after another are one file."""
    packer = zlib.compressobj(_FAST, wbits=31)
    for block in _blocks(source):
        yield packer.compress(block)
    yield packer.flush()
