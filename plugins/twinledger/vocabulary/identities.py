"""Identities that are the same on every machine and in every run.

What belongs here: how a name or digest is made. What does not: what it identifies.
"""

from __future__ import annotations

import hashlib
import re
import uuid

from twinledger.vocabulary.errors import ConfigurationError

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def digest(*parts: str) -> str:
    """SHA-256 over the parts, length-prefixed so that ("ab", "c") and ("a", "bc") differ."""
    state = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        state.update(len(raw).to_bytes(8, "big"))
        state.update(raw)
    return state.hexdigest()


def short(identity: str) -> str:
    """The first twelve characters, for people."""
    return identity[:12]


def new_identity(prefix: str) -> str:
    """A new random identity, as in `req-3f2a...`; pass a function like this one where tests need repeatable ones."""
    return f"{prefix}-{uuid.uuid4().hex[:16]}"


def checked_name(kind: str, name: str) -> str:
    """A name that may stand in SQL, paths and keys; raises ConfigurationError otherwise."""
    if not _NAME.fullmatch(name):
        message = f"{kind} {name!r}: expected a lower-case letter, then up to 62 letters, digits, '_' or '-'"
        raise ConfigurationError(message)
    return name
