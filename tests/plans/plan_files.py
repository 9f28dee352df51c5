"""Plans as `terraform show -json` writes them, as small as a test needs them."""

from __future__ import annotations

import json
import re
from typing import Any

from twinledger.plans import Plan, parse_plan


def change(
    address: str, after: dict[str, Any] | None, before: dict[str, Any] | None = None, *,
    actions: tuple[str, ...] = (), unknown: object = None, sensitive: object = False, **entry: object,
) -> dict[str, Any]:  # fmt: skip
    """One resource; its actions follow from what it is before and after, where they are not said."""
    module, type_name, name = _split(address)
    said = actions or (("create",) if before is None else ("delete",) if after is None else ("update",))
    return {
        "address": address,
        "mode": "managed",
        "type": type_name,
        "name": name,
        **({"module_address": module} if module else {}),
        "provider_name": f"registry.terraform.io/hashicorp/{type_name.split('_')[0]}",
        "change": {
            "actions": list(said),
            "before": before,
            "after": after,
            "after_unknown": unknown or {},
            "before_sensitive": False,
            "after_sensitive": sensitive,
        },
        **entry,
    }


def _split(address: str) -> tuple[str, str, str]:
    """Module, type and name; the resource's own key, in brackets at the end, belongs to none of them."""
    found = re.fullmatch(r"(?:(module\..*)\.)?([a-z_]+)\.([a-z_]+)(\[.*\])?", address, re.DOTALL)
    return (found[1] or "", found[2], found[3]) if found else ("", "aws_instance", "a")


def plan_json(*changes: dict[str, Any], region: str = "us-east-1", **root: object) -> bytes:
    """A plan of AWS resources in one region, as its provider is configured."""
    expressions = {"region": {"constant_value": region}}
    resources = [
        {"address": f"{one['type']}.{one['name']}", "mode": "managed", "provider_config_key": "aws"}
        for one in changes
        if one["type"].startswith("aws_") and "module_address" not in one
    ]
    plan = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "resource_changes": list(changes),
        "configuration": {
            "provider_config": {"aws": {"name": "aws", "expressions": expressions}},
            "root_module": {"resources": resources},
        },
        **root,
    }
    return json.dumps(plan).encode()


def plan(*changes: dict[str, Any], region: str = "us-east-1", **root: object) -> Plan:
    """The same, read."""
    return parse_plan(plan_json(*changes, region=region, **root), "plan.json")
