"""The same deliveries out of a bucket, through boto3, from a real server of the S3 protocol on loopback.

How buckets are listed and fetched is tested in tests/cloud.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bills.bill_files import line, report, write_assembly
from tests.bills.conftest import Configure
from tests.cloud.servers import Aws, running_aws, use_made_up_credentials
from twinledger.bills import ingest_source
from twinledger.books import Books
from twinledger.cloud import open_place
from twinledger.store.models import Source


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Aws]:
    """A server with a bucket `bills`, and credentials for it."""
    use_made_up_credentials(monkeypatch, tmp_path)
    with running_aws() as server:
        client = server.s3()
        client.create_bucket(Bucket="bills")
        client.close()
        yield server


def upload(aws: Aws, folder: Path, prefix: str) -> None:
    client = aws.s3()
    for path in folder.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), "bills", f"{prefix}/{path.relative_to(folder).as_posix()}")
    client.close()


def by_option(books: Books, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint stands in the source's entry."""
    del monkeypatch
    with books.store.transaction() as session:
        source = session.get(Source, "aws")
        assert source
        source.options = {"endpoint": aws.url}


def by_environment(books: Books, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint is boto3's own setting."""
    del books
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", aws.url)


@pytest.mark.parametrize("said", [by_option, by_environment])
def test_a_bill_in_a_bucket_becomes_the_same_ledger_as_one_in_a_folder(
    books: Books,
    source: Configure,
    bills_folder: Path,
    aws: Aws,
    ledger: Callable[[], list[tuple[str, int, Decimal]]],
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[Books, Aws, pytest.MonkeyPatch], None],
) -> None:
    modified = datetime(2026, 10, 3, tzinfo=UTC)
    write_assembly(bills_folder, [report([line("0.10")]), report([line("0.20")])], modified=modified)
    upload(aws, bills_folder, "exports/aws")
    source(place="s3://bills/exports/aws")
    said(books, aws, monkeypatch)
    with_buckets = dataclasses.replace(books, places=open_place)
    assert [outcome.state for outcome in ingest_source(with_buckets, "aws")] == ["ingested"]
    assert ledger() == [("2026-10", 2, Decimal("0.30"))]
    assert [outcome.state for outcome in ingest_source(with_buckets, "aws")] == ["unchanged"]
