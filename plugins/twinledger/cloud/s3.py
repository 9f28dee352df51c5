"""S3, and what speaks S3, as a place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ProfileNotFound,
    ReadTimeoutError,
    ResponseStreamingError,
)
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from twinledger.cloud.addresses import bucket_and_prefix
from twinledger.cloud.copies import path_of_copy, whole_file
from twinledger.places import Place, PlacedFile, PlaceOptions
from twinledger.vocabulary.errors import InvalidConfigError, ObjectChangedError, PlaceUnreachableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ATTEMPTS = 8
_CHUNK = 1 << 20
_BROKEN = (ConnectionClosedError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError)
_GONE = {"404", "NoSuchKey"}
_OTHER = {"412", "PreconditionFailed"}


class _OtherObjectError(Exception):
    """The object does not have the ETag that was asked for."""


@contextmanager
def _reading(address: str) -> Iterator[None]:
    """What boto3 raises becomes an error of ours."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code in _GONE:
            raise FileNotFoundError(address) from None
        if code in _OTHER:
            raise _OtherObjectError from None
        raise PlaceUnreachableError(address, str(error)) from error
    except BotoCoreError as error:
        raise PlaceUnreachableError(address, str(error)) from error


class S3Place:
    """A prefix of a bucket; listings are paged, objects are streamed to disk, throttling is retried.

    What was listed is what is fetched: the listing's size and ETag are remembered and asked for.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str) -> None:
        """Open; the prefix is a folder, with or without a slash at its end."""
        self._client = client
        self._bucket = bucket
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._root = f"s3://{bucket}/{self._prefix}"
        self._listed: dict[str, PlacedFile] = {}

    def list(self) -> Iterator[PlacedFile]:
        """Every object below the prefix, in order of key.

        By the first listing of the protocol, ListObjects: not all that speak S3 page by the second one.
        """
        with _reading(self._root):
            pages = self._client.get_paginator("list_objects").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                for item in page.get("Contents", []):
                    key = item["Key"].removeprefix(self._prefix)
                    if key and not key.endswith("/"):
                        file = PlacedFile(key, item["Size"], item["LastModified"], item.get("ETag", "").strip('"'))
                        self._listed[key] = file
                        yield file

    def fetch(self, key: str, spool: Path) -> Path:
        """A copy of the object below `spool`, whole; see `Place.fetch`."""
        target = path_of_copy(key, spool, self._root)
        listed = self._listed.get(key)
        try:
            with _reading(self._root + key), whole_file(target) as stream:
                size = self._download(key, stream, listed.etag if listed else "")
                if listed and size != listed.size:
                    raise ObjectChangedError(self._root + key, f"{listed.size} bytes", f"{size} bytes")
        except _OtherObjectError:
            expected = f"ETag {listed.etag}" if listed else "one object"
            raise ObjectChangedError(self._root + key, expected, "another one") from None
        return target

    def _download(self, key: str, stream: BinaryIO, etag: str) -> int:
        """Stream the object of that ETag; where the connection breaks, go on from there. Its bytes."""
        again = Retrying(
            retry=retry_if_exception_type(_BROKEN),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=20),
            reraise=True,
        )
        for attempt in again:
            with attempt:
                done = stream.tell()
                wanted: dict[str, Any] = {"IfMatch": f'"{etag}"'} if etag else {}
                if done:
                    wanted["Range"] = f"bytes={done}-"
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key, **wanted)
                with closing(answer["Body"]) as body:
                    found = answer.get("ETag", "").strip('"')
                    if etag and found != etag:  # a server that does not know If-Match
                        raise ObjectChangedError(self._root + key, f"ETag {etag}", f"ETag {found}")
                    etag = found
                    stream.writelines(body.iter_chunks(_CHUNK))
        return stream.tell()


def open_s3(address: str, options: PlaceOptions) -> Place:
    """The place of s3://bucket/prefix.

    Credentials come from boto3's own chain (environment, profile, role). AWS_ENDPOINT_URL_S3, as boto3
    reads it, is the endpoint of places that name none.

    Raises:
        InvalidConfigError: there is no such profile, or boto3 cannot use an option.
    """
    bucket, prefix = bucket_and_prefix(address)
    try:
        session = boto3.Session(profile_name=options.profile or None, region_name=options.region or None)
        client = session.client("s3", endpoint_url=options.endpoint or None, config=_config(options))
    except ProfileNotFound as problem:
        raise InvalidConfigError("sources.yaml", "options.profile", str(problem)) from None
    except (BotoCoreError, ValueError) as problem:
        raise InvalidConfigError("sources.yaml", address, str(problem)) from None
    return S3Place(client, bucket, prefix)


def _config(options: PlaceOptions) -> Config:
    """AWS as boto3 knows it; others without what they do not know.

    Other servers often have no name for each bucket, hence the path; and not all know the checksums that
    boto3 asks for since 1.36. Sizes and ETags are compared in either case.
    """
    other = bool(options.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"))
    style: Literal["path", "virtual", "auto"] = options.addressing_style or ("path" if other else "auto")
    checksums: Literal["when_required", "when_supported"] = "when_required" if other else "when_supported"
    return Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=10,
        s3={"addressing_style": style},
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
    )
