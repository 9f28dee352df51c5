"""Clouds: where bytes and credentials of vendors are reached.

What belongs here: adapters of the ports of lower floors to vendors' own libraries (boto3, Azure's) and APIs, and
what vendors' queues say. What does not: what the files mean.

A vendor's library is imported when a place of its is opened: they take long, and few processes need one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twinledger.places import NO_OPTIONS, Place, PlaceOptions, open_folder
from twinledger.vocabulary.errors import InvalidConfigError

_KINDS = (
    "a folder, s3://bucket/prefix, az://container/prefix, https://account.blob.core.windows.net/container, "
    "prometheus+https://host or opencost+https://host"
)


def open_place(address: str, options: Mapping[str, Any] = NO_OPTIONS) -> Place:
    """The place of an address, in the cloud or a folder of this machine; nothing is looked at yet.

    Raises:
        InvalidConfigError: there is no such kind of place, or an option cannot be used.
    """
    scheme, separator, _ = address.partition("://")
    if not separator:
        return open_folder(address)
    chosen = PlaceOptions.of(options)
    if scheme == "s3":
        from twinledger.cloud.s3 import open_s3  # noqa: PLC0415 - boto3, see above

        return open_s3(address, chosen)
    if scheme in ("az", "https"):
        from twinledger.cloud.azure import open_azure  # noqa: PLC0415 - Azure's library, see above

        return open_azure(address, chosen)
    if scheme in ("prometheus+http", "prometheus+https"):
        from twinledger.cloud.prometheus import open_prometheus  # noqa: PLC0415 - httpx, see above

        return open_prometheus(address, options)
    if scheme in ("opencost+http", "opencost+https"):
        from twinledger.cloud.opencost import open_opencost  # noqa: PLC0415 - likewise

        return open_opencost(address, options)
    raise InvalidConfigError("sources.yaml", "place", f"expected {_KINDS}, found {address!r}")
