from __future__ import annotations

import json
from typing import Any

import pytest

from twinledger.catalog import AllocationMeters
from twinledger.metering.opencost import allocation_lines
from twinledger.vocabulary.errors import UnreadableFileError

METERS = AllocationMeters(cpu="kube/hours", ram="kube/gib", gpu="gpu/cards", pv="disk/gib")
WINDOW = {"start": "2026-10-17T08:00:00Z", "end": "2026-10-17T09:00:00Z"}


def allocation(namespace: str | None = "shop", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    properties = {"namespace": namespace, "node": "n1", "providerID": "i-0abc"}
    given = {"name": f"{namespace}/n1", "properties": properties, "window": WINDOW, **WINDOW}
    return {**given, "cpuCoreHours": 1.50000, "ramByteHours": 3221225472, "cpuCost": 9.9, **more}


def lines(*steps: object, meters: AllocationMeters = METERS, code: int = 200) -> list[dict[str, str | None]]:
    return list(allocation_lines(json.dumps({"code": code, "data": list(steps)}), "day.json", meters))


def quantities(*steps: object) -> list[tuple[str | None, str, str | None]]:
    return [(one["tenant"], f"{one['product']}/{one['meter']}", one["quantity"]) for one in lines(*steps)]


def test_an_allocation_is_core_hours_and_gib_hours_of_its_namespace() -> None:
    cpu, ram = lines({"shop/n1": allocation()})
    assert cpu == {
        "tenant": "shop", "resource": "i-0abc", "product": "kube", "meter": "hours", "quantity": "1.500000000",
        "started_at": "2026-10-17T08:00:00Z", "ended_at": "2026-10-17T09:00:00Z",
    }  # fmt: skip
    assert (ram["meter"], ram["quantity"]) == ("gib", "3.000000000")


def test_digits_are_those_of_the_answer_and_bytes_are_rounded_once() -> None:
    one = allocation(cpuCoreHours=0.00001, ramByteHours=1, gpuHours=0.5, pvByteHours=2**40)
    assert [quantity for _, _, quantity in quantities({"shop/n1": one})] == [
        "0.000010000", "0.000000001", "0.500000000", "1024.000000000",
    ]  # fmt: skip


def test_idle_unmounted_and_unallocated_rows_are_no_tenant_s() -> None:
    step = {
        "__idle__": allocation(None, name="__idle__"),
        "cluster-one/__unmounted__": allocation("__unmounted__"),
        "__unallocated__/n1": allocation(None, name="__unallocated__/n1"),
        "shop/n1": allocation(),
    }
    assert {tenant for tenant, _, _ in quantities(step)} == {"shop"}


def test_what_is_absent_is_no_record_and_what_is_null_is_one_without_a_quantity() -> None:
    absent = allocation(cpuCoreHours=None)
    del absent["ramByteHours"]
    assert quantities({"shop/n1": absent}, None) == [("shop", "kube/hours", None)]
    assert quantities({"shop/n1": allocation(gpuHours=0, pvByteHours=0, cpuCoreHours=0)})[0][2] == "0.000000000"
    assert len(quantities({"shop/n1": allocation(gpuHours=0, pvByteHours=0)})) == 2


def test_a_measure_without_a_meter_is_left_out() -> None:
    (only,) = lines({"shop/n1": allocation()}, meters=AllocationMeters(ram="kube/gib"))
    assert only["meter"] == "gib"


def test_an_open_window_is_no_time() -> None:
    still = allocation(start="null", end="null", window={"start": WINDOW["start"], "end": "null"})
    (cpu, _) = lines({"shop/n1": still})
    assert (cpu["started_at"], cpu["ended_at"]) == (WINDOW["start"], None)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"code": 500, "data": []}', '{"code": 200, "data": {}}', '{"code": 200, "data": [{"a": 1}]}']
)
def test_what_is_no_answer_of_opencost_is_refused(text: str) -> None:
    with pytest.raises(UnreadableFileError, match=r"day\.json"):
        list(allocation_lines(text, "day.json", METERS))
