"""Reading plans: what is taken, and what is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plans.plan_files import change, plan, plan_json
from twinledger.plans import parse_plan, read_plan
from twinledger.plans.read import DEEPEST, MAX_BYTES, MOST_RESOURCES
from twinledger.vocabulary.errors import (
    FailedPlanError,
    PlanError,
    PlanTooLargeError,
    PlanVersionError,
    UnreadablePlanError,
)


def test_each_action_of_a_plan_is_known() -> None:
    actions = [
        ["create"], ["update"], ["delete"], ["delete", "create"], ["create", "delete"], ["no-op"], ["read"], ["forget"],
        ["create", "forget"],
    ]  # fmt: skip
    found = plan(*(change(f"aws_instance.a[{at}]", {}, {}, actions=tuple(one)) for at, one in enumerate(actions)))

    assert [one.action for one in found.changes] == [
        "create", "update", "delete", "replace", "replace", "keep", "keep", "keep", "replace",
    ]  # fmt: skip


def test_data_sources_and_what_an_earlier_apply_left_behind_are_no_part_of_it() -> None:
    found = plan(
        change("aws_ami.latest", {}, mode="data", actions=("read",)),
        change("aws_instance.web", None, {}, deposed="1a2b3c4d"),
        change("aws_instance.web", {}),
    )

    assert [(one.address, one.action) for one in found.changes] == [("aws_instance.web", "create")]


def test_a_region_comes_from_the_provider_that_the_resource_is_of_through_variables_and_modules() -> None:
    changes = [
        change("aws_instance.root", {}),
        change('module.app["eu"].aws_instance.web[0]', {}),
        change("module.app.module.deep.aws_instance.db", {}),
    ]
    deep = {
        "resources": [{"address": "aws_instance.db", "provider_config_key": "module.app.module.deep:aws"}],
        "variables": {"where": {}},
    }
    app = {
        "resources": [{"address": "aws_instance.web", "provider_config_key": "aws.eu"}],
        "variables": {"region": {"default": "ap-south-1"}},
        "module_calls": {"deep": {"expressions": {"where": {"references": ["var.region"]}}, "module": deep}},
    }
    configuration = {
        "provider_config": {
            "aws": {"expressions": {"region": {"references": ["var.region"]}}},
            "aws.eu": {"expressions": {"region": {"constant_value": "eu-west-1"}}},
            "module.app.module.deep:aws": {
                "module_address": "module.app.module.deep",
                "expressions": {"region": {"references": ["var.where"]}},
            },
        },
        "root_module": {
            "resources": [{"address": "aws_instance.root", "provider_config_key": "aws"}],
            "module_calls": {"app": {"module": app}},
        },
    }
    found = plan(*changes, configuration=configuration, variables={"region": {"value": "us-west-2"}})

    form = "[a-z]{2}-[a-z]+-[0-9]"
    assert [one.settings.text(["region"], form) for one in found.changes] == ["us-west-2", "eu-west-1", "ap-south-1"]


def test_what_a_reference_comes_to_counts_only_where_it_looks_like_what_it_is_taken_for() -> None:
    """A plan has `"${var.geo}-east-1"` and `var.geo` as the same reference."""
    configuration = {
        "provider_config": {"aws": {"expressions": {"region": {"references": ["var.geo"]}}}},
        "root_module": {"resources": [{"address": "aws_instance.a", "provider_config_key": "aws"}]},
    }
    (found,) = plan(
        change("aws_instance.a", {}), configuration=configuration, variables={"geo": {"value": "us"}}
    ).changes

    assert found.settings.text(["region"], "[a-z]{2}-[a-z]+-[0-9]") == ""


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"PK\x03\x04", "a binary plan"),
        (plan_json().decode().encode("utf-16"), "another encoding"),
        (b"Terraform will perform", "expected JSON"),
        (b"[]", "expected an object, found a list"),
        (b'{"format_version": "1.0", "x": NaN}', "NaN is no number"),
        (b'{"format_version": "1.0", "values": {}}', "a state"),
        (plan_json(change("aws_instance.a", {}, actions=("explode",))), r"expected one of create, .*found explode"),
        (plan_json(change("aws_instance.a\x1b[2J", {})), "expected text of one line, found other text"),
        (plan_json(resource_changes=[{"mode": "managed", "address": "a.b"}]), "resource_changes\\[0\\].change"),
        (plan_json(change("aws_instance.a", {}), change("aws_instance.a", {})), "expected each address once"),
        (b'{"format_version": "1.2", "x": 1e9999999999999999999}', "expected JSON"),
        (plan_json(resource_changes={}), "expected a list, found an object"),
    ],
)
def test_what_is_no_plan_is_refused_with_what_was_expected_and_what_to_do(raw: bytes, said: str) -> None:
    with pytest.raises(UnreadablePlanError, match=said) as refused:
        parse_plan(raw, "plan.json")
    assert "terraform show -json" in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePlanError, match=r"none\.json.*No such file"):
        read_plan(tmp_path / "none.json")


def test_another_version_and_a_plan_that_failed_are_refused() -> None:
    with pytest.raises(PlanVersionError, match=r"expected format_version 1\.x, found 0\.1"):
        parse_plan(plan_json(format_version="0.1"), "plan.json")
    with pytest.raises(FailedPlanError, match="is not whole"):
        parse_plan(plan_json(errored=True), "plan.json")


def test_plans_are_bounded_in_bytes_levels_resources_and_addresses() -> None:
    too_many = [change("aws_instance.a", {})] * (MOST_RESOURCES + 1)
    deep = b'{"format_version": "1.2", "x": ' + b"[" * DEEPEST + b"]" * DEEPEST + b"}"
    deeper = b'{"format_version": "1.2", "x": ' + b"[" * 10**5 + b"]" * 10**5 + b"}"

    for raw in (
        b" " * (MAX_BYTES + 1), plan_json(resource_changes=too_many), deep, deeper,
        plan_json(change(f'aws_instance.a["{"x" * 600}"]', {})),
    ):  # fmt: skip
        with pytest.raises(PlanTooLargeError, match="divide the configuration"):
            parse_plan(raw, "plan.json")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=10,
    )
)
@settings(max_examples=40)
def test_any_json_in_any_place_is_read_or_refused_by_name(value: object) -> None:
    for place in ("resource_changes", "configuration", "variables"):
        for root in ({place: value}, {place: [value]}, {place: {"root_module": value, "provider_config": value}}):
            raw = json.dumps({"format_version": "1.2", "resource_changes": [change("aws_instance.a", {})], **root})
            try:
                parse_plan(raw.encode(), "plan.json")
            except PlanError as refused:
                assert "plan.json" in str(refused)  # noqa: PT017 - either is right
