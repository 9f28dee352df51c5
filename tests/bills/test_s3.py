"""The same deliveries out of a bucket, through boto3, from a real server of the S3 protocol on loopback."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.bills.bill_files import line, report, write_assembly
from tests.bills.conftest import Configure
from twinledger.bills import ingest_source
from twinledger.books import Books
from twinledger.cloud.s3 import S3Place, open_place
from twinledger.vocabulary.errors import UnsafePathError

MANY = 1100


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="bills")
    yield "bills"
    client.close()
    server.stop()


def upload(folder: Path, bucket: str, prefix: str) -> None:
    client = boto3.client("s3")
    for path in folder.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), bucket, f"{prefix}/{path.relative_to(folder).as_posix()}")
    client.close()


def test_a_bill_in_a_bucket_becomes_the_same_ledger_as_one_in_a_folder(
    books: Books,
    source: Configure,
    bills_folder: Path,
    bucket: str,
    ledger: Callable[[], list[tuple[str, int, Decimal]]],
) -> None:
    modified = datetime(2026, 10, 3, tzinfo=UTC)
    write_assembly(bills_folder, [report([line("0.10")]), report([line("0.20")])], modified=modified)
    upload(bills_folder, bucket, "exports/aws")
    source(place=f"s3://{bucket}/exports/aws")
    with_buckets = dataclasses.replace(books, places=open_place)
    assert [outcome.state for outcome in ingest_source(with_buckets, "aws")] == ["ingested"]
    assert ledger() == [("2026-10", 2, Decimal("0.30"))]
    assert [outcome.state for outcome in ingest_source(with_buckets, "aws")] == ["unchanged"]


def test_a_listing_of_more_than_one_page_is_complete(bucket: str) -> None:
    client = boto3.client("s3")
    for number in range(MANY):
        client.put_object(Bucket=bucket, Key=f"many/{number:05d}.csv", Body=b"x")
    assert len(list(S3Place(client, bucket, "many").list())) == MANY
    client.close()


def test_a_key_that_climbs_is_not_fetched(bucket: str, tmp_path: Path) -> None:
    client = boto3.client("s3")
    with pytest.raises(UnsafePathError):
        S3Place(client, bucket, "exports").fetch("../secret.csv", tmp_path)
    with pytest.raises(FileNotFoundError):
        S3Place(client, bucket, "exports").fetch("nothing.csv", tmp_path)
    client.close()
