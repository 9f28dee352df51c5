"""What is fuzzed: one function for each parser that is ours, over any bytes.

What belongs here: how bytes become a parser's input, and what must hold of what comes out: a result, or an
error with a name and a sentence that can be stored and sent, never another exception. What does not: who
makes the bytes: hypothesis in `test_parsers`, atheris in `tests.fuzz`.
"""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from twinledger.bills.deliveries import Feed, Found, discover
from twinledger.bills.files import open_bills
from twinledger.bills.formats import Format, SliceKind, detect, format_named, format_names, header_currency
from twinledger.cloud.notifications import created_objects
from twinledger.places import PlacedFile, checked_key
from twinledger.vocabulary.errors import DeliveryRefusedError, UnreadableNotificationError

LEFT = datetime(2026, 10, 2, 6, tzinfo=UTC)
SLICES: tuple[SliceKind, ...] = ("period", "day", "file")


class MemoryPlace:
    """A place of named bytes."""

    def __init__(self, files: dict[str, bytes]) -> None:
        """Hold what lies there, by key."""
        self._files = files

    def list(self) -> Iterator[PlacedFile]:
        """Every file, in order of key."""
        for key, content in sorted(self._files.items()):
            yield PlacedFile(key, len(content), LEFT)

    def fetch(self, key: str, spool: Path) -> Path:
        """A copy below `spool`."""
        if checked_key(key, "memory") not in self._files:
            raise FileNotFoundError(key)
        copy = spool / "fetched"
        copy.write_bytes(self._files[key])
        return copy


# --- bill files ------------------------------------------------------------------------------


def _plain(data: bytes) -> bytes:
    return data


def _gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _zipped(data: bytes, *members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed, warnings.catch_warnings(action="ignore"):  # two of one name
        for member in members or ("bill.csv",):
            packed.writestr(zipfile.ZipInfo(member), data)
    return buffer.getvalue()


WRAPPED: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("bill.csv", _plain),
    ("bill.csv.gz", _plain),
    ("bill.parquet", _plain),
    ("bill.csv.gz", _gzipped),
    ("bill.zip", _zipped),
    ("bill.csv", lambda data: data.decode("utf-8", "replace").encode("gb18030", "replace")),
)
"""The first byte of an input says under which name, and packed how, the others lie there."""


def bill_file(data: bytes) -> None:
    """`open_bills`, and what is asked of the header it finds."""
    name, packed = WRAPPED[data[0] % len(WRAPPED)] if data else WRAPPED[0]
    _open(name, packed(data[1:]))


def archive(data: bytes) -> None:
    """`open_bills` of an archive."""
    _open("bill.zip", data)


