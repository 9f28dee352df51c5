"""Plans on the command line: estimated, asked for, granted by the policy, and judged."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.plans.plan_files import change, plan_json
from twinledger.cli import app
from twinledger.vocabulary.settings import PREFIX, ROOT

POLICY = "rules:\n  - {name: small, when: {amount: {below: '1000'}}, then: allow, reason: nobody need be asked}\n"
REFUSAL = "  - {name: large, when: {amount: {at_least: '1000'}}, then: refuse, reason: too much}\n"
LARGE = {"instance_type": "m5.large"}
NODES = {"instance_types": ["m5.large"], "scaling_config": [{"desired_size": 2}]}


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The example's configuration with a policy that allows what is small, and a plan of two resources."""
    folder = tmp_path_factory.mktemp("deployment")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        patch.setenv(f"{PREFIX}HOME", str(folder / "home"))
        patch.setenv(f"{PREFIX}CONFIG", str(folder / "config"))
        patch.setenv("COLUMNS", "200")
        patch.setenv("LOGNAME", "runner")
        shutil.copytree(ROOT / "config", folder / "config")
        (folder / "config" / "policy.yaml").write_text(POLICY)
        (folder / "plan.json").write_bytes(
            plan_json(change("aws_instance.web[0]", LARGE), change("aws_eks_node_group.n", NODES))
        )
        (folder / "unknown.json").write_bytes(plan_json(change("aws_lb.front", {})))
        for command in (("store", "upgrade"), ("catalog", "apply", str(folder / "config"))):
            assert run(*command).exit_code == 0
        yield folder


def test_an_estimate_shows_its_arithmetic_line_by_line(folder: Path) -> None:
    shown = run("estimate", str(folder / "plan.json"), "--department", "storefront")

    assert shown.exit_code == 0, shown.output
    assert "aws_eks_node_group.n  created  m5.large us-east-1" in shown.output
    assert "kubernetes/core-hours: 2 x 48 = 96.00 core-hour a day, x 0." in shown.output
    assert "x 30 days = " in shown.output
    assert "In all for storefront: " in shown.output


def test_an_estimate_as_json_is_read_from_standard_input_and_lists_what_is_not_counted() -> None:
    plan = plan_json(change("aws_instance.web", LARGE), change("aws_lb.front", {}))
    found = run("estimate", "-", "--department", "storefront", "--json", stdin=plan)

    said = json.loads(found.stdout)
    assert (found.exit_code, said["lines"][0]["quantity"]) == (1, "48.00")
    assert said["not_counted"][0]["address"] == "aws_lb.front"
    assert "`types` of resources.yaml" in said["not_counted"][0]["remedy"]


def test_a_plan_is_refused_then_asked_for_then_covered(folder: Path) -> None:
    plan = str(folder / "plan.json")
    judged = ("gate", plan, "--department", "storefront", "--workspace", "shop")
    refused = run(*judged)
    assert (refused.exit_code, refused.stdout.count("NOT COVERED")) == (1, 2)
    assert "twinledger request submit --department storefront --product kubernetes" in refused.stdout

    asked = ("request", "submit", "--plan", plan, "-d", "storefront", "--days", "5", "--why", "season", "--by", "ada")
    left = run(*asked, stdin=b"n\n")
    assert (left.exit_code, "1 to ask for" in left.output) == (1, True)
    assert "2 aws_eks_node_group m5.large, 1 aws_instance m5.large" in " ".join(left.output.split())
    made = run(*asked, "--yes", "--json")
    assert made.exit_code == 0, made.output
    (request,) = json.loads(made.stdout)["requests"]
    assert request.startswith("req-")

    tried = run(*judged, "--format", "json", "--dry-run")
    assert (tried.exit_code, json.loads(tried.stdout)["drawn"]) == (0, False)
    passed = run(*judged)
    assert (passed.exit_code, "2 covered" in passed.stdout) == (0, True)
    assert "everything is covered, drawn" in passed.stderr
    again = run(*asked, "--workspace", "shop", "--yes", "--json")
    assert again.exit_code == 0, again.output
    said = json.loads(again.stdout)
    assert (said["requests"], {one["grant"] for one in said["covered"]}) == ([], {request.replace("req-", "grant-")})
    everything = run(*asked, "--all", stdin=b"n\n").output
    assert ("1 to ask for" in everything, "covered" in everything) == (True, False)
    sarif = run("gate", str(folder / "unknown.json"), "-d", "storefront", "-w", "shop", "-f", "sarif")
    assert sarif.exit_code == 1
    assert json.loads(sarif.stdout)["runs"][0]["results"][0]["ruleId"] == "uncounted-resource"


def test_a_request_without_a_plan_names_what_it_asks_for() -> None:
    asked = ("request", "submit", "-d", "storefront", "--days", "2", "--why", "a test", "--by", "ada", "--yes")
    short = run(*asked, "--product", "kubernetes")
    assert (short.exit_code, "--meter, --quantity, --region" in short.output) == (2, True)

    whole = (*asked, "--product", "kubernetes", "--meter", "core-hours", "--quantity", "4.5", "--region", "us-east-1")
    late = run(*whole, "--needed-by", "2020-01-31")
    assert (late.exit_code, "needed_by is '2020-01-31', expected" in late.output) == (2, True)
    made = run(*whole, "--needed-by", "2999-01-31")
    assert made.exit_code == 0, made.output
    assert "req-" in made.stdout


def test_of_several_requests_each_is_made_or_refused_by_itself(folder: Path) -> None:
    many = {**NODES, "scaling_config": [{"desired_size": 900}]}
    elsewhere = {**LARGE, "availability_zone": "eu-west-1a"}
    plan = folder / "two.json"
    plan.write_bytes(plan_json(change("aws_eks_node_group.n", many), change("aws_instance.b", elsewhere)))
    (folder / "config" / "policy.yaml").write_text(POLICY.replace("rules:\n", f"rules:\n{REFUSAL}"))
    assert run("catalog", "apply", str(folder / "config")).exit_code == 0
    asked = ("request", "submit", "--plan", str(plan), "-d", "storefront", "--days", "5", "--why", "x", "--by", "ada")
    found = run(*asked, "--yes", "--json")

    said = json.loads(found.stdout)
    assert (found.exit_code, len(said["requests"])) == (1, 1)
    assert [(one["region"], "refused by rule large" in one["reason"]) for one in said["refused"]] == [
        ("us-east-1", True)
    ]


def test_who_asks_must_be_a_person_and_mistakes_end_with_2(folder: Path) -> None:
    nobody = run(
        "request", "submit", "--plan", str(folder / "plan.json"), "-d", "storefront", "--days", "2", "--why", "x"
    )
    assert (nobody.exit_code, "'runner' is nobody in people.yaml" in nobody.output) == (2, True)
    missing = run("estimate", str(folder / "none.json"), "-d", "storefront")
    assert (missing.exit_code, "No such file" in missing.output) == (2, True)
    department = run("gate", str(folder / "plan.json"), "-d", "nobody", "-w", "shop")
    assert (department.exit_code, "no department named 'nobody'" in department.output) == (2, True)
