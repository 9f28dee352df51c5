"""What approvals need of a deployment: a part of `Books`, which has all of it and more."""

from __future__ import annotations

from typing import Protocol

from twinledger.clock import Clock
from twinledger.store import Store
from twinledger.vocabulary.settings import Settings


class Desk(Protocol):
    """The store to decide in, the settings and the time."""

    @property
    def settings(self) -> Settings:
        """The deployment's settings: its accounting time zone."""
        ...

    @property
    def store(self) -> Store:
        """Where requests are kept."""
        ...

    @property
    def clock(self) -> Clock:
        """Tells when."""
        ...
