"""A grant on paper: what it says, signed, so that it can be read and verified without the store.

What belongs here: the document, its signature and the key. What does not: whether the grant was revoked or exchanged
since, which only the store knows.

The document is canonical JSON (RFC 8785) of these members; the signature is Ed25519 (RFC 8032) over its UTF-8 text:

    account, department, ends_at, form, id, meter, product, quantity, region, resources, starts_at

`form` is `twinledger grant 1`, `quantity` a decimal string, an instant as `2026-10-20T09:00:00.000000Z`. In a file the
document stands beside its signature, in Base64, and the identity of the key that made it:

    {"grant": {...}, "key": "first 16 hexadecimal digits of SHA-256 over the public key", "signature": "..."}
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from twinledger.approvals.grants import GrantView
from twinledger.store.audit import stamp
from twinledger.vocabulary.canonical import canonical_json
from twinledger.vocabulary.errors import ForgedGrantError, SigningKeyError, UnreadableGrantError
from twinledger.vocabulary.money import plain
from twinledger.vocabulary.settings import Settings

FORM = "twinledger grant 1"
KEY_FILE = "grants.key"
MOST_GRANT_BYTES = 64 * 1024
"""Of a signed grant: a request's resources are far fewer."""

_KEY_BYTES = 32
_SETTING = "TWINLEDGER_GRANTS__SIGNING_KEY"
_MEMBERS = frozenset(
    {
        "account", "department", "ends_at", "form", "id", "meter", "product", "quantity", "region", "resources",
        "starts_at",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a signature is verified with; nothing can be signed with it, so it may be handed out."""

    raw: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """From Base64 of 32 bytes; raises SigningKeyError."""
        return cls(_decoded_key("the public key", text))

    @property
    def id(self) -> str:
        """Tells one key from another."""
        return hashlib.sha256(self.raw).hexdigest()[:16]

    def __str__(self) -> str:
        """In Base64."""
        return base64.b64encode(self.raw).decode()


class SigningKey:
    """An Ed25519 key pair; never shown but for its public half."""

    def __init__(self, seed: bytes) -> None:
        """Take the private key's 32 bytes."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = PublicKey(self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The signature over a text in UTF-8, in Base64."""
        return base64.b64encode(self._key.sign(text.encode())).decode()

    def __repr__(self) -> str:
        """Without the private half."""
        return f"SigningKey(public={self.public})"


def signing_key(settings: Settings) -> SigningKey:
    """The key of the setting, else of the file below the deployment's home.

    Raises:
        SigningKeyError: there is neither, or it is no key.
    """
    if text := settings.grants.signing_key.get_secret_value():
        return SigningKey(_decoded_key(_SETTING, text))
    path = settings.home / KEY_FILE
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise SigningKeyError(str(path), "is not there") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SigningKeyError(str(path), f"cannot be read ({type(error).__name__})") from None
    return SigningKey(_decoded_key(str(path), text))


def ensure_signing_key(settings: Settings) -> None:
    """Make the key's file, for its owner alone, where neither it nor the setting is there; safe to repeat.

    Of several processes that do so at once, one makes it: the file appears whole or not at all.
    """
    path = settings.home / KEY_FILE
    if settings.grants.signing_key.get_secret_value() or path.exists():
        return
    handle, name = tempfile.mkstemp(dir=settings.home, prefix=KEY_FILE)  # of mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()


def _decoded_key(place: str, text: str) -> bytes:
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise SigningKeyError(place, "is no Base64") from None
    if len(raw) != _KEY_BYTES:
        raise SigningKeyError(place, f"has {len(raw)} bytes, expected {_KEY_BYTES}")
    return raw


def grant_document(grant: GrantView) -> dict[str, Any]:
    """What a grant permits, as it is signed; what happened to it since is not in it."""
    return {
        "form": FORM,
        "id": grant.id,
        "department": grant.department,
        "product": grant.product,
        "meter": grant.meter,
        "quantity": plain(grant.quantity),
        "region": grant.region,
        "account": grant.account,
        "resources": [dict(one) for one in grant.resources],
        "starts_at": stamp(grant.starts_at),
        "ends_at": stamp(grant.ends_at),
    }


def signed_grant(grant: GrantView, key: SigningKey) -> str:
    """The text of a grant's file."""
    document = grant_document(grant)
    signature = key.sign(canonical_json(document))
    return json.dumps({"grant": document, "key": key.public.id, "signature": signature}, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class VerifiedGrant:
    """A grant that a known key has signed; `document` is as `grant_document` makes it."""

    document: Mapping[str, Any]
    starts_at: datetime
    ends_at: datetime

    def permits_at(self, at: datetime) -> bool:
        """Whether an aware instant is within its time; it may have been revoked meanwhile."""
        return self.starts_at <= at < self.ends_at


def verified_grant(text: str, key: PublicKey, name: str = "the text") -> VerifiedGrant:
    """Read a grant's file, and believe it if the key has signed what it says.

    Raises:
        UnreadableGrantError: it is not of the form of a signed grant.
        ForgedGrantError: another key signed it, or something in it was changed.
    """
    if len(text) > MOST_GRANT_BYTES:
        raise UnreadableGrantError(name, f"it is larger than {MOST_GRANT_BYTES} bytes")
    try:
        read = json.loads(text)
        document, made_by, signature = read["grant"], read["key"], base64.b64decode(read["signature"], validate=True)
        canonical = canonical_json(document).encode()
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnreadableGrantError(name, f"it is not of its form ({type(error).__name__})") from None
    if not isinstance(document, dict) or set(document) != _MEMBERS or document["form"] != FORM:
        raise UnreadableGrantError(name, f"it has not the members of {FORM!r}")
    if made_by != key.id:
        raise ForgedGrantError(str(document["id"]), f"it was signed with key {str(made_by)[:16]}, not with {key.id}")
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, canonical)
    except InvalidSignature:
        raise ForgedGrantError(str(document["id"]), "what it says is not what was signed") from None
    starts_at, ends_at = (datetime.fromisoformat(document[which]) for which in ("starts_at", "ends_at"))
    return VerifiedGrant(document, starts_at, ends_at)
