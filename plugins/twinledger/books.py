"""What every domain function is handed: the store, the lake, the engine, the gate and the clock.

What belongs here: the one object that stands for a deployment. What does not: which adapters it is
made of, which `twinledger.deployment` decides from the settings.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from twinledger.clock import Clock
from twinledger.engine import Engine
from twinledger.lake import Lake
from twinledger.places import OpenPlace
from twinledger.quality import Gate
from twinledger.store import Store
from twinledger.vocabulary.settings import Settings


class OpenEngine(Protocol):
    """Opens an engine of its own for one piece of work."""

    def __call__(self) -> AbstractContextManager[Engine]:
        """An engine that is closed at the end of the block."""
        ...


@dataclass(frozen=True)
class Books:
    """Both ledgers of one company, and all that is needed to keep them."""

    settings: Settings
    store: Store
    lake: Lake
    engine: OpenEngine
    gate: Gate
    places: OpenPlace
    clock: Clock
