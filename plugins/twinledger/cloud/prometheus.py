"""Prometheus, and what speaks its API, as a place: each finished day is a file of usage records.

What belongs here: range queries, page by page. What does not: what samples come to (`metering.series`).

Source: Prometheus HTTP API v1, range queries: values are texts, a gap is a point that is missing, and no answer has
more than 11,000 points a series.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from twinledger.catalog import MeterQuery
from twinledger.clock import Clock, SystemClock
from twinledger.cloud.answers import Api
from twinledger.cloud.copies import path_of_copy, whole_file
from twinledger.cloud.days import Days, day_of, finished_days
from twinledger.metering import HOUR, CardUsage, SeriesUsage, parsed_value
from twinledger.places import Place, PlacedFile
from twinledger.vocabulary.errors import InvalidConfigError, NoSamplesError, PlaceUnreachableError, UnreadableFileError
from twinledger.vocabulary.identities import digest

MOST_POINTS = 11_000
_SUFFIX = ".jsonl"


class PrometheusPlace:
    """Finished days (UTC) within a window; a day's file is made when it is fetched, and is JSON lines.

    A file's ETag is what is asked: with another query the days of the window are deliveries again, under their names.
    """

    def __init__(self, api: Api, queries: Sequence[MeterQuery], days: Days, clock: Clock) -> None:
        """Open; nothing is asked yet."""
        self._api = api
        self._queries = queries
        self._days = days
        self._clock = clock

    def list(self) -> Iterator[PlacedFile]:
        """The finished days of the window, the oldest first; Prometheus is not asked."""
        asked = digest(*(query.model_dump_json() for query in self._queries))
        yield from finished_days(self._days, self._clock.now(), _SUFFIX, asked)

    def fetch(self, key: str, spool: Path) -> Path:
        """The usage of a day, written below `spool`; see `Place.fetch`.

        Raises:
            NoSamplesError: no query has a sample of that day.
        """
        day = day_of(key, _SUFFIX, self._api.address)
        target = path_of_copy(key, spool, self._api.address)
        found = False
        with self._api.connected(), whole_file(target) as stream:
            for query in self._queries:
                usage = self._usage(query, day, key)
                found = found or usage.has_samples
                stream.writelines(f"{json.dumps(line)}\n".encode() for line in usage.lines())
            if not found:
                raise NoSamplesError(self._api.address, str(day))
        return target

    def _usage(self, query: MeterQuery, day: date, key: str) -> SeriesUsage:
        """A day asked for hour by hour: memory holds an hour's points, and no answer has too many."""
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        usage = SeriesUsage(query, start, start + 24 * HOUR)
        cards = CardUsage(usage) if query.kind in ("cards", "busy_cards") else None
        # The points around the day tell what is bridged over midnight.
        around = (query.bridge_steps + 1) * query.step_seconds
        for first, end in _pages(start - around, start + 24 * HOUR + around, query.step_seconds):
            found = self._series(query, first, end - query.step_seconds, key)
            samples = [
                (_labels(one), int(at), parsed_value(str(value))) for one in found for at, value in one["values"]
            ]
            if cards is None:
                for labels, at, value in samples:
                    usage.observe(labels, at, value)
            else:
                by_time: dict[int, list[tuple[dict[str, str], Fraction | None]]] = defaultdict(list)
                for labels, at, value in samples:
                    by_time[at].append((labels, value))
                cards.observe(by_time)
        return usage

    def _series(self, query: MeterQuery, first: int, last: int, key: str) -> Sequence[Mapping[str, Any]]:
        asked = {"query": query.query, "start": str(first), "end": str(last), "step": str(query.step_seconds)}
        answer = self._api.ask("POST", "/api/v1/query_range", asked)
        if answer.get("status") != "success":
            raise PlaceUnreachableError(self._api.address, str(answer.get("error"))[:300])
        if warnings := answer.get("warnings"):
            # As of a store of Thanos that did not answer: a part of the truth would be booked as all of it.
            raise PlaceUnreachableError(self._api.address, f"its answer is not whole: {str(warnings[0])[:300]}")
        data = answer.get("data") or {}
        if data.get("resultType") != "matrix" or any("values" not in one for one in data.get("result", ())):
            raise UnreadableFileError(key, f"{query.meter}: expected a query that answers numbers over time")
        return [one for one in data.get("result", ()) if isinstance(one, dict)]


def _labels(series: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in series.get("metric", {}).items()}


def _pages(start: int, end: int, step: int) -> Iterator[tuple[int, int]]:
    """[first, end) of an hour's points each, and the points before and after whole hours."""
    first = start
    while first < end:
        until = min(end, first - first % HOUR + HOUR)
        until = min(until, first + MOST_POINTS * step)
        yield first, until
        first = until


_QUERIES = TypeAdapter(tuple[MeterQuery, ...])


def open_prometheus(address: str, options: Mapping[str, Any], clock: Clock | None = None) -> Place:
    """The place of prometheus+http(s)://host:port/path, with `meters` and what else the source's options say.

    Raises:
        InvalidConfigError: it has no query, or one that cannot be used.
    """
    try:
        queries = _QUERIES.validate_python(options.get("meters") or ())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(["options.meters", *map(str, first["loc"])])
        raise InvalidConfigError("sources.yaml", place, str(first["msg"])) from None
    if not queries:
        raise InvalidConfigError("sources.yaml", "options.meters", "expected at least one meter with its query")
    api = Api(address.removeprefix("prometheus+"), str(options.get("bearer_file") or ""))
    return PrometheusPlace(api, queries, Days.of(options), clock or SystemClock())
