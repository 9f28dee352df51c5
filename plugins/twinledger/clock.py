"""Time as a parameter: whoever needs the time is handed a clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time, always aware and in UTC."""

    def now(self) -> datetime:
        """The present instant."""
        ...

    def sleep(self, by: timedelta) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)

    def sleep(self, by: timedelta) -> None:
        """Wait, for real."""
        time.sleep(by.total_seconds())


@dataclass
class FixedClock:
    """A clock that moves only when told to."""

    instant: datetime

    def now(self) -> datetime:
        """The instant it was set to."""
        return self.instant

    def sleep(self, by: timedelta) -> None:
        """Move on without waiting."""
        self.advance(by)

    def advance(self, by: timedelta) -> None:
        """Move on."""
        self.instant += by
