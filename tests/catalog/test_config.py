from __future__ import annotations

from pathlib import Path

import pytest

from twinledger.catalog import load_config
from twinledger.vocabulary.errors import InvalidConfigError
from twinledger.vocabulary.settings import ROOT

PEOPLE = "people: [{name: ada, title: Ada}]\n"
POOLS = "pools: [{name: kube, title: K, owner: ada, rules: [{column: ServiceName, equals: [EC2]}]}]\n"
CATALOG = """
products:
  - {name: kube, title: K, description: d, owner: ada, pool: kube, state: listed,
     meters: [{name: hours, title: H, unit: h, prices: [{from: 2026-01-01T00:00:00Z, amount: "0.05", currency: USD}]}]}
"""
SERVING = [
    f"{{name: {name}, title: N, owner: ada, kind: allocated, rules: [{{column: ServiceName, equals: [{name}]}}], "
    f'driver: {{kind: fixed, pools: {{{other}: "1"}}}}}}'
    for name, other in (("net", "help"), ("help", "net"))
]
DEPARTMENT = "{name: NAME, title: T, cost_centre: '1', owner: ada, budget_holder: ada, channel: '#c'MORE}"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        suffix = "csv" if name == "rates" else "yaml"
        (folder / f"{name}.{suffix}").write_text(text)
    return folder


def department(name: str, more: str = "") -> str:
    return DEPARTMENT.replace("NAME", name).replace("MORE", more)


def test_the_example_configuration_is_valid() -> None:
    config = load_config(ROOT / "config")
    assert all((config.sources, config.departments, config.pools, config.products, config.rates))


def test_a_relative_place_is_relative_to_its_file(tmp_path: Path) -> None:
    sources = "sources: [{name: a, kind: usage, format: csv, place: ../in, slice: day}, "
    sources += "{name: b, kind: usage, format: csv, place: 's3://bucket/in', slice: day}]"
    folder = tmp_path / "config"
    folder.mkdir()
    config = load_config(write(folder, sources=sources))
    assert [source.place for source in config.sources] == [str(tmp_path / "in"), "s3://bucket/in"]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"people": "people: [{name: ada, title: A, age: 3}]"}, r"people\.yaml: people\[0\]\.age: unknown key"),
        ({"people": "people: [{name: ada, title: A}]\nroles: []"}, r"people\.yaml: roles: unknown key"),
        ({"people": "people: [\n  {name: ada"}, r"people\.yaml: line 2, column \d+"),
        ({"people": "people: [{name: ada, name: bob, title: A}]"}, r"line 1, column 22: key 'name' stands here twice"),
        ({"people": "people: [{name: 'A; DROP', title: A}]"}, r"people\[0\]\.name: .*lower-case letter"),
        ({"people": PEOPLE[:-2] + ", {name: ada, title: B}]"}, r"people\.yaml: people: 'ada' stands there twice"),
        (
            {"pools": POOLS[:-2] + ", " + ", ".join(SERVING) + "]"},
            r"pools\.yaml: net\.driver: pools serve each other in a circle: net -> help -> net; leave one of them out",
        ),
        (
            {"pools": POOLS.replace("owner: ada,", "owner: ada, kind: allocated,")},
            r"a driver is what an allocated pool has",
        ),
        (
            {
                "catalog": CATALOG,
                "pools": POOLS.replace("owner: ada,", "owner: ada, kind: allocated, driver: {kind: even},"),
            },
            r"products\[0\]\.pool: pool 'kube' is allocated: its driver charges it on, expected a shared pool",
        ),
        ({"catalog": CATALOG, "pools": ""}, r"catalog\.yaml: products\[0\]\.pool: no pool named 'kube'"),
        ({"catalog": CATALOG.replace('"0.05"', "0.05")}, r"prices\[0\]\.amount: expected a decimal in quotes"),
        ({"catalog": CATALOG.replace("0.05", "0.0000000001")}, r"at most 9 digits before and 9 after the point"),
        ({"catalog": CATALOG.replace("0.05", "-1")}, r"below zero"),
        ({"catalog": CATALOG.replace("T00:00:00Z", "")}, r"expected an instant with its time zone"),
        ({"catalog": CATALOG.replace("Z, amount", ", amount")}, r"expected an instant with its time zone"),
        ({"pools": POOLS.replace("ServiceName", "BilledCost")}, r"'BilledCost' is no column that a rule may look at"),
        ({"pools": POOLS.replace("[EC2]", "[]")}, r"expected at least one text"),
        ({"pools": POOLS.replace("[EC2]", "[EC2], prefix: E")}, r"expected either equals or prefix"),
        ({"pools": POOLS.replace("name: kube", "name: unassigned")}, r"is the name for charges in no pool"),
        (
            {"pools": POOLS.replace("}]}]", "}], capacity: [{sku: m5, meter: kube/gib, factor: '1'}]}]")},
            r"capacity\[0\]\.meter: no meter 'kube/gib' in catalog\.yaml",
        ),
        (
            {
                "catalog": CATALOG,
                "pools": POOLS.replace(
                    "}]}]",
                    "}], capacity: [{sku: m5, meter: kube/hours, factor: '1'}, "
                    "{sku: m5, meter: kube/hours, factor: '2'}]}]",
                ),
            },
            r"SKU 'm5' stands here twice",
        ),
        (
            {"pools": POOLS.replace("}]}]", "}], tolerance: {idel: {above: '1'}}}]")},
            r"no component named 'idel'",
        ),
        ({"departments": f"departments: [{department('a')}]"}, r"departments\[0\]\.owner: no person named 'ada'"),
        (
            {"people": PEOPLE, "departments": f"departments: [{department('a', ', parent: b')}]"},
            r"no department named 'b'",
        ),
        (
            {
                "people": PEOPLE,
                "departments": f"departments: [{department('a', ', parent: b')}, {department('b', ', parent: a')}]",
            },
            r"'a' is its own ancestor",
        ),
        (
            {
                "people": PEOPLE,
                "departments": "departments: "
                f"[{department('a', ', tenants: [t]')}, {department('b', ', tenants: [t]')}]",
            },
            r"tenants: 't' stands there twice",
        ),
        (
            {"budgets": "budgets: [{department: a, period: 2026-13, amount: '1', currency: USD}]"},
            r"budgets\[0\]\.period: '2026-13' is no time: expected a month, a quarter or a year",
        ),
        ({"rates": "day,rate\n"}, r"rates\.csv: header: expected kind,day"),
        (
            {"rates": "kind,day,currency,quote,rate,origin\nperiod,2026-10-02,EUR,USD,1.08,ecb\n"},
            r"rate 1, .*first day of the month",
        ),
        (
            {"rates": "kind,day,currency,quote,rate,origin\nday,2026-10-02,EUR,USD,0,ecb\n"},
            r"rate 1, rate: 0 is not above zero",
        ),
    ],
)
def test_a_mistake_is_named_with_its_file_and_place(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidConfigError, match=sentence):
        load_config(write(tmp_path, **files))


