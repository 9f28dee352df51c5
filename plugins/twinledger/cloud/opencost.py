"""OpenCost as a place: the allocations of each finished day are a file.

What belongs here: asking for a day. What does not: which of its numbers are usage (`metering.opencost`).

Source: OpenCost's API, /allocation/compute: one map of allocations for each step of a window.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from twinledger.clock import Clock, SystemClock
from twinledger.cloud.answers import Api
from twinledger.cloud.copies import path_of_copy, whole_file
from twinledger.cloud.days import Days, day_of, finished_days
from twinledger.places import Place, PlacedFile
from twinledger.vocabulary.errors import NoSamplesError, PlaceUnreachableError

_PATH = "/allocation/compute"
_ASKED = {"aggregate": "namespace,node", "step": "1h", "accumulate": "false", "includeIdle": "false"}
_SUFFIX = ".json"


class OpenCostPlace:
    """Finished days (UTC) within a window, by hour, namespace and node; asked for when they are fetched."""

    def __init__(self, api: Api, path: str, days: Days, clock: Clock) -> None:
        """Open; nothing is asked yet."""
        self._api = api
        self._path = path
        self._days = days
        self._clock = clock

    def list(self) -> Iterator[PlacedFile]:
        """The finished days of the window, the oldest first; OpenCost is not asked."""
        yield from finished_days(self._days, self._clock.now(), _SUFFIX, json.dumps(_ASKED))

    def fetch(self, key: str, spool: Path) -> Path:
        """The answer of a day, written below `spool`; see `Place.fetch`.

        Raises:
            NoSamplesError: nothing was allocated on that day.
        """
        day = day_of(key, _SUFFIX, self._api.address)
        window = f"{day}T00:00:00Z,{day + timedelta(days=1)}T00:00:00Z"
        with self._api.connected():
            answer = self._api.ask("GET", self._path, {"window": window, **_ASKED})
        if answer.get("code") != 200 or not isinstance(answer.get("data"), list):  # noqa: PLR2004 - its own status
            problem = f"it answers code {answer.get('code')}: {str(answer.get('message'))[:300]}"
            raise PlaceUnreachableError(self._api.address, problem)
        if not any(answer["data"]):
            raise NoSamplesError(self._api.address, str(day))
        target = path_of_copy(key, spool, self._api.address)
        with whole_file(target) as stream:
            # Decimals become texts here, which are read as the same digits.
            stream.write(json.dumps(answer, default=str).encode())
        return target


def open_opencost(address: str, options: Mapping[str, Any], clock: Clock | None = None) -> Place:
    """The place of opencost+http(s)://host:port; a path in it is where allocations are asked for.

    Raises:
        InvalidConfigError: an option cannot be used.
    """
    parts = urlsplit(address.removeprefix("opencost+"))
    path = parts.path.rstrip("/")
    api = Api(f"{parts.scheme}://{parts.netloc}", str(options.get("bearer_file") or ""))
    return OpenCostPlace(api, path or _PATH, Days.of(options), clock or SystemClock())
