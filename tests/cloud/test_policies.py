"""What is shipped for AWS: policies that allow what the adapters call, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tests.cloud.test_broker import resources
from twinledger.cloud.aws_hands import SESSION_NAME
from twinledger.cloud.session_policy import DEPARTMENT_TAG, GRANT_TAG, session_policy
from twinledger.reconciliation import TAG
from twinledger.vocabulary.settings import ROOT

AWS = ROOT / "docker" / "aws"


def allowed(path: Path) -> dict[str, set[str]]:
    """Action -> the resources that it is allowed on."""
    found: dict[str, set[str]] = {}
    for statement in json.loads(path.read_text())["Statement"]:
        assert statement["Effect"] == "Allow"
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        for action in actions:
            found.setdefault(action, set()).add(statement["Resource"])
    return found


def test_the_policies_allow_reading_one_prefix_and_taking_messages_of_one_queue_and_no_more() -> None:
    queue = "arn:aws:sqs:REGION:ACCOUNT:QUEUE"
    assert allowed(AWS / "read-bills.json") == {
        "s3:ListBucket": {"arn:aws:s3:::BUCKET"},
        "s3:GetObject": {"arn:aws:s3:::BUCKET/PREFIX/*"},
    }
    assert allowed(AWS / "receive-notifications.json") == {"sqs:ReceiveMessage": {queue}, "sqs:DeleteMessage": {queue}}
    assert allowed(AWS / "notify-queue.json") == {"sqs:SendMessage": {queue}}


def test_listing_is_allowed_below_the_prefix_only_and_sending_to_one_bucket_only() -> None:
    (listing, _) = json.loads((AWS / "read-bills.json").read_text())["Statement"]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "PREFIX/*"}}
    (sending,) = json.loads((AWS / "notify-queue.json").read_text())["Statement"]
    assert sending["Condition"]["ArnEquals"] == {"aws:SourceArn": "arn:aws:s3:::BUCKET"}


def test_terraform_sets_up_the_same_actions() -> None:
    named = set(re.findall(r'"((?:s3|sqs):[A-Za-z]+)"', (AWS / "notifications.tf").read_text()))
    policies = [allowed(path) for path in AWS.glob("*.json")]
    assert named - {"s3:prefix"} == set().union(*policies)


def test_both_deployments_start_a_triggerer_and_can_be_told_of_the_queue() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    assert compose["services"]["triggerer"]["command"] == ["airflow", "triggerer"]
    assert "TWINLEDGER_EVENTS__QUEUE_URL=" in (ROOT / "docker" / "env.example").read_text()
    values: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "values.yaml").read_text())
    assert values["triggerer"]["replicas"] >= 1
    assert "TWINLEDGER_EVENTS__QUEUE_URL" in {one["name"] for one in values["env"]}


BROKER = ROOT / "docs" / "policies"


def test_the_broker_may_assume_one_role_with_its_tags_and_nothing_else() -> None:
    role = "arn:aws:iam::ACCOUNT:role/ROLE"
    assert allowed(BROKER / "broker.json") == {
        "sts:AssumeRole": {role}, "sts:TagSession": {role}, "sts:SetSourceIdentity": {role},
    }  # fmt: skip


def test_the_role_trusts_the_broker_alone_with_its_external_id_and_these_tags() -> None:
    statements = json.loads((BROKER / "broker-trust.json").read_text())["Statement"]
    assert {json.dumps(one["Principal"]) for one in statements} == {
        '{"AWS": "arn:aws:iam::BROKER_ACCOUNT:role/BROKER"}'
    }
    assuming, saying = statements
    assert assuming["Action"] == "sts:AssumeRole"
    assert assuming["Condition"]["StringEquals"] == {"sts:ExternalId": "EXTERNAL_ID"}
    assert set(saying["Action"]) == {"sts:TagSession", "sts:SetSourceIdentity"}
    assert saying["Condition"] == {"ForAllValues:StringEquals": {"aws:TagKeys": [GRANT_TAG, DEPARTMENT_TAG]}}


def test_detection_tags_with_one_key_and_stops_nothing_that_does_not_carry_it() -> None:
    machines, databases = "arn:aws:ec2:*:ACCOUNT:instance/*", "arn:aws:rds:*:ACCOUNT:db:*"
    assert allowed(BROKER / "detection.json") == {
        "ec2:CreateTags": {machines}, "ec2:StopInstances": {machines}, "rds:AddTagsToResource": {databases},
        "rds:StopDBInstance": {databases}, "rds:DescribeDBInstances": {databases},
    }  # fmt: skip
    for statement in json.loads((BROKER / "detection.json").read_text())["Statement"]:
        _, deed = statement["Action"].split(":")
        if deed.startswith("Stop"):
            assert statement["Condition"] == {"Null": {f"aws:ResourceTag/{TAG}": "false"}}
        elif "Tags" in deed:
            condition = {"ForAllValues:StringEquals": {"aws:TagKeys": [TAG]}, "Null": {"aws:TagKeys": "false"}}
            assert statement["Condition"] == condition
    (trusting,) = json.loads((BROKER / "detection-trust.json").read_text())["Statement"]
    assert trusting["Condition"] == {"StringEquals": {"sts:RoleSessionName": SESSION_NAME}}


def test_whatever_a_grant_permits_is_within_what_the_role_may() -> None:
    named = [("aws_instance", "m5.large"), ("aws_ebs_volume", "gp3"), ("aws_db_instance", "db.t3.small")]
    asked = {
        action
        for one in named
        for statement in json.loads(session_policy(resources(one), "111122223333"))["Statement"]
        if statement["Effect"] == "Allow"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert asked == set(allowed(BROKER / "broker-role.json"))