def _open(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        try:
            bills = open_bills(path, name, Path(folder) / "spool")
            assert len({bill.path for bill in bills}) == len(bills), "a file would be billed twice"
            for bill in bills:
                assert bill.path.resolve().is_relative_to(Path(folder).resolve())
                assert any(field.strip() for field in bill.header)
                assert header_currency(bill.header) != ""
                detect(bill.name, bill.header).bind(bill.header)
        except DeliveryRefusedError as refusal:
            _check_refusal(refusal)


# --- deliveries ------------------------------------------------------------------------------

_PART = "report/20261001-20261101/a1/report-1.csv.gz"
_BLOB = "20261001-20261031/202611020600/part_0_0001.csv"
_EXPORT = "export/data/BILLING_PERIOD=2026-10/export-00001.csv.gz"


def manifest(data: bytes) -> None:
    """A manifest of AWS (both kinds of reports) and of Azure."""
    bills = {_PART: b"x", _BLOB: b"x", _EXPORT: b"x"}
    aws, azure = _form("aws_cur_legacy"), _form("azure_ea")
    for key in (
        "report/20261001-20261101/report-Manifest.json",
        "export/metadata/BILLING_PERIOD=2026-10/export-Manifest.json",
        "report-Manifest.json",
    ):
        _discover(Feed(aws, "period"), {**bills, key: data})
    for key in ("20261001-20261031/202611020600/manifest.json", "_manifest.json"):
        _discover(Feed(azure, "period"), {**bills, key: data})
    pair = replace(azure, layout="azure_pair", datasets=("actual", "amortized"))
    both = {f"actual/{_BLOB}": b"x", f"amortized/{_BLOB}": b"x"}
    _discover(Feed(pair, "period"), {**both, f"actual/{_BLOB.rpartition('/')[0]}/manifest.json": data})


def names(data: bytes) -> None:
    """What a place's names say: one name a line, in every layout and for every format's patterns."""
    files = {key: b"x" for key in data.decode("utf-8", "surrogateescape").splitlines() if key and key[0] != "/"}
    for form in _forms():
        for kind in SLICES if form.layout == "folders" else SLICES[:2]:
            _discover(Feed(form, kind), files)


def _discover(feed: Feed, files: dict[str, bytes]) -> None:
    for one in discover(feed, MemoryPlace(files), _spool()):
        _check_found(one, feed, files)


@cache
def _spool() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="twinledger-fuzz-")
    _KEPT.append(folder)
    return Path(folder.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []
"""Folders that are removed when the process ends."""


def _check_found(one: Found, feed: Feed, files: dict[str, bytes]) -> None:
    for text in (one.key, one.period, one.account, one.slice, one.as_of, one.version, one.sibling, one.waits_for):
        _check_text(text)
    _check_text(json.dumps(one.listing, ensure_ascii=False))
    if one.refusal:
        _check_refusal(one.refusal)
        return
    assert {file.key for file in one.files} <= files.keys()
    assert len({file.key for file in one.files}) == len(one.files), "a file would be billed twice"
    assert one.sizes.keys() <= {file.key for file in one.files}
    assert one.slice == "all" or feed.slice != "period" or feed.form.layout == "named_files"


@cache
def _form(name: str) -> Format:
    return format_named(name)


@cache
def _forms() -> Sequence[Format]:
    """One format for each distinct way of finding deliveries."""
    forms = {(form.layout, form.files): form for form in map(_form, format_names())}
    return [form for form in forms.values() if form.layout != "aws_manifest"]


# --- notifications ---------------------------------------------------------------------------


def notification(data: bytes) -> None:
    """`created_objects`."""
    try:
        found = created_objects(data)
    except UnreadableNotificationError as refusal:
        _check_text(str(refusal))
        return
    for one in found:
        _check_text(one.bucket)
        _check_text(one.key)


def _check_refusal(refusal: DeliveryRefusedError) -> None:
    assert refusal.code != "refused"
    _check_text(str(refusal))


def _check_text(text: str) -> None:
    """A text that both databases and a message can hold."""
    assert "\x00" not in text, text
    text.encode()
    assert len(text) < 5000


PARSERS: dict[str, Callable[[bytes], None]] = {
    "bill_file": bill_file,
    "archive": archive,
    "manifest": manifest,
    "names": names,
    "notification": notification,
}

_FOCUS = b"BilledCost,BillingAccountId,BillingCurrency\n1.00,acc,EUR\n"
_BILLS = (_FOCUS, "\ufeff账期,应付金额(¥)\n2026-10,1\n".encode(), "账期,应付金额(元)\n2026-10,1\n".encode("gb18030"))
_LEGACY = {
    "assemblyId": "a1",
    "account": "111122223333",
    "billingPeriod": {"start": "20261001T000000.000Z"},
    "reportKeys": [_PART],
    "checksums": {_PART: "sha256:00"},
}
_AZURE = {"dataRowCount": 1, "blobs": [{"blobName": _BLOB, "byteCount": 1}]}
_OBJECT = {"bucket": {"name": "bills"}, "object": {"key": "exports/a+b%2B.csv"}}
_RECORD = {"Records": [{"eventName": "ObjectCreated:Put", "s3": _OBJECT}]}
_BRIDGE = {"detail-type": "Object Created", "source": "aws.s3", "detail": _OBJECT}

SEEDS: dict[str, tuple[bytes, ...]] = {
    "bill_file": tuple(
        bytes([number]) + (_gzipped(content) if number == 1 else content)
        for number in range(len(WRAPPED))
        for content in _BILLS
    ),
    "archive": tuple(
        _zipped(content, *names) for content in _BILLS for names in (("bill.csv",), ("a.csv", "a.csv"), ("账单/b.csv",))
    ),
    "manifest": tuple(json.dumps(one).encode() for one in (_LEGACY, {"dataFiles": [f"s3://bucket/{_EXPORT}"]}, _AZURE)),
    "names": (
        f"{_BLOB}\n{_PART}\n2026/10/01/part-1.csv".encode(),
        b"2026-10-02/nimbus_PriceFactorBillDetail_20261001.csv\nnimbus_PriceFactorBillDetail_20261001-20261031.csv",
        b"123_456_consumeDetailBillV2_20261017_1.csv\n123_456_BillingItemDetail_202610.csv",
    ),
    "notification": tuple(
        json.dumps(one).encode()
        for one in (_RECORD, _BRIDGE, {"TopicArn": "a", "Type": "Notification", "Message": json.dumps(_BRIDGE)})
    ),
}
"""Inputs that each parser takes: what fuzzing starts from."""
