"""Prometheus as a place: a stateful fake for the faults, the real one for the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.fake_prometheus import FakePrometheus, running_prometheus
from tests.cloud.real_prometheus import running_real_prometheus
from twinledger.clock import FixedClock
from twinledger.cloud import answers, open_place
from twinledger.cloud.prometheus import open_prometheus
from twinledger.places import Place
from twinledger.vocabulary.errors import (
    InvalidConfigError,
    NoSamplesError,
    PlaceUnreachableError,
    UnreadableFileError,
)

DAY = "2026-10-17"
START = int(datetime(2026, 10, 17, tzinfo=UTC).timestamp())
HOUR = 3600
CORES = 'sum by (namespace, node) (kube_pod_container_resource_requests{resource="cpu"})'
METER: dict[str, Any] = {
    "meter": "kube/hours", "query": CORES, "kind": "gauge", "tenant": "namespace", "resource": "node",
    "step_seconds": 300, "bridge_steps": 1,
}  # fmt: skip


@pytest.fixture
def fake() -> Iterator[FakePrometheus]:
    with running_prometheus() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LONGEST_WAIT_S", 0.01)


def place(url: str, *meters: dict[str, Any], at: str = "2026-10-18T02:00:00+00:00", **options: object) -> Place:
    given = {"meters": list(meters or (METER,)), "window_days": 1, **options}
    return open_prometheus(f"prometheus+{url}", given, FixedClock(datetime.fromisoformat(at)))


def lines(found: Place, folder: Path, day: str = DAY) -> list[dict[str, Any]]:
    return [json.loads(line) for line in found.fetch(f"{day}.jsonl", folder).read_text().splitlines()]


def all_day(value: str = "1.5") -> dict[int, str]:
    return dict.fromkeys(range(START - HOUR, START + 25 * HOUR, 300), value)


def test_finished_days_of_the_window_are_its_files(fake: FakePrometheus) -> None:
    early, later = (place(fake.url, at=at, window_days=2) for at in ("2026-10-18T01:59:59Z", "2026-10-18T02:00:00Z"))
    assert [file.key for file in early.list()] == ["2026-10-15.jsonl", "2026-10-16.jsonl"]
    assert [file.key for file in later.list()] == ["2026-10-16.jsonl", "2026-10-17.jsonl"]
    assert fake.asked == []


def test_a_file_is_another_one_when_something_else_is_asked(fake: FakePrometheus) -> None:
    (first,), (same,), (other,) = (
        list(place(fake.url, meter).list()) for meter in (METER, dict(METER), {**METER, "query": "other"})
    )
    assert first == same
    assert (first.key, first.etag != other.etag) == (other.key, True)


def test_a_day_is_asked_for_hour_by_hour_and_becomes_usage(fake: FakePrometheus, tmp_path: Path) -> None:
    fake.put(CORES, all_day(), namespace="shop", node="n1")
    fake.put(CORES, dict.fromkeys(range(START + HOUR, START + 2 * HOUR, 300), "0.1"), namespace="desk", node="n1")
    found = lines(place(fake.url), tmp_path)
    assert len(found) == 25
    assert {line["quantity"] for line in found if line["tenant"] == "shop"} == {"1.500000000"}
    assert [line for line in found if line["tenant"] == "desk"] == [
        {
            "tenant": "desk", "product": "kube", "meter": "hours", "resource": "n1", "quantity": "0.100000000",
            "started_at": "2026-10-17T01:00:00+00:00", "ended_at": "2026-10-17T02:00:00+00:00",
        }
    ]  # fmt: skip
    assert max((int(one["end"]) - int(one["start"])) // int(one["step"]) + 1 for one in fake.asked) <= 12


def test_no_query_has_more_points_than_prometheus_gives(fake: FakePrometheus, tmp_path: Path) -> None:
    fake.put("q", dict.fromkeys(range(START, START + 30), "3600"), namespace="shop")
    meter = {**METER, "query": "q", "step_seconds": 1, "bridge_steps": 0}
    assert [line["quantity"] for line in lines(place(fake.url, meter), tmp_path)] == ["30.000000000"]
    assert all((int(one["end"]) - int(one["start"])) + 1 <= 11_000 for one in fake.asked)


def test_a_gap_is_a_line_that_says_where_nothing_was_measured(fake: FakePrometheus, tmp_path: Path) -> None:
    values = {at: value for at, value in all_day().items() if not START + HOUR <= at < START + 2 * HOUR}
    fake.put(CORES, values, namespace="shop", node="n1")
    found = lines(place(fake.url), tmp_path)
    (gap,) = [line for line in found if line["quantity"] is None]
    assert (gap["started_at"], gap["ended_at"]) == ("2026-10-17T01:00:00+00:00", "2026-10-17T02:00:00+00:00")
    assert gap["gap"] == "1 series without a sample for 12 steps"
    assert sum(Decimal(line["quantity"]) for line in found if line["quantity"]) == Decimal("34.5")


def test_a_busy_server_is_asked_again_and_a_refusal_is_not(fake: FakePrometheus, tmp_path: Path) -> None:
    fake.put(CORES, all_day(), namespace="shop", node="n1")
    fake.failures = [503, 429, 500]
    assert len(lines(place(fake.url), tmp_path)) == 24
    fake.asked.clear()
    fake.failures = [422]
    with pytest.raises(PlaceUnreachableError, match="answers 422: planted 422"):
        lines(place(fake.url), tmp_path)
    assert len(fake.asked) == 1


def test_a_server_that_stays_away_or_says_half_is_no_empty_day(fake: FakePrometheus, tmp_path: Path) -> None:
    fake.put(CORES, all_day(), namespace="shop", node="n1")
    fake.failures = [503] * answers.ATTEMPTS
    with pytest.raises(PlaceUnreachableError, match="planted 503"):
        lines(place(fake.url), tmp_path)
    fake.warnings = ["store 10.0.0.7 did not answer"]
    with pytest.raises(PlaceUnreachableError, match="not whole: store"):
        lines(place(fake.url), tmp_path)
    with pytest.raises(PlaceUnreachableError, match=r"http://127\.0\.0\.1:1 cannot be read"):
        lines(place("http://127.0.0.1:1"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_day_without_any_sample_and_an_answer_of_another_kind_are_refused(
    fake: FakePrometheus, tmp_path: Path
) -> None:
    fake.put(CORES, {START - 86400: "1"}, namespace="shop")
    with pytest.raises(NoSamplesError, match="no sample of any meter on 2026-10-17"):
        lines(place(fake.url), tmp_path)
    fake.kind = "vector"
    with pytest.raises(UnreadableFileError, match="numbers over time"):
        lines(place(fake.url), tmp_path)


def test_a_token_is_read_from_its_file(fake: FakePrometheus, tmp_path: Path) -> None:
    fake.put(CORES, all_day(), namespace="shop", node="n1")
    (tmp_path / "token").write_text("s3cret\n")
    lines(place(fake.url, bearer_file=str(tmp_path / "token")), tmp_path / "spool")
    assert set(fake.tokens) == {"Bearer s3cret"}
    with pytest.raises(InvalidConfigError, match="bearer_file") as refused:
        lines(place(fake.url, bearer_file=str(tmp_path / "none")), tmp_path)
    assert "s3cret" not in str(refused.value)


def test_cards_of_dcgm_are_asked_for_like_any_gauge(fake: FakePrometheus, tmp_path: Path) -> None:
    name = "DCGM_FI_DEV_GPU_UTIL"
    meter = {**METER, "meter": "gpu/cards", "query": name, "kind": "cards", "resource": "UUID"}
    for namespace in ("shop", "desk"):
        pod = {"UUID": "GPU-1", "namespace": namespace, "pod": f"{namespace}-1"}
        fake.put(name, all_day("40"), __name__=name, **pod)
    fake.put(name, all_day("9223372036854775794"), __name__=name, UUID="GPU-2", namespace="shop", pod="shop-2")
    found = lines(place(fake.url, meter), tmp_path)
    assert {(line["tenant"], line["resource"], line["quantity"]) for line in found} == {
        ("shop", "GPU-1", "0.500000000"),
        ("desk", "GPU-1", "0.500000000"),
    }
    assert len(found) == 48


def test_a_key_that_names_no_day_is_no_file(fake: FakePrometheus, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        place(fake.url).fetch("yesterday.jsonl", tmp_path)


def test_a_place_without_queries_is_refused() -> None:
    with pytest.raises(InvalidConfigError, match="at least one meter"):
        open_place("prometheus+https://prometheus.example.com")
    with pytest.raises(InvalidConfigError, match=r"options.meters.0.kind"):
        open_place("prometheus+https://prometheus.example.com", {"meters": [{**METER, "kind": "summary"}]})


# --- the real one ------------------------------------------------------------------------------


def test_the_real_prometheus_gives_the_same_usage(tmp_path: Path) -> None:
    cores, seconds = [], []
    for at in range(START - 600, START + 25 * HOUR, 60):
        if not START + 2 * HOUR < at < START + 3 * HOUR:
            cores.append(f'cores{{namespace="shop",node="n1"}} 1.5 {at}')
        grown = (at - START + 600) % (12 * HOUR)  # reset at 11:50 and 23:50
        seconds.append(f'cpu_seconds_total{{namespace="shop",pod="p"}} {grown * 2} {at}')
    text = ["# TYPE cores gauge", *cores, "# TYPE cpu_seconds counter", *seconds, "# EOF", ""]
    meters = (
        {**METER, "query": "sum by (namespace, node) (cores)", "step_seconds": 60, "bridge_steps": 5},
        {**METER, "meter": "kube/busy", "query": "cpu_seconds_total", "kind": "counter", "per_unit": "3600",
         "resource": "", "step_seconds": 60},
    )  # fmt: skip
    with running_real_prometheus("\n".join(text)) as url:
        found = lines(place(url, *meters), tmp_path)
    held = [line for line in found if line["meter"] == "hours" and line["quantity"]]
    gaps = [line for line in found if line["quantity"] is None]
    busy = [line for line in found if line["meter"] == "busy"]
    # Prometheus itself looks back five minutes for a sample; its versions differ in whether the fifth belongs to them.
    (gap,) = gaps
    assert (gap["started_at"][11:16] in ("02:05", "02:06"), gap["ended_at"][11:16]) == (True, "03:00")
    missing = Decimal(60 - int(gap["started_at"][14:16])) / 60
    assert sum(Decimal(line["quantity"]) for line in held) == Decimal("1.5") * (24 - missing)
    # Of the minute in which a counter is reset nothing is known: twice in the day.
    lost = 2 * Decimal(2 * 60) / 3600
    assert abs(sum(Decimal(line["quantity"]) for line in busy) - (48 - lost)) < Decimal("1E-7")
