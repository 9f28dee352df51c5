"""Counting a plan's resources: the real attribute names of the vendors' providers."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.plans.plan_files import change, plan
from twinledger.plans import Reading, Table, load_table, measure
from twinledger.plans.forms import CountConfig, ResourcesFile, TypeConfig
from twinledger.plans.table import packaged
from twinledger.vocabulary.errors import InvalidConfigError
from twinledger.vocabulary.settings import ROOT

CORES = CountConfig.model_validate(
    {
        "meter": "vm/core-hours",
        "types": ["*"],
        "sizes": {"m5.large": "48", "m5.xlarge": "96", "m5.{n}xlarge": "96", "*-standard-{n}": "24"},
    }
)
DISKS = CountConfig.model_validate(
    {"meter": "disk/gb-days", "types": ["aws_ebs_volume"], "sizes": {"gp*": "1"}, "times": "size", "otherwise": "8"}
)
CARDS = CountConfig.model_validate(
    {
        "meter": "gpu/card-hours",
        "types": ["google_compute_instance"],
        "sizes": {"*": "24"},
        "times": "guest_accelerator.*.count",
        "otherwise": "0",
    }
)
TABLE = Table((CORES, DISKS, CARDS))


def read(*changes: dict[str, Any], table: Table = TABLE, region: str = "", account: str | None = None) -> Reading:
    return measure(plan(*changes), table, region=region, account=account)


def uses(reading: Reading) -> list[tuple[str, str, str, Decimal]]:
    return [(one.address, use.key, use.how, use.quantity) for one in reading.counted for use in one.uses]


def test_what_is_created_replaced_or_enlarged_counts_and_nothing_else_does() -> None:
    small, large = {"instance_type": "m5.large"}, {"instance_type": "m5.2xlarge"}
    reading = read(
        change("aws_instance.new", small),
        change("aws_instance.replaced", small, small, actions=("delete", "create")),
        change("aws_instance.grown", large, small),
        change("aws_instance.tagged", {**small, "tags": {"a": "b"}}, small),
        change("aws_instance.shrunk", small, large),
        change("aws_instance.gone", None, small),
        change("aws_instance.same", small, small, actions=("no-op",)),
    )

    assert [(one.address, one.why, one.had) for one in reading.counted] == [
        ("aws_instance.new", "created", {}),
        ("aws_instance.replaced", "replaced", {"vm/core-hours": Decimal(48)}),
        ("aws_instance.grown", "enlarged", {"vm/core-hours": Decimal(48)}),
    ]
    assert uses(reading)[2] == ("aws_instance.grown", "vm/core-hours", "1 x 96 x 2", Decimal(192))
    assert [one.address for one in reading.reduced] == ["aws_instance.shrunk"]
    assert reading.gone == ("aws_instance.gone",)


def test_another_size_counts_although_it_comes_to_the_same() -> None:
    reading = read(change("google_compute_instance.a", {"machine_type": "n2-standard-4", "zone": "us-central1-a"},
                          {"machine_type": "n1-standard-4", "zone": "us-central1-a"}))  # fmt: skip

    assert [(one.size, one.why) for one in reading.counted] == [("n2-standard-4", "resized")]


def test_a_disk_counts_by_its_size_and_a_card_by_its_number() -> None:
    reading = read(
        change("aws_ebs_volume.data", {"type": "gp3", "size": 100, "availability_zone": "us-east-1a"}),
        change("aws_ebs_volume.bare", {"type": "gp3"}),
        change("google_compute_instance.train", {
            "machine_type": "n1-standard-8", "zone": "us-central1-a",
            "guest_accelerator": [{"type": "nvidia-tesla-t4", "count": 2}],
        }),
        change("google_compute_instance.plain", {"machine_type": "n1-standard-8", "zone": "us-central1-a"}),
    )  # fmt: skip

    assert uses(reading) == [
        ("aws_ebs_volume.data", "disk/gb-days", "1 x 1 x 100", Decimal(100)),
        ("aws_ebs_volume.bare", "disk/gb-days", "1 x 1 x 8", Decimal(8)),
        ("google_compute_instance.train", "gpu/card-hours", "1 x 24 x 2", Decimal(48)),
        ("google_compute_instance.train", "vm/core-hours", "1 x 24 x 8", Decimal(192)),
        ("google_compute_instance.plain", "vm/core-hours", "1 x 24 x 8", Decimal(192)),
    ]


def test_of_several_sizes_that_a_pool_may_have_the_largest_counts() -> None:
    pool = {"instance_types": ["m5.xlarge", "m5.large"], "scaling_config": [{"desired_size": 3, "max_size": 9}]}
    (found,) = read(change("aws_eks_node_group.main", pool)).counted

    assert (found.size, found.count) == ("m5.large, m5.xlarge", Decimal(3))
    assert found.uses[0].quantity == Decimal(288)


def test_nothing_that_cannot_be_counted_is_left_out() -> None:
    reading = read(
        change("aws_nat_gateway.a", {}),
        change("aws_instance.metal", {"instance_type": "m5.metal"}),
        change("aws_instance.later", {}, unknown={"instance_type": True}),
        change("aws_instance.hidden", {"instance_type": "m5.large"}, sensitive={"instance_type": True}),
        change("aws_instance.mixed", {"instance_type": {"a": 1}}),
        change("aws_eks_node_group.odd", {"instance_types": ["m5.large"], "scaling_config": [{"desired_size": -1}]}),
        change("aws_ebs_volume.huge", {"type": "gp3", "size": 10**12}),
        change("aws_ebs_volume.endless", {"type": 10**300, "size": 1}),
        change("aws_iam_role.free", {}),
    )

    assert (reading.counted, reading.free) == ((), 1)
    assert [(one.address, one.reason) for one in reading.unmeasured] == [
        ("aws_nat_gateway.a", "aws_nat_gateway is in no table of types"),
        ("aws_instance.metal", "resources.yaml has no meter for aws_instance of size 'm5.metal'"),
        ("aws_instance.later", "its instance_type is known only after the apply"),
        ("aws_instance.hidden", "its instance_type is marked as sensitive"),
        ("aws_instance.mixed", "its size is no text of up to 255 characters"),
        ("aws_eks_node_group.odd", "its count is no number from 0 on"),
        ("aws_ebs_volume.huge", "it counts as 10000000000 units a day or more"),
        ("aws_ebs_volume.endless", "its size is no text of up to 255 characters"),
    ]
    assert "`sizes` of a meter in `counts` of resources.yaml" in reading.unmeasured[1].remedy


def test_a_change_in_place_of_what_cannot_be_counted_is_listed_only_where_it_may_grow() -> None:
    metal = {"instance_type": "m5.metal"}
    reading = read(
        change("aws_instance.tagged", {**metal, "tags": {}}, metal),
        change("aws_instance.larger", {"instance_type": "u-6tb1.metal"}, metal),
        change("aws_instance.later", {}, metal, unknown={"instance_type": True}),
        change("aws_nat_gateway.a", {"x": 2}, {"x": 1}),
    )

    assert [one.address for one in reading.unmeasured] == [
        "aws_instance.larger", "aws_instance.later", "aws_nat_gateway.a",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("type_name", "after", "region", "account"),
    [
        ("aws_instance", {"instance_type": "m5.large", "availability_zone": "us-west-2-lax-1a"}, "us-west-2", None),
        ("aws_instance", {"instance_type": "m5.large", "region": "eu-west-1"}, "eu-west-1", None),
        ("azurerm_linux_virtual_machine", {"size": "m5.large", "location": "westeurope"}, "westeurope", None),
        ("google_compute_instance", {"machine_type": "m5.large", "zone": "europe-west4-b", "project": "shop-1"},
         "europe-west4", "shop-1"),
        ("alicloud_instance", {"instance_type": "m5.large", "availability_zone": "cn-hangzhou-h"}, "cn-hangzhou", None),
        ("alicloud_ecs_disk", {"category": "m5.large", "zone_id": "ap-southeast-1a"}, "ap-southeast-1", None),
        ("tencentcloud_instance", {"instance_type": "m5.large", "availability_zone": "ap-guangzhou-3"}, "ap-guangzhou",
         None),
        ("huaweicloud_compute_instance", {"flavor_name": "m5.large", "availability_zone": "cn-north-4a"}, "cn-north-4",
         None),
        ("volcengine_ecs_instance", {"instance_type": "m5.large", "zone_id": "cn-beijing-a"}, "cn-beijing", None),
    ],
)  # fmt: skip
def test_a_region_is_found_in_each_vendors_attributes(
    type_name: str, after: dict[str, Any], region: str, account: str | None
) -> None:
    (found,) = read(change(f"{type_name}.a", after)).counted

    assert (found.region, found.account, found.size) == (region, account, "m5.large")


def test_what_a_plan_does_not_say_is_taken_from_the_provider_then_from_the_caller() -> None:
    said = change("aws_instance.a", {"instance_type": "m5.large"})
    pool = change("azurerm_kubernetes_cluster_node_pool.b", {"vm_size": "m5.large", "node_count": 2})
    silent, told = read(said, pool), read(said, pool, region="westeurope", account="42")

    assert [one.address for one in silent.counted] == ["aws_instance.a"]
    assert (silent.unmeasured[0].reason, silent.unmeasured[0].remedy[:13]) == (
        "its region is not in the plan", "give --region",
    )  # fmt: skip
    assert [(one.region, one.account) for one in told.counted] == [("us-east-1", "42"), ("westeurope", "42")]


def test_an_account_is_read_from_the_role_that_the_provider_assumes() -> None:
    role = [{"role_arn": {"constant_value": "arn:aws:iam::123456789012:role/deploy"}}]
    configuration = {
        "provider_config": {"aws": {"expressions": {"region": {"constant_value": "us-east-1"}, "assume_role": role}}},
        "root_module": {"resources": [{"address": "aws_instance.a", "provider_config_key": "aws"}]},
    }
    found = measure(plan(change("aws_instance.a", {"instance_type": "m5.large"}), configuration=configuration), TABLE)

    assert found.counted[0].account == "123456789012"


def test_a_moved_resource_is_known_by_its_former_address() -> None:
    same = {"instance_type": "m5.large"}
    reading = read(change("aws_instance.b", same, same, actions=("no-op",), previous_address="aws_instance.a"))

    assert reading.moved == {"aws_instance.a": "aws_instance.b"}


def test_the_companys_types_and_free_types_count_before_the_packaged_ones() -> None:
    own = Table((CORES,), {"terraform_data": TypeConfig(size=("input.size",), region=("input.region",))}, ("aws_*",))
    reading = read(
        change("terraform_data.a", {"input": {"size": "m5.large", "region": "r1"}}),
        change("aws_instance.a", {"instance_type": "m5.large"}),
        table=own,
    )

    assert ([one.address for one in reading.counted], reading.free) == (["terraform_data.a"], 1)


def test_quantities_keep_nine_decimals_and_are_rounded_up() -> None:
    rule = CountConfig.model_validate(
        {"meter": "a/b", "types": ["*"], "sizes": {"*": "0.000000001"}, "times": "size", "otherwise": "1"}
    )
    (found,) = read(change("aws_ebs_volume.a", {"type": "gp3", "size": "1.5"}), table=Table((rule,))).counted

    assert found.uses[0].quantity == Decimal("0.000000002")


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("counts: [{meter: a/b, types: [x], sizes: {y: '1'}, colour: red}]", "counts[0].colour", "unknown key"),
        ("counts: [{meter: a/c, types: [x], sizes: {y: '1'}}]", "counts[0].meter", "expected one of a/b"),
        ("counts: [{meter: a/b, types: [x], sizes: {y: 1.5}}]", "counts[0].sizes.y", "expected a decimal in quotes"),
        ("counts: [{meter: a/b, types: [x], sizes: {'{n}{n}': '1'}}]", "counts[0].sizes", "at most one {n}"),
        ("counts: [{meter: a/b, types: [x], sizes: {y: '1'}, otherwise: '1'}]", "counts[0]", "expected `times`"),
        ("types: {x: {size: a..b}}", "types.x.size[0]", "String should match pattern"),
    ],
)  # fmt: skip
def test_a_mistake_in_resources_yaml_is_named_by_file_and_place(
    tmp_path: Path, text: str, place: str, problem: str
) -> None:
    (tmp_path / "resources.yaml").write_text(text)
    with pytest.raises(InvalidConfigError) as refused:
        load_table(tmp_path, {"a/b"})

    said = str(refused.value)
    assert said.startswith(f"{tmp_path / 'resources.yaml'}: {place}")
    assert problem in said


def test_the_example_of_the_guide_has_the_form_of_resources_yaml() -> None:
    page = (ROOT / "docs" / "guides" / "gate.md").read_text()
    (example,) = [text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if text.startswith("counts:")]

    assert [rule.times for rule in ResourcesFile.model_validate(yaml.safe_load(example)).counts] == [None, "size"]


def test_the_packaged_table_knows_seven_vendors_and_the_example_counts_their_nodes() -> None:
    vendors = {"aws", "azurerm", "google", "alicloud", "tencentcloud", "huaweicloud", "volcengine"}
    assert {name.partition("_")[0] for name in packaged().types} == vendors == set(packaged().providers)

    example = load_table(ROOT / "config", {"kubernetes/core-hours"})
    sizes = {
        "aws_eks_node_group": ("m6i.2xlarge", 192), "azurerm_linux_virtual_machine": ("Standard_D4s_v5", 96),
        "google_container_node_pool": ("e2-standard-4", 96), "alicloud_instance": ("ecs.g7.large", 48),
        "tencentcloud_instance": ("S5.2XLARGE16", 192), "huaweicloud_cce_node": ("c7.xlarge.2", 96),
        "volcengine_vke_node_pool": ("ecs.g3i.4xlarge", 384),
    }  # fmt: skip
    for type_name, (size, expected) in sizes.items():
        (rule,) = example.rules_for(type_name)
        matched = rule.units(size)
        assert matched is not None
        assert matched.units * (matched.number or 1) == expected
