"""Feeds that are asked instead of delivering: from sources.yaml to usage, each day once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.fake_prometheus import FakePrometheus, running_prometheus
from twinledger.books import Books
from twinledger.catalog import load_config
from twinledger.clock import FixedClock
from twinledger.cloud.prometheus import open_prometheus
from twinledger.metering import ingest_feed
from twinledger.places import Place
from twinledger.store import models
from twinledger.vocabulary.errors import InvalidConfigError

Usage = Callable[[], list[tuple[str, str, Decimal, str, bool]]]
DAY = int(datetime(2026, 10, 17, tzinfo=UTC).timestamp())
SOURCES = """
sources:
  - name: cluster
    kind: usage
    format: prometheus
    place: prometheus+{url}
    slice: day
    options:
      window_days: 2
      meters:
        - {{meter: kube/hours, kind: gauge, query: cores, tenant: namespace, resource: node, step_seconds: 600}}
        - {{meter: kube/gib, kind: gauge, query: bytes, tenant: namespace, step_seconds: 600, per_unit: "1073741824"}}
"""


@pytest.fixture
def asked(books: Books, feed: Callable[[str], str], tmp_path: Path, clock: FixedClock) -> Any:  # noqa: ANN401 - a generator
    """The books with a feed `cluster`, as sources.yaml configures it, and the server that it asks."""
    feed("csv")
    clock.instant = datetime(2026, 10, 18, 5, tzinfo=UTC)

    def open_place(address: str, options: Any = None) -> Place:  # noqa: ANN401 - a source's options
        return open_prometheus(address, options or {}, clock)

    with running_prometheus() as server:
        folder = tmp_path / "config"
        folder.mkdir()
        (folder / "sources.yaml").write_text(SOURCES.format(url=server.url))
        configure(books, folder)
        yield replace(books, places=open_place), server, folder


def configure(books: Books, folder: Path) -> None:
    """Bring the one source of sources.yaml into the store."""
    (source,) = load_config(folder).sources
    options = source.options.model_dump(mode="json", exclude_none=True)
    with books.store.transaction() as session:
        session.merge(models.Source(**source.model_dump(exclude={"options"}), options=options))


def hours(server: FakePrometheus, query: str, value: str, days: int = 1) -> None:
    server.put(query, dict.fromkeys(range(DAY - 86400, DAY + days * 86400, 600), value), namespace="shop", node="n1")


def test_each_finished_day_is_booked_once(asked: tuple[Books, FakePrometheus, Path], usage: Usage) -> None:
    books, server, _ = asked
    hours(server, "cores", "2")
    hours(server, "bytes", "3221225472")
    first, second = ingest_feed(books, "cluster")
    assert (first.slices, second.slices) == (("2026-10-16",), ("2026-10-17",))
    assert sum(record[2] for record in usage() if record[1] == "hours") == 2 * 48
    assert sum(record[2] for record in usage() if record[1] == "gib") == 3 * 48
    asked_before = len(server.asked)
    assert {one.state for one in ingest_feed(books, "cluster")} == {"unchanged"}
    assert len(server.asked) == asked_before


def test_the_next_day_is_asked_for_when_it_is_over(
    asked: tuple[Books, FakePrometheus, Path], usage: Usage, clock: FixedClock
) -> None:
    books, server, _ = asked
    hours(server, "cores", "2", days=2)
    hours(server, "bytes", "0", days=2)
    ingest_feed(books, "cluster")
    clock.advance(timedelta(days=1))
    assert [one.key for one in ingest_feed(books, "cluster") if one.state == "ingested"] == ["2026-10-18.jsonl"]
    assert {record[0] for record in usage()} == {"2026-10-16", "2026-10-17", "2026-10-18"}


def test_a_corrected_query_replaces_what_the_days_of_the_window_said(
    asked: tuple[Books, FakePrometheus, Path], usage: Usage
) -> None:
    books, server, folder = asked
    for query, value in (("cores", "2"), ("bytes", "0"), ("limits", "5")):
        hours(server, query, value)
    ingest_feed(books, "cluster")
    sources = folder / "sources.yaml"
    sources.write_text(sources.read_text().replace("query: cores", "query: limits"))
    configure(books, folder)
    assert {one.state for one in ingest_feed(books, "cluster")} == {"ingested"}
    assert sum(record[2] for record in usage() if record[1] == "hours") == 5 * 48


def test_a_day_that_was_not_measured_is_quarantined_and_the_others_are_booked(
    asked: tuple[Books, FakePrometheus, Path], usage: Usage
) -> None:
    books, server, _ = asked
    server.put("bytes", {}, namespace="shop")
    server.put("cores", dict.fromkeys(range(DAY, DAY + 86400, 600), "1"), namespace="shop", node="n1")
    outcomes = ingest_feed(books, "cluster")
    assert [(one.key, one.state, one.reason_code) for one in outcomes] == [
        ("2026-10-16.jsonl", "quarantined", "no-samples"),
        ("2026-10-17.jsonl", "ingested", ""),
    ]
    assert sum(record[2] for record in usage()) == 24
    assert {one.state for one in ingest_feed(books, "cluster")} == {"unchanged"}


def test_files_of_opencost_and_dcgm_become_usage_of_the_meters_that_their_source_names(
    books: Books, feed: Callable[[str], str], inbox: Path, usage: Usage
) -> None:
    feed("csv")
    hour = {"start": "2026-10-17T08:00:00Z", "end": "2026-10-17T09:00:00Z"}
    step = {"shop/n1": {"properties": {"namespace": "shop"}, "cpuCoreHours": 1.5, "ramByteHours": 2**31, **hour}}
    metric = {"__name__": "DCGM_FI_DEV_GPU_UTIL", "UUID": "GPU-1", "namespace": "shop"}
    series = {"metric": metric, "values": [[DAY + 60 * minute, "5"] for minute in range(60)]}
    cards = {"meter": "kube/hours", "kind": "cards", "query": "DCGM_FI_DEV_GPU_UTIL", "tenant": "namespace"}
    configured = {
        "opencost": (
            "day.json",
            {"code": 200, "data": [step]},
            {"allocation": {"cpu": "kube/hours", "ram": "kube/gib"}},
        ),
        "dcgm": ("day.jsonl", series, {"meters": [cards]}),
    }
    for form, (name, content, options) in configured.items():
        (inbox / form).mkdir()
        (inbox / form / name).write_text(json.dumps(content))
        with books.store.transaction() as session:
            place = str(inbox / form)
            session.add(models.Source(name=form, kind="usage", format=form, place=place, slice="day", options=options))
        assert [one.state for one in ingest_feed(books, form)] == ["ingested"]
    assert [(record[1], record[2]) for record in usage()] == [
        ("gib", Decimal(2)), ("hours", Decimal(1)), ("hours", Decimal("1.5")),
    ]  # fmt: skip


def test_a_feed_without_what_its_format_needs_is_refused_when_it_is_configured(tmp_path: Path) -> None:
    entry = "{name: cost, kind: usage, format: opencost, place: opencost+http://opencost:9003, slice: day}"
    (tmp_path / "sources.yaml").write_text(f"sources: [{entry}]")
    with pytest.raises(InvalidConfigError, match=r"format opencost needs options\.allocation"):
        load_config(tmp_path)


def test_a_query_that_cannot_be_used_is_named_by_its_place(tmp_path: Path) -> None:
    text = SOURCES.format(url="http://prometheus:9090").replace("step_seconds: 600, per", "step_seconds: 7, per")
    (tmp_path / "sources.yaml").write_text(text)
    with pytest.raises(InvalidConfigError, match=r"sources\[0\].options.meters\[1\]: meter kube/gib: step_seconds"):
        load_config(tmp_path)
