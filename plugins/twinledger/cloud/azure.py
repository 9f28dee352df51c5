"""Azure Blob storage as a place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential, TokenCredential
from azure.core.exceptions import AzureError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContainerClient, ExponentialRetry

from twinledger.cloud.addresses import bucket_and_prefix, server_and_path
from twinledger.cloud.copies import path_of_copy, whole_file
from twinledger.places import Place, PlacedFile, PlaceOptions
from twinledger.vocabulary.errors import InvalidConfigError, ObjectChangedError, PlaceUnreachableError

ATTEMPTS = 8
_DOMAIN = "blob.core.windows.net"
Credential = AzureNamedKeyCredential | AzureSasCredential | TokenCredential


class AzurePlace:
    """A prefix of a container; listings are paged, blobs are streamed to disk, throttling is retried.

    What was listed is what is fetched: the listing's size and ETag are remembered and asked for.
    """

    def __init__(self, container: ContainerClient, prefix: str) -> None:
        """Open; the prefix is a folder, with or without a slash at its end."""
        self._container = container
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._root = f"az://{container.container_name}/{self._prefix}"
        self._listed: dict[str, PlacedFile] = {}

    def list(self) -> Iterator[PlacedFile]:
        """Every blob below the prefix, in order of key."""
        # Metadata tells folders of hierarchical accounts, which are listed as empty blobs, from blobs.
        try:
            for blob in self._container.list_blobs(name_starts_with=self._prefix or None, include=["metadata"]):
                key = blob.name.removeprefix(self._prefix)
                if key and not key.endswith("/") and not _is_folder(blob):
                    file = PlacedFile(key, blob.size, blob.last_modified, blob.etag.strip('"'))
                    self._listed[key] = file
                    yield file
        except AzureError as error:
            raise _unreachable(self._root, error) from error

    def fetch(self, key: str, spool: Path) -> Path:
        """A copy of the blob below `spool`, whole; see `Place.fetch`."""
        target = path_of_copy(key, spool, self._root)
        listed = self._listed.get(key)
        condition: dict[str, Any] = (
            {"etag": f'"{listed.etag}"', "match_condition": MatchConditions.IfNotModified} if listed else {}
        )
        try:
            with whole_file(target) as stream:
                # Chunk after chunk, each of the same ETag, each asked for again when the connection breaks.
                size = self._container.download_blob(self._prefix + key, **condition).readinto(stream)
                if listed and size != listed.size:
                    raise ObjectChangedError(self._root + key, f"{listed.size} bytes", f"{size} bytes")
        except ResourceNotFoundError:
            raise FileNotFoundError(self._root + key) from None
        except ResourceModifiedError:
            expected = f"ETag {listed.etag}" if listed else "one blob"
            raise ObjectChangedError(self._root + key, expected, "another one") from None
        except AzureError as error:
            raise _unreachable(self._root + key, error) from error
        return target


def _unreachable(address: str, error: AzureError) -> PlaceUnreachableError:
    """Its first line says what is wrong; the others are what support asks for."""
    return PlaceUnreachableError(address, (str(error).splitlines() or [type(error).__name__])[0])


def _is_folder(blob: BlobProperties) -> bool:
    metadata = {name.lower(): value for name, value in (blob.metadata or {}).items()}
    return metadata.get("hdi_isfolder") == "true"


def open_azure(address: str, options: PlaceOptions) -> Place:
    """The place of az://container/prefix in `options.account`, or of https://account.../container/prefix.

    Raises:
        InvalidConfigError: neither the address nor the options say which account or container.
    """
    if address.startswith("az://"):
        server = options.endpoint or (f"https://{options.account}.{_DOMAIN}" if options.account else "")
        container, prefix = bucket_and_prefix(address)
    else:
        server, path = server_and_path(address)
        container, _, prefix = path.partition("/")
    if not server:
        raise InvalidConfigError("sources.yaml", "options.account", "az:// needs the storage account's name")
    if not container:
        raise InvalidConfigError("sources.yaml", "place", f"expected a container, found {address!r}")
    account = options.account or (urlsplit(server).hostname or "").partition(".")[0]
    client = ContainerClient(
        server,
        container,
        credential=_credential(account),
        retry_policy=_retries(),
    )
    return AzurePlace(client, prefix)


def _retries() -> ExponentialRetry:
    """Eight attempts, over two minutes. Each kind of failure has a bound of its own besides, of three by default."""
    again = ATTEMPTS - 1
    return ExponentialRetry(
        initial_backoff=1,
        increment_base=2,
        random_jitter_range=1,
        retry_total=again,
        retry_connect=again,
        retry_read=again,
        retry_status=again,
    )


def _credential(account: str) -> Credential:
    """A shared key or signature of this account, under the names that Azure's command line reads, else an identity."""
    if os.environ.get("AZURE_STORAGE_ACCOUNT", account) == account:
        if key := os.environ.get("AZURE_STORAGE_KEY"):
            return AzureNamedKeyCredential(account, key)
        if signature := os.environ.get("AZURE_STORAGE_SAS_TOKEN"):
            return AzureSasCredential(signature)
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - takes long, and keys need none

    return DefaultAzureCredential()
