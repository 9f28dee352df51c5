"""Buckets as places, through boto3, from a real server of the protocol on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mypy_boto3_s3 import S3Client

from tests.cloud.servers import Aws
from twinledger.cloud import open_place
from twinledger.cloud.s3 import ATTEMPTS
from twinledger.places import Place
from twinledger.vocabulary.errors import InvalidConfigError, ObjectChangedError, PlaceUnreachableError, UnsafePathError

MANY = 1003
LARGE = 3_000_000


@pytest.fixture
def bucket(aws: Aws) -> Iterator[S3Client]:
    """A client with a bucket `bills`."""
    client = aws.s3()
    client.create_bucket(Bucket="bills")
    yield client
    client.close()


def place(aws: Aws, address: str = "s3://bills/exports", **options: str) -> Place:
    return open_place(address, {"endpoint": aws.url, **options})


def keys(found: Place) -> list[str]:
    return [file.key for file in found.list()]


def test_a_listing_of_more_than_one_page_is_complete_and_in_order(aws: Aws, bucket: S3Client) -> None:
    del bucket
    with httpx.Client(base_url=aws.url) as quicker:
        for number in reversed(range(MANY)):
            quicker.put(f"/bills/exports/{number:05d}%20%2B%C3%BC.csv", content=b"x")
    assert keys(place(aws)) == [f"{number:05d} +ü.csv" for number in range(MANY)]


def test_a_prefix_is_a_folder_and_a_bucket_alone_is_all_of_it(aws: Aws, bucket: S3Client) -> None:
    for key in ("exports/a.csv", "exports-old/b.csv", "exports/", "c.csv"):
        bucket.put_object(Bucket="bills", Key=key, Body=b"x")
    assert keys(place(aws)) == ["a.csv"]
    assert keys(place(aws, "s3://bills")) == ["c.csv", "exports-old/b.csv", "exports/a.csv"]


def test_throttling_is_asked_again_and_ends_with_an_error_when_it_does_not_end(
    aws: Aws, bucket: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put_object(Bucket="bills", Key="exports/a.csv", Body=b"x")
    monkeypatch.setattr("time.sleep", lambda _: None)
    aws.refusals = 2
    assert keys(place(aws)) == ["a.csv"]
    aws.refusals = 2
    assert place(aws).fetch("a.csv", tmp_path).read_bytes() == b"x"
    aws.refusals = 1000
    with pytest.raises(PlaceUnreachableError, match=r"s3://bills/exports/ cannot be read: .*SlowDown"):
        keys(place(aws))
    assert aws.refusals == 1000 - ATTEMPTS


def test_an_object_is_fetched_as_it_is_under_the_end_of_its_name(aws: Aws, bucket: S3Client, tmp_path: Path) -> None:
    bucket.put_object(Bucket="bills", Key="exports/day/bill 1.csv.gz", Body=b"x" * LARGE)
    path = place(aws).fetch("day/bill 1.csv.gz", tmp_path)
    assert (path.stat().st_size, path.name.endswith("-bill 1.csv.gz")) == (LARGE, True)
    assert list(tmp_path.iterdir()) == [path]


def test_an_object_and_a_folder_of_the_same_name_do_not_collide(aws: Aws, bucket: S3Client, tmp_path: Path) -> None:
    for key in ("a", "a/b", "x/" + 300 * "n" + ".csv"):
        bucket.put_object(Bucket="bills", Key=f"exports/{key}", Body=key.encode())
    found = place(aws)
    for file in list(found.list()):
        assert found.fetch(file.key, tmp_path).read_text() == file.key


def test_a_connection_that_breaks_goes_on_where_it_broke(aws: Aws, bucket: S3Client, tmp_path: Path) -> None:
    body = bytes(range(256)) * (LARGE // 256)
    bucket.put_object(Bucket="bills", Key="exports/a.csv", Body=body)
    found = place(aws)
    keys(found)
    aws.cuts = 2
    assert found.fetch("a.csv", tmp_path).read_bytes() == body


def test_a_connection_that_always_breaks_leaves_nothing_behind(
    aws: Aws, bucket: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put_object(Bucket="bills", Key="exports/a.csv", Body=b"x" * LARGE)
    monkeypatch.setattr("time.sleep", lambda _: None)
    aws.cuts = 1000
    with pytest.raises(PlaceUnreachableError, match="total bytes expected"):
        place(aws).fetch("a.csv", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("server", ["knows If-Match", "does not"])
@pytest.mark.parametrize("body", [b"other", b"longer than before"])
def test_an_object_that_is_overwritten_after_it_was_listed_is_not_taken_for_the_listed_one(
    aws: Aws, bucket: S3Client, tmp_path: Path, server: str, body: bytes
) -> None:
    aws.knows_if_match = server == "knows If-Match"
    bucket.put_object(Bucket="bills", Key="exports/a.csv", Body=b"first")
    found = place(aws)
    keys(found)
    bucket.put_object(Bucket="bills", Key="exports/a.csv", Body=body)
    with pytest.raises(ObjectChangedError, match=r"s3://bills/exports/a\.csv changed"):
        found.fetch("a.csv", tmp_path)
    assert list(tmp_path.iterdir()) == []
    keys(found)
    assert found.fetch("a.csv", tmp_path).read_bytes() == body, "the next look has the new one"


def test_a_key_that_climbs_is_not_fetched_and_one_that_is_gone_is_missing(
    aws: Aws, bucket: S3Client, tmp_path: Path
) -> None:
    del bucket
    with pytest.raises(UnsafePathError):
        place(aws).fetch("../secret.csv", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"s3://bills/exports/nothing\.csv"):
        place(aws).fetch("nothing.csv", tmp_path)


@pytest.mark.parametrize(("options", "asked"), [({}, "/bills"), ({"addressing_style": "path"}, "/bills")])
def test_another_server_is_asked_by_path_unless_the_source_says_otherwise(
    aws: Aws, bucket: S3Client, options: dict[str, str], asked: str
) -> None:
    del bucket
    keys(place(aws, **options))
    assert aws.seen[-1].startswith(f"GET {asked}?")


def test_a_bucket_that_is_not_there_or_a_server_that_is_away_is_named(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(PlaceUnreachableError, match=r"s3://nobodys/ cannot be read: .*NoSuchBucket"):
        keys(place(aws, "s3://nobodys"))
    away = open_place("s3://bills", {"endpoint": "http://127.0.0.1:9"})
    with pytest.raises(PlaceUnreachableError, match="Could not connect"):
        keys(away)


def test_a_virtual_host_has_the_bucket_in_its_name(aws: Aws) -> None:
    del aws
    found = open_place("s3://bills/x", {"endpoint": "https://oss.example.com", "addressing_style": "virtual"})
    address = found._client.generate_presigned_url("get_object", Params={"Bucket": "bills", "Key": "k"})  # type: ignore[attr-defined]  # noqa: SLF001 - what boto3 would ask
    assert address.startswith("https://bills.oss.example.com/k?")


def test_other_servers_are_not_asked_for_checksums_that_only_aws_knows(aws: Aws, bucket: S3Client) -> None:
    del bucket
    for options, expected in (({"endpoint": aws.url}, "when_required"), ({"region": "us-east-1"}, "when_supported")):
        config = open_place("s3://bills", options)._client.meta.config  # type: ignore[attr-defined]  # noqa: SLF001 - likewise
        assert config.response_checksum_validation == expected


@pytest.mark.parametrize(
    ("address", "options", "problem"),
    [
        ("s3://bills", {"endpoint": "oss.example.com"}, "options.endpoint: expected https://host"),
        ("s3://bills", {"endpoint": "https://[oss"}, "options.endpoint: expected https://host"),
        ("s3://bills", {"endpoint": "https://a:b@oss.example.com"}, "carries credentials"),
        ("s3://bills", {"addressing_style": "sideways"}, "options.addressing_style: expected path, virtual or auto"),
        ("s3://bills", {"region": 7}, "options.region: expected a text, found 7"),
        ("s3://bills", {"profile": "nobody"}, "nobody"),
        ("s3://bills", {"secret_access_key": "x"}, "credentials are not configured here"),
        ("s3://bills", {"sas_token": "x"}, "credentials are not configured here"),
        ("s3:///exports", {}, "expected scheme://bucket/prefix"),
        ("ftp://bills", {}, "found 'ftp://bills'"),
    ],
)
def test_what_a_source_says_wrongly_of_its_place_is_named(
    aws: Aws, address: str, options: dict[str, Any], problem: str
) -> None:
    del aws
    with pytest.raises(InvalidConfigError) as refused:
        open_place(address, options)
    assert problem in str(refused.value)
    assert "x" * 5 not in str(refused.value)


def test_a_profile_brings_its_own_credentials(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "aws-credentials").write_text("[vendor]\naws_access_key_id = vendors\naws_secret_access_key = own\n")
    found = open_place("s3://bills", {"endpoint": aws.url, "profile": "vendor", "region": "cn-hangzhou"})
    address = found._client.generate_presigned_url("get_object", Params={"Bucket": "bills", "Key": "k"})  # type: ignore[attr-defined]  # noqa: SLF001 - what boto3 would sign
    assert "vendors" in address


def test_a_folder_of_this_machine_needs_no_cloud(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    assert keys(open_place(str(tmp_path))) == ["a.csv"]