def test_a_mistake_in_a_contract_does_not_print_its_price(tmp_path: Path) -> None:
    contract = (
        "contracts: [{id: c, vendor: v, sku: s, from: 2026-01-01, unit_price: 0.0864, currency: dollars, clause: c}]"
    )
    with pytest.raises(InvalidConfigError) as raised:
        load_config(write(tmp_path, contracts=contract.replace("0.0864", "'0.0864'")))
    assert "0.0864" not in str(raised.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match="there is no such folder"):
        load_config(tmp_path / "nowhere")


TWICE = """
sources:
  - {name: report, kind: bill, format: aws_cur_legacy, place: s3://a/cur, account: '410200300001'}
  - {name: export, kind: bill, format: aws_focus_1_2, place: s3://a/focus, account: '410200300001'OPTIONS}
"""


def test_two_sources_of_one_account_would_count_twice(tmp_path: Path) -> None:
    sentence = r"sources\[1\]: account 410200300001 of AWS is billed by source 'report' too, and would count twice"
    with pytest.raises(InvalidConfigError, match=sentence):
        load_config(write(tmp_path, sources=TWICE.replace("OPTIONS", "")))
    beside = TWICE.replace("OPTIONS", ", options: {beside: [report]}")
    assert len(load_config(write(tmp_path, sources=beside)).sources) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("{complete: soon}", r"options\.complete: Input should be 'manifest', 'stable' or 'total'"),
        ("{secret_access_key: x}", r"options\.secret_access_key: unknown key"),
        ("{settle_seconds: -1}", r"options\.settle_seconds: Input should be greater than or equal to 0"),
    ],
)
def test_an_option_of_a_source_that_cannot_be_is_named(tmp_path: Path, options: str, sentence: str) -> None:
    source = f"sources: [{{name: a, kind: bill, format: focus_1_2, place: /in, options: {options}}}]"
    with pytest.raises(InvalidConfigError, match=sentence):
        load_config(write(tmp_path, sources=source))
