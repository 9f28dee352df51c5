"""The sample company's plans are counted in its catalog's meters, as its pools count what the platform buys."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from tests.plans.plan_files import change, plan
from twinledger.catalog import load_config
from twinledger.plans import load_table, measure
from twinledger.sample.company import LAST_PERIOD
from twinledger.sample.config import write_config


def test_its_resources_count_as_its_capacity_does(tmp_path: Path) -> None:
    write_config(tmp_path, [], [LAST_PERIOD], [], metered=False)
    company = load_config(tmp_path)
    meters = {f"{product.name}/{meter.name}" for product in company.products for meter in product.meters}
    table = load_table(tmp_path, meters)
    capacity = {(one.sku, one.meter): one.factor * 24 for pool in company.pools for one in pool.capacity}

    nodes = {"instance_types": ["r5.large"], "scaling_config": [{"desired_size": 4}]}
    found = measure(
        plan(
            change("aws_instance.node", {"instance_type": "c5.4xlarge"}),
            change("aws_instance.cards", {"instance_type": "p4d.24xlarge"}),
            change("aws_eks_node_group.pool", nodes),
            change("aws_ebs_volume.disk", {"type": "gp3", "size": 100}),
            change("aws_instance.other", {"instance_type": "t3.large"}),
        ),
        table,
    )
    uses = {(one.address, use.key): use.quantity for one in found.counted for use in one.uses}
    assert uses == {
        ("aws_instance.node", "kubernetes/core-hours"): capacity["c5.4xlarge", "kubernetes/core-hours"],
        ("aws_instance.node", "kubernetes/gib-hours"): capacity["c5.4xlarge", "kubernetes/gib-hours"],
        ("aws_instance.cards", "gpu/card-hours"): capacity["p4d.24xlarge", "gpu/card-hours"],
        ("aws_eks_node_group.pool", "kubernetes/core-hours"): Decimal(4 * 2 * 24),
        ("aws_eks_node_group.pool", "kubernetes/gib-hours"): Decimal(4 * 16 * 24),
    }
    assert found.free == 1
    assert [one.address for one in found.unmeasured] == ["aws_instance.other"], "what nobody buys is listed"
