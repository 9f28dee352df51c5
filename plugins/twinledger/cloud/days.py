"""Days as files: for places that are asked for a day and have no files of their own.

What belongs here: which days are finished, and their names. What does not: what a day holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from twinledger.places import PlacedFile, checked_key


@dataclass(frozen=True, slots=True)
class Days:
    """How many days back are looked at, and how long after its end a day is asked for."""

    window_days: int = 7
    settle_hours: int = 2

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Days:
        """Those of a source's options."""
        chosen = {name: int(options[name]) for name in ("window_days", "settle_hours") if options.get(name) is not None}
        return cls(**chosen)


def finished_days(days: Days, now: datetime, suffix: str, asked: str) -> Iterator[PlacedFile]:
    """The finished days (UTC) of the window, the oldest first; `asked` is what they are made of, as their ETag."""
    settled = timedelta(hours=days.settle_hours)
    newest = (now.astimezone(UTC) - settled).date() - timedelta(days=1)
    for back in range(days.window_days - 1, -1, -1):
        day = newest - timedelta(days=back)
        ended = datetime.combine(day + timedelta(days=1), time(), UTC) + settled
        yield PlacedFile(f"{day}{suffix}", 0, ended, asked)


def day_of(key: str, suffix: str, root: str) -> date:
    """The day that a key names.

    Raises:
        UnsafePathError: the key leads out of its place.
        FileNotFoundError: it names no day.
    """
    try:
        return date.fromisoformat(checked_key(key, root).removesuffix(suffix))
    except ValueError:
        raise FileNotFoundError(f"{root}/{key}") from None
