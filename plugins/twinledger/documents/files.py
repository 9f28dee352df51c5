"""One file as a value, and what a set of files says about itself.

What belongs here: names, media types, digests. What does not: what stands in a file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """One file: its name, its media type and its bytes, which are the same for the same content."""

    name: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of its bytes, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()
