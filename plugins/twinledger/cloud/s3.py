"""S3, and what speaks S3, as a place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlparse

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client

from twinledger.places import LocalPlace, Place, PlacedFile, checked_key
from twinledger.vocabulary.errors import UnsafePathError


class S3Place:
    """A prefix of a bucket; listings are paged, objects are streamed to disk, throttling is retried."""

    def __init__(self, client: S3Client, bucket: str, prefix: str) -> None:
        """Open; the prefix is a folder, with or without a slash at its end."""
        self._client = client
        self._bucket = bucket
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""

    def list(self) -> Iterator[PlacedFile]:
        """Every object below the prefix, in order of key."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        for page in pages:
            for item in page.get("Contents", []):
                key = item["Key"].removeprefix(self._prefix)
                if key and not key.endswith("/"):
                    yield PlacedFile(key, item["Size"], item["LastModified"], item["ETag"].strip('"'))

    def fetch(self, key: str, spool: Path) -> Path:
        """A copy of the object below `spool`."""
        target = (spool / checked_key(key, f"s3://{self._bucket}/{self._prefix}")).resolve()
        if not target.is_relative_to(spool.resolve()):
            raise UnsafePathError(key, str(spool))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._client.download_file(self._bucket, self._prefix + key, str(target))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in {"404", "NoSuchKey"}:
                raise FileNotFoundError(f"s3://{self._bucket}/{self._prefix}{key}") from None
            raise
        return target


def open_place(address: str) -> Place:
    """The place of an address: s3://bucket/prefix, else a folder.

    Credentials, region and endpoint come from boto3's own chain (environment, profile, instance
    role); AWS_ENDPOINT_URL_S3 points it at anything that speaks S3.
    """
    parsed = urlparse(address)
    if parsed.scheme != "s3":
        return LocalPlace(Path(address))
    # Other servers of the protocol, and those on loopback, often have no name for each bucket.
    style: Literal["path", "auto"] = "path" if os.environ.get("AWS_ENDPOINT_URL_S3") else "auto"
    config = Config(retries={"mode": "adaptive", "max_attempts": 8}, s3={"addressing_style": style})
    return S3Place(boto3.client("s3", config=config), parsed.netloc, parsed.path)
