"""Addresses of objects: which part of them names what.

What belongs here: taking them apart. What does not: who serves them.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from twinledger.vocabulary.errors import InvalidConfigError


def bucket_and_prefix(address: str) -> tuple[str, str]:
    """The bucket, or container, and the prefix of scheme://bucket/prefix.

    The prefix is a folder: it ends with a slash, or is empty for the whole bucket.

    Raises:
        InvalidConfigError: the address names no bucket.
    """
    bucket, _, path = address.partition("://")[2].partition("/")
    if not bucket:
        raise InvalidConfigError("sources.yaml", "place", f"expected scheme://bucket/prefix, found {address!r}")
    folder = path.strip("/")
    return bucket, f"{folder}/" if folder else ""


def server_and_path(address: str) -> tuple[str, str]:
    """The server and the decoded path of https://host/path.

    Raises:
        InvalidConfigError: it is no such address, or carries a query: signatures are credentials.
    """
    try:
        parts = urlsplit(address)
    except ValueError as problem:
        raise InvalidConfigError("sources.yaml", "place", f"expected https://host/container: {problem}") from None
    if parts.query or parts.fragment or parts.username or parts.password:
        carried = "it carries a query or credentials: expected https://host/container/prefix alone"
        raise InvalidConfigError("sources.yaml", "place", carried)
    return f"{parts.scheme}://{parts.netloc}", unquote(parts.path).strip("/")
