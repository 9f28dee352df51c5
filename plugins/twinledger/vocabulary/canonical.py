"""Canonical JSON: one text for one value, so that whoever hashes a value gets the same digest.

What belongs here: the form. What does not: what is hashed, and what follows from its digest.

The form is RFC 8785 (JSON Canonicalization Scheme): UTF-8, no white space, members in the order of their
names' UTF-16 code units, strings with the shortest escapes. Numbers are integers alone: amounts are decimal
strings. The form never changes: digests that were given to people are of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence


def canonical_json(value: object) -> str:
    """The text of a JSON value, as RFC 8785 writes it; tuples are arrays.

    Raises:
        TypeError: a float, a member's name that is no text, or what JSON does not have.
    """
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"))


def canonical_digest(value: object) -> str:
    """SHA-256 over the canonical text in UTF-8, in hexadecimal; raises as `canonical_json`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _ordered(value: object) -> object:
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {name: _ordered(value[name]) for name in sorted(value, key=_name_order)}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_ordered(part) for part in value]
    message = f"{type(value).__name__} has no canonical JSON: expected text, an integer, true, false or null"
    raise TypeError(message)


def _name_order(name: object) -> bytes:
    if isinstance(name, str):
        return name.encode("utf-16-be", "surrogatepass")
    message = f"a member is named by {type(name).__name__}: expected text"
    raise TypeError(message)
