from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.catalog import MeterQuery
from twinledger.metering import HOUR, CardUsage, SeriesUsage, parsed_value
from twinledger.metering.dcgm import exported_lines
from twinledger.vocabulary.errors import InvalidConfigError, UnreadableFileError

START = 1_792_195_200
UTIL = "DCGM_FI_DEV_GPU_UTIL"
Sample = tuple[dict[str, str], str]


def query(kind: str = "cards", metric: str = UTIL) -> MeterQuery:
    return MeterQuery.model_validate(
        {"meter": "gpu/cards", "query": metric, "kind": kind, "tenant": "namespace", "resource": "UUID",
         "step_seconds": 60, "bridge_steps": 5}
    )  # fmt: skip


def pod(namespace: str, card: str = "GPU-1", **more: str) -> dict[str, str]:
    return {"UUID": card, "namespace": namespace, "pod": f"{namespace}-1", **more}


def hours(*minutes: list[Sample], kind: str = "cards", metric: str = UTIL) -> dict[str, Fraction]:
    """Card-hours by tenant; each list is what is seen in one twelfth of an hour, five minutes of it."""
    usage = SeriesUsage(query(kind, metric), START, START + 24 * HOUR)
    CardUsage(usage).observe(
        {
            START + 300 * number + 60 * minute: [(labels, parsed_value(value)) for labels, value in samples]
            for number, samples in enumerate(minutes)
            for minute in range(5)
        }
    )
    found: dict[str, Fraction] = {}
    for line in usage.lines():
        assert line["tenant"]
        found[line["tenant"]] = found.get(line["tenant"], Fraction(0)) + Fraction(line["quantity"] or "0")
    return {tenant: hour.limit_denominator(1000) for tenant, hour in found.items()}


def test_a_card_is_held_for_as_long_as_a_pod_has_it_however_busy() -> None:
    assert hours(*[[(pod("shop"), "0")]] * 12) == {"shop": 1}
    assert hours([(pod("shop"), "97")], [(pod("shop", "GPU-2"), "3")]) == {"shop": Fraction(1, 6)}


def test_pods_that_share_a_card_share_its_hour() -> None:
    shared = [(pod("shop"), "50"), (pod("shop", pod="shop-2"), "50"), (pod("desk"), "50")]
    assert hours(*[shared] * 12) == {"shop": Fraction(1, 2), "desk": Fraction(1, 2)}


def test_a_card_that_somebody_else_has_meanwhile_is_not_bridged() -> None:
    turns = [[(pod("shop"), "1")], [(pod("desk"), "1")]] * 6
    assert hours(*turns) == {"shop": Fraction(1, 2), "desk": Fraction(1, 2)}
    assert hours([(pod("shop"), "1")], [(pod(""), "0")], [(pod("shop"), "1")]) == {"shop": Fraction(1, 6)}


def test_an_idle_card_is_no_tenant_s() -> None:
    assert hours([(pod(""), "0")] * 12) == {}


@pytest.mark.parametrize(
    "blank",
    ["9223372036854775794", "9.223372036854776e+18", "2147483632", "2147483635", "140737488355328", "NaN", "+Inf"],
)
def test_a_blank_is_no_value(blank: str) -> None:
    assert hours([(pod("shop"), blank)]) == {}
    assert hours([(pod("shop"), blank)], kind="busy_cards") == {}


def test_a_mig_instance_is_its_slices_of_the_card_and_the_card_itself_is_not_counted_again() -> None:
    whole = (pod("shop"), "40")
    small = (pod("shop", GPU_I_ID="7", GPU_I_PROFILE="1g.10gb"), "40")
    large = (pod("desk", GPU_I_ID="1", GPU_I_PROFILE="3g.40gb"), "40")
    assert hours(*[[whole, small, large]] * 12) == {"shop": Fraction(1, 7), "desk": Fraction(3, 7)}
    part = (pod("shop", GPU_I_ID="7", GPU_I_PROFILE="1c.3g.40gb"), "1")
    assert hours(*[[part]] * 12) == {"shop": Fraction(1, 7)}
    small_card = (pod("shop", GPU_I_ID="2", GPU_I_PROFILE="1g.6gb", modelName="NVIDIA A30"), "1")
    assert hours(*[[small_card]] * 12) == {"shop": Fraction(1, 4)}


def test_a_percentage_and_a_ratio_are_told_apart_by_the_metric_s_name() -> None:
    assert hours(*[[(pod("shop"), "50")]] * 12, kind="busy_cards") == {"shop": Fraction(1, 2)}
    ratio = "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
    assert hours(*[[(pod("shop"), "0.5")]] * 12, kind="busy_cards", metric=ratio) == {"shop": Fraction(1, 2)}
    assert hours([(pod("shop"), "50")], kind="busy_cards", metric=ratio) == {}
    assert hours([(pod("shop"), "101")], kind="busy_cards") == {}


def test_a_card_is_not_busy_by_a_metric_that_says_nothing_of_it() -> None:
    with pytest.raises(InvalidConfigError, match="DCGM_FI_DEV_GPU_UTIL"):
        hours(kind="busy_cards", metric="DCGM_FI_DEV_GPU_TEMP")


def test_labels_are_read_under_their_older_names_and_the_pod_s_own_come_first() -> None:
    old = {"uuid": "GPU-1", "namespace": "monitoring", "exported_namespace": "shop", "Hostname": "h1"}
    assert hours(*[[(old, "1")]] * 12) == {"shop": 1}


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["shop", "desk", "", "lab"]), st.sampled_from(["1", "2"])), max_size=6),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_a_card_never_counts_more_than_once(minutes: list[list[tuple[str, str]]]) -> None:
    seen = [[(pod(namespace, f"GPU-{card}"), "5") for namespace, card in one] for one in minutes]
    assert sum(hours(*seen).values(), Fraction(0)) <= Fraction(2 * len(minutes), 12) + Fraction(1, 10**6)


def test_exported_samples_are_lines_of_series() -> None:
    series: dict[str, Any] = {
        "metric": {**pod("shop"), "__name__": UTIL},
        "values": [[START + 15.3 + 60 * n, "40"] for n in range(60)],
    }
    other = {"metric": {**pod("shop"), "__name__": "DCGM_FI_DEV_GPU_TEMP"}, "values": [[START, "40"]]}
    text = [json.dumps(series) + "\n", "\n", json.dumps(other)]
    assert list(exported_lines(text, "a.jsonl", [query()])) == [
        {
            "tenant": "shop", "product": "gpu", "meter": "cards", "resource": "GPU-1", "quantity": "1.000000000",
            "started_at": "2026-10-17T00:00:00+00:00", "ended_at": "2026-10-17T01:00:00+00:00",
        }
    ]  # fmt: skip
    for line in ("[]", "{}", '{"metric": {}, "values": [[1]]}', "x"):
        with pytest.raises(UnreadableFileError, match="line 2 is no series"):
            list(exported_lines([json.dumps(other), line], "a.jsonl", [query()]))
