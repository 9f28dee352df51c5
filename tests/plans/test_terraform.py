"""A plan that the real Terraform made: its own provider is built in, so that none is downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.plans.company import FakeDesk, write_grant
from twinledger.plans import Table, gate, measure, read_plan
from twinledger.plans.forms import CountConfig, TypeConfig

MAIN = """
variable "region" { default = "eu-west-1" }
resource "terraform_data" "web" {
  count = 2
  input = { size = "m5.large", region = var.region, nodes = 1 }
}
resource "terraform_data" "later" {
  input = { size = terraform_data.web[0].output.size, region = var.region, nodes = 1 }
}
module "pool" {
  source   = "./pool"
  for_each = toset(["a.b"])
  nodes    = 3
}
"""
POOL = """
variable "nodes" {}
resource "terraform_data" "node" { input = { size = "m5.xlarge", region = "eu-west-1", nodes = var.nodes } }
"""
TABLE = Table(
    (CountConfig.model_validate({"meter": "vm/core-hours", "types": ["terraform_data"],
                                 "sizes": {"m5.large": "48", "m5.xlarge": "96"}}),),
    {"terraform_data": TypeConfig(size=("input.size",), region=("input.region",), count=("input.nodes",))},
)  # fmt: skip


@pytest.fixture
def terraform() -> str:
    """The program; the test is skipped without it, and fails where everything is required."""
    found = shutil.which("terraform")
    if found is None and os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail("REQUIRE_ALL=1, but no terraform: install it from its vendor's package")
    if found is None:
        pytest.skip("no terraform: install it from its vendor's package")
    return found


@pytest.mark.parametrize("backend", ["sqlite"])
def test_what_terraform_plans_is_counted_and_judged(terraform: str, tmp_path: Path, desk: FakeDesk) -> None:
    (tmp_path / "pool").mkdir()
    (tmp_path / "main.tf").write_text(MAIN)
    (tmp_path / "pool" / "main.tf").write_text(POOL)

    def run(*arguments: str) -> bytes:
        known = {"TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1", "TF_DATA_DIR": str(tmp_path / "data")}
        environment = {**os.environ, **known, "TF_IN_AUTOMATION": "1"}
        command = [terraform, *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True).stdout

    run("init", "-input=false", "-no-color")
    run("plan", "-input=false", "-no-color", "-out=planned")
    (tmp_path / "plan.json").write_bytes(run("show", "-json", "planned"))
    reading = measure(read_plan(tmp_path / "plan.json"), TABLE)

    assert [(one.address, one.size, one.region, one.uses[0].how) for one in reading.counted] == [
        ("terraform_data.web[0]", "m5.large", "eu-west-1", "1 x 48"),
        ("terraform_data.web[1]", "m5.large", "eu-west-1", "1 x 48"),
        ('module.pool["a.b"].terraform_data.node', "m5.xlarge", "eu-west-1", "3 x 96"),
    ]
    assert [(one.address, one.reason) for one in reading.unmeasured] == [
        ("terraform_data.later", "its input.size is known only after the apply")
    ]

    write_grant(desk.store, "g", 96, region="eu-west-1")
    verdict = gate(desk, reading, departments=["shop"], workspace="real", who="ci", dry_run=True)
    assert [one.address for one in verdict.uncovered] == [
        'module.pool["a.b"].terraform_data.node', "terraform_data.later",
    ]  # fmt: skip
    assert [(one.resource.address, one.grant) for one in verdict.covered] == [
        ("terraform_data.web[0]", "g"), ("terraform_data.web[1]", "g"),
    ]  # fmt: skip
